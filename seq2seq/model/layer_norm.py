"""Layer normalisation as a pure function, whose backward pass needs little memory.

Left to itself, differentiation keeps three arrays in float32 for each normalisation: 12 bytes an
element, 30 times in the base model, written and read once an update. What is kept here is the
input, in its own type, and two numbers a position.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_Kept = tuple[jax.Array, jax.Array, jax.Array, jax.Array]
"""Input, scale, and each position's mean and inverse deviation."""


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def layer_norm(
    x: Float[Array, "... D"],
    scale: Float[Array, " D"],
    bias: Float[Array, " D"],
    epsilon: float,
) -> Float[Array, "... D"]:
    """(x - mean) / √(variance + ε) · scale + bias over the last axis (Ba et al., 2016), in float32.

    Args:
        x: Activations of any type, which the result has too.
        scale: Factor of each element, float32.
        bias: What is added to each element, float32.
        epsilon: ε.
    """
    return _forward(x, scale, bias, epsilon)[0]


def _forward(
    x: jax.Array, scale: jax.Array, bias: jax.Array, epsilon: float
) -> tuple[jax.Array, _Kept]:
    wide = x.astype(jnp.float32)
    mean = jnp.mean(wide, axis=-1, keepdims=True)
    centred = wide - mean
    variance = jnp.mean(jnp.square(centred), axis=-1, keepdims=True)
    inverse = jax.lax.rsqrt(variance + epsilon)
    result = centred * inverse * _along(scale, x) + _along(bias, x)
    return result.astype(x.dtype), (x, scale, mean, inverse)


def _backward(
    _epsilon: float, kept: _Kept, gradient: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    x, scale, mean, inverse = kept
    gradient, normal = gradient.astype(jnp.float32), (x.astype(jnp.float32) - mean) * inverse
    others = tuple(range(x.ndim - 1))
    d_normal = gradient * _along(scale, x)
    average = functools.partial(jnp.mean, axis=-1, keepdims=True)
    d_x = inverse * (d_normal - average(d_normal) - normal * average(d_normal * normal))
    return d_x.astype(x.dtype), jnp.sum(gradient * normal, others), jnp.sum(gradient, others)


layer_norm.defvjp(_forward, _backward)


def _along(vector: jax.Array, x: jax.Array) -> jax.Array:
    return vector.reshape((1,) * (x.ndim - 1) + (-1,))
