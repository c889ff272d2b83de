"""Dropout as a pure function, and keys that may be absent."""

import math

import jax
import jax.extend.random
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

_LEVELS = 1 << 16


def dropout(x: Float[Array, "..."], rate: float, key: jax.Array | None) -> Float[Array, "..."]:
    """Zeroes a share `rate` of the elements and scales the others up, so that the mean stays.

    Sixteen random bits an element are enough: the rate is exact to 1/65 536, and the scale uses the
    rate as rounded.

    Args:
        x: Activations of any shape.
        rate: Share to zero, in [0, 1).
        key: Randomness; None leaves `x` as it is.
    """
    dropped = min(round(rate * _LEVELS), _LEVELS - 1)
    if key is None or dropped == 0:
        return x
    kept = _sixteen_bits(key, x.shape) >= dropped
    return jnp.where(kept, x * (_LEVELS / (_LEVELS - dropped)), 0)


def split_key(key: jax.Array | None, count: int) -> list[jax.Array | None]:
    """`count` independent keys, or that many None where there is no randomness."""
    return [None] * count if key is None else list(jax.random.split(key, count))


def _sixteen_bits(key: jax.Array, shape: tuple[int, ...]) -> UInt32[Array, "..."]:
    """Random numbers below 65 536, four from each hash of threefry.

    `jax.random.bits` takes a whole hash, 64 bits, for each number however small, so that an array
    cut over devices can be drawn in parts. Here each device draws its own, and threefry would be a
    sixth of the time of a small model's update on CPU.
    """
    if str(jax.random.key_impl(key)) != "threefry2x32":
        return jax.random.bits(key, shape, jnp.uint16).astype(jnp.uint32)
    size = math.prod(shape)
    counts = jnp.arange(2 * -(-size // 4), dtype=jnp.uint32)
    words = jax.extend.random.threefry_2x32(jax.random.key_data(key), counts)
    return jnp.concatenate([words & (_LEVELS - 1), words >> 16])[:size].reshape(shape)
