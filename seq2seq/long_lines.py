"""Lines of any length: cut into sentences, translated, and put together again.

A model that was trained on single sentences breaks off after the first one of a line: of lines of
two sentences, the demo's model has BLEU 36 whole and 98 cut. So all lines are cut by default. With
a model that knows lines of several sentences, only those may be that are longer than
`decoding.max_source_length`, or than `data.max_length`, beyond which nothing was trained.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from seq2seq.config import Config, DecodingConfig
from seq2seq.splitting import Count, Segment, fitting, joined, sentences
from seq2seq.translator import Translation, Translator

When = Literal["long", "always", "never"]
"""Which lines are cut into sentences: those that are too long, all, or none."""

_STRIDE = 1_000_003
"""What the numbers of a line's segments differ by: draws hang on them. A prime above most files."""


def translate_lines(
    translator: Translator,
    lines: Sequence[str],
    decoding: DecodingConfig | None = None,
    split: When = "always",
    advance: Callable[[int], None] | None = None,
    prefixes: Sequence[str] | None = None,
    first: int = 0,
) -> list[Translation]:
    """Translates lines, some of them cut into sentences; as `Translator.translate` otherwise.

    What a line gives does not depend on its neighbours. The score of a line that was cut is the sum
    of those of its segments, and its n best are the n best combinations of theirs; where they are
    drawn, the first draws of all segments together, the second ones and so on.

    Args:
        translator: The model.
        lines: Any strings.
        decoding: How to search; default the run's.
        split: Which lines are cut. One with a prefix never is.
        advance: Called with a number of segments that are done, until all are.
        prefixes: With what each translation begins; an empty string leaves it free.
        first: Number of the first line in the whole input.

    Raises:
        LineError: As `Translator.translate`.
    """
    decoding = decoding or translator.config.decoding
    begun = [""] * len(lines) if prefixes is None else prefixes
    segments = _segments(translator, lines, begun, decoding, split)
    if all(len(of_line) == 1 for of_line in segments):
        return translator.translate(lines, decoding, advance, prefixes, first)
    flat = [(i, j) for i, of_line in enumerate(segments) for j in range(len(of_line))]
    results = translator.translate(
        [segments[i][j].text for i, j in flat],
        decoding,
        advance,
        None if prefixes is None else [prefixes[i] for i, _ in flat],
        numbers=[(first + i + j * _STRIDE) % 2**31 for i, j in flat],
    )
    waiting, language = iter(results), translator.config.data.target_language
    return [
        _together([next(waiting) for _ in of_line], of_line, decoding, language)
        for of_line in segments
    ]


def longest(config: Config, decoding: DecodingConfig) -> int:
    """How many tokens a model reads and knows from training, the end symbol not counted."""
    return max(1, min(decoding.max_source_length, config.data.max_length) - 1)


def _segments(
    translator: Translator,
    lines: Sequence[str],
    prefixes: Sequence[str],
    decoding: DecodingConfig,
    split: When,
) -> list[list[Segment]]:
    """The segments of each line; one that stays whole is a segment as it is."""
    segments = [[Segment(line, "")] for line in lines]
    free = [i for i, prefix in enumerate(prefixes) if not prefix] if split != "never" else []
    limit = longest(translator.config, decoding)
    count = translator.source_lengths
    long = _too_long([lines[i] for i in free], count, limit)
    for i, too_long in zip(free, long, strict=True):
        if too_long or split == "always":
            language = translator.config.data.source_language
            found = sentences(lines[i], language) or segments[i]
            segments[i] = [
                part
                for one in found
                for part in (fitting(one, count, limit) if too_long else [one])
            ]
    return segments


def _too_long(lines: Sequence[str], count: Count, limit: int) -> list[bool]:
    """Whether each line has more than `limit` tokens; only those that may have are counted."""
    candidates = [
        i for i, line in enumerate(lines) if len(line.encode("utf-8", "replace")) >= limit
    ]
    lengths = dict(zip(candidates, count([lines[i] for i in candidates]), strict=True))
    return [lengths.get(i, 0) > limit for i in range(len(lines))]


def _together(
    results: Sequence[Translation],
    segments: Sequence[Segment],
    decoding: DecodingConfig,
    language: str,
) -> Translation:
    """The translation of a line, of those of its segments."""
    if len(results) == 1:
        return results[0]
    choices = [(result, *result.others) for result in results]
    combined = _drawn(choices) if decoding.draws else _best(choices, decoding.n_best)
    every = [
        Translation(
            joined([one.text for one in parts], segments, language),
            sum(one.score for one in parts),
            tuple(token for one in parts for token in one.tokens),
            cut=sum(one.cut for one in parts),
            unknown=sum(one.unknown for one in parts),
            copied=all(one.copied for one in parts),
            divided=sum(segment.cut for segment in segments),
            segments=tuple(
                (segment.text, one.text) for segment, one in zip(segments, parts, strict=True)
            ),
        )
        for parts in combined
    ]
    return replace(every[0], others=tuple(every[1:]))


_Parts = Sequence[Translation]
"""A translation of each segment of a line."""


def _best(choices: Sequence[_Parts], count: int) -> list[_Parts]:
    """The combinations with the highest sums of scores, the best first."""
    best: list[list[Translation]] = [[]]
    for of_segment in choices:
        longer = [[*parts, one] for parts in best for one in of_segment]
        longer.sort(key=lambda parts: -sum(one.score for one in parts))
        best = longer[:count]
    return [*best]


def _drawn(choices: Sequence[_Parts]) -> list[_Parts]:
    """The first of all, the second of all, and so on; the last again where there are fewer."""
    count = max(map(len, choices))
    return [[every[min(k, len(every) - 1)] for every in choices] for k in range(count)]
