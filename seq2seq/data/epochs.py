"""An epoch: which pairs it holds and how they lie in rows, a function of (corpus, seed, epoch).

How many pairs of which lengths an epoch holds does not change from epoch to epoch, as long as the
corpora's weights are whole numbers. So rows are packed once, for lengths; an epoch then only draws
which pair of these lengths stands where, and in which order the rows come. That leaves every epoch
with the same number of steps, and asking for a step far ahead costs nothing. (With a fractional
weight every epoch is packed anew, and finding the epoch of a step takes packing all before it.) The
price: a pair whose lengths no other has meets neighbours of the same lengths in every epoch, which
attention, kept within a pair, does not notice.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from seq2seq.data.packing import Plan, pack
from seq2seq.data.storage import TokenPairs


class Epochs:
    """The plans of all epochs.

    Args:
        segmentations: Segmentations of the same pairs: epoch e reads number e modulo their count.
        weights: How often an epoch holds each corpus: 2 is twice, 0.5 every other pair.
        shape: (S, T), tokens of a source and of a target row.
        seed: The seed of the run.

    Raises:
        ValueError: The weights do not match the corpora.
    """

    def __init__(
        self,
        segmentations: Sequence[TokenPairs],
        weights: Sequence[float],
        shape: tuple[int, int],
        seed: int,
    ) -> None:
        for pairs in segmentations:
            if len(pairs.corpus_sizes) != len(weights):
                corpora = len(pairs.corpus_sizes)
                raise ValueError(f"{len(weights)} weights do not match {corpora} corpora")
        self._segmentations = tuple(segmentations)
        self._weights = tuple(weights)
        self._shape = shape
        self._seed = seed
        self._alike = all(weight == int(weight) for weight in weights)
        self._packed: tuple[int, Plan] | None = None
        self._rows: dict[int, int] = {}

    def pairs(self, epoch: int) -> TokenPairs:
        """Returns the segmentation that an epoch reads."""
        return self._segmentations[epoch % len(self._segmentations)]

    def rows(self, epoch: int) -> int:
        """Returns the number of rows of an epoch."""
        kind = self._kind(epoch)
        if kind not in self._rows:
            self._pack(epoch, self._draw(epoch, self._generator(epoch)))
        return self._rows[kind]

    def plan(self, epoch: int) -> Plan:
        """Returns the rows of an epoch; their indices point into `pairs(epoch)`."""
        generator = self._generator(epoch)
        chosen = self._draw(epoch, generator)
        packed = self._pack(epoch, chosen)
        plan = Plan(chosen[packed.pairs], packed.row_starts)
        return plan.reordered(generator.permutation(plan.rows))

    def _kind(self, epoch: int) -> int:
        """Returns a number that epochs of the same lengths share."""
        return epoch % len(self._segmentations) if self._alike else epoch

    def _generator(self, epoch: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=[self._seed, epoch]))

    def _draw(self, epoch: int, generator: np.random.Generator) -> Int64[np.ndarray, " chosen"]:
        """Returns an epoch's pairs, sorted by their lengths and shuffled among equal ones."""
        pairs = self.pairs(epoch)
        chosen = generator.permutation(select(pairs.corpus_sizes, self._weights, generator))
        lengths = pairs.source_lengths * (self._shape[1] + 1) + pairs.target_lengths
        return chosen[np.argsort(lengths[chosen], kind="stable")]

    def _pack(self, epoch: int, chosen: Int64[np.ndarray, " chosen"]) -> Plan:
        """Packs pairs sorted by length, or remembers how pairs of these lengths were packed."""
        kind = self._kind(epoch)
        if self._packed is None or self._packed[0] != kind:
            pairs = self.pairs(epoch)
            lengths = (pairs.source_lengths[chosen] + 1, pairs.target_lengths[chosen] + 1)
            self._packed = (kind, pack(*lengths, *self._shape))
            self._rows[kind] = self._packed[1].rows
        return self._packed[1]


def rows_of_step(batch_tokens: int, target_row_length: int) -> int:
    """Returns how many rows (B) hold a step's tokens: at least one."""
    return max(1, round(batch_tokens / target_row_length))


def select(
    corpus_sizes: Sequence[int], weights: Sequence[float], generator: np.random.Generator
) -> Int64[np.ndarray, " selected"]:
    """Returns the indices of an epoch's pairs: each corpus as often as its weight says."""
    chosen = []
    start = 0
    for size, weight in zip(corpus_sizes, weights, strict=True):
        whole = int(weight)
        indices = np.arange(start, start + size)
        part = generator.permutation(indices)[: round((weight - whole) * size)]
        chosen += [*[indices] * whole, part]
        start += size
    return np.concatenate(chosen)
