"""Markup put back into a translation, by word alignment.

A pair of tags goes around the target words that are aligned to those it surrounded, everything else
beside the words that are aligned to its neighbours. Tags that were well nested stay so, and each
item is there exactly once whatever the alignment says: what is inside a pair is placed inside of
the range that the pair was given, and ranges beside each other have no word in common.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from seq2seq.lines.markup import CLOSING, OPENING, Item, Marked, Span

_CLOSED = re.compile(rf"[{re.escape(CLOSING)}]+(?!\S)")
_OPENED = re.compile(rf"(?:^|[\s>])[{re.escape(OPENING)}]+$")


@dataclass(frozen=True)
class _Node:
    """An item that stands alone, or a pair of tags with what is between them.

    Attributes:
        opening: The item.
        closing: The second tag of a pair.
        inside: What is between the two.
    """

    opening: Item
    closing: Item | None = None
    inside: tuple["_Node", ...] = ()


def _nodes(found: Sequence[Item]) -> tuple[_Node, ...]:
    """Items as trees."""
    levels: list[tuple[Item | None, list[_Node]]] = [(None, [])]
    for item in found:
        if item.kind == "open":
            levels.append((item, []))
        elif item.kind == "close":
            opening, inside = levels.pop()
            assert opening is not None
            levels[-1][1].append(_Node(opening, item, tuple(inside)))
        else:
            levels[-1][1].append(_Node(item))
    return tuple(levels[0][1])


class _Placed(NamedTuple):
    """A node with its characters in the target: none for what stands between two."""

    start: int
    end: int
    node: _Node
    inside: list["_Placed"]


class _Frame(NamedTuple):
    """Where nodes may be placed."""

    source: Span
    """Words of the source that are between the tags around them."""
    target: Span
    """Words of the target that are."""
    start: int
    """Characters of the target that are."""
    end: int


class Aligned(NamedTuple):
    """A translation and where its words come from."""

    text: str
    source: Sequence[Span]
    """The words of the plain source, in characters."""
    target: Sequence[Span]
    """Those of the translation."""
    pairs: Sequence[tuple[int, int]]
    """Which of them belong together, by number: source, target."""


def put_back(marked: Marked, aligned: Aligned) -> str:
    """Puts the markup of a line into its translation.

    Args:
        marked: The line.
        aligned: The translation of its plain text, without anything that looks like an item.

    Returns:
        The translation with each of the items exactly once.
    """
    if not marked.plain.strip():
        return marked.line
    frame = _Frame((0, len(aligned.source)), (0, len(aligned.target)), 0, len(aligned.text))
    placed = _Placing(marked.plain, aligned).placed(_nodes(marked.items), frame)
    return _spaced(_pieces(placed, aligned.text, 0, len(aligned.text)))


class _Placing:
    """Finds places in a translation for the items of its source."""

    def __init__(self, plain: str, aligned: Aligned) -> None:
        self._plain, self._aligned = plain, aligned
        self._targets: dict[int, list[int]] = {}
        for i, j in aligned.pairs:
            self._targets.setdefault(i, []).append(j)

    def placed(self, nodes: Sequence[_Node], frame: _Frame) -> list[_Placed]:
        """Places nodes that stand beside one another, in the order of the target."""
        found: list[_Placed] = []
        free = [True] * len(self._aligned.target)
        points: list[_Node] = []
        for node in nodes:
            inner = self._pair(node, frame, free) if node.closing else None
            if inner is None:
                points.append(node)
                continue
            free[slice(*inner.target)] = [False] * (inner.target[1] - inner.target[0])
            found.append(_Placed(inner.start, inner.end, node, self.placed(node.inside, inner)))
        for node in points:
            point = self._point(node.opening.place, frame)
            for other in found:
                point = other.end if other.start < point < other.end else point
            empty = _Frame((0, 0), (0, 0), point, point)
            found.append(_Placed(point, point, node, self.placed(node.inside, empty)))
        order = {id(node): number for number, node in enumerate(nodes)}
        return sorted(found, key=lambda one: (one.start, one.end, order[id(one.node)]))

    def _pair(self, node: _Node, frame: _Frame, free: Sequence[bool]) -> _Frame | None:
        """Where a pair of tags goes; None where it has no words, or none are aligned to them."""
        assert node.closing is not None
        start, end = node.opening.place, node.closing.place
        source = self._aligned.source
        inside = [i for i in range(*frame.source) if source[i][0] < end and source[i][1] > start]
        if not inside:
            return None
        whole = len(inside) == frame.source[1] - frame.source[0] and all(free[slice(*frame.target)])
        words = frame.target if whole else self._range(set(inside), frame, free)
        if words[0] == words[1]:
            return None
        target, text = self._aligned.target, self._aligned.text
        first, last = target[words[0]], target[words[1] - 1]
        begin, stop = max(first[0], frame.start), min(last[1], frame.end)
        if re.match(r"\s*\w", self._plain[start:]):
            begin = max(begin, _trimmed(text, first)[0])
        if re.search(r"\w\s*$", self._plain[:end]):
            stop = min(stop, _trimmed(text, last)[1])
        return _Frame((inside[0], inside[-1] + 1), words, begin, max(begin, stop))

    def _range(self, inside: set[int], frame: _Frame, free: Sequence[bool]) -> Span:
        """The neighbours in the target that belong best to some words of the source.

        Each that is aligned to one of them counts 1, each other one that is aligned to something
        -1; the highest sum wins, of equals the shortest.
        """
        weights: dict[int, int] = {}
        for i, targets in self._targets.items():
            for j in targets:
                weights[j] = 1 if i in inside else weights.get(j, -1)
        best, span = 0, (frame.target[0], frame.target[0])
        total, begin = 0, frame.target[0]
        for j in range(*frame.target):
            if not free[j]:
                total, begin = 0, j + 1
                continue
            total += weights.get(j, 0)
            if total <= 0:
                total, begin = 0, j + 1
            elif total > best:
                best, span = total, (begin, j + 1)
        return span

    def _point(self, place: int, frame: _Frame) -> int:
        """Where something goes that stands between words, or beside the punctuation of one."""
        source, target = self._aligned.source, self._aligned.target
        if frame.start == frame.end or not target:
            return frame.start
        here = [i for i in range(*frame.source) if source[i][0] < place < source[i][1]]
        left = [i for i in range(*frame.source) if source[i][1] <= place]
        right = [i for i in range(*frame.source) if source[i][0] >= place]
        if not here and not left:
            return frame.start
        if not here and not right:
            return frame.end
        left += here
        for distance in range(len(source)):
            before, after = left[-1 - distance :][:1], right[distance : distance + 1]
            if len(left) > distance and (targets := self._targets.get(before[0])):
                point = target[max(targets)][1]
                if here and not distance:
                    point = self._beside(place, source[here[0]], target[max(targets)])
                break
            if after and (targets := self._targets.get(after[0])):
                point = target[min(targets)][0]
                break
        else:
            point = target[len(left) * (len(target) - 1) // len(source)][1]
        return min(max(point, frame.start), frame.end)

    def _beside(self, place: int, source: Span, target: Span) -> int:
        """Beside the punctuation of a word, as in the source; otherwise behind the word."""
        core = _trimmed(self._aligned.text, target)
        if not re.search(r"\w", self._plain[place : source[1]]):
            return core[1]
        if not re.search(r"\w", self._plain[source[0] : place]):
            return core[0]
        return target[1]


def _trimmed(text: str, span: Span) -> Span:
    """A word without punctuation around it; one of nothing else as it is."""
    found = [match.start() for match in re.finditer(r"\w", text[slice(*span)])]
    return (span[0] + found[0], span[0] + found[-1] + 1) if found else span


_Piece = tuple[str, Item | None]
"""A part of the result, and what item it is."""


def _pieces(placed: Sequence[_Placed], text: str, start: int, end: int) -> Iterator[_Piece]:
    """Text and items in their order."""
    for one in placed:
        yield text[start : one.start], None
        yield one.node.opening.text, one.node.opening
        if one.node.closing is not None:
            yield from _pieces(one.inside, text, one.start, one.end)
            yield one.node.closing.text, one.node.closing
        start = one.end
    yield text[start:end], None


def _spaced(pieces: Iterator[_Piece]) -> str:
    """Puts the pieces together, with spaces where they stood in the source, or must be."""
    whole, last = "", None
    for text, item in pieces:
        if not text:
            continue
        if last is not None and last.kind == "alone" and not last.right and item is None:
            text = text.lstrip(" ")
        elif item is not None and item.kind == "alone" and not item.left:
            whole = whole.rstrip(" ")
        touching = whole and text and not (whole[-1].isspace() or text[0].isspace())
        if touching and _apart(whole, last, text, item):
            whole += " "
        whole += text
        last = item
    return whole


def _apart(whole: str, last: Item | None, text: str, item: Item | None) -> bool:
    """Whether a space belongs between what is there and what comes."""
    kinds = (last.kind if last else "text", item.kind if item else "text")
    if kinds == ("word", "word"):
        return True
    if kinds[0] == "open" or kinds[1] == "close":
        return False
    if (item is None and _CLOSED.match(text)) or (last is None and _OPENED.search(whole)):
        return False
    if "text" in kinds and "word" in kinds:
        return True
    return bool((last and last.right) or (item and item.left))
