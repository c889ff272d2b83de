"""Packing: every pair once, no row too full, and full enough."""

from itertools import pairwise

import numpy as np
import pytest

from seq2seq.data import packing
from seq2seq.data.packing import LANE, Plan, pack

SHAPE = (40, 48)


def lengths(count: int, seed: int = 0, longest: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Returns lengths like those of real text: most are short, and the two sides go together."""
    generator = np.random.default_rng(seed)
    source = generator.gamma(4.0, 3.5, count)
    target = source * generator.normal(1.1, 0.2, count) + generator.normal(0, 1, count)
    return tuple(np.clip(side, 1, longest).astype(np.int64) for side in (source, target))


def rows_of(plan: Plan) -> list[list[int]]:
    """Returns each row's pairs, in the obvious way."""
    starts = plan.row_starts.tolist()
    return [plan.pairs[a:b].tolist() for a, b in pairwise(starts)]


def first_fit(source: np.ndarray, target: np.ndarray, shape: tuple[int, int]) -> int:
    """Returns how many rows a slow and simple packer needs: first fit, longest pair first."""
    free: list[list[int]] = []
    order = sorted(
        range(len(source)), key=lambda i: -max(source[i] / shape[0], target[i] / shape[1])
    )
    for i in order:
        row = next((r for r in free if r[0] >= source[i] and r[1] >= target[i]), None)
        if row is None:
            free.append(row := list(shape))
        row[0] -= source[i]
        row[1] -= target[i]
    return len(free)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 500, LANE, LANE + 1, 3 * LANE + 5])
def test_every_pair_once_and_no_row_too_full(count: int) -> None:
    source, target = lengths(count)
    plan = pack(source, target, *SHAPE)
    rows = rows_of(plan)
    assert sorted(i for row in rows for i in row) == list(range(count))
    assert len(rows) == plan.rows
    for row in rows:
        assert row
        assert source[row].sum() <= SHAPE[0]
        assert target[row].sum() <= SHAPE[1]


def test_lanes_are_filled_in_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = lengths(1000)
    monkeypatch.setattr(packing, "LANE", 50)
    whole = pack(source, target, *SHAPE)
    monkeypatch.setattr(packing, "_LANES_AT_ONCE", 3)
    parts = pack(source, target, *SHAPE)
    assert rows_of(parts) == rows_of(whole)
    assert sorted(i for row in rows_of(parts) for i in row) == list(range(1000))


def test_rows_are_fuller_than_by_first_fit() -> None:
    source, target = lengths(4000)
    plan = pack(source, target, 64, 70)
    assert plan.rows < first_fit(source, target, (64, 70))
    assert (source.sum() + target.sum()) / (plan.rows * 134) > 0.95


def test_one_row_takes_the_pair_that_leaves_least() -> None:
    source, target = np.array([10, 6, 9, 4]), np.array([10, 6, 1, 3])
    # After 10 + 10, 9 + 1 would leave a gap of 9 on one side, 6 + 6 leaves 4; then 4 + 3 leaves 1.
    assert rows_of(pack(source, target, 20, 20)) == [[0, 1, 3], [2]]


def test_only_lengths_matter() -> None:
    source, target = lengths(3000)
    once, again = pack(source, target, *SHAPE), pack(source.copy(), target.copy(), *SHAPE)
    assert rows_of(once) == rows_of(again)


def test_pairs_and_rows_that_are_too_long() -> None:
    ones = np.ones(3, np.int64)
    with pytest.raises(ValueError, match="a target of 49 tokens is longer than a row of 48"):
        pack(ones, np.array([1, 49, 1]), *SHAPE)
    with pytest.raises(ValueError, match="a source of 41 tokens is longer than a row of 40"):
        pack(np.array([41, 1, 1]), ones, *SHAPE)
    with pytest.raises(ValueError, match="rows of 32768 tokens are longer than 32767"):
        pack(ones, ones, 8, 2**15)
    longest = np.array([packing.LONGEST_ROW, 1])
    assert pack(longest, np.ones(2, np.int64), packing.LONGEST_ROW, 8).rows == 2


def test_rows_can_be_put_in_another_order() -> None:
    plan = pack(*lengths(300), *SHAPE)
    order = np.random.default_rng(1).permutation(plan.rows)
    before, after = rows_of(plan), rows_of(plan.reordered(order))
    assert after == [before[i] for i in order]
