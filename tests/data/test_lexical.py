"""Lexical translation probabilities: beside the definition, written out in dictionaries."""

import random
from collections import defaultdict

import numpy as np
import pytest

from seq2seq.data import lexical
from seq2seq.data.lexical import ROUNDS, best_translations
from seq2seq.data.storage import TokenPairs

SIZES = (9, 11)
NOTHING = "no token"


def pairs_of(seed, count=60):
    draw = random.Random(seed)
    return [
        ([draw.randrange(9) for _ in range(draw.randint(1, 5))],
         [draw.randrange(11) for _ in range(draw.randint(1, 6))])
        for _ in range(count)
    ]  # fmt: skip


def model_1(pairs):
    """t(f | e) as Brown et al. define it, one pair and one token at a time."""
    t = defaultdict(lambda: 1.0)
    for _ in range(ROUNDS):
        counts = defaultdict(float)
        for source, target in pairs:
            for f in target:
                whole = sum(t[e, f] for e in [*source, NOTHING])
                for e in [*source, NOTHING]:
                    counts[e, f] += t[e, f] / whole
        totals = defaultdict(float)
        for (e, _), count in counts.items():
            totals[e] += count
        t = {pair: count / totals[pair[0]] for pair, count in counts.items()}
    return t


@pytest.mark.parametrize("chunk", [10_000, 7])
def test_the_best_are_those_of_the_definition(monkeypatch, chunk):
    monkeypatch.setattr(lexical, "_CHUNK", chunk)
    pairs = pairs_of(0)
    wanted = model_1(pairs)
    found = best_translations(TokenPairs.of(*zip(*pairs, strict=True)), SIZES, 4, 1000)
    assert found.shape == (9, 4)
    for source, row in enumerate(found):
        every = sorted((p for (e, _), p in wanted.items() if e == source), reverse=True)
        probabilities = [wanted[source, f] for f in row if f >= 0]
        np.testing.assert_allclose(probabilities, every[:4], rtol=1e-9)
        assert len({*row.tolist()}) == len(row)


def test_words_find_their_translations():
    """A dictionary of one word each, in an order of its own, with a word that all targets have."""
    draw = random.Random(1)
    pairs = []
    for _ in range(300):
        source = [draw.randrange(1, 9) for _ in range(4)]
        target = [10 - token for token in source]
        draw.shuffle(target)
        pairs.append((source, [*target, 1]))
    found = best_translations(TokenPairs.of(*zip(*pairs, strict=True)), SIZES, 2, 1000)
    assert found[1:, 0].tolist() == [10 - token for token in range(1, 9)]
    assert found[0].tolist() == [-1, -1]


def test_of_a_large_corpus_some_pairs_are_read():
    pairs = TokenPairs.of(*zip(*pairs_of(2), strict=True))
    read = []
    some = best_translations(pairs, SIZES, 3, 10, read.append, seed=5)
    assert sum(read) == ROUNDS * 10
    assert (some == best_translations(pairs, SIZES, 3, 10, seed=5)).all()
    assert (some != best_translations(pairs, SIZES, 3, 10, seed=6)).any()
    assert (some != best_translations(pairs, SIZES, 3, 1000)).any()


def test_empty_targets_say_nothing():
    pairs = TokenPairs.of([[1, 2], [3]], [[], [4]])
    found = best_translations(pairs, SIZES, 1, 10)
    assert found[:, 0].tolist() == [-1, -1, -1, 4, -1, -1, -1, -1, -1]
