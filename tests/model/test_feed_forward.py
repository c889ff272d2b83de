"""The position-wise feed-forward network against its formula, one number at a time."""

import math

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
