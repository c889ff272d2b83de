"""The position-wise feed-forward network against its formula, one number at a time."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from seq2seq.config import ModelConfig
from seq2seq.model.layers import FeedForward

ACTIVATIONS = {
    "relu": lambda x: max(x, 0.0),
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    "swish": lambda x: x / (1 + math.exp(-x)),
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_position_goes_through_two_matrices_with_an_activation_between(activation):
    config = ModelConfig(width=4, heads=2, feed_forward_width=6, activation=activation)
    network = FeedForward(config, nnx.Rngs(0))
    generator = np.random.default_rng(0)
    weights = [generator.standard_normal(shape) for shape in ((4, 6), (6,), (6, 4), (4,))]
    places = (network.inner.kernel, network.inner.bias, network.outer.kernel, network.outer.bias)
    for place, array in zip(places, weights, strict=True):
        place.set_value(jnp.asarray(array, jnp.float32))
    x = generator.standard_normal((2, 3, 4))
    hidden = np.vectorize(ACTIVATIONS[activation])(x @ weights[0] + weights[1])
    found = network(jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(found, hidden @ weights[2] + weights[3], atol=2e-6)


def test_a_share_of_the_hidden_layer_is_dropped_and_the_rest_scaled():
    """Hidden values of 1, read as k + 10 l, where k and l are 0 if dropped and 4/3 if kept."""
    config = ModelConfig(width=4, heads=2, feed_forward_width=8, activation_dropout=0.25)
    network = FeedForward(config, nnx.Rngs(0))
    network.inner.kernel.set_value(jnp.hstack([jnp.eye(4)] * 2))
    network.outer.kernel.set_value(jnp.vstack([jnp.eye(4), 10 * jnp.eye(4)]))
    x = jnp.ones((10, 100, 4))
    np.testing.assert_array_equal(network(x), np.full(x.shape, 11.0))
    found = np.asarray(network(x, jax.random.key(0))) * 0.75
    values, counts = np.unique(found.round(3), return_counts=True)
    assert values.tolist() == [0, 1, 10, 11]
    np.testing.assert_allclose(counts / x.size, [1 / 16, 3 / 16, 3 / 16, 9 / 16], atol=0.025)
