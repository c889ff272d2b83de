"""The linear maps: their backward pass, written by hand, against differentiation of x W."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.model.projection import product


@pytest.mark.parametrize("leading", [(), (5,), (2, 3), (2, 3, 2)])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("bfloat16", 3e-2)])
def test_gradients_are_those_of_the_product(leading, dtype, tolerance):
    generator = np.random.default_rng(0)
    x, matrix, aim = (
        jnp.asarray(generator.standard_normal(shape), dtype)
        for shape in ((*leading, 4), (4, 6), (*leading, 6))
    )

    def loss(multiply, x, matrix):
        return jnp.sum(multiply(x, matrix) * aim)

    found = jax.grad(loss, (1, 2))(product, x, matrix)
    wanted = jax.grad(loss, (1, 2))(jnp.matmul, x, matrix)
    for gradient, other in zip(found, wanted, strict=True):
        assert gradient.dtype == other.dtype
        np.testing.assert_allclose(
            gradient.astype(np.float32), other.astype(np.float32), rtol=tolerance, atol=tolerance
        )
