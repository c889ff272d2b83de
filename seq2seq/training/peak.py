"""How fast this device multiplies matrices at best: what utilisation is measured against.

A measured peak needs no table of devices, holds for the clocks and cores that this process really
gets, and puts CPU, GPU and TPU on one scale. On two CPU cores it gives about 235 GFLOP/s (float32).
"""

import functools
import statistics
import time

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_SIZES = {"cpu": 1024}
_SIZE = 8192
_PRODUCTS, _RUNS = 4, 5


@functools.cache
def measure_matmul_peak(dtype: jnp.dtype) -> float:
    """Returns the FLOP/s of large square products on the default device.

    The median of a few runs after a first one that compiles; under a second on 2 CPU cores and on
    a data-centre GPU. Measured once in a process.

    Args:
        dtype: Type of the products, float32 or bfloat16.
    """
    size = _SIZES.get(jax.default_backend(), _SIZE)
    matrix = jnp.full((size, size), 1 / size, dtype)
    product = jax.jit(_repeated_product)
    product(matrix, matrix).block_until_ready()
    seconds = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        product(matrix, matrix).block_until_ready()
        seconds.append(time.perf_counter() - start)
    return 2.0 * size**3 * _PRODUCTS / statistics.median(seconds)


def _repeated_product(
    x: Float[Array, "size size"], matrix: Float[Array, "size size"]
) -> Float[Array, "size size"]:
    """Each product needs the one before it, so that none can be left out."""
    for _ in range(_PRODUCTS):
        x = x @ matrix
    return x
