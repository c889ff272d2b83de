"""The linear maps: their backward pass, written by hand, against differentiation of x W."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.model.projection import product, transposed_product


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


@pytest.mark.parametrize("leading", [(1,), (3, 5), (64, 4)])
@pytest.mark.parametrize(("inputs", "outputs"), [(8, 8), (130, 9), (100, 300), (256, 64)])
def test_a_narrow_matrix_rounds_what_enters_the_products_and_nothing_else(leading, inputs, outputs):
    """The products of rounded numbers, added up in float32: what a CPU's units for them give."""
    generator = np.random.default_rng(0)
    x, matrix, aim = (
        generator.standard_normal(shape).astype(np.float32)
        for shape in ((*leading, inputs), (inputs, outputs), (*leading, outputs))
    )
    narrow = jnp.asarray(matrix, jnp.bfloat16)
    result, pull = jax.vjp(jax.jit(product), jnp.asarray(x), narrow)
    d_x, d_matrix = jax.jit(pull)(jnp.asarray(aim))
    assert (result.dtype, d_x.dtype, d_matrix.dtype) == (jnp.float32, jnp.float32, jnp.bfloat16)
    rounded_x, rounded, rounded_aim = (
        np.asarray(jnp.asarray(part, jnp.bfloat16), np.float32) for part in (x, matrix, aim)
    )
    close = {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(result, rounded_x @ rounded, **close)
    np.testing.assert_allclose(d_x, rounded_aim @ rounded.T, **close)
    rows = (part.reshape(-1, part.shape[-1]) for part in (rounded_x, rounded_aim))
    wanted = next(rows).T @ next(rows)
    np.testing.assert_allclose(d_matrix.astype(np.float32), wanted, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("widths", [(3, 7), (200, 130), (128, 128), (500, 20)])
def test_the_transposed_product(dtype, widths):
    generator = np.random.default_rng(1)
    x, y = (jnp.asarray(generator.integers(-4, 5, (11, width)), dtype) for width in widths)
    found = jax.jit(lambda x, y: transposed_product(x, y, jnp.float32))(x, y)
    np.testing.assert_array_equal(found, np.asarray(x, np.float32).T @ np.asarray(y, np.float32))
