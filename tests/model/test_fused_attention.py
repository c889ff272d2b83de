"""Fused attention: when it is used, and that it computes what the plain path computes.

cuDNN's kernels need a GPU; here XLA's implementation of the same function stands in for them, and
`benchmarks/accelerator.py --only check` compares the kernels themselves.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from seq2seq.config import ModelConfig
from seq2seq.model import fused_attention as module
from seq2seq.model.attention import MultiHeadAttention, attention, attention_mask

SEGMENTS = jnp.asarray([[1] * 7 + [2] * 6 + [0] * 3, [1] * 16], jnp.int32)


@pytest.fixture
def kernels(monkeypatch):
    """Pretends that the devices have the kernels; tells how often they were asked."""
    calls = []
    real = jax.nn.dot_product_attention

    def stand_in(*arrays, implementation, **options):
        calls.append(implementation)
        with jax.numpy_dtype_promotion("standard"):  # XLA's mixes types where cuDNN's does not
            return real(*arrays, implementation="xla", **options)

    monkeypatch.setattr(module, "_devices_can", lambda: True)
    monkeypatch.setattr(jax.nn, "dot_product_attention", stand_in)
    return calls


def draw(seed, *shape, dtype="float32"):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), dtype)


def arrays(queries=16, keys=16, width=8, value_width=None, dtype="bfloat16"):
    query = draw(0, 2, queries, 3, width, dtype=dtype)
    key = draw(1, 2, keys, 3, width, dtype=dtype)
    return query, key, draw(2, 2, keys, 3, value_width or width, dtype=dtype)


@pytest.mark.parametrize(
    ("sizes", "fits"),
    [
        ({}, True),
        ({"dtype": "float16", "width": 128, "keys": 2}, True),
        ({"dtype": "float32"}, False),
        ({"width": 12}, False),
        ({"width": 136}, False),
        ({"width": 8, "value_width": 16}, False),
        ({"queries": 17}, False),
        ({"keys": 17}, False),
        ({"queries": 4}, False),
    ],
)
@pytest.mark.usefixtures("kernels")
def test_kernels_are_used_for_what_they_take(sizes, fits):
    assert module.can_fuse(*arrays(**sizes)) is fits


def test_a_cpu_has_no_kernels():
    assert module.can_fuse(*arrays()) is False


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("causal", [False, True])
def test_outputs_and_gradients_are_those_of_the_plain_path(causal):
    """Also where a padded query sees no key at all: the second row's keys have no padding."""
    inputs = arrays(dtype="float32")
    mask = attention_mask(SEGMENTS, SEGMENTS if causal else SEGMENTS[::-1], causal)
    assert bool(mask.any(axis=-1).all()) is causal
    weight = draw(3, 2, 16, 3, 8)

    def value(function, *inputs):
        return jnp.sum(function(*inputs, mask) * weight)

    found = module.fused_attention(*inputs, mask)
    np.testing.assert_allclose(found, attention(*inputs, mask), atol=2e-6)
    gradients = [
        jax.grad(functools.partial(value, function), argnums=(0, 1, 2))(*inputs)
        for function in (module.fused_attention, attention)
    ]
    for ours, wanted in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, wanted, atol=5e-6)


@pytest.mark.parametrize(
    ("options", "key", "asked"),
    [
        ({}, None, ["cudnn"]),
        ({"fused_attention": False}, None, []),
        ({"attention_dropout": 0.5}, None, ["cudnn"]),
        ({"attention_dropout": 0.5}, 0, []),
    ],
)
def test_the_model_asks_for_them_unless_weights_are_dropped_out(options, key, asked, kernels):
    config = ModelConfig(width=24, heads=3, **options)
    layer = MultiHeadAttention(config, nnx.Rngs(0))
    graph, params = nnx.split(layer)
    half = nnx.merge(graph, jax.tree.map(lambda p: p.astype(jnp.bfloat16), params))
    x, mask = draw(4, 2, 16, 24, dtype="bfloat16"), attention_mask(SEGMENTS, SEGMENTS)
    found = half(x, x, mask, None if key is None else jax.random.key(key))
    assert kernels == asked
    if key is None:
        wanted = layer(x.astype(jnp.float32), x.astype(jnp.float32), mask)
        np.testing.assert_allclose(found.astype(jnp.float32), wanted, atol=0.03)
