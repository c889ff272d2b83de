"""Taking and setting parts of arrays whose first axis is sentences, as a search does."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int


def gather(x: Array, places: Int[Array, "B C"]) -> Array:
    """x[b, places[b, c]] for every b and c."""
    index = places.reshape(*places.shape, *(1,) * (x.ndim - 2))
    return jnp.take_along_axis(x, index, axis=1)


def put(x: Int[Array, "B C T"], slot: Int[Array, ""], values: Int[Array, "_ C"]) -> Array:
    """`x` with `values` in a slot."""
    values = jnp.broadcast_to(values, x.shape[:2])
    return jax.lax.dynamic_update_index_in_dim(x, values, slot, axis=2)


def put_rows(old: Array, new: Array, places: Int[Array, " R"]) -> Array:
    """`old` with new rows; a place out of range is none.

    A CPU makes float32 of all of a bfloat16 array for it, so it gets the same bits as integers.
    """
    if old.dtype != jnp.bfloat16:
        return old.at[places].set(new, mode="drop")
    known, fresh = (jax.lax.bitcast_convert_type(x, jnp.uint16) for x in (old, new))
    return jax.lax.bitcast_convert_type(put_rows(known, fresh, places), jnp.bfloat16)
