"""Looking up embeddings: rows forward, sums that do not stall backward."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.model.look_up import look_up


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_gradient_of_a_frequent_token_is_its_whole_sum(dtype):
    """Added up in bfloat16, ones would stop at 256."""
    tokens = jnp.asarray([[3] * 4000, [5] + [2] * 3999], jnp.int32)
    table = jnp.ones((7, 2), dtype)

    def total(table):
        return jnp.sum(look_up(table, tokens).astype(jnp.float32))

    gradient = jax.grad(total)(table)
    assert gradient.dtype == dtype
    wanted = np.zeros((7, 2))
    np.add.at(wanted, np.asarray(tokens), 1.0)
    np.testing.assert_allclose(gradient.astype(jnp.float32), wanted, rtol=2**-8)


def test_rows_are_those_of_the_table():
    table = np.random.default_rng(0).standard_normal((7, 3)).astype(np.float32)
    tokens = np.asarray([[0, 6, 6], [2, 1, 0]])
    np.testing.assert_array_equal(look_up(jnp.asarray(table), jnp.asarray(tokens)), table[tokens])
