"""Lines of any length: cut into sentences, translated, and put together again.

A model that was trained on single sentences breaks off after the first one of a line: of lines of
two sentences, the demo's model has BLEU 36 whole and 98 cut. So all lines are cut by default. With
a model that knows lines of several sentences, only those may be that are longer than
`decoding.max_source_length`, or than `data.max_length`, beyond which nothing was trained.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from seq2seq.config import Config, DecodingConfig
from seq2seq.errors import LineError
from seq2seq.explanation import Explanation, together
from seq2seq.lines.splitting import Count, Segment, fitting, joined, sentences, starts
from seq2seq.translations import Translation
from seq2seq.translator import Translator

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
    banned: Sequence[str] = (),
    forced: Sequence[Sequence[str]] | None = None,
) -> list[Translation]:
    """Translates lines, some of them cut into sentences; as `Translator.translate` otherwise.

    What a line gives does not depend on its neighbours. The score of a line that was cut is the sum
    of those of its segments, and its n best are the n best combinations of theirs; where they are
    drawn, the first draws of all segments together, the second ones and so on.

    Args:
        translator: The model.
        lines: Any strings.
        decoding: How to search; default the run's.
        split: Which lines are cut. One with a prefix, forced phrases or alternatives never is.
        advance: Called with a number of lines that are done, until all are: as many of all as the
            share of the segments that are.
        prefixes: With what each translation begins; an empty string leaves it free.
        first: Number of the first line in the whole input.
        banned: What no translation may hold; it is looked for within the sentences of a line.
        forced: What each translation has to hold.

    Raises:
        LineError: As `Translator.translate`, by the number of the line.
    """
    decoding = decoding or translator.config.decoding
    parting = decoding.alternatives > 1
    whole = [parting or bool(prefix) for prefix in prefixes or [""] * len(lines)]
    whole = [kept or any(x) for kept, x in zip(whole, forced or [()] * len(lines), strict=True)]
    segments = _segments(translator, lines, whole, decoding, split)
    flat = [(i, j) for i, of_line in enumerate(segments) for j in range(len(of_line))]
    numbers = [(first + i + j * _STRIDE) % 2**31 for i, j in flat]
    try:
        results = translator.translate(
            [segments[i][j].text for i, j in flat],
            decoding,
            advance and _in_lines(advance, len(lines), len(flat)),
            None if prefixes is None else [prefixes[i] for i, _ in flat],
            banned=banned,
            forced=None if forced is None else [forced[i] for i, _ in flat],
            numbers=numbers,
        )
    except LineError as error:
        if error.what == "banned":
            raise
        line = first + flat[numbers.index(error.number - 1)][0] + 1
        raise LineError(error.what, line, error.reason) from None
    waiting, language = iter(results), translator.config.data.target_language
    return [
        _together([next(waiting) for _ in of_line], of_line, decoding, language)
        for of_line in segments
    ]


def _in_lines(advance: Callable[[int], None], lines: int, segments: int) -> Callable[[int], None]:
    """Makes numbers of lines of those of segments: the same share of all; in the end, all lines.

    Args:
        advance: Told of lines.
        lines: How many there are.
        segments: Into how many they were cut.
    """
    done, segments = 0, max(1, segments)

    def of_segments(count: int) -> None:
        nonlocal done
        before, done = done, done + count
        advance(lines * done // segments - lines * before // segments)

    return of_segments


def longest(config: Config, decoding: DecodingConfig) -> int:
    """How many tokens a model reads and knows from training, the end symbol not counted."""
    return max(1, min(decoding.max_source_length, config.data.max_length) - 1)


def _segments(
    translator: Translator,
    lines: Sequence[str],
    whole: Sequence[bool],
    decoding: DecodingConfig,
    split: When,
) -> list[list[Segment]]:
    """The segments of each line; one that stays whole is a segment as it is."""
    segments = [[Segment(line, "")] for line in lines]
    free = [i for i, kept in enumerate(whole) if not kept] if split != "never" else []
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
    if decoding.mbr:
        combined = _ranked_alike(choices)
    elif decoding.sampling:
        combined = _drawn(choices, decoding.seed)
    else:
        combined = _best(choices, decoding.n_best)
    every = [
        Translation(
            joined([one.text for one in parts], segments, language),
            _score(parts),
            tuple(token for one in parts for token in one.tokens),
            cut=sum(one.cut for one in parts),
            unknown=sum(one.unknown for one in parts),
            copied=all(one.copied for one in parts),
            dropped=sum(one.dropped for one in parts),
            divided=sum(segment.cut for segment in segments),
            segments=tuple(
                (segment.text, one) for segment, one in zip(segments, parts, strict=True)
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
        longer.sort(key=_score, reverse=True)
        best = longer[:count]
    return [*best]


def _ranked_alike(choices: Sequence[_Parts]) -> list[_Parts]:
    """The best of all, the second of all, and so on; the last again where there are fewer."""
    count = max(map(len, choices))
    return [[every[min(k, len(every) - 1)] for every in choices] for k in range(count)]


def _drawn(choices: Sequence[_Parts], seed: int) -> list[_Parts]:
    """A draw of each segment beside draws of the others, whatever their scores.

    Draws of a segment come sorted by score; put side by side as they are, those of a line would not
    be independent of one another.
    """
    shuffled = [
        [column[i] for i in np.random.default_rng([seed, place]).permutation(len(column))]
        for place, column in enumerate(zip(*_ranked_alike(choices), strict=True))
    ]
    return sorted(zip(*shuffled, strict=True), key=_score, reverse=True)


def _score(parts: _Parts) -> float:
    return sum(one.score for one in parts)


def explain_lines(
    translator: Translator,
    lines: Sequence[str],
    translations: Sequence[Translation],
    decoding: DecodingConfig | None = None,
) -> list[Explanation]:
    """As `Translator.explain`, for lines of which some were cut.

    What is known of the segments of a line stands one behind the other, each with its end symbol:
    pieces, probabilities, and attention, which is 0 between segments.

    Args:
        translator: The model.
        lines: What was translated.
        translations: What `translate_lines` gave, or one of its `others`.
        decoding: As for `translate_lines`.
    """
    parts = [
        result.segments or ((line, result),)
        for line, result in zip(lines, translations, strict=True)
    ]
    flat = [pair for of_line in parts for pair in of_line]
    texts, results = [text for text, _ in flat], [result for _, result in flat]
    found = iter(translator.explain(texts, results, decoding))
    explained = []
    for line, result, of_line in zip(lines, translations, parts, strict=True):
        segments = [next(found) for _ in of_line]
        if result.segments:
            sources, targets = [text for text, _ in of_line], [part.text for _, part in of_line]
            sides = (_first_words(line, sources), _first_words(result.text, targets))
            begins = list(zip(*sides, strict=True))
            segments = [together(segments, begins, translator.calibration)]
        explained += segments
    return explained


def _first_words(whole: str, parts: Sequence[str]) -> list[int]:
    """The number of the first word of each part of a text; a part may begin within a word."""
    return [
        len(whole[:start].split()) - (start > 0 and not whole[start - 1].isspace())
        for start in starts(whole, parts)
    ]
