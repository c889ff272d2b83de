"""The measured matmul peak, against a plain timing of one product."""

import time

import jax
import jax.numpy as jnp

from seq2seq.training.peak import measure_matmul_peak


def test_the_peak_is_what_a_product_takes() -> None:
    start = time.perf_counter()
    peak = measure_matmul_peak(jnp.dtype("float32"))
    assert time.perf_counter() - start < 5.0
    peak *= jax.local_device_count()  # which share the cores
    matrix = jnp.ones((1024, 1024))
    (matrix @ matrix).block_until_ready()
    start = time.perf_counter()
    for _ in range(4):
        (matrix @ matrix).block_until_ready()
    plain = 4 * 2.0 * 1024**3 / (time.perf_counter() - start)
    assert 0.2 < peak / plain < 5.0


def test_it_is_measured_once() -> None:
    assert measure_matmul_peak(jnp.dtype("float32")) == measure_matmul_peak(jnp.dtype("float32"))
