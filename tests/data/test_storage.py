"""The Arrow file: what is written is what is mapped."""

from pathlib import Path

import numpy as np
import pyarrow
import pytest

from seq2seq.data.storage import PairWriter, Ragged, TokenPairs

SOURCES = [[5, 6, 7], [], [8], [9, 9]]
TARGETS = [[1], [2, 3], [], [4]]


def write(path: Path, *corpora: list[int]) -> TokenPairs:
    """Writes pairs by their numbers, one corpus after the other, one pair at a time."""
    with PairWriter(path) as writer:
        for corpus in corpora:
            writer.begin_corpus()
            for i in corpus:
                writer.append(Ragged.of([SOURCES[i]]), Ragged.of([TARGETS[i]]))
        writer.finish()
    return TokenPairs.load(path)


def test_what_is_written_is_mapped(tmp_path: Path) -> None:
    pairs = write(tmp_path / "pairs.arrow", [0, 1], [], [2, 3])
    assert len(pairs) == 4
    assert pairs.corpus_sizes == (2, 0, 2)
    assert [pairs.pair(i) for i in range(4)] == list(zip(SOURCES, TARGETS, strict=True))
    assert pairs.source_lengths.tolist() == [3, 0, 1, 2]
    assert pairs.target_lengths.tolist() == [1, 2, 0, 1]
    assert pairs.source_tokens.dtype == np.int32
    assert not pairs.source_tokens.flags.owndata
    assert not pairs.source_tokens.flags.writeable
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.arrow"]


def test_nothing_at_all(tmp_path: Path) -> None:
    pairs = write(tmp_path / "pairs.arrow")
    assert len(pairs) == len(pairs.source_tokens) == 0
    assert pairs.corpus_sizes == ()


def test_others_can_read_the_file(tmp_path: Path) -> None:
    write(tmp_path / "pairs.arrow", [0, 1, 2, 3])
    table = pyarrow.ipc.open_file(tmp_path / "pairs.arrow").read_all()
    assert table.to_pydict() == {"source": SOURCES, "target": TARGETS}


def test_a_failure_leaves_no_plain_files(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk"), PairWriter(tmp_path / "pairs.arrow"):
        raise OSError("disk")
    assert not list(tmp_path.iterdir())


def test_pairs_in_memory() -> None:
    pairs = TokenPairs.of(SOURCES, TARGETS)
    assert [pairs.pair(i) for i in range(4)] == list(zip(SOURCES, TARGETS, strict=True))
    with pytest.raises(ValueError, match="4 sources do not pair with 3 targets"):
        TokenPairs.of(SOURCES, TARGETS[1:])


def test_selecting() -> None:
    chosen = Ragged.of(SOURCES).select(np.array([True, True, False, True]))
    assert chosen.tokens.tolist() == [5, 6, 7, 9, 9]
    assert chosen.lengths.tolist() == [3, 0, 2]
