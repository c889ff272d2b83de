"""Dropout: the share it zeroes, the mean it keeps, and whether its random numbers are random."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.model.dropout import dropout

GENERATORS = ("threefry2x32", "rbg")


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_share_is_zeroed_and_the_mean_kept(generator, rate):
    count = 200_000
    found = np.asarray(dropout(jnp.ones(count), rate, jax.random.key(3, impl=generator)))
    spread = (rate * (1 - rate) / count) ** 0.5
    assert (found == 0).mean() == pytest.approx(rate, abs=5 * spread)
    assert found[found != 0] == pytest.approx(1 / (1 - rate), rel=1e-3)


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (5, 1), (2, 3, 7)])
def test_any_shape_will_do(generator, shape):
    found = dropout(jnp.full(shape, 2.0), 0.5, jax.random.key(0, impl=generator))
    assert found.shape == shape
    assert set(np.unique(found)) <= {0.0, 4.0}


def test_elements_are_dropped_independently_of_one_another():
    rate, rows = 0.3, 40_000
    kept = np.asarray(dropout(jnp.ones((rows, 8)), rate, jax.random.key(1))) > 0
    quarters = kept.reshape(4, -1)  # four numbers come from each hash, a quarter of the array apart
    for pairs in (np.corrcoef(kept.T), np.corrcoef(quarters)):
        others = pairs[~np.eye(len(pairs), dtype=bool)]
        assert np.abs(others).max() < 5 / rows**0.5


def test_each_key_drops_other_elements():
    first, second = (dropout(jnp.ones(1000), 0.5, jax.random.key(seed)) for seed in (0, 1))
    agreement = float((first == second).mean())
    assert agreement == pytest.approx(0.5, abs=0.1)


def test_without_a_key_or_a_rate_nothing_is_dropped():
    x = jnp.arange(4.0)
    np.testing.assert_array_equal(dropout(x, 0.5, None), x)
    np.testing.assert_array_equal(dropout(x, 0.0, jax.random.key(0)), x)
