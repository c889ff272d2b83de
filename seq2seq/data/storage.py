"""Encoded pairs in an Arrow file: written once in constant memory, memory-mapped ever after.

The file holds one record batch with two columns, `source` and `target`, each a large list of int32
token ids. So the tokens of a side lie in one flat array beside the offsets of the sentences, and
NumPy slices them out of the page cache (measured: 950 000 pairs/s, against 10 000 to 30 000 through
rows of `datasets`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple

import numpy as np
import pyarrow
from jaxtyping import Bool, Int32, Int64

SIDES = ("source", "target")


class Ragged(NamedTuple):
    """Sequences of different lengths, one after the other in a flat array."""

    tokens: Int32[np.ndarray, " tokens"]
    lengths: Int64[np.ndarray, " sequences"]

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]]) -> "Ragged":
        """Returns the sequences laid one after the other."""
        lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
        tokens = np.fromiter(chain.from_iterable(sequences), np.int32, int(lengths.sum()))
        return cls(tokens, lengths)

    def select(self, kept: Bool[np.ndarray, " sequences"]) -> "Ragged":
        """Returns the sequences for which `kept` is true."""
        return Ragged(self.tokens[np.repeat(kept, self.lengths)], self.lengths[kept])


@dataclass(frozen=True, eq=False)
class TokenPairs:
    """Sentence pairs as token ids, without start and end symbols.

    Attributes:
        source_tokens: The source tokens of all pairs, one pair after the other.
        source_offsets: Where each source begins in `source_tokens`, and where the last one ends.
        target_tokens: The same for the targets.
        target_offsets: The same for the targets.
        corpus_sizes: Number of pairs of each corpus; the corpora follow one another.
    """

    source_tokens: Int32[np.ndarray, " source_tokens"]
    source_offsets: Int64[np.ndarray, " offsets"]
    target_tokens: Int32[np.ndarray, " target_tokens"]
    target_offsets: Int64[np.ndarray, " offsets"]
    corpus_sizes: tuple[int, ...]

    def __len__(self) -> int:
        """Returns the number of pairs."""
        return len(self.source_offsets) - 1

    @property
    def source_lengths(self) -> Int64[np.ndarray, " pairs"]:
        """Tokens of each source, the end symbol not counted."""
        return np.diff(self.source_offsets)

    @property
    def target_lengths(self) -> Int64[np.ndarray, " pairs"]:
        """Tokens of each target, the end symbol not counted."""
        return np.diff(self.target_offsets)

    def pair(self, index: int) -> tuple[list[int], list[int]]:
        """Returns the source's and the target's token ids of one pair."""
        source = slice(self.source_offsets[index], self.source_offsets[index + 1])
        target = slice(self.target_offsets[index], self.target_offsets[index + 1])
        return self.source_tokens[source].tolist(), self.target_tokens[target].tolist()

    @classmethod
    def of(cls, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> "TokenPairs":
        """Returns pairs held in memory, as one corpus.

        Raises:
            ValueError: There are not as many sources as targets.
        """
        if len(sources) != len(targets):
            raise ValueError(f"{len(sources)} sources do not pair with {len(targets)} targets")
        source, target = Ragged.of(sources), Ragged.of(targets)
        offsets = [np.append(0, np.cumsum(side.lengths)) for side in (source, target)]
        return cls(source.tokens, offsets[0], target.tokens, offsets[1], (len(sources),))

    @classmethod
    def load(cls, path: Path) -> "TokenPairs":
        """Maps a file that `PairWriter` wrote into memory; nothing is read yet."""
        reader = pyarrow.ipc.open_file(pyarrow.memory_map(str(path)))
        sizes = json.loads((reader.schema.metadata or {})[b"corpus_sizes"])
        batch = reader.get_batch(0)
        source, target = (batch.column(side) for side in SIDES)
        return cls(
            source_tokens=source.values.to_numpy(zero_copy_only=True),
            source_offsets=source.offsets.to_numpy(zero_copy_only=True),
            target_tokens=target.values.to_numpy(zero_copy_only=True),
            target_offsets=target.offsets.to_numpy(zero_copy_only=True),
            corpus_sizes=tuple(sizes),
        )


class PairWriter:
    """Writes pairs as they come, and the Arrow file at the end; a context manager.

    Until `finish`, tokens and offsets go to plain files beside `path`, so that memory holds a chunk
    at a time and no more.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ends = dict.fromkeys(SIDES, 0)
        self._sizes: list[int] = []
        self._files: dict[tuple[str, str], IO[bytes]] = {}

    def __enter__(self) -> "PairWriter":
        """Opens the plain files."""
        for side in SIDES:
            for part in ("tokens", "offsets"):
                self._files[side, part] = self._plain(side, part).open("wb")
            self._files[side, "offsets"].write(np.zeros(1, np.int64).tobytes())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes and removes the plain files."""
        for (side, part), file in self._files.items():
            file.close()
            self._plain(side, part).unlink(missing_ok=True)

    def begin_corpus(self) -> None:
        """Says that the pairs to come belong to the next corpus."""
        self._sizes.append(0)

    def append(self, source: Ragged, target: Ragged) -> None:
        """Adds pairs to the corpus begun last."""
        self._sizes[-1] += len(source.lengths)
        for side, ragged in zip(SIDES, (source, target), strict=True):
            ends = self._ends[side] + np.cumsum(ragged.lengths, dtype=np.int64)
            self._ends[side] += len(ragged.tokens)
            self._files[side, "tokens"].write(ragged.tokens.astype(np.int32).tobytes())
            self._files[side, "offsets"].write(ends.tobytes())

    def finish(self) -> None:
        """Writes the Arrow file."""
        for file in self._files.values():
            file.flush()
        columns = [self._column(side) for side in SIDES]
        metadata = {"corpus_sizes": json.dumps(self._sizes)}
        batch = pyarrow.RecordBatch.from_arrays(columns, SIDES).replace_schema_metadata(metadata)
        path = str(self._path)
        with pyarrow.OSFile(path, "wb") as sink, pyarrow.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)

    def _plain(self, side: str, part: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{side}.{part}")

    def _column(self, side: str) -> pyarrow.LargeListArray:
        """Returns one side's sequences, mapped from the plain files."""
        offsets = np.memmap(self._plain(side, "offsets"), np.int64, "r")
        empty = self._ends[side] == 0
        tokens = (
            np.empty(0, np.int32)
            if empty
            else np.memmap(self._plain(side, "tokens"), np.int32, "r")
        )
        return pyarrow.LargeListArray.from_arrays(pyarrow.array(offsets), pyarrow.array(tokens))
