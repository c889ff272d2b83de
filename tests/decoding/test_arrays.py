"""Taking and setting parts of arrays."""

import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.decoding.arrays import gather, put, put_rows


def test_gather_takes_places_of_each_sentence():
    x = np.arange(24).reshape(2, 3, 4)
    places = np.array([[2, 0], [1, 1]])
    found = gather(jnp.asarray(x), jnp.asarray(places))
    assert found.tolist() == [[x[0, 2].tolist(), x[0, 0].tolist()], [x[1, 1].tolist()] * 2]


def test_put_sets_a_slot_for_all_sentences():
    found = put(jnp.zeros((2, 2, 3), jnp.int32), jnp.asarray(1), jnp.asarray([[5, 6]]))
    assert found.tolist() == [[[0, 5, 0], [0, 6, 0]]] * 2


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.int32])
def test_rows_are_put_in_their_places_and_those_out_of_range_left_out(dtype):
    old = jnp.arange(8).reshape(4, 2).astype(dtype) - 3
    new = jnp.asarray([[10, 20], [30, 40], [50, 60]]).astype(dtype)
    found = put_rows(old, new, jnp.asarray([2, 4, 0]))
    assert found.dtype == dtype
    assert found.tolist() == [[50, 60], [-1, 0], [10, 20], [3, 4]]
