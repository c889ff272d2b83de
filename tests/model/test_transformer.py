"""The whole model: packing, masks, the cached decoder, and the options of published models."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from seq2seq.config import ModelConfig
from seq2seq.model.layers import Positions, sinusoids
from seq2seq.model.transformer import Transformer

SMALL = ModelConfig(
    encoder_layers=2, decoder_layers=2, width=16, heads=2, feed_forward_width=32, dropout=0.1
)
OPTIONS = [
    {},
    {"norm": "pre", "activation": "gelu"},
    {"positions": "learned", "max_positions": 32, "attention_bias": True},
    {"positions": "learned", "max_positions": 32, "scale_positions": True},
    {"embeddings": "separate", "output_bias": True, "sinusoids": "concatenated"},
    {"embeddings": "decoder", "key_width": 4, "value_width": 12, "activation": "swish"},
    {"decoder_start": "zero", "sinusoids": "concatenated", "attention_bias": True},
]


def make(**options):
    return Transformer(dataclasses.replace(SMALL, **options), 20, 20, nnx.Rngs(0))


def tokens(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).integers(4, 20, shape), jnp.int32)


def whole(batch, length):
    """Segments and positions of unpacked sentences."""
    positions = jnp.broadcast_to(jnp.arange(length, dtype=jnp.int32), (batch, length))
    return jnp.ones((batch, length), jnp.int32), positions


def run(model, source, target):
    memory = model.encode(source, *whole(*source.shape))
    states = model.decode(target, *whole(*target.shape), memory, whole(*source.shape)[0])
    return model.logits(states)


@pytest.mark.parametrize("options", OPTIONS)
def test_cached_steps_give_what_the_full_decoder_gives(options):
    model, source, target = make(**options), tokens(1, 3, 7), tokens(2, 3, 6)
    full = run(model, source, target)
    memory = model.memory(model.encode(source, *whole(3, 7)))
    cache = model.empty_cache(3, 2, 6)
    own = jnp.broadcast_to(jnp.arange(2)[:, None], (3, 2, 6))
    for position in range(6):
        pair = jnp.stack([target[:, position]] * 2, axis=1)
        slot = jnp.asarray((4 + position) % 6, jnp.int32)  # the ring's end is met on the way
        read = (jnp.arange(6) - 4) % 6 <= position
        states, cache = model.step(
            pair,
            cache,
            memory,
            whole(3, 7)[0],
            jnp.full(3, position, jnp.int32),
            slot,
            jnp.where(read[None, None], own, -1),
        )
        for beam in range(2):
            np.testing.assert_allclose(model.logits(states)[:, beam], full[:, position], atol=2e-5)


@pytest.mark.parametrize("bias", [True, False])
def test_logits_of_listed_pieces_are_those_of_all(bias):
    model = make(output_bias=bias)
    if bias:
        model.output_bias[...] = jnp.linspace(-1, 1, model.output_bias.shape[0])
    states = jax.random.normal(jax.random.key(0), (2, 3, model.config.width))
    every = model.logits(states)
    np.testing.assert_allclose(model.logits(states, model.output_columns()), every, atol=1e-6)
    pieces = jnp.asarray([[5, 0, 7], [1, 1, 2]])
    found = model.listed_logits(states, model.output_rows(pieces))
    for sentence in range(2):
        np.testing.assert_allclose(found[sentence], every[sentence][:, pieces[sentence]], atol=1e-5)


def test_hypotheses_that_change_places_keep_their_past():
    """Two targets that swap their places in the beam at every step."""
    model, source = make(), tokens(1, 2, 5)
    targets = [tokens(2, 2, 4), tokens(3, 2, 4)]
    full = [run(model, source, target) for target in targets]
    memory = model.memory(model.encode(source, *whole(2, 5)))
    cache = model.empty_cache(2, 2, 4)
    for position in range(4):
        order = (0, 1) if position % 2 == 0 else (1, 0)  # place k holds target order[k]
        pair = jnp.stack([targets[i][:, position] for i in order], axis=1)
        places = [
            [-1 if t > position else i if t % 2 == 0 else 1 - i for t in range(4)] for i in order
        ]
        states, cache = model.step(
            pair,
            cache,
            memory,
            whole(2, 5)[0],
            jnp.full(2, position, jnp.int32),
            jnp.asarray(position, jnp.int32),
            jnp.broadcast_to(jnp.asarray(places), (2, 2, 4)),
        )
        for place, i in enumerate(order):
            np.testing.assert_allclose(
                model.logits(states)[:, place], full[i][:, position], atol=2e-5
            )


@pytest.mark.parametrize("options", OPTIONS)
def test_packed_sentences_do_not_see_each_other(options):
    model = make(**options)
    sources, targets = [tokens(1, 1, 4), tokens(2, 1, 3)], [tokens(3, 1, 2), tokens(4, 1, 5)]
    alone = [run(model, s, t) for s, t in zip(sources, targets, strict=True)]

    def packed(parts, padding):
        row = jnp.pad(jnp.concatenate(parts, axis=1), ((0, 0), (0, padding)))
        lengths = [part.shape[1] for part in parts]
        segments = np.repeat([1, 2, 0], [*lengths, padding])[None].astype(np.int32)
        positions = np.concatenate([np.arange(n) for n in [*lengths, padding]])[None]
        return row, jnp.asarray(segments), jnp.asarray(positions.astype(np.int32))

    source, source_segments, source_positions = packed(sources, 2)
    target, target_segments, target_positions = packed(targets, 1)
    memory = model.encode(source, source_segments, source_positions)
    states = model.decode(target, target_segments, target_positions, memory, source_segments)
    logits = model.logits(states)
    np.testing.assert_allclose(logits[:, :2], alone[0], atol=2e-5)
    np.testing.assert_allclose(logits[:, 2:7], alone[1], atol=2e-5)


def test_a_target_position_does_not_see_later_ones():
    model, source, target = make(), tokens(1, 1, 5), tokens(2, 1, 6)
    changed = target.at[0, 4].set((target[0, 4] + 1) % 20)
    before, after = run(model, source, target), run(model, source, changed)
    np.testing.assert_array_equal(before[0, :4], after[0, :4])
    assert float(jnp.abs(before[0, 4] - after[0, 4]).max()) > 1e-3


def test_without_a_start_symbol_a_target_begins_with_its_position_alone():
    """As if the start symbol, 1, had an embedding of zeros, whatever stands in its place."""
    source, target = tokens(1, 2, 5), tokens(2, 2, 4)
    begun = target.at[:, 0].set(1)
    zero = make(decoder_start="zero", embeddings="separate")
    symbol = make(decoder_start="symbol", embeddings="separate")
    found = run(zero, source, begun)
    np.testing.assert_array_equal(run(zero, source, target), found)
    assert float(jnp.abs(run(symbol, source, begun) - found).max()) > 1e-3
    symbol.target_embedding[...] = symbol.target_embedding[...].at[1].set(0.0)
    np.testing.assert_allclose(run(symbol, source, begun), found, atol=1e-6)


def projections(initialisation):
    """The matrices of a model with unequal widths, by name: queries and keys 24, values 64."""
    sizes = {"encoder_layers": 32, "decoder_layers": 32, "feed_forward_width": 80}
    model = make(initialisation=initialisation, key_width=12, value_width=32, **sizes)
    encoder, decoder = model.encoder.layers, model.decoder.layers
    attentions = {
        "encoder": encoder.self_attention,
        "decoder": decoder.self_attention,
        "cross": decoder.cross_attention,
    }
    found = {
        f"{side} {name}": getattr(attention, name)
        for side, attention in attentions.items()
        for name in ("query", "key", "value", "output")
    }
    for side, layers in (("encoder", encoder), ("decoder", decoder)):
        found |= {f"{side} inner": layers.feed_forward.inner}
        found |= {f"{side} outer": layers.feed_forward.outer}
    return {name: np.asarray(linear.kernel[...]) for name, linear in found.items()}


@pytest.mark.parametrize("initialisation", ["xavier", "joint"])
def test_all_projections_begin_with_the_variance_asked_for(initialisation):
    """2 / (inputs + outputs); `joint`: the outputs of all that is one matrix in tensor2tensor.

    Where all are D wide that is 1 / 2D in self-attention, 2 / 3D for cross-attention's K and V.
    """
    width, keys, values, inner = 16, 24, 64, 80
    variances = {"query": 2 / (width + keys), "key": 2 / (width + keys)}
    variances |= {"value": 2 / (width + values), "output": 2 / (values + width)}
    variances |= {"inner": 2 / (width + inner), "outer": 2 / (inner + width)}
    found = projections(initialisation)
    wanted = {name: variances[name.split()[1]] for name in found}
    if initialisation == "joint":
        both, all_three = 2 / (width + keys + values), 2 / (width + 2 * keys + values)
        wanted |= {"cross key": both, "cross value": both}
        for side in ("encoder", "decoder"):
            wanted |= {f"{side} {name}": all_three for name in ("query", "key", "value")}
    assert len(found) == 16
    for name, kernel in found.items():
        assert kernel.var() == pytest.approx(wanted[name], rel=0.04), name
        assert abs(kernel).max() == pytest.approx(np.sqrt(3 * wanted[name]), rel=0.01), name


@pytest.mark.parametrize(("scaled", "deviation"), [(False, 0.25), (True, 1.0)])
def test_learned_positions_begin_with_the_deviation_asked_for(scaled, deviation):
    learned = {"positions": "learned", "max_positions": 1000, "scale_positions": scaled}
    positions = Positions(dataclasses.replace(SMALL, **learned), nnx.Rngs(0))
    found = np.asarray(positions(jnp.arange(1000, dtype=jnp.int32)[None], 1000))
    assert found.std() == pytest.approx(deviation, rel=0.03)
    np.testing.assert_allclose(found[0], positions.table[...] * 4 * deviation, rtol=1e-6)


def test_new_embeddings_have_deviation_1_once_they_are_scaled():
    """So D^-½ in the tables: where they are read, they are multiplied by √D (section 3.4)."""
    config = dataclasses.replace(SMALL, embeddings="separate", encoder_layers=1, decoder_layers=1)
    model = Transformer(config, 900, 900, nnx.Rngs(0))
    for table in (model.source_embedding, model.target_embedding, model.output_embedding):
        assert np.asarray(table[...]).std() == pytest.approx(16**-0.5, rel=0.03)


def test_what_stands_on_padding_changes_nothing():
    model, source, target = make(), tokens(1, 1, 6), tokens(2, 1, 5)
    source_segments = jnp.asarray([[1, 1, 1, 1, 0, 0]], jnp.int32)
    target_segments = jnp.asarray([[1, 1, 1, 0, 0]], jnp.int32)

    def states(source, target):
        memory = model.encode(source, source_segments, whole(1, 6)[1])
        return model.decode(target, target_segments, whole(1, 5)[1], memory, source_segments)

    other = states(source.at[0, 4:].set(7), target.at[0, 3:].set(9))
    np.testing.assert_array_equal(states(source, target)[:, :3], other[:, :3])


def test_dropout_needs_a_key_and_differs_by_key():
    model = make()
    source, (segments, positions) = tokens(1, 1, 5), whole(1, 5)
    plain = model.encode(source, segments, positions)
    again = model.encode(source, segments, positions)
    dropped = [
        model.encode(source, segments, positions, key=jax.random.key(seed)) for seed in (0, 1)
    ]
    np.testing.assert_array_equal(plain, again)
    assert float(jnp.abs(dropped[0] - dropped[1]).max()) > 0.01
    assert float(jnp.abs(dropped[0] - plain).max()) > 0.01


@pytest.mark.parametrize(("remat", "unrolled"), [(True, None), (False, False), (True, True)])
def test_recomputed_activations_and_loops_over_layers_change_nothing(remat, unrolled):
    source, (segments, positions) = tokens(1, 2, 5), whole(2, 5)
    key = jax.random.key(0)

    def gradient(remat, unrolled):
        graph, params = nnx.split(make(unrolled_layers=unrolled))

        def value(params):
            merged = nnx.merge(graph, params)
            return jnp.sum(merged.encode(source, segments, positions, key, remat)[..., 0])

        return nnx.to_pure_dict(jax.grad(value)(params))

    plain, other = (jax.tree.leaves(gradient(*how)) for how in ((False, True), (remat, unrolled)))
    for a, b in zip(plain, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_sinusoids_are_the_papers_formula():
    table = sinusoids(50, 8)
    for position in (0, 1, 49):
        for i in range(4):
            angle = position / 10_000 ** (2 * i / 8)
            assert table[position, 2 * i] == pytest.approx(np.sin(angle), abs=1e-6)
            assert table[position, 2 * i + 1] == pytest.approx(np.cos(angle), abs=1e-6)
    concatenated = sinusoids(50, 8, "concatenated")
    assert concatenated[7, 0] == pytest.approx(np.sin(7), abs=1e-6)
    assert concatenated[7, 3] == pytest.approx(np.sin(7 / 10_000), abs=1e-6)
    assert concatenated[7, 4] == pytest.approx(np.cos(7), abs=1e-6)
