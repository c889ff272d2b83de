"""Lines of several sentences, cut into what is translated by itself; nothing is lost by it.

Sentences end where sentencex (Wikimedia) says so, by the rules of the language. A sentence that is
too long by itself is cut where its clauses end, or else at spaces, or else anywhere.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import sentencex

Count = Callable[[Sequence[str]], list[int]]
"""`count(texts)`: how many tokens each text has."""

_PLACES = (
    re.compile(r"(?<=[;:])\s+|(?<=[；：])"),
    re.compile(r"(?<=[,–—])\s+|(?<=[，、،])"),
    re.compile(r"\s+"),
)
"""Where a sentence is cut, the best places first."""
_SPACELESS = frozenset(("bo", "ja", "km", "lo", "my", "th", "wuu", "yue", "zh"))
"""Languages that write no spaces between sentences."""


class Segment(NamedTuple):
    """A part of a line that is translated by itself."""

    text: str
    """Without spaces around it."""
    gap: str
    """What stands between it and the segment before: spaces, or nothing."""
    cut: bool = False
    """Whether it is a part of a sentence that was too long."""


def sentences(text: str, language: str) -> list[Segment]:
    """Cuts a text into its sentences.

    Args:
        text: Any text; joined with their gaps, the sentences are it, but for spaces around it.
        language: Its code, such as `en`.
    """
    spaced = re.sub(r"\s", " ", text)  # of the same length: sentencex stumbles over U+2028
    found: list[Segment] = []
    start, gap = 0, ""
    for part in sentencex.segment(_code(language), spaced):
        whole = text[start : start + len(part)]
        start += len(part)
        body = whole.strip()
        if body:
            before = whole[: len(whole) - len(whole.lstrip())]
            found.append(Segment(body, gap + before if found else ""))
            gap = whole[len(whole.rstrip()) :]
        else:
            gap += whole
    return found


def fitting(segment: Segment, count: Count, limit: int) -> list[Segment]:
    """Cuts a sentence that is too long into few parts of similar length.

    Args:
        segment: The sentence.
        count: The measure.
        limit: Most tokens of a part; a single character may have more.
    """
    parts = _fitting(segment.text, count, limit)
    if len(parts) == 1:
        return [segment]
    return [Segment(text, gap, True) for gap, text in [(segment.gap, parts[0][1]), *parts[1:]]]


def joined(texts: Sequence[str], segments: Sequence[Segment], language: str) -> str:
    """Puts translations of segments together, with what stood between these.

    Args:
        texts: A translation for each segment.
        segments: What they are of.
        language: The code of their language: some write spaces between sentences, some do not.
    """
    spaceless = _code(language) in _SPACELESS
    whole = ""
    for text, segment in zip(texts, segments, strict=True):
        gap = "" if spaceless else " " * max(1, len(segment.gap))
        whole += gap + text if whole and text else text
    return whole


def starts(whole: str, parts: Sequence[str]) -> list[int]:
    """Where parts of a text begin in it, each one behind the one before."""
    found, end = [], 0
    for part in parts:
        found.append(whole.index(part, end))
        end = found[-1] + len(part)
    return found


def _code(language: str) -> str:
    """The first part of a language code: `de` of `de-AT`."""
    return re.split("[-_]", language)[0].lower()


def _fitting(
    text: str, count: Count, limit: int, places: Sequence[re.Pattern[str]] = _PLACES
) -> list[tuple[str, str]]:
    """The parts of a text, each with what stands before it."""
    [total] = count([text])
    if total <= limit or len(text) < 2:
        return [("", text)]
    if not places:
        half = len(text) // 2
        return [
            part for half in (text[:half], text[half:]) for part in _fitting(half, count, limit, ())
        ]
    pieces = _pieces(text, places[0])
    parts = []
    for gap, group in _grouped(pieces, count([piece for _, piece in pieces]), limit):
        [(_, first), *rest] = _fitting(group, count, limit, places[1:])
        parts += [(gap, first), *rest]
    return parts


def _pieces(text: str, place: re.Pattern[str]) -> list[tuple[str, str]]:
    """A text cut at all of the places, each piece with what stands before it."""
    pieces, start, gap = [], 0, ""
    for match in place.finditer(text):
        if start < match.start() and match.end() < len(text):
            pieces.append((gap, text[start : match.start()]))
            start, gap = match.end(), match[0]
    return [*pieces, (gap, text[start:])]


def _grouped(
    pieces: Sequence[tuple[str, str]], sizes: Sequence[int], limit: int
) -> Iterator[tuple[str, str]]:
    """Puts neighbours together while they fit, so that the groups are of similar size."""
    aim = sum(sizes) / -(-sum(sizes) // limit)
    (before, group), size = pieces[0], sizes[0]
    for (gap, piece), more in zip(pieces[1:], sizes[1:], strict=True):
        if size >= aim or size + more > limit:
            yield before, group
            before, group, size = gap, piece, more
        else:
            group, size = group + gap + piece, size + more
    yield before, group
