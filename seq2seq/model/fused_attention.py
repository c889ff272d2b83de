"""Attention in cuDNN's fused kernels, and when they can be used.

The plain path writes the scores of every head, [B, N, T, S] in float32, reads them for the softmax
and keeps the weights for the backward pass. A fused kernel holds one block of them at a time and
computes it again in the backward pass: all it reads beside queries, keys and values is the mask,
which becomes a bias [B, 1, T, S] for all heads together. It cannot drop out the weights with our
keys, nor show them to anybody.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

_FIRST_JAX = (0, 11, 2)
"""Older ones have the kernel compute the gradient of the bias that a mask becomes, for nobody."""

_FIRST_DEVICE = 8.0
"""Compute capability of Ampere."""

_FEWEST_QUERIES = 16
"""With fewer there is no score to save: cached decoding asks one query at a time."""

_WIDEST_HEAD = 128


def can_fuse(
    query: Float[Array, "B T N H"], key: Float[Array, "B S N H"], value: Float[Array, "B S N G"]
) -> bool:
    """Whether every device of this process has the kernels, and they take arrays like these.

    They want an NVIDIA GPU from Ampere on, 16-bit numbers, keys and values of one width that is a
    multiple of 8 and at most 128, and even lengths.
    """
    length, width = query.shape[1], query.shape[-1]
    return (
        _devices_can()
        and query.dtype in (jnp.bfloat16, jnp.float16)
        and query.dtype == key.dtype == value.dtype
        and width == value.shape[-1]
        and width % 8 == 0
        and width <= _WIDEST_HEAD
        and length >= _FEWEST_QUERIES
        and length % 2 == key.shape[1] % 2 == 0
    )


def fused_attention(
    query: Float[Array, "B T N H"],
    key: Float[Array, "B S N H"],
    value: Float[Array, "B S N H"],
    mask: Bool[Array, "B T S"],
) -> Float[Array, "B T N H"]:
    """softmax(Q Kᵀ / √d_k) V over the visible keys; see `attention`, which gives the same.

    A query that sees no key gets the mean of all values, as it does there.
    """
    masks = mask[:, None]
    return jax.nn.dot_product_attention(query, key, value, mask=masks, implementation="cudnn")


@functools.cache
def _devices_can() -> bool:
    if jax.__version_info__ < _FIRST_JAX or jax.default_backend() != "gpu":
        return False
    devices = jax.local_devices()
    cuda = all("cuda" in device.client.platform_version for device in devices)
    return cuda and all(float(device.compute_capability) >= _FIRST_DEVICE for device in devices)
