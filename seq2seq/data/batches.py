"""Packed batches: each is a pure function of (corpus, seed, step), so that nothing needs saving.

An epoch is planned as a whole (see `seq2seq.data.epochs`) and cut into steps of as many rows as
hold the configuration's tokens; a step's arrays are then gathered from the memory-mapped tokens in
a few vectorised operations. Resuming at a step is asking for that step, and a host's part of a
batch is a slice of its rows: only that part is gathered.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, Int32, Int64

from seq2seq.config import DataConfig, TrainingConfig
from seq2seq.data.epochs import Epochs, rows_of_step
from seq2seq.data.packing import Plan
from seq2seq.data.storage import TokenPairs
from seq2seq.types import Batch
from seq2seq.vocabulary import SYMBOLS, Symbols


class Batches:
    """The training batches of a run, by step.

    Args:
        pairs: The encoded pairs, or several segmentations of them: epoch e reads number e modulo
            their count.
        weights: How often an epoch holds each corpus: 2 is twice, 0.5 every other pair.
        data: The shape of the rows.
        training: Tokens of a batch, and the seed.
        symbols: Ids of padding, start and end.

    Attributes:
        rows: Rows of a batch (B).

    Raises:
        ValueError: The weights do not match the corpora.
    """

    def __init__(
        self,
        pairs: TokenPairs | Sequence[TokenPairs],
        weights: Sequence[float],
        data: DataConfig,
        training: TrainingConfig,
        symbols: Symbols = SYMBOLS,
    ) -> None:
        segmentations = [pairs] if isinstance(pairs, TokenPairs) else pairs
        self._shape = (data.source_row_length, data.target_row_length)
        self._epochs = Epochs(segmentations, weights, self._shape, training.seed)
        self._symbols = symbols
        self._plans: dict[int, Plan] = {}
        self._first_steps = [0]
        self.rows = rows_of_step(training.batch_tokens, data.target_row_length)

    def steps_in_epoch(self, epoch: int) -> int:
        """Returns the number of steps that an epoch has."""
        return -(-self._epochs.rows(epoch) // self.rows)

    def epoch(self, step: int) -> tuple[int, int]:
        """Returns the epoch that a step belongs to, and its number within that epoch."""
        while self._first_steps[-1] <= step:
            last = len(self._first_steps) - 1
            self._first_steps.append(self._first_steps[-1] + self.steps_in_epoch(last))
        epoch = int(np.searchsorted(self._first_steps, step, side="right")) - 1
        return epoch, step - self._first_steps[epoch]

    def batch(self, step: int, part: slice | None = None) -> Batch:
        """Returns a step's rows, or a part of them; the last step of an epoch may end in padding.

        Args:
            step: Number of the update, from 0.
            part: Rows wanted, by default from 0 to `rows`. Rows beyond those come back empty, so
                that any number of devices can be given equal parts.
        """
        epoch, within = self.epoch(step)
        start, stop = (0, self.rows) if part is None else (part.start, part.stop)
        first = within * self.rows
        rows = slice(first + start, first + min(stop, self.rows))
        shape = (stop - start, *self._shape)
        return gather(self._epochs.pairs(epoch), self._plan(epoch), rows, shape, self._symbols)

    def _plan(self, epoch: int) -> Plan:
        """Returns an epoch's plan; a new one stays beside its neighbours' alone, to save memory."""
        if epoch not in self._plans:
            kept = {e: plan for e, plan in self._plans.items() if abs(e - epoch) == 1}
            self._plans = kept | {epoch: self._epochs.plan(epoch)}
        return self._plans[epoch]


def gather(
    pairs: TokenPairs,
    plan: Plan,
    rows: slice,
    shape: tuple[int, int, int],
    symbols: Symbols = SYMBOLS,
) -> Batch:
    """Returns rows of a plan as arrays.

    Args:
        pairs: The encoded pairs.
        plan: Which pairs stand in which row.
        rows: The rows wanted; those beyond the plan are empty.
        shape: (B, S, T): rows in the result, and tokens of a source and of a target row.
        symbols: Ids of padding, start and end.
    """
    height, source_width, target_width = shape
    starts = plan.row_starts[min(rows.start, plan.rows) : max(rows.stop, rows.start) + 1]
    chosen = plan.pairs[starts[0] : starts[-1]]
    counts = np.diff(starts)
    source = _lay_out(pairs.source_tokens, pairs.source_offsets, chosen, counts, source_width)
    target = _lay_out(pairs.target_tokens, pairs.target_offsets, chosen, counts, target_width)
    fields: tuple[Any, ...] = (  # NumPy's arrays, where a device will put JAX's
        _scatter(source.closed(symbols.end), source, height, symbols.pad),
        _scatter(source.segments, source, height),
        _scatter(source.positions, source, height),
        _scatter(target.opened(symbols.start), target, height, symbols.pad),
        _scatter(target.closed(symbols.end), target, height, symbols.pad),
        _scatter(target.segments, target, height),
        _scatter(target.positions, target, height),
    )
    return Batch(*fields)


class _Cells(NamedTuple):
    """The filled cells of one side of some rows, in the order of their sentences.

    A sentence of n tokens fills n + 1 cells; the spare one, for the start or the end symbol, holds
    whatever token lies there.
    """

    tokens: Int32[np.ndarray, " cells"]
    segments: Int64[np.ndarray, " cells"]
    positions: Int64[np.ndarray, " cells"]
    places: Int64[np.ndarray, " cells"]
    """Where each cell stands in the flattened rows."""
    ends: Int64[np.ndarray, " sentences"]
    """Where each sentence ends among the cells."""
    width: int

    def closed(self, end: int) -> Int32[np.ndarray, " cells"]:
        """Returns the tokens with the end symbol after each sentence."""
        tokens = self.tokens.copy()
        tokens[self.ends - 1] = end
        return tokens

    def opened(self, start: int) -> Int32[np.ndarray, " cells"]:
        """Returns the tokens with the start symbol before each sentence."""
        tokens = np.roll(self.tokens, 1)
        tokens[self.positions == 0] = start
        return tokens


def _lay_out(
    tokens: Int32[np.ndarray, " tokens"],
    offsets: Int64[np.ndarray, " offsets"],
    chosen: Int64[np.ndarray, " sentences"],
    counts: Int64[np.ndarray, " rows"],
    width: int,
) -> _Cells:
    """Finds the cells of one side's sentences, of which each row holds `counts`."""
    begins = offsets[chosen]
    lengths = offsets[chosen + 1] - begins + 1
    ends = np.cumsum(lengths)
    sentence_rows = np.repeat(np.arange(len(counts)), counts)
    first_in_row = (np.cumsum(counts) - counts)[sentence_rows]
    places = sentence_rows * width - (ends - lengths)[first_in_row]
    segments = np.arange(1, len(chosen) + 1) - first_in_row
    cells = np.arange(ends[-1] if len(ends) else 0)
    positions = cells - np.repeat(ends - lengths, lengths)
    taken = positions + np.repeat(begins, lengths)
    return _Cells(
        tokens=tokens.take(taken, mode="clip") if len(tokens) else np.zeros(len(cells), np.int32),
        segments=np.repeat(segments, lengths),
        positions=positions,
        places=cells + np.repeat(places, lengths),
        ends=ends,
        width=width,
    )


def _scatter(
    values: Int[np.ndarray, " cells"], cells: _Cells, height: int, empty: int = 0
) -> Int32[np.ndarray, "B width"]:
    """Returns rows that hold the values in their places, and `empty` elsewhere."""
    rows = np.full(height * cells.width, empty, np.int32)
    rows[cells.places] = values
    return rows.reshape(height, cells.width)
