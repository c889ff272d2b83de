"""The linear maps x W + b of a layer: their first values, their products and their gradients.

Activations keep their type; what enters a product is rounded to the type of the matrix, and the
result has the type of the activations. Where both are bfloat16, as on GPU and TPU, or both float32,
nothing is rounded. On a CPU a matrix of bfloat16 meets activations in float32: its units for
matrices (AMX) multiply bfloat16 and add up in float32, five times as fast as float32, AVX-512 with
bfloat16 twice as fast, while everything between products is slower in bfloat16 than in float32.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike
from jaxtyping import Array, Float

_BLOCK = 128
"""Columns that are transposed at a time."""


class Linear(nnx.Module):
    """The map x W + b, or x W; W is drawn uniformly (Glorot and Bengio, 2010), b starts at 0."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        rngs: nnx.Rngs,
        bias: bool = True,
        joint_outputs: int | None = None,
    ) -> None:
        """Makes the parameters.

        Args:
            inputs: Width of x.
            outputs: Width of the result.
            rngs: Randomness of the matrix.
            bias: Whether there is a b.
            joint_outputs: Columns of the larger matrix as whose part W is drawn: its variance is
                2 / (inputs + joint_outputs). By default W stands alone.
        """
        scale = (inputs + outputs) / (inputs + (joint_outputs or outputs))
        init = nnx.initializers.variance_scaling(scale, "fan_avg", "uniform")
        self.kernel = nnx.Param(init(rngs.params(), (inputs, outputs), jnp.float32))
        self.bias = nnx.Param(jnp.zeros(outputs)) if bias else None

    def __call__(self, x: Float[Array, "... I"]) -> Float[Array, "... O"]:
        """Applies the map to the last axis."""
        result = product(x, self.kernel[...])
        if self.bias is None:
            return result
        bias = self.bias[...].astype(result.dtype)
        return result + bias.reshape((1,) * (result.ndim - 1) + (-1,))


def activation_dtype(compute: DTypeLike) -> jnp.dtype:
    """The type of what passes between products, if they are computed in the type `compute`."""
    return jnp.dtype(jnp.float32 if jax.default_backend() == "cpu" else compute)


@jax.custom_vjp
def product(x: Float[Array, "... I"], matrix: Float[Array, "I O"]) -> Float[Array, "... O"]:
    """The product x W in the type of W, whose backward pass is quick on a CPU as well.

    Args:
        x: What enters a linear map.
        matrix: W.
    """
    return _forward(x, matrix)[0]


_Kept = tuple[jax.Array, jax.Array]


def _forward(x: jax.Array, matrix: jax.Array) -> tuple[jax.Array, _Kept]:
    narrow = x.astype(matrix.dtype)
    return jnp.matmul(narrow, matrix, preferred_element_type=x.dtype), (narrow, matrix)


def _backward(kept: _Kept, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, matrix = kept
    wide, narrow = gradient.dtype, gradient.astype(matrix.dtype)
    d_x = jnp.einsum("...o,io->...i", narrow, matrix, preferred_element_type=wide)
    inputs, outputs = (a.reshape(-1, a.shape[-1]) for a in (x, narrow))
    return d_x, transposed_product(inputs, outputs, wide).astype(matrix.dtype)


product.defvjp(_forward, _backward)


def transposed_product(
    x: Float[Array, "M I"], y: Float[Array, "M O"], dtype: DTypeLike
) -> Float[Array, "I O"]:
    """xᵀ y, the form that gradients of matrices have, quickly on a CPU as well.

    Differentiation writes the gradient of x W as (gᵀ x)ᵀ, and XLA on CPU brings gᵀ into memory
    together with all that makes g: the backward pass of dropout and normalisation, element by
    element along the wrong axis, a fifth of a small model's update. Here it is x that is
    transposed, which lies in memory anyway. In bfloat16 the units for matrices want its rows one
    after the other, which they bring about themselves.

    Args:
        x: One row a token.
        y: The same, of the same type.
        dtype: Type of the result.
    """
    if x.dtype == jnp.float32 or jax.default_backend() != "cpu":
        return jnp.einsum("mi,mo->io", x, y, preferred_element_type=dtype)
    if x.shape[1] > y.shape[1]:
        return jax.lax.optimization_barrier(transposed_product(y, x, dtype)).T
    return jnp.einsum("im,mo->io", _transposed(x), y, preferred_element_type=dtype)


def _transposed(x: Float[Array, "M I"]) -> Float[Array, "I M"]:
    """xᵀ as a product with the unit matrix, which is exact and takes a quarter of XLA's time."""
    unit = jnp.eye(min(_BLOCK, x.shape[1]), dtype=x.dtype)
    parts = [x[:, first : first + _BLOCK] for first in range(0, x.shape[1], _BLOCK)]
    turned = [
        jnp.einsum("ij,mj->im", unit[:, : part.shape[1]], part, preferred_element_type=jnp.float32)
        for part in parts
    ]
    whole = jnp.concatenate(turned)[: x.shape[1]]
    return jax.lax.optimization_barrier(whole.astype(x.dtype))
