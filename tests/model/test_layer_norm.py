"""Layer normalisation and its backward pass against NumPy and plain differentiation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.config import ModelConfig
from seq2seq.model.layer_norm import layer_norm
from seq2seq.model.layers import LayerNorm

EPSILON = 1e-3


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    x = 3.0 + 2.0 * rng.standard_normal((2, 5, 12))
    return x, rng.standard_normal(12), rng.standard_normal(12)


def formula(x, scale, bias, numpy=np):
    mean = x.mean(-1, keepdims=True)
    deviation = numpy.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + EPSILON)
    return (x - mean) / deviation * scale[None, None] + bias[None, None]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 5e-6), ("bfloat16", 0.04)])
def test_it_is_the_formula_in_the_type_of_its_input(case, dtype, tolerance):
    x, scale, bias = (jnp.asarray(part, jnp.float32) for part in case)
    found = layer_norm(x.astype(dtype), scale, bias, EPSILON)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.astype(jnp.float32), formula(*case), atol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("bfloat16", 0.05)])
def test_gradients_are_those_of_the_formula(case, dtype, tolerance):
    inputs = [jnp.asarray(part, jnp.float32) for part in case]
    inputs[0] = inputs[0].astype(dtype).astype(jnp.float32)
    weight = jnp.asarray(np.random.default_rng(1).standard_normal((2, 5, 12)), jnp.float32)

    def plain(x, scale, bias):
        return jnp.sum(formula(x, scale, bias, jnp) * weight)

    def ours(x, scale, bias):
        return jnp.sum(layer_norm(x, scale, bias, EPSILON).astype(jnp.float32) * weight)

    wanted = jax.grad(plain, argnums=(0, 1, 2))(*inputs)
    found = jax.grad(ours, argnums=(0, 1, 2))(inputs[0].astype(dtype), *inputs[1:])
    assert [part.dtype for part in found] == [dtype, "float32", "float32"]
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a.astype(jnp.float32), b, atol=tolerance)


def test_epsilon_is_a_millionth_unless_a_recipe_says_otherwise():
    """Inside the root: of inputs with variance 1e-6, as large as ε, the result has half of 1."""
    x = jnp.tile(jnp.asarray([1e-3, -1e-3]), 4)[None]
    found = LayerNorm(ModelConfig(width=8, heads=2))(x)
    np.testing.assert_allclose(found, 1e3 * x / 2**0.5, rtol=1e-4)
    wider = LayerNorm(ModelConfig(width=8, heads=2, norm_epsilon=3e-6))(x)
    np.testing.assert_allclose(wider, 1e3 * x / 2, rtol=1e-4)
