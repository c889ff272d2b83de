"""Random segmentations of text: BPE-dropout and unigram subword regularisation.

SentencePiece draws them too, but not reproducibly: in version 0.2.3 its generator is salted anew in
every process, whatever the seed. Here they depend on the text, the vocabulary and the seed alone,
on every machine and under every version.

Pieces never reach across a space, so that words can be drawn one by one; what is needed to draw a
word is worked out when it is first met, and kept. Most words of a text have been met before.
"""

import heapq
import itertools
import math
import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2

from seq2seq.vocabulary import Vocabulary

Ids = tuple[int, ...]

_SPACE = "▁"
"""What stands for a space in SentencePiece's normalised text and pieces."""

_MOST_WORDS = 100_000
"""Words kept (some hundred megabytes at most), after which all are forgotten."""

_UNKNOWN_PENALTY = 10.0
"""How much less than the worst piece an unknown character scores, as in SentencePiece."""


class SubwordSampler:
    """Draws segmentations of texts.

    Args:
        vocabulary: What the texts are cut into.
        rate: Probability of leaving out a merge (BPE; Provilkov et al., 2020), or the smoothing α
            of the segmentations' probabilities (unigram; Kudo, 2018).
    """

    def __init__(self, vocabulary: Vocabulary, rate: float) -> None:
        self._processor = SentencePieceProcessor(model_proto=vocabulary.model)
        self._pieces = Pieces(vocabulary)
        self._rate = rate
        self._words: dict[str, _Merges | _Lattice] = {}

    def draw(self, texts: Sequence[str], seed: int) -> list[list[int]]:
        """Returns the token ids of one random segmentation of each text.

        Args:
            texts: The texts, without line breaks.
            seed: Any number from 0; nothing else is random.
        """
        numbers = self._numbers(np.random.Generator(np.random.Philox(seed)))
        drawn = []
        for text in self._processor.normalize(list(texts)):
            tokens: list[int] = []
            for word in self._pieces.words(text):
                tokens += (self._words.get(word) or self._learn(word)).draw(numbers)
            drawn.append(tokens)
        return drawn

    def _numbers(self, generator: np.random.Generator) -> Iterator[Any]:
        """Yields what a word is drawn by: distances to the next dropout, or uniform numbers."""
        while True:
            if self._pieces.merged:
                yield from generator.geometric(self._rate, 4096).tolist()
            else:
                yield from generator.random(4096).tolist()

    def _learn(self, word: str) -> "_Merges | _Lattice":
        """Works out what is needed to draw a word, and keeps it."""
        if len(self._words) >= _MOST_WORDS:
            self._words.clear()
        units = self._pieces.units(word)
        self._words[word] = (
            _Merges(units, self._pieces, ())
            if self._pieces.merged
            else _Lattice(units, self._pieces, self._rate)
        )
        return self._words[word]


class Pieces:
    """What the SentencePiece model of a vocabulary knows of pieces.

    Attributes:
        merged: Whether pieces are merged from smaller ones (BPE) or are words' parts (unigram).
        scores: Score of each piece that text can be cut into: a rank (BPE), or a log probability.
        unknown_score: Score of an unknown character.
        symbols: Pieces that always stand alone (user-defined symbols).
        longest: Characters of the longest piece.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        proto: Any = sentencepiece_model_pb2  # its classes are made as it is imported
        model = proto.ModelProto.FromString(vocabulary.model)
        kinds = proto.ModelProto.SentencePiece
        usable = [p for p in model.pieces if p.type in (kinds.NORMAL, kinds.USER_DEFINED)]
        symbols = [p.piece for p in usable if p.type == kinds.USER_DEFINED]
        self._ids = {piece: index for index, piece in enumerate(vocabulary.pieces)}
        self._unknown = vocabulary.symbols.unknown
        self._spells_bytes = any(p.type == kinds.BYTE for p in model.pieces)
        self.merged = model.trainer_spec.model_type == proto.TrainerSpec.BPE
        self.scores = {p.piece: p.score for p in usable}
        self.unknown_score = min(self.scores.values(), default=0.0) - _UNKNOWN_PENALTY
        self.symbols = frozenset(symbols)
        self.longest = max(map(len, self.scores), default=1)
        alone = "".join(
            f"{re.escape(symbol)}|" for symbol in sorted(symbols, key=len, reverse=True)
        )
        self._unit = re.compile(f"{alone}.", re.DOTALL)
        self._word = re.compile(f"(?:{alone}.)(?:{alone}[^{_SPACE}])*", re.DOTALL)

    def words(self, text: str) -> list[str]:
        """Cuts normalised text before every space."""
        return self._word.findall(text)

    def units(self, word: str) -> list[str]:
        """Cuts a word into characters and symbols that stand alone."""
        return self._unit.findall(word)

    def ids(self, parts: Sequence[str]) -> Ids:
        """Returns the ids of pieces or unknown characters, of which several in a row are one."""
        ids: list[int] = []
        for part in parts:
            if part in self.scores:
                ids.append(self._ids.get(part, self._unknown))
            elif self._spells_bytes:
                ids += (self._ids[f"<0x{byte:02X}>"] for byte in part.encode())
            elif ids[-1:] != [self._unknown]:
                ids.append(self._unknown)
        return tuple(ids)


class _Merges:
    """A word merged by BPE with some merges left out; a tree whose branches leave out one more.

    The merges that come up are numbered in order. Which is the next to be left out is drawn as a
    distance (a geometric number), so that a word without dropout costs one number.
    """

    __slots__ = ("_branches", "_count", "_ids", "_left_out", "_pieces", "_units")

    def __init__(self, units: list[str], pieces: Pieces, left_out: tuple[int, ...]) -> None:
        self._units = units
        self._pieces = pieces
        self._left_out = left_out
        parts, self._count = merge(units, pieces, left_out)
        self._ids = pieces.ids(parts)
        self._branches: dict[int, _Merges] = {}

    def draw(self, numbers: Iterator[int]) -> Ids:
        node = self
        number = next(numbers) - 1
        while number < node._count:
            node = node._branch(number)
            number += next(numbers)
        return node._ids

    def _branch(self, number: int) -> "_Merges":
        """Returns the word with one more merge left out; two and more are seldom, and not kept."""
        branch = self._branches.get(number)
        if branch is None:
            branch = _Merges(self._units, self._pieces, (*self._left_out, number))
            if not self._left_out:
                self._branches[number] = branch
        return branch


def merge(units: list[str], pieces: Pieces, left_out: Sequence[int]) -> tuple[list[str], int]:
    """Merges neighbours into pieces, the best-ranked first and the leftmost of equals.

    Args:
        units: Characters of a word, and symbols that stand alone.
        pieces: The pieces that neighbours may become.
        left_out: Numbers of the merges that are not done when they come up.

    Returns:
        The parts that remain, and how many merges came up.
    """
    scores, alone = pieces.scores, pieces.symbols
    parts = list(units)
    before = list(range(-1, len(parts) - 1))
    after = [*range(1, len(parts)), -1]
    heap: list[tuple[float, int, int, str]] = []

    def offer(left: int, right: int) -> None:
        if left < 0 or right < 0 or parts[left] in alone or parts[right] in alone:
            return
        merged = parts[left] + parts[right]
        if merged in scores:
            heapq.heappush(heap, (-scores[merged], left, right, merged))

    for left, right in itertools.pairwise(range(len(parts))):
        offer(left, right)
    count = 0
    while heap:
        _, left, right, merged = heapq.heappop(heap)
        if after[left] != right or parts[left] + parts[right] != merged:
            continue  # one of the two has become part of another piece
        count += 1
        if count - 1 in left_out:
            continue
        parts[left], parts[right] = merged, ""
        after[left] = after[right]
        if after[right] >= 0:
            before[after[right]] = left
        offer(before[left], left)
        offer(left, after[left])
    return [part for part in parts if part], count


class _Lattice:
    """All segmentations of a word under a unigram model, to be drawn from the end backwards."""

    __slots__ = ("_choices", "_cumulative", "_length", "_pieces")

    def __init__(self, units: list[str], pieces: Pieces, smoothing: float) -> None:
        self._length = len(units)
        self._pieces = pieces
        self._choices: list[list[tuple[int, str]]] = [[]]
        self._cumulative: list[list[float]] = [[]]
        forward = [0.0]
        for end in range(1, len(units) + 1):
            choices = _last_pieces(units[:end], pieces)
            logs = [
                forward[start] + smoothing * pieces.scores.get(piece, pieces.unknown_score)
                for start, piece in choices
            ]
            best = max(logs)
            sums = list(itertools.accumulate(math.exp(log - best) for log in logs))
            forward.append(best + math.log(sums[-1]))
            self._choices.append(choices)
            self._cumulative.append([part / sums[-1] for part in sums])

    def draw(self, numbers: Iterator[float]) -> Ids:
        parts = []
        end = self._length
        while end:
            chosen = bisect(self._cumulative[end], next(numbers), 0, len(self._choices[end]) - 1)
            end, piece = self._choices[end][chosen]
            parts.append(piece)
        return self._pieces.ids(parts[::-1])


def _last_pieces(units: list[str], pieces: Pieces) -> list[tuple[int, str]]:
    """Returns the pieces that can end a word, with their starts; at least its last character."""
    end = len(units)
    choices = [(end - 1, units[-1])]
    if units[-1] in pieces.symbols:
        return choices
    for start in range(end - 2, max(-1, end - pieces.longest - 1), -1):
        if units[start] in pieces.symbols:
            break
        piece = "".join(units[start:])
        if piece in pieces.scores:
            choices.append((start, piece))
    return choices
