"""Rules on what may follow, against the same rules over lists."""

import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.config import DecodingConfig
from seq2seq.decoding import rules

END, VOCABULARY, ROOM = 2, 12, 9


@pytest.fixture
def state():
    """Logits, tokens so far (0 where there is none yet) and their number, of 6 x 3 hypotheses."""
    rng = np.random.default_rng(0)
    lengths = np.asarray([0, 1, 2, 5, 8, 9])
    tokens = rng.integers(3, 6, (6, 3, ROOM))
    tokens[np.arange(ROOM)[None, None] >= np.broadcast_to(lengths[:, None, None], tokens.shape)] = 0
    return rng.standard_normal((6, 3, VOCABULARY)).astype(np.float32), tokens, lengths


class Memory:
    prefixes = jnp.asarray([[5, 4], [5, 3], [3, 3], [4, -1], [-1, -1], [7, 8]], jnp.int32)
    least = jnp.asarray([0, 1, 3, 5, 9, 2], jnp.int32)


def applied(state, prefixes=False, **options):
    logits, tokens, lengths = state
    arrays = (jnp.asarray(logits), jnp.asarray(tokens, jnp.int32), jnp.asarray(lengths, jnp.int32))
    restrict = rules.restrict(DecodingConfig(**options), END, prefixes)
    return np.asarray(restrict(*arrays, Memory))


def hypotheses(state):
    logits, tokens, lengths = state
    for b, k in np.ndindex(tokens.shape[:2]):
        yield (b, k), logits[b, k], tokens[b, k, : lengths[b]].tolist()


def test_no_rules_are_none():
    assert rules.restrict(DecodingConfig(), END) is None


@pytest.mark.parametrize("n", [1, 2, 3, 9, 10])
def test_no_ngram_is_repeated(state, n):
    found = applied(state, no_repeat_ngram=n)
    banned = 0
    for place, logits, body in hypotheses(state):
        seen = {tuple(body[i : i + n]) for i in range(len(body) - n + 1)}
        for piece in range(VOCABULARY):
            repeats = len(body) >= n - 1 and (*body[len(body) - n + 1 :], piece) in seen
            banned += repeats
            assert found[place][piece] == (-1e9 if repeats else logits[piece])
    assert banned or n > 8


def test_repeated_pieces_lose_probability(state):
    found = applied(state, repetition_penalty=1.5)
    for place, logits, body in hypotheses(state):
        total = np.log(np.exp(logits).sum())
        for piece in range(VOCABULARY):
            factor = 1.5 if piece in body else 1.0
            wanted = factor * (logits[piece] - total)
            assert found[place][piece] - total == pytest.approx(wanted, abs=1e-5)


def test_short_translations_do_not_end(state):
    found = applied(state, min_length=1)
    for place, logits, body in hypotheses(state):
        short = len(body) < int(Memory.least[place[0]])
        assert found[place][END] == (-1e9 if short else logits[END])
        others = np.arange(VOCABULARY) != END
        np.testing.assert_array_equal(found[place][others], logits[others])


def test_rules_hold_together(state):
    alone = applied(state, no_repeat_ngram=2), applied(state, min_length=1)
    both = applied(state, no_repeat_ngram=2, min_length=1)
    np.testing.assert_array_equal(both, np.minimum(*alone))


def test_lengths_count_the_end_symbol_in_limits_only():
    lengths = jnp.asarray([1, 5, 11], jnp.int32)
    longest = rules.longest(lengths, DecodingConfig(max_extra_tokens=50, max_length=54))
    assert longest.tolist() == [51, 55, 55]
    assert rules.longest(lengths, DecodingConfig(max_extra_tokens=3)).tolist() == [4, 8, 14]
    narrow = DecodingConfig(max_extra_tokens=6, max_length_ratio=1.6, max_length=15)
    assert rules.longest(lengths, narrow).tolist() == [1, 8, 16]
    assert rules.longest(lengths, DecodingConfig(max_length_ratio=0.45)).tolist() == [1, 3, 6]
    shortest = rules.shortest(lengths, DecodingConfig(min_length=3, min_length_ratio=0.45))
    assert shortest.tolist() == [3, 3, 5]


@pytest.mark.parametrize(
    "options", [{}, {"no_repeat_ngram": 1, "min_length": 1, "repetition_penalty": 1.5}]
)
def test_a_prefix_leaves_nothing_else_until_it_ends(state, options):
    """Other rules hold behind it, so that it may repeat what it likes."""
    found = applied(state, prefixes=True, **options)
    behind = applied(state, **options) if options else state[0]
    for place, logits, body in hypotheses(state):
        prefix = [token for token in Memory.prefixes[place[0]].tolist() if token >= 0]
        free = len(body) >= len(prefix)
        for piece in range(VOCABULARY):
            allowed = free or piece == prefix[len(body)]
            usual = behind[place][piece] if free else logits[piece]
            assert found[place][piece] == (usual if allowed else -1e9)
