"""Which pairs are kept, and why the others are not.

What can be told from the text (undecodable, empty, duplicate) is told in a first reading of the
corpora, which also draws the pairs that the vocabulary is learnt from; what needs tokens (too long,
length ratio) is told when the pairs have been encoded.

Duplicates are exact pairs, found by 64-bit hashes (8 bytes a pair while the first reading lasts):
among 40 million pairs the chance that any is dropped wrongly is 4 in 100 000.
"""

from array import array
from collections.abc import Sequence
from enum import IntEnum
from hashlib import blake2b

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from seq2seq.data.corpora import Chunk


class Verdict(IntEnum):
    """What becomes of a pair; the reasons are asked in this order."""

    KEPT = 0
    UNDECODABLE = 1
    EMPTY = 2
    DUPLICATE = 3
    TOO_LONG = 4
    LENGTH_RATIO = 5


Verdicts = UInt8[np.ndarray, " pairs"]
"""The verdict on each pair."""


class Survey:
    """A first reading of corpora, chunk by chunk.

    Args:
        sample_size: Most pairs that are drawn for learning the vocabulary.
        drop_duplicates: Whether a pair seen before is dropped.

    Attributes:
        sample: The pairs drawn so far; always the same for the same pairs.
    """

    def __init__(self, sample_size: int, drop_duplicates: bool) -> None:
        self.sample: list[tuple[str, str]] = []
        self._sample_size = sample_size
        self._drop_duplicates = drop_duplicates
        self._generator = np.random.default_rng(0)
        self._offered = 0
        self._verdicts = bytearray()
        self._hashes = array("Q")

    @property
    def read(self) -> int:
        """Pairs read so far."""
        return len(self._verdicts)

    def add(self, chunk: Chunk) -> None:
        """Judges the pairs of a chunk."""
        good = []
        for source, target in zip(*chunk, strict=True):
            if source is None or target is None:
                self._verdicts.append(Verdict.UNDECODABLE)
            elif not source.strip() or not target.strip():
                self._verdicts.append(Verdict.EMPTY)
            else:
                self._verdicts.append(Verdict.KEPT)
                good.append((source, target))
        if self._drop_duplicates:
            self._hashes.extend(pair_hash(*pair) for pair in good)
        self._draw(good)

    def verdicts(self) -> Verdicts:
        """Returns the verdict on every pair read, in order."""
        verdicts = np.array(self._verdicts, np.uint8)
        if self._drop_duplicates:
            good = np.flatnonzero(verdicts == Verdict.KEPT)
            _, firsts = np.unique(np.array(self._hashes, np.uint64), return_index=True)
            verdicts[np.delete(good, firsts)] = Verdict.DUPLICATE
        return verdicts

    def _draw(self, pairs: list[tuple[str, str]]) -> None:
        """Gives each pair offered so far the same chance to be in the sample (Vitter's R)."""
        room = max(0, self._sample_size - len(self.sample))
        self.sample += pairs[:room]
        rest = pairs[room:]
        self._offered += len(pairs)
        offered_before = self._offered - len(rest)
        places = self._generator.integers(0, np.arange(len(rest)) + offered_before + 1)
        for i in np.flatnonzero(places < self._sample_size):
            self.sample[places[i]] = rest[i]


def pair_hash(source: str, target: str) -> int:
    """Returns 64 bits that tell a pair from every other."""
    text = f"{len(source)} {source}{target}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")


def judge_lengths(
    source_lengths: Int64[np.ndarray, " pairs"],
    target_lengths: Int64[np.ndarray, " pairs"],
    max_length: int,
    max_ratio: float,
) -> Verdicts:
    """Returns the verdict on encoded pairs.

    Args:
        source_lengths: Tokens of each source, without the end symbol.
        target_lengths: Tokens of each target, without the end symbol.
        max_length: Most tokens of a side, the end symbol counted.
        max_ratio: Largest ratio of the longer side to the shorter, end symbols counted.
    """
    longer = np.maximum(source_lengths, target_lengths) + 1
    shorter = np.minimum(source_lengths, target_lengths) + 1
    verdicts = np.where(longer > max_ratio * shorter, Verdict.LENGTH_RATIO, Verdict.KEPT)
    return np.where(longer > max_length, Verdict.TOO_LONG, verdicts).astype(np.uint8)


def keep(
    sources: Sequence[str | None], targets: Sequence[str | None], kept: Bool[np.ndarray, " pairs"]
) -> tuple[list[str], list[str]]:
    """Returns the texts of the pairs for which `kept` is true."""
    chosen = np.flatnonzero(kept).tolist()
    return [sources[i] or "" for i in chosen], [targets[i] or "" for i in chosen]


def counts(verdicts: Verdicts) -> dict[str, int]:
    """Returns how many pairs were dropped, by reason."""
    numbers = np.bincount(verdicts, minlength=len(Verdict))
    return {verdict.name.lower(): int(numbers[verdict]) for verdict in Verdict if verdict}
