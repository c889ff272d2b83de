"""Sentences of different lengths in arrays of few static shapes, so that little is compiled."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Int32

from seq2seq.config import DecodingConfig

_LENGTHS = (8, 16, 32, 64, 128, 256, 512, 1024)
"""Padded source lengths; beyond the last, multiples of it."""
_FEW = 8
"""Rows of a device of the smallest program: for a sentence or two."""
PARTS = 8
"""Into how many equal parts the rows of a device can be cut. There are programs for every part
above half of them, below that for each doubling of the few; and a search that many sentences wait
for fills a part of its rows at a time."""
_USUAL_BEAM = 8
"""Hypotheses of a sentence for which the budget is meant; more of them take their share of it."""
_TURNS = 8
"""How many sentences a queue holds for each row."""


class Shape(NamedTuple):
    """Static sizes of a search on one device."""

    rows: int
    """Sentences that are searched at a time (B)."""
    room: int
    """Longest translation in tokens that can be found (T)."""


class Queue(NamedTuple):
    """Sentences that one call of a search translates, over all devices."""

    sentences: list[int]
    """Their numbers, the longest first."""
    length: int
    """Static length of a source (S)."""
    capacity: int
    """Sentences that there is room for (Q), a multiple of the devices."""
    shape: Shape

    def array(
        self,
        lists: Sequence[Sequence[int]] | Mapping[int, Sequence[int]],
        length: int,
        empty: int,
    ) -> Int32[np.ndarray, "Q _"]:
        """What belongs to each sentence, in the row that `places` says, filled up to a length.

        Args:
            lists: Numbers for each of its sentences, or of all sentences, by theirs.
            length: Of a row.
            empty: What a row is filled up with.
        """
        rows = np.full((self.capacity, length), empty, np.int32)
        for place, i in zip(self.places(), self.sentences, strict=True):
            rows[place, : len(lists[i])] = lists[i]
        return rows

    def phrases(
        self,
        phrases: Sequence[Sequence[Sequence[int]]],
        at_end: bool,
        least: tuple[int, int] = (1, 1),
    ) -> Int32[np.ndarray, "Q phrases width"]:
        """The phrases of each sentence, in the row that `places` says, filled up with -1.

        Args:
            phrases: Of all sentences, by their numbers.
            at_end: Whether each stands at the end of its row.
            least: For how many phrases of a sentence there is room at least, and how many tokens.
        """
        sizes = [max(pair) for pair in zip(_largest(phrases), least, strict=True)]
        table = phrase_table([phrases[i] for i in self.sentences], at_end, (sizes[0], sizes[1]))
        rows = np.full((self.capacity, *table.shape[1:]), -1, np.int32)
        rows[self.places()] = table
        return rows

    def places(self) -> list[int]:
        """The row of each sentence: dealt to the devices in turn, so that all have their share."""
        devices = jax.device_count()
        share = self.capacity // devices
        return [i % devices * share + i // devices for i in range(len(self.sentences))]


def queues(
    sources: Sequence[Sequence[int]], decoding: DecodingConfig, whole: bool = False
) -> Iterator[Queue]:
    """Deals sentences that are not empty into queues of similar length, the longest first.

    The shorter ones fill up the queue of the longer ones where these are few, so that they need no
    program of their own.

    Args:
        sources: Token ids, without the end symbol.
        decoding: Budget of a batch, and how long translations may be.
        whole: Whether there is room for the longest translation that is allowed; otherwise for what
            is usual, which is faster.
    """
    order = sorted((i for i, s in enumerate(sources) if s), key=lambda i: -len(sources[i]))
    budget = decoding.batch_tokens // max(1, decoding.hypotheses // _USUAL_BEAM)
    while order:
        length = padded_length(len(sources[order[0]]) + 1)
        full = _full(budget // length)
        alike = sum(padded_length(len(sources[i]) + 1) == length for i in order)
        taken = order[: max(full, min(alike, full * _TURNS))]
        order = order[len(taken) :]
        rows = _rows(len(taken), full)
        capacity = rows if rows < full else full * _TURNS
        room = length + decoding.max_extra_tokens
        usual = length + max(8, length // 4)
        shape = Shape(rows // jax.device_count(), room if whole else min(room, usual))
        yield Queue(taken, length, capacity, shape)


def _full(budget: int) -> int:
    """Rows of all devices within a budget: of each one at least, and more than 8 in whole parts."""
    each = max(1, budget // jax.device_count())
    return (each if each < PARTS else each - each % PARTS) * jax.device_count()


def _rows(sentences: int, full: int) -> int:
    """The least rows of all devices that there is a program for and that hold so many sentences.

    Args:
        sentences: How many.
        full: The rows that the budget has room for; where they are not enough, these.
    """
    few = _FEW * jax.device_count()
    part = max(few, full // PARTS)
    doubled = few << (-(-sentences // few) - 1).bit_length()
    return doubled if 2 * doubled <= full else min(-(-sentences // part) * part, full)


def padded_length(length: int) -> int:
    """The least static length that holds a source of `length` tokens."""
    longest = _LENGTHS[-1]
    return next((size for size in _LENGTHS if size >= length), -(-length // longest) * longest)


def _largest(phrases: Sequence[Sequence[Sequence[int]]]) -> tuple[int, int]:
    """The most phrases that a sentence has, and the most tokens of a phrase."""
    widths = [len(phrase) for some in phrases for phrase in some]
    return max(map(len, phrases)), max(widths, default=1)


def phrase_table(
    phrases: Sequence[Sequence[Sequence[int]]],
    at_end: bool,
    sizes: tuple[int, int] | None = None,
) -> Int32[np.ndarray, "_ phrases width"]:
    """Phrases of each sentence, filled up with -1 to powers of two: so there are few shapes.

    Args:
        phrases: Token ids.
        at_end: Whether each stands at the end of its row.
        sizes: For how many phrases of a sentence there is room, and for how many tokens of each;
            default as many as there are.
    """
    count, width = (max(4, 1 << (n - 1).bit_length()) for n in sizes or _largest(phrases))
    table = np.full((len(phrases), count, width), -1, np.int32)
    for rows, some in zip(table, phrases, strict=True):
        for row, phrase in zip(rows, some, strict=False):
            row[width - len(phrase) if at_end else 0 :][: len(phrase)] = phrase
    return table
