"""Batches: the right cells, every pair once an epoch, and the same whoever asks and when."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from seq2seq.config import DataConfig, TrainingConfig
from seq2seq.data.batches import Batches, gather
from seq2seq.data.epochs import Epochs
from seq2seq.data.packing import Plan
from seq2seq.data.storage import TokenPairs
from seq2seq.types import Batch
from seq2seq.vocabulary import Symbols

DATA = DataConfig(max_length=20, source_row_length=24, target_row_length=32)
TRAINING = TrainingConfig(batch_tokens=5 * 32, seed=7)


def token_pairs(count: int, seed: int = 0, sizes: tuple[int, ...] = ()) -> TokenPairs:
    """Returns pairs of 0 to 19 tokens a side."""
    generator = np.random.default_rng(seed)
    sides = [
        [generator.integers(4, 10_000, generator.integers(0, 20)).tolist() for _ in range(count)]
        for _ in range(2)
    ]
    return replace(TokenPairs.of(*sides), corpus_sizes=sizes or (count,))


PAIRS = token_pairs(400)


def sentences(batch: Batch) -> Counter[tuple[tuple[int, ...], ...]]:
    """Returns the sentence pairs in a batch, checking every field on the way."""
    found: Counter[tuple[tuple[int, ...], ...]] = Counter()
    for row in zip(*batch, strict=True):
        source, s_segments, s_positions, inputs, outputs, t_segments, t_positions = row
        assert {*s_segments} - {0} == {*t_segments} - {0}
        for segment in range(1, s_segments.max() + 1):
            here, there = s_segments == segment, t_segments == segment
            assert np.ptp(np.flatnonzero(here)) + 1 == here.sum()
            assert s_positions[here].tolist() == list(range(here.sum()))
            assert t_positions[there].tolist() == list(range(there.sum()))
            assert source[here][-1] == outputs[there][-1] == 2
            assert inputs[there].tolist() == [1, *outputs[there][:-1]]
            found[tuple(source[here][:-1].tolist()), tuple(outputs[there][:-1].tolist())] += 1
        for field in (source, s_positions):
            assert not field[s_segments == 0].any()
        for field in (inputs, outputs, t_positions):
            assert not field[t_segments == 0].any()
    return found


def expected(pairs: TokenPairs) -> Counter[tuple[tuple[int, ...], ...]]:
    return Counter(tuple(map(tuple, pairs.pair(i))) for i in range(len(pairs)))  # type: ignore[misc]


def epoch_of(batches: Batches, epoch: int) -> Counter[tuple[tuple[int, ...], ...]]:
    first = sum(batches.steps_in_epoch(e) for e in range(epoch))
    steps = range(first, first + batches.steps_in_epoch(epoch))
    return sum((sentences(batches.batch(step)) for step in steps), Counter())


def test_gathering_against_one_cell_at_a_time() -> None:
    pairs = TokenPairs.of([[5, 6], [], [7]], [[8], [9, 9, 9], []])
    plan = Plan(np.array([2, 0, 1]), np.array([0, 2, 3]))
    batch = gather(pairs, plan, slice(0, 3), (3, 6, 5), Symbols(pad=90, start=91, end=92))
    wanted = Batch(  # type: ignore[call-arg]
        source=[[7, 92, 5, 6, 92, 90], [92, 90, 90, 90, 90, 90], [90] * 6],
        source_segments=[[1, 1, 2, 2, 2, 0], [1, 0, 0, 0, 0, 0], [0] * 6],
        source_positions=[[0, 1, 0, 1, 2, 0], [0] * 6, [0] * 6],
        target_inputs=[[91, 91, 8, 90, 90], [91, 9, 9, 9, 90], [90] * 5],
        target_outputs=[[92, 8, 92, 90, 90], [9, 9, 9, 92, 90], [90] * 5],
        target_segments=[[1, 2, 2, 0, 0], [1, 1, 1, 1, 0], [0] * 5],
        target_positions=[[0, 0, 1, 0, 0], [0, 1, 2, 3, 0], [0] * 5],
    )
    for name, field, values in zip(Batch._fields, batch, wanted, strict=True):
        assert field.dtype == np.int32
        assert field.tolist() == values, name


def test_every_pair_once_in_every_epoch() -> None:
    batches = Batches(PAIRS, [1.0], DATA, TRAINING)
    assert epoch_of(batches, 0) == epoch_of(batches, 1) == expected(PAIRS)
    assert batches.rows == 5
    shapes = {field.shape for field in batches.batch(0)}
    assert shapes == {(5, 24), (5, 32)}


def test_a_batch_is_a_function_of_seed_and_step() -> None:
    batches = Batches(PAIRS, [1.0], DATA, TRAINING)
    last = 2 * batches.steps_in_epoch(0) + 3
    walked = [batches.batch(step) for step in range(last + 1)]
    for step in (last, 0, 5):
        fresh = Batches(PAIRS, [1.0], DATA, TRAINING)
        for one, other in zip(fresh.batch(step), walked[step], strict=True):
            np.testing.assert_array_equal(one, other)
    other_seed = Batches(PAIRS, [1.0], DATA, replace(TRAINING, seed=8))
    assert (other_seed.batch(0).source != walked[0].source).any()
    assert (walked[batches.steps_in_epoch(0)].source != walked[0].source).any()


@pytest.mark.parametrize("hosts", [1, 2, 3, 5, 8])
def test_hosts_parts_make_the_whole(hosts: int) -> None:
    batches = Batches(PAIRS, [1.0], DATA, TRAINING)
    share = -(-batches.rows // hosts)
    for step in (0, batches.steps_in_epoch(0) - 1, batches.steps_in_epoch(0)):
        parts = [batches.batch(step, slice(h * share, (h + 1) * share)) for h in range(hosts)]
        for whole, *pieces in zip(batches.batch(step), *parts, strict=True):
            joined = np.concatenate(pieces)
            np.testing.assert_array_equal(joined[: batches.rows], whole)
            assert not joined[batches.rows :].any()


def test_steps_and_epochs() -> None:
    batches = Batches(PAIRS, [1.0], DATA, TRAINING)
    count = batches.steps_in_epoch(0)
    assert count == batches.steps_in_epoch(9) > 10
    assert batches.epoch(0) == (0, 0)
    assert batches.epoch(count - 1) == (0, count - 1)
    assert batches.epoch(count) == (1, 0)
    assert batches.epoch(100 * count + 3) == (100, 3)


def test_rows_come_in_random_order() -> None:
    batches = Batches(PAIRS, [1.0], DATA, TRAINING)
    counts = [batches.batch(step).source_segments.max(axis=1).mean() for step in range(20)]
    halves = np.mean(counts[:10]), np.mean(counts[10:])
    assert abs(halves[0] - halves[1]) < 0.5
    together = [
        {tuple(row) for row in np.sort(batches.batch(step).source, axis=1).tolist()}
        for step in (0, batches.steps_in_epoch(0))
    ]
    assert not together[0] & together[1]


def test_pairs_meet_other_pairs_in_every_epoch() -> None:
    alike = TokenPairs.of([[i, i] for i in range(4, 204)], [[i] for i in range(4, 204)])
    batches = Batches(alike, [1.0], DATA, TRAINING)
    together = []
    for epoch in range(2):
        first = epoch * batches.steps_in_epoch(0)
        rows = [batches.batch(first + step).source for step in range(batches.steps_in_epoch(0))]
        together.append({frozenset(row.tolist()) for row in np.concatenate(rows) if row.any()})
    assert len(together[0] & together[1]) < 3


def test_plans_of_two_epochs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[int] = []
    plan = Epochs.plan
    monkeypatch.setattr(Epochs, "plan", lambda self, e: (planned.append(e), plan(self, e))[1])
    batches = Batches(PAIRS, [1.0], DATA, TRAINING)
    count = batches.steps_in_epoch(0)
    for step in (0, count, count - 1, count, 2 * count, 2 * count - 1, 3 * count, 9 * count):
        batches.batch(step)
    assert planned == [0, 1, 2, 3, 9]
    assert len(batches._plans) == 1


def test_weights() -> None:
    pairs = token_pairs(90, sizes=(30, 20, 40))
    batches = Batches(pairs, [2.0, 0.5, 1.25], DATA, TRAINING)
    first, second = epoch_of(batches, 0), epoch_of(batches, 1)
    everything = [tuple(map(tuple, pairs.pair(i))) for i in range(len(pairs))]
    assert len({*everything}) == 90
    ranges = (slice(0, 30), slice(30, 50), slice(50, 90))
    for epoch in (first, second):
        repeats = [sorted(epoch[pair] for pair in everything[part]) for part in ranges]
        assert repeats == [[2] * 30, [0] * 10 + [1] * 10, [1] * 30 + [2] * 10]
    assert first != second
    again = Batches(pairs, [2.0, 0.5, 1.25], DATA, TRAINING)
    assert epoch_of(again, 1) == second
    with pytest.raises(ValueError, match="2 weights do not match 3 corpora"):
        Batches(pairs, [1.0, 1.0], DATA, TRAINING)


def test_segmentations_take_turns() -> None:
    segmentations = [token_pairs(200, seed) for seed in range(3)]
    batches = Batches(segmentations, [1.0], DATA, TRAINING)
    for epoch in range(5):
        assert epoch_of(batches, epoch) == expected(segmentations[epoch % 3])
