"""The matrices x W + b of a layer, with their first values."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from seq2seq.config import ModelConfig

_INITIALISERS = {
    "xavier": nnx.initializers.xavier_uniform(),
    "fan_in": nnx.initializers.variance_scaling(1.0, "fan_in", "uniform"),
}


def projection(
    inputs: int, outputs: int, config: ModelConfig, rngs: nnx.Rngs, bias: bool = True
) -> nnx.Linear:
    """A linear map; its matrix is drawn as `model.initialisation` says, its bias starts at 0.

    The two choices agree for square matrices. For the feed-forward networks, whose matrices are
    four times as long as wide, the first W₁ is √2.5 times as large under `fan_in`, and W₂ √1.6
    times smaller.

    Args:
        inputs: Width of x.
        outputs: Width of the result.
        config: For the choice.
        rngs: Randomness of the matrix.
        bias: Whether there is a b.
    """
    init = _INITIALISERS[config.initialisation]
    return nnx.Linear(
        inputs, outputs, use_bias=bias, kernel_init=init, dot_general=_dot_general, rngs=rngs
    )


def _dot_general(x: jax.Array, matrix: jax.Array, *_: Any, **__: Any) -> jax.Array:
    """`product` in the form in which a linear layer asks for it: last axis by first."""
    return product(x, matrix)


@jax.custom_vjp
def product(x: Float[Array, "... I"], matrix: Float[Array, "I O"]) -> Float[Array, "... O"]:
    """The product x W, whose backward pass is quick on a CPU as well.

    The gradient of W, xᵀ g, contracts the rows of both. Differentiation writes it as (gᵀ x)ᵀ, and
    XLA on CPU brings gᵀ into memory together with all that makes g: the backward pass of dropout
    and normalisation, element by element along the wrong axis, a fifth of a small model's update.
    Here it is x that is transposed, which lies in memory anyway.

    Args:
        x: What enters a linear map.
        matrix: W, of the same type.
    """
    return x @ matrix


def _forward(x: jax.Array, matrix: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return x @ matrix, (x, matrix)


def _backward(
    kept: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, matrix = kept
    inputs, outputs = (a.reshape(-1, a.shape[-1]) for a in (x, gradient))
    return gradient @ matrix.T, jnp.einsum("mi,mo->io", inputs, outputs)


product.defvjp(_forward, _backward)
