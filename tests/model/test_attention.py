"""Attention against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from seq2seq.config import ModelConfig
from seq2seq.model.attention import MultiHeadAttention, attention, attention_mask


def numpy_attention(query, key, value, mask):
    """Equation 1, one head and one query at a time."""
    batch, length, heads, width = query.shape
    result = np.zeros((batch, length, heads, value.shape[-1]))
    for b, t, n in np.ndindex(batch, length, heads):
        scores = key[b, :, n] @ query[b, t, n] / np.sqrt(width)
        scores[~mask[b, t]] = -np.inf
        weights = np.exp(scores - scores.max())
        result[b, t, n] = (weights / weights.sum()) @ value[b, :, n]
    return result


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_attention_is_equation_1():
    query, key, value = draw(0, 2, 5, 3, 4), draw(1, 2, 7, 3, 4), draw(2, 2, 7, 3, 6)
    mask = np.random.default_rng(3).random((2, 5, 7)) < 0.6
    mask[:, :, 0] = True
    found = attention(jnp.asarray(query), jnp.asarray(key), jnp.asarray(value), jnp.asarray(mask))
    wanted = numpy_attention(query.astype(float), key.astype(float), value.astype(float), mask)
    np.testing.assert_allclose(found, wanted, atol=2e-6)


def test_mask_separates_sentences_and_hides_the_future():
    segments = jnp.asarray([[1, 1, 2, 2, 0]])
    both = attention_mask(segments, segments)[0].astype(int).tolist()
    assert both[0] == [1, 1, 0, 0, 0]
    assert both[3] == [0, 0, 1, 1, 0]
    assert both[4] == [0, 0, 0, 0, 1]
    causal = attention_mask(segments, segments, causal=True)[0].astype(int).tolist()
    assert causal[0] == [1, 0, 0, 0, 0]
    assert causal[3] == [0, 0, 1, 1, 0]


@pytest.mark.parametrize("widths", [(None, None), (2, 5)])
def test_heads_are_projected_apart_and_joined(widths):
    config = ModelConfig(width=12, heads=3, key_width=widths[0], value_width=widths[1])
    module = MultiHeadAttention(config, nnx.Rngs(0))
    x, memory = draw(0, 2, 4, 12), draw(1, 2, 6, 12)
    mask = np.ones((2, 4, 6), bool)

    def heads(linear, y):
        return (y @ np.asarray(linear.kernel[...], float)).reshape(*y.shape[:2], 3, -1)

    joined = numpy_attention(
        heads(module.query, x), heads(module.key, memory), heads(module.value, memory), mask
    )
    wanted = joined.reshape(2, 4, -1) @ np.asarray(module.output.kernel[...], float)
    found = module(jnp.asarray(x), jnp.asarray(memory), jnp.asarray(mask))
    np.testing.assert_allclose(found, wanted, atol=3e-6)


def test_dropout_of_weights_keeps_the_mean():
    query, key = jnp.zeros((1, 1, 1, 4)), jnp.zeros((1, 50, 1, 4))
    value, mask = jnp.ones((1, 50, 1, 1)), jnp.ones((1, 1, 50), bool)
    keys = jax.random.split(jax.random.key(0), 400)
    drawn = jnp.stack([attention(query, key, value, mask, 0.3, k) for k in keys])
    assert abs(float(drawn.mean()) - 1) < 0.02
    assert float(drawn.std()) > 0.05
