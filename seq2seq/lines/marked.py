"""Lines with markup: it is taken out, the rest is translated, and it is put back by alignment."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from seq2seq.config import DecodingConfig
from seq2seq.lines.markup import Marked, Span, cleaned, take_out, words
from seq2seq.lines.reinsertion import Aligned, put_back
from seq2seq.lines.splitting import starts
from seq2seq.translations import Translation
from seq2seq.translator import Translator

Pairs = Sequence[tuple[int, int]]
"""Numbers of words that belong together, from 0: source, target."""
Align = Callable[[Sequence[str], Sequence[Translation]], Sequence[Pairs]]
"""`align(sources, translations)`: the pairs of each; words are what is between spaces."""


def translate_marked(
    lines: Sequence[str],
    translate: Callable[[Sequence[str]], list[Translation]],
    align: Align,
) -> list[Translation]:
    """Translates lines; every tag, address and placeholder comes out exactly as often as it was in.

    Args:
        lines: Any strings.
        translate: Translates as many lines, which have no markup any more. Where it gives them a
            beginning or words to hold, markup may come to stand in front or within.
        align: Says which words belong together, as `attention_alignment` does.
    """
    marked = [take_out(line) for line in lines]
    results = translate([one.plain if one.items else one.line for one in marked])
    chosen = [i for i, one in enumerate(marked) if one.items]
    every = [(i, one) for i in chosen for one in (results[i], *results[i].others)]
    texts = _put_back([(marked[i], one) for i, one in every], align)
    for i in chosen:
        best, *others = (
            replace(one, text=next(texts), others=()) for one in (results[i], *results[i].others)
        )
        results[i] = replace(best, others=tuple(others))
    return results


def attention_alignment(translator: Translator, decoding: DecodingConfig | None = None) -> Align:
    """Alignment by a model's own attention; the diagonal for what it has copied.

    Args:
        translator: The model.
        decoding: As it was searched; default the run's.
    """

    def align(sources: Sequence[str], translations: Sequence[Translation]) -> list[Pairs]:
        found = translator.explain(sources, translations, decoding)
        return [
            [(i, i) for i in range(len(one.text.split()))] if one.copied else known.alignment
            for one, known in zip(translations, found, strict=True)
        ]

    return align


def _put_back(every: Sequence[tuple[Marked, Translation]], align: Align) -> Iterator[str]:
    """Yields the translations with the markup of their lines."""
    segments = [_segments(marked, result) for marked, result in every]
    flat = [pair for of_line in segments for pair in of_line]
    found = iter(align([pair[0] for pair in flat], [pair[1] for pair in flat]))
    for (marked, result), of_line in zip(every, segments, strict=True):
        yield put_back(marked, _aligned(marked, result, of_line, [next(found) for _ in of_line]))


def _segments(marked: Marked, result: Translation) -> Sequence[tuple[str, Translation]]:
    """What is to be aligned: sources and translations, none of them blank."""
    if cleaned(result.text) != result.text:
        return []
    segments = result.segments or [(marked.plain, result)]
    return [(text, one) for text, one in segments if text.strip() and one.text.strip()]


def _aligned(
    marked: Marked,
    result: Translation,
    segments: Sequence[tuple[str, Translation]],
    pairs: Sequence[Pairs],
) -> Aligned:
    """A whole line, from the alignment of its segments, which are found in it one by one."""
    text = cleaned(result.text)
    if not segments:
        return Aligned(text, words(marked.plain), words(text), [])
    spans: tuple[list[Span], list[Span]] = ([], [])
    sides = (
        starts(marked.plain, [source for source, _ in segments]),
        starts(text, [translation.text for _, translation in segments]),
    )
    together: list[tuple[int, int]] = []
    for (source, translation), places, of_segment in zip(
        segments, zip(*sides, strict=True), pairs, strict=True
    ):
        together += [(i + len(spans[0]), j + len(spans[1])) for i, j in of_segment]
        for side, part, start in zip(spans, (source, translation.text), places, strict=True):
            side.extend((a + start, b + start) for a, b in words(part))
    return Aligned(text, *spans, together)
