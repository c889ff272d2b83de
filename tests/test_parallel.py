"""Eight virtual devices, by either backend, against one: with plain SGD, which hides no factor."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from seq2seq import parallel
from seq2seq.config import Config, ModelConfig, TrainingConfig
from seq2seq.training import step as step_module
from seq2seq.types import Batch


def make(accumulation=1, dropout=0.0):
    return Config(
        model=ModelConfig(
            encoder_layers=1,
            decoder_layers=1,
            width=16,
            heads=2,
            feed_forward_width=32,
            dropout=dropout,
        ),
        training=TrainingConfig(accumulation=accumulation),
    )


def uneven_batch():
    """Sixteen rows whose devices hold different numbers of real tokens."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 7, 16)
    segments = (np.arange(6)[None, :] < lengths[:, None]).astype(np.int32)
    positions = np.tile(np.arange(6, dtype=np.int32), (16, 1))

    def tokens():
        return rng.integers(4, 20, (16, 6)).astype(np.int32) * segments

    return Batch(tokens(), segments, positions, tokens(), tokens(), segments, positions)


def updated(monkeypatch, backend, mesh_size, accumulation=1):
    monkeypatch.setattr(step_module, "optimizer", lambda *_: optax.sgd(0.5))
    if mesh_size == 1:
        one = jax.make_mesh((1,), (parallel.AXIS,), axis_types=(jax.sharding.AxisType.Auto,))
        monkeypatch.setattr(
            parallel,
            "mesh",
            lambda: jax.make_mesh(
                (1,), (parallel.AXIS,), devices=jax.devices()[:1], axis_types=one.axis_types
            ),
        )
    functions = step_module.make(make(accumulation), 20, 20, jnp.dtype("float32"))
    state = functions.init(jax.random.key(0))
    step = parallel.data_parallel(functions.train, backend)
    batch = jax.tree.map(jnp.asarray, uneven_batch())
    for _ in range(2):
        state, metrics = step(state, batch, jax.random.key(1))
    monkeypatch.undo()
    return state.params, metrics


@pytest.mark.parametrize(
    ("backend", "accumulation"), [("shard_map", 1), ("pmap", 1), ("shard_map", 2)]
)
def test_eight_devices_update_as_one_does(monkeypatch, backend, accumulation):
    wanted, wanted_metrics = updated(monkeypatch, "shard_map", 1)
    found, metrics = updated(monkeypatch, backend, 8, accumulation)
    assert float(metrics.sums.tokens) == float(wanted_metrics.sums.tokens)
    np.testing.assert_allclose(metrics.gradient_norm, wanted_metrics.gradient_norm, rtol=1e-5)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)


def test_rows_are_rounded_up_to_the_devices():
    assert parallel.local_rows(17) == (24, slice(0, 24))
    assert parallel.local_rows(8) == (8, slice(0, 8))


def test_a_placed_batch_is_cut_over_the_devices():
    placed = parallel.place({"rows": np.arange(16).reshape(16, 1)})["rows"]
    assert len(placed.addressable_shards) == 8
    np.testing.assert_array_equal(placed[:, 0], np.arange(16))


@pytest.mark.parametrize(
    ("flags", "before", "wanted"),
    [
        ("", "", min(len(os.sched_getaffinity(0)), 8)),
        ("--xla_force_host_platform_device_count=3", "", 3),
        ("", "jax.device_count(); ", 1),
    ],
)
def test_every_core_becomes_a_device_unless_devices_are_chosen(flags, before, wanted):
    code = (
        f"import jax; from seq2seq import parallel; {before}"
        "parallel.cores_as_devices(); print(jax.device_count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"XLA_FLAGS": flags},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == wanted
