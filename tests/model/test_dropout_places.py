"""Where dropout stands in the model (section 5.4): what is dropped, with which rate and key."""

import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.config import ModelConfig
from seq2seq.model import functional
from seq2seq.model.dropout import dropout
from seq2seq.model.layers import sinusoids
from seq2seq.types import Batch

SMALL = ModelConfig(2, 3, width=8, heads=2, feed_forward_width=12, dropout=0.1)
B, S, T, D, N, F = 2, 5, 4, 8, 2, 12


def rows():
    """Unpacked sentences, without padding."""
    generator = np.random.default_rng(0)
    sides = []
    for length in (S, T):
        tokens = generator.integers(4, 20, (B, length)).astype(np.int32)
        positions = np.tile(np.arange(length, dtype=np.int32), (B, 1))
        sides.append((tokens, np.ones_like(tokens), positions))
    source, target = sides
    return jax.tree.map(jnp.asarray, Batch(*source, target[0], *target))


def replace_dropout(monkeypatch, other):
    """Puts `other` wherever the package holds the function by its name."""
    for name, module in list(sys.modules.items()):
        if name.startswith("seq2seq.") and getattr(module, "dropout", None) is dropout:
            monkeypatch.setattr(module, "dropout", other)


def looped(body, carry, xs, **_):
    """A scan as a loop, which traces its body anew for every layer."""
    for i in range(len(jax.tree.leaves(xs)[0])):
        carry, y = body(carry, jax.tree.map(lambda x, i=i: x[i], xs))
    return carry, y


def abstract(**options):
    """A model's structure, and parameters drawn at random; the norms scale and shift nothing."""
    graph, shapes = functional.abstract(replace(SMALL, **options), 20, 20)
    generator = np.random.default_rng(0)

    def draw(path, leaf):
        if any(part.key == "norm" for part in path):
            return np.full(leaf.shape, path[-1].key == "scale", np.float32)
        return (generator.standard_normal(leaf.shape) / np.sqrt(D)).astype(np.float32)

    return graph, jax.tree_util.tree_map_with_path(draw, shapes)


@pytest.fixture
def doubled(monkeypatch):
    """Runs a model in which dropout doubles what it is given, and shows with what it is called.

    Returns the embedding, the memory, the states, and each call's argument, rate and key.
    """

    def run(**options):
        calls = []

        def double(x, rate, key):
            if key is None or rate == 0:
                return x
            calls.append((x, rate, jax.random.key_data(key)))
            return 2 * x

        replace_dropout(monkeypatch, double)
        monkeypatch.setattr(jax.lax, "scan", looped)
        graph, params = abstract(**options)

        @jax.jit
        def compute(params, keys):
            model, batch = functional.merge(graph, params), rows()
            memory = model.encode(*batch[:3], keys[0])
            target = (batch.target_inputs, batch.target_segments, batch.target_positions)
            states = model.decode(*target, memory, batch.source_segments, keys[1])
            return memory, states, calls

        keys = jax.random.split(jax.random.key(0))
        return params["target_embedding"], *jax.device_get(compute(params, keys))

    return run


def normalised(x):
    """A layer's normalisation with its first scale and shift, 1 and 0."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-6)


def test_embedding_sums_and_the_outputs_of_sub_layers_are_dropped_out(doubled):
    """What dropout gives, added up and normalised, is all that the stacks hold."""
    table, memory, states, calls = doubled()
    assert [x.shape for x, *_ in calls] == [(B, S, D)] * (1 + 2 * 2) + [(B, T, D)] * (1 + 3 * 3)
    assert [rate for _, rate, _ in calls] == [pytest.approx(0.1)] * 15
    stacks = ((calls[:5], rows().source, memory), (calls[5:], rows().target_inputs, states))
    for stack, tokens, wanted in stacks:
        embedded = table[tokens] * np.sqrt(D) + sinusoids(tokens.shape[1], D)
        np.testing.assert_allclose(stack[0][0], embedded, atol=1e-5)
        found = 2 * stack[0][0]
        for x, *_ in stack[1:]:
            found = normalised(found + 2 * x)
        np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_attention_weights_and_activations_are_dropped_out_if_asked_for(doubled):
    *_, calls = doubled(attention_dropout=0.2, activation_dropout=0.3)
    assert len({key.tobytes() for *_, key in calls}) == len(calls)
    usual, weights, hidden = (
        [x for x, found, _ in calls if found == pytest.approx(rate)] for rate in (0.1, 0.2, 0.3)
    )
    assert len(usual) == 15
    assert [x.shape for x in weights] == [(B, N, S, S)] * 2 + [(B, N, T, T), (B, N, T, S)] * 3
    for x in weights:
        np.testing.assert_allclose(x.sum(axis=-1), 1, atol=1e-5)
    assert [x.shape for x in hidden] == [(B, S, F)] * 2 + [(B, T, F)] * 3
    assert all(x.min() == 0 < x.max() for x in hidden)
    assert len(calls) == len(usual + weights + hidden)


def random_numbers(key):
    """Whether the computation of a model's states draws random numbers, beyond splitting keys."""
    graph, params = abstract(attention_dropout=0.2, activation_dropout=0.3)
    model = functional.merge(graph, jax.tree.map(jnp.asarray, params))
    text = str(jax.make_jaxpr(lambda: model(rows(), key))())
    return any(name in text for name in ("random_bits", "threefry2x32"))


def test_nothing_else_is_random(monkeypatch):
    assert random_numbers(jax.random.key(0))
    assert not random_numbers(None)
    replace_dropout(monkeypatch, lambda x, _rate, _key: x)
    assert not random_numbers(jax.random.key(0))
