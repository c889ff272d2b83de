"""Dropout as a pure function, and keys that may be absent."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_LEVELS = 1 << 16


def dropout(x: Float[Array, "..."], rate: float, key: jax.Array | None) -> Float[Array, "..."]:
    """Zeroes a share `rate` of the elements and scales the others up, so that the mean stays.

    Sixteen random bits an element are enough (the rate is exact to 1/65 536, and the scale uses the
    rate as rounded) and cost half of the thirty-two that `jax.random.bernoulli` draws.

    Args:
        x: Activations of any shape.
        rate: Share to zero, in [0, 1).
        key: Randomness; None leaves `x` as it is.
    """
    dropped = min(round(rate * _LEVELS), _LEVELS - 1)
    if key is None or dropped == 0:
        return x
    kept = jax.random.bits(key, x.shape, jnp.uint16) >= jnp.uint16(dropped)
    return jnp.where(kept, x * (_LEVELS / (_LEVELS - dropped)), 0)


def split_key(key: jax.Array | None, count: int) -> list[jax.Array | None]:
    """`count` independent keys, or that many None where there is no randomness."""
    return [None] * count if key is None else list(jax.random.split(key, count))
