"""How fast this device multiplies matrices at best: what utilisation is measured against.

A measured peak needs no table of devices, holds for the clocks and cores that this process really
gets, and puts CPU, GPU and TPU on one scale. On two CPU cores it gives 200 to 300 GFLOP/s in
float32, twice that in bfloat16 with AVX-512 and 1 500 with AMX.

All devices of a host multiply at once: devices of a CPU share its cores.
"""

import functools
import time

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from seq2seq.model.projection import activation_dtype

_SIZES = {"cpu": 1024}
_SIZE = 8192
_RUNS = 5


@functools.cache
def measure_matmul_peak(dtype: jnp.dtype) -> float:
    """Returns the FLOP/s of large square products on one of the devices, all of them busy.

    Under a second on 2 CPU cores and on a data-centre GPU. Measured once in a process.

    Args:
        dtype: Type of the products, float32 or bfloat16.
    """
    return matmul_rate(dtype, _SIZES.get(jax.default_backend(), _SIZE))


def matmul_rate(
    dtype: jnp.dtype, size: int, products: int = 4, precision: jax.lax.Precision | None = None
) -> float:
    """Returns the FLOP/s of square products of random numbers: constants would flatter a GPU.

    It is that of one device while all of this host's multiply. The fastest of a few runs, after a
    first one that compiles: what slows the others is not the device.

    Args:
        dtype: Type of what is multiplied; it is added up as the model's products are.
        size: Rows and columns.
        products: Products in a run, each of the one before, so that none can be left out and the
            time to start a run counts little.
        precision: How float32 is multiplied; default JAX's: on recent GPUs in TF32.
    """

    @jax.jit
    def product(
        x: Float[Array, "size size"], matrix: Float[Array, "size size"]
    ) -> Float[Array, "size size"]:
        wide = activation_dtype(dtype)
        for _ in range(products):
            x = jnp.matmul(x, matrix, precision=precision, preferred_element_type=wide)
            x = x.astype(dtype)
        return x

    draw = jax.jit(lambda key: (jax.random.normal(key, (size, size)) * size**-0.5).astype(dtype))
    both = [draw(key) for key in jax.random.split(jax.random.key(0))]
    pairs = [jax.device_put(both, device) for device in jax.local_devices()]
    jax.block_until_ready([product(*pair) for pair in pairs])
    seconds = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        jax.block_until_ready([product(*pair) for pair in pairs])
        seconds.append(time.perf_counter() - start)
    return 2.0 * size**3 * products / min(seconds)
