"""Lines with markup: it is taken out, the rest is translated, and it is put back by alignment."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from seq2seq.config import DecodingConfig
from seq2seq.long_lines import When, translate_lines
from seq2seq.markup import Marked, Span, cleaned, take_out, words
from seq2seq.reinsertion import Aligned, put_back
from seq2seq.translator import Translation, Translator
from seq2seq.word_alignment import Align, Pairs, attention_alignment


def translate_marked(
    translator: Translator,
    lines: Sequence[str],
    decoding: DecodingConfig | None = None,
    split: When = "always",
    advance: Callable[[int], None] | None = None,
    prefixes: None = None,
    first: int = 0,
    align: Align | None = None,
) -> list[Translation]:
    """Translates lines; every tag, address and placeholder comes out exactly as often as it was in.

    Args:
        translator: The model.
        lines: Any strings.
        decoding: How to search; default the run's.
        split: Which lines are cut into sentences.
        advance: Called with a number of segments that are done, until all are.
        prefixes: None: what stands in front of a translation may be markup.
        first: Number of the first line in the whole input.
        align: Says which words belong together; default the model's attention.
    """
    marked = [take_out(line) for line in lines]
    plain = [one.plain if one.items else one.line for one in marked]
    results = translate_lines(translator, plain, decoding, split, advance, prefixes, first)
    chosen = [i for i, one in enumerate(marked) if one.items]
    every = [(i, one) for i in chosen for one in (results[i], *results[i].others)]
    align = align or attention_alignment(translator)
    texts = _put_back([(marked[i], one) for i, one in every], align)
    for i in chosen:
        best, *others = (
            replace(one, text=next(texts), others=()) for one in (results[i], *results[i].others)
        )
        results[i] = replace(best, others=tuple(others))
    return results


def _put_back(every: Sequence[tuple[Marked, Translation]], align: Align) -> Iterator[str]:
    """Yields the translations with the markup of their lines."""
    segments = [_segments(marked, result) for marked, result in every]
    flat = [pair for of_line in segments for pair in of_line]
    found = iter(align([pair[0] for pair in flat], [pair[1] for pair in flat]))
    for (marked, result), of_line in zip(every, segments, strict=True):
        yield put_back(marked, _aligned(marked, result, of_line, [next(found) for _ in of_line]))


def _segments(marked: Marked, result: Translation) -> Sequence[tuple[str, str]]:
    """What is to be aligned: texts of both sides, none of them blank."""
    if cleaned(result.text) != result.text:
        return []
    segments = result.segments or [(marked.plain, result.text)]
    return [pair for pair in segments if all(text.strip() for text in pair)]


def _aligned(
    marked: Marked,
    result: Translation,
    segments: Sequence[tuple[str, str]],
    pairs: Sequence[Pairs],
) -> Aligned:
    """A whole line, from the alignment of its segments, which are found in it one by one."""
    text = cleaned(result.text)
    spans: tuple[list[Span], list[Span]] = (words(marked.plain), words(text))
    if not segments:
        return Aligned(text, *spans, [])
    spans, ends = ([], []), [0, 0]
    together: Pairs = []
    for pair, of_segment in zip(segments, pairs, strict=True):
        together += [(i + len(spans[0]), j + len(spans[1])) for i, j in of_segment]
        for side, (whole, part) in enumerate(zip((marked.plain, text), pair, strict=True)):
            start = whole.index(part, ends[side])
            spans[side].extend((a + start, b + start) for a, b in words(part))
            ends[side] = start + len(part)
    return Aligned(text, *spans, together)
