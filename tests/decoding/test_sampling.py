"""Draws against the probabilities that they are drawn from."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.decoding.sampling import Draw, drawn, uniforms

END, BANNED = 2, (0, 1)


def draws(logits, draw, rows=300, beams=40, allowed=None):
    """Tokens drawn from one distribution, each with its log-probability."""
    whole = jnp.broadcast_to(jnp.asarray(logits, jnp.float32), (rows, beams, len(logits)))
    numbers, zeros = jnp.arange(rows, dtype=jnp.int32), jnp.zeros(rows, jnp.int32)
    random = uniforms(draw, numbers, zeros, beams)
    assert ((random > 0) & (random <= 1)).all()
    free = whole if allowed is None else jnp.where(jnp.asarray(allowed)[None, None], whole, -1e9)
    at_limit = jnp.zeros(rows, bool)
    log_probs = jnp.full((rows, beams), -2.0)
    found = drawn(whole, free, log_probs, at_limit, random, END, BANNED, draw)
    assert (found.beams == jnp.arange(beams)[None]).all()
    return np.asarray(found.tokens), np.asarray(found.log_probs)


def softmax(logits):
    exps = np.exp(logits - np.max(logits))
    return exps / exps.sum()


def check_frequencies(tokens, probabilities):
    """Pearson's χ², which exceeds its bound once in ten thousand times."""
    possible, counts = probabilities > 0, np.bincount(tokens.ravel(), minlength=len(probabilities))
    wanted = probabilities * tokens.size
    assert counts[~possible].sum() == 0
    chi2 = ((counts - wanted)[possible] ** 2 / wanted[possible]).sum()
    freedom = possible.sum() - 1
    assert chi2 < freedom * (1 - 2 / (9 * freedom) + 3.72 * np.sqrt(2 / (9 * freedom))) ** 3


@pytest.mark.parametrize("vocabulary", [5, 16, 50, 101])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_frequencies_are_the_models_probabilities(vocabulary, temperature):
    logits = np.random.default_rng(vocabulary).standard_normal(vocabulary)
    tokens, _ = draws(logits, Draw(seed=7, temperature=temperature))
    logits[list(BANNED)] = -np.inf
    check_frequencies(tokens, softmax(logits / temperature))


@pytest.mark.parametrize("options", [{"top_k": 7}, {"top_p": 0.7}, {"min_p": 0.08}], ids=str)
def test_frequencies_of_what_is_left_are_its_probabilities_made_to_add_up(options):
    logits = np.random.default_rng(3).standard_normal(30)
    tokens, _ = draws(logits, Draw(seed=7, temperature=1.3, **options))
    logits[list(BANNED)] = -np.inf
    probabilities = softmax(logits / 1.3)
    left = np.isin(np.arange(30), tokens)
    assert 5 < left.sum() < 20
    assert probabilities[left].min() > probabilities[~left].max()
    check_frequencies(tokens, np.where(left, probabilities, 0) / probabilities[left].sum())


def test_log_probabilities_are_those_of_the_whole_distribution():
    logits = np.random.default_rng(1).standard_normal(20)
    for draw in (Draw(0), Draw(0, temperature=0.3, top_k=4)):
        tokens, log_probs = draws(logits, draw)
        wanted = -2.0 + np.log(softmax(logits))[tokens]
        np.testing.assert_allclose(log_probs, wanted, atol=1e-5)


def test_restrictions_leave_what_they_say():
    logits = np.log([0.5, 0.5, 0.3, 0.25, 0.2, 0.15, 0.1])  # two banned, then five that add up to 1
    kept = functools.partial(draws, logits)
    for draw, wanted in (
        (Draw(0), {2, 3, 4, 5, 6}),
        (Draw(0, top_k=2), {2, 3}),
        (Draw(0, top_k=99), {2, 3, 4, 5, 6}),
        (Draw(0, top_p=0.5), {2, 3}),
        (Draw(0, top_p=0.6), {2, 3, 4}),
        (Draw(0, top_p=0.01), {2}),
        (Draw(0, min_p=0.6), {2, 3, 4}),
        (Draw(0, top_k=3, min_p=0.8), {2, 3}),
    ):
        tokens, _ = kept(draw)
        assert set(np.unique(tokens)) == wanted, draw
    tokens, _ = kept(Draw(0), allowed=[True, True, False, True, False, True, True])
    assert set(np.unique(tokens)) == {3, 5, 6}


def test_at_the_limit_comes_the_end():
    logits = jnp.zeros((2, 3, 9))
    random, log_probs = jnp.full((2, 3), 0.5), jnp.zeros((2, 3))
    limit = jnp.asarray([True, False])
    found = drawn(logits, logits, log_probs, limit, random, END, BANNED, Draw(0))
    assert (found.tokens[0] == END).all()
    assert (found.tokens[1] != END).all()
    np.testing.assert_allclose(found.log_probs, -np.log(9), rtol=1e-5)


def test_random_numbers_hang_on_seed_sentence_and_position_alone():
    numbers, positions = jnp.asarray([3, 8, 8], jnp.int32), jnp.asarray([0, 0, 1], jnp.int32)
    whole = uniforms(Draw(5), numbers, positions, 4)
    assert len(np.unique(whole)) == 12
    for row in range(3):
        alone = uniforms(Draw(5), numbers[row : row + 1], positions[row : row + 1], 4)
        np.testing.assert_array_equal(alone[0], whole[row])
    assert (uniforms(Draw(6), numbers, positions, 4) != whole).all()
