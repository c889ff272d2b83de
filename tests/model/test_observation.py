"""The weights that are observed against a Transformer written once more, in NumPy and float64."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from seq2seq.attention_maps import attention_maps
from seq2seq.config import ModelConfig
from seq2seq.model.attention import attention
from seq2seq.model.layers import unstack
from seq2seq.model.observation import is_observed, observe, observing
from seq2seq.model.transformer import Transformer

SMALL = ModelConfig(
    encoder_layers=2, decoder_layers=3, width=12, heads=3, feed_forward_width=20, dropout=0.1
)
OPTIONS = [
    {},
    {"norm": "pre"},
    {"norm": "pre", "attention_bias": True, "key_width": 2, "value_width": 5},
]
KINDS = ("encoder", "decoder", "cross")


def make(**options):
    model = Transformer(dataclasses.replace(SMALL, **options), 20, 20, nnx.Rngs(0))
    graph, params = nnx.split(model)
    noise = np.random.default_rng(0)  # biases are zero and scales one in a new model
    moved = [p + 0.2 * noise.standard_normal(p.shape, np.float32) for p in jax.tree.leaves(params)]
    return nnx.merge(graph, jax.tree.unflatten(jax.tree.structure(params), moved))


def batch():
    """Two sentences of different lengths: tokens and segments of source and of target inputs."""
    source = jnp.asarray([[5, 6, 7, 8, 9, 2], [10, 11, 2, 0, 0, 0]], jnp.int32)
    target = jnp.asarray([[1, 12, 13, 14], [1, 15, 0, 0]], jnp.int32)
    return source, (source > 0).astype(jnp.int32), target, (target > 0).astype(jnp.int32)


class Oracle:
    """One sentence through the model, without padding: equations of the paper, one by one."""

    def __init__(self, model):
        self.model, self.config = model, model.config
        self.weights = {kind: [] for kind in KINDS}

    def run(self, source, inputs):
        pre = self.config.norm == "pre"
        x = self.embedded(source)
        for layer in unstack(self.model.encoder.layers):
            seen = np.ones((len(x), len(x)), bool)
            look = self.looking("encoder", layer.self_attention, None, seen)
            x = self.residual(layer.self_attention_residual, x, look)
            x = self.residual(layer.feed_forward_residual, x, self.feeding(layer.feed_forward))
        memory = self.normal(self.model.encoder.norm, x) if pre else x
        y = self.embedded(inputs)
        for layer in unstack(self.model.decoder.layers):
            back = self.looking("decoder", layer.self_attention, None, np.tri(len(y)) > 0)
            y = self.residual(layer.self_attention_residual, y, back)
            seen = np.ones((len(y), len(memory)), bool)
            across = self.looking("cross", layer.cross_attention, memory, seen)
            y = self.residual(layer.cross_attention_residual, y, across)
            y = self.residual(layer.feed_forward_residual, y, self.feeding(layer.feed_forward))
        return {kind: np.array(found) for kind, found in self.weights.items()}

    def embedded(self, ids):
        table, width = np.asarray(self.model.target_embedding[...], float), self.config.width
        angle = np.arange(len(ids))[:, None] / 10_000 ** (2 * np.arange(width // 2) / width)
        places = np.empty((len(ids), width))
        places[:, 0::2], places[:, 1::2] = np.sin(angle), np.cos(angle)
        return table[ids] * np.sqrt(width) + places

    def looking(self, kind, module, memory, seen):
        def function(x):
            other = x if memory is None else memory
            query, key, value = (
                np.split(self.linear(part, inputs), self.config.heads, axis=-1)
                for part, inputs in ((module.query, x), (module.key, other), (module.value, other))
            )
            heads, weights = [], []
            for q, k, v in zip(query, key, value, strict=True):
                scores = np.where(seen, q @ k.T / np.sqrt(k.shape[1]), -np.inf)
                raised = np.exp(scores - scores.max(axis=1, keepdims=True))
                weights.append(raised / raised.sum(axis=1, keepdims=True))
                heads.append(weights[-1] @ v)
            self.weights[kind].append(weights)
            return self.linear(module.output, np.concatenate(heads, axis=-1))

        return function

    def feeding(self, module):
        return lambda x: self.linear(module.outer, np.maximum(0, self.linear(module.inner, x)))

    def linear(self, module, x):
        bias = 0 if module.bias is None else np.asarray(module.bias[...], float)
        return x @ np.asarray(module.kernel[...], float) + bias

    def residual(self, module, x, function):
        if self.config.norm == "pre":
            return x + function(self.normal(module.norm, x))
        return self.normal(module.norm, x + function(x))

    def normal(self, module, x):
        centred = x - x.mean(axis=1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=1, keepdims=True) + module.epsilon)
        return centred / deviation * np.asarray(module.scale[...]) + np.asarray(module.bias[...])


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_weights_are_softmax_of_queries_and_keys(options):
    model = make(**options)
    source, source_segments, target, target_segments = map(np.asarray, batch())
    maps = jax.jit(lambda *arrays: attention_maps(model, *arrays))(*batch())
    shapes = {kind: np.shape(getattr(maps, kind)) for kind in KINDS}
    assert shapes == {
        "encoder": (2, 2, 3, 6, 6),
        "decoder": (3, 2, 3, 4, 4),
        "cross": (3, 2, 3, 4, 6),
    }
    for row in range(2):
        width, height = int(source_segments[row].sum()), int(target_segments[row].sum())
        wanted = Oracle(model).run(source[row, :width], target[row, :height])
        for kind, oracle in wanted.items():
            sizes = {"encoder": (width, width), "decoder": (height, height)}
            rows, columns = sizes.get(kind, (height, width))
            found = np.asarray(getattr(maps, kind))[:, row, :, :rows]
            np.testing.assert_allclose(found[..., :columns], oracle, atol=2e-6)
            assert not found[..., columns:].any(), "padding is looked at"


@pytest.mark.parametrize("options", OPTIONS[:2], ids=str)
def test_rows_add_up_to_one_and_the_future_is_hidden(options):
    maps = jax.jit(lambda *arrays: attention_maps(make(**options), *arrays))(*batch())
    for weights in maps:
        assert weights.dtype == jnp.float32
        np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    future = np.triu_indices(4, 1)
    assert not np.asarray(maps.decoder)[..., future[0], future[1]].any()
    assert np.asarray(maps.decoder)[:, 0, :, 3, :3].all(), "the past is hidden too"


@pytest.mark.parametrize("remat", [False, True])
def test_observing_changes_nothing(remat):
    model, (source, segments, _, _) = make(), batch()
    places = jnp.broadcast_to(jnp.arange(6, dtype=jnp.int32), source.shape)
    key = jax.random.key(0)

    def states(source):
        return model.encode(source, segments, places, key, remat)

    def observed(source):
        with observing() as seen:
            return states(source), seen

    plain, (watched, seen) = jax.jit(states)(source), jax.jit(observed)(source)
    np.testing.assert_array_equal(plain, watched)
    assert [weights.shape for weights in seen] == [(2, 2, 3, 6, 6)]
    assert len(jax.make_jaxpr(states)(source).out_avals) == 1


def test_dropout_of_weights_is_not_observed():
    query, key, value = (jnp.ones((1, 3, 2, 4)) for _ in range(3))
    with observing() as seen:
        attention(query, key, value, jnp.ones((1, 3, 3), bool), 0.5, jax.random.key(0))
    np.testing.assert_allclose(seen[0], 1 / 3, atol=1e-6)


def test_each_observer_sees_its_own_and_none_sees_what_comes_later():
    one, two = (jnp.full((1, 1, 1, 1), x) for x in (1.0, 2.0))
    assert not is_observed()
    with observing() as outer:
        observe(one)
        with observing() as inner:
            observe(two)
        assert is_observed()
    observe(one)
    assert (outer, inner) == ([one], [two])
    with pytest.raises(ZeroDivisionError), observing():
        1 / 0  # noqa: B018
    assert not is_observed()
