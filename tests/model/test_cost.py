"""Costs by arithmetic, against the model itself: its parameters, its products, XLA's memory."""

import json
import math
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from seq2seq.config import Config, DataConfig, DecodingConfig, ModelConfig, TrainingConfig
from seq2seq.model import cost, functional
from seq2seq.types import Batch

ODD = ModelConfig(
    encoder_layers=2,
    decoder_layers=3,
    width=32,
    heads=4,
    key_width=6,
    value_width=10,
    feed_forward_width=48,
    norm="pre",
    positions="learned",
    attention_bias=True,
    output_bias=True,
    embeddings="separate",
)
SMALL = ModelConfig(encoder_layers=3, decoder_layers=2, width=32, heads=4, feed_forward_width=80)


def size(tree: Any) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        (ModelConfig(), (37_000, 37_000)),
        (ModelConfig(embeddings="decoder"), (32_000, 16_000)),
        (ODD, (700, 900)),
    ],
)
def test_parameters_are_those_of_the_model(model: ModelConfig, sizes: tuple[int, int]) -> None:
    counted = cost.parameters(model, *sizes)
    assert sum(counted.values()) == size(functional.abstract(model, *sizes)[1])


def test_the_base_model_of_the_paper() -> None:
    """6 · 3 150 336 + 6 · 4 199 936 + 37 000 · 512; the paper rounds it up to 65 M (Table 3)."""
    assert sum(cost.parameters(ModelConfig(), 37_000, 37_000).values()) == 63_045_632


def products(jaxpr: Any) -> int:
    """FLOPs of every `dot_general` in a program, each as often as its loop runs."""
    total = 0
    for equation in jaxpr.eqns:
        repeats = equation.params["length"] if equation.primitive.name == "scan" else 1
        for parameter in equation.params.values():
            inner = getattr(parameter, "jaxpr", parameter)
            if hasattr(inner, "eqns"):
                total += repeats * products(inner)
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            left = equation.invars[0].aval.shape
            depth = math.prod(left[axis] for axis in contracted)
            total += 2 * depth * math.prod(equation.outvars[0].aval.shape)
    return total


def batch_of(rows: int, source: int, target: int) -> Batch:
    shapes = [(rows, source)] * 3 + [(rows, target)] * 4
    return Batch(*(jax.ShapeDtypeStruct(shape, jnp.int32) for shape in shapes))


@pytest.mark.parametrize("model", [SMALL, ODD])
def test_forward_flops_are_the_products_of_the_program(model: ModelConfig) -> None:
    graph, params = functional.abstract(model, 700, 900 if model is ODD else 700)
    vocabulary, rows, source, target = (900 if model is ODD else 700), 5, 24, 40

    def forward(params: Any, batch: Batch) -> jax.Array:
        built = functional.merge(graph, params)
        return built.logits(built(batch))

    traced = jax.make_jaxpr(forward)(params, batch_of(rows, source, target))
    expected = rows * cost.forward_flops(model, vocabulary, source, target)
    assert products(traced.jaxpr) == expected


def test_flops_per_token_share_a_row_between_its_tokens() -> None:
    data = DataConfig(max_length=20, source_row_length=24, target_row_length=40)
    config = Config(model=SMALL, data=data)
    row = 3 * cost.forward_flops(SMALL, 700, 24, 40)
    assert cost.training_flops(config, 700) == row
    assert cost.training_flops_per_token(config, 700, 700) == row / 64
    report = cost.describe(config, 700, 700)
    assert report["flops_per_target_token"]["training"] == row / 40


def test_decoding_flops_are_those_of_encoding_and_cached_steps() -> None:
    """The sum over positions t of a step that looks at t + 1/2 cached tokens on average.

    The program compares with the entries of all places of the beam: the masked ones do not count.
    """
    graph, params = functional.abstract(SMALL, 700, 700)
    beams, length = 3, 16

    def encode(params: Any, batch: Batch) -> Any:
        built = functional.merge(graph, params)
        fields = batch.source, batch.source_segments, batch.source_positions
        return built.memory(built.encode(*fields))

    def step(params: Any, memory: Any, tokens: jax.Array, segments: jax.Array) -> jax.Array:
        built = functional.merge(graph, params)
        cache = built.empty_cache(1, beams, length)
        origins = jnp.zeros((1, beams, length), jnp.int32)
        places, slot = jnp.zeros(1, jnp.int32), jnp.int32(0)
        states, _ = built.step(tokens, cache, memory, segments, places, slot, origins)
        return built.logits(states)

    source = batch_of(1, length, length)
    encoder = products(jax.make_jaxpr(encode)(params, source).jaxpr)
    memory = jax.eval_shape(encode, params, source)
    tokens = jax.ShapeDtypeStruct((1, beams), jnp.int32)
    one = jax.make_jaxpr(step)(params, memory, tokens, source.source_segments)
    attended = 2 * SMALL.decoder_layers * beams * length * SMALL.width * 2
    steps = length * (products(one.jaxpr) - attended * beams + attended / 2)
    config = Config(model=SMALL, decoding=DecodingConfig(beam_size=beams))
    assert cost.decoding_flops(config, 700, length) == pytest.approx((encoder + steps) / length)


def test_memory_of_parameters_gradients_and_adam() -> None:
    count = sum(cost.parameters(SMALL, 700, 700).values())
    plain = cost.memory(Config(model=SMALL), 700, 700)
    assert (plain.parameters, plain.gradients, plain.optimizer) == (4 * count, 4 * count, 8 * count)
    half = cost.memory(Config(model=SMALL), 700, 700, dtype="bfloat16")
    assert half.parameters == 6 * count
    assert half.activations < plain.activations
    assert plain.total == 16 * count + plain.activations


def test_devices_accumulation_and_remat_save_activations() -> None:
    def activations(devices: int = 1, **training: Any) -> int:
        config = Config(training=TrainingConfig(**training))
        return cost.memory(config, 8000, 8000, devices).activations

    fixed = activations(devices=10**9)
    whole = activations() - fixed
    assert activations(devices=4) - fixed == pytest.approx(whole / 4, rel=0.05)
    assert activations(accumulation=4) - fixed == pytest.approx(whole / 4, rel=0.05)
    assert activations(remat=True) < activations() / 4


def test_r_drop_does_everything_twice() -> None:
    once, twice = (Config(training=TrainingConfig(r_drop=alpha)) for alpha in (0.0, 5.0))
    assert cost.training_flops(twice, 8000) == 2 * cost.training_flops(once, 8000)
    fixed = cost.memory(once, 8000, 8000, devices=10**9).activations
    kept = [cost.memory(config, 8000, 8000).activations - fixed for config in (once, twice)]
    assert kept[1] == pytest.approx(2 * kept[0], rel=0.05)


def test_activations_against_xla() -> None:
    """What the backward pass of a real program needs beyond its gradients."""
    model = ModelConfig(encoder_layers=2, decoder_layers=2, width=128, heads=8)
    data = DataConfig(max_length=64, source_row_length=64, target_row_length=64)
    training = TrainingConfig(batch_tokens=64 * 64, loss_chunk=64 * 64)
    config = Config(model=model, data=data, training=training)
    graph, params = functional.abstract(model, 1000, 1000)

    def loss(params: Any, batch: Batch, key: jax.Array) -> jax.Array:
        built = functional.merge(graph, params)
        return jnp.sum(jax.nn.logsumexp(built.logits(built(batch, key)), axis=-1))

    key = jax.eval_shape(lambda: jax.random.key(0))
    lowered = jax.jit(jax.grad(loss)).lower(params, batch_of(64, 64, 64), key)
    measured = lowered.compile().memory_analysis().temp_size_in_bytes
    estimate = cost.memory(config, 1000, 1000).activations
    assert 0.7 < estimate / measured < 1.4


def test_the_report_is_json_and_fits_80_columns() -> None:
    report = cost.describe(Config(), 37_000, 37_000, devices=8, dtype="bfloat16")
    assert json.loads(json.dumps(report)) == report
    assert report["parameters"]["total"] == 63_045_632
    needed = report["memory_per_device"]
    parts = ("parameters", "gradients", "optimizer", "activations")
    assert needed["total"] == sum(needed[part] for part in parts)
    lines = cost.render(report).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["Parameters", "63,045,632"]
    assert any(line.split() == ["optimizer", "481", "MiB"] for line in lines)
    assert any("beam 4, 30 tokens" in line for line in lines)


@pytest.mark.parametrize(
    ("number", "base", "text"),
    [(0, 1000, "0 "), (999, 1000, "999 "), (999_999, 1000, "1.00 M"), (45_678, 1000, "45.7 k"),
     (1536, 1024, "1.50 Ki"), (13.9 * 2**30, 1024, "13.9 Gi")],
)  # fmt: skip
def test_numbers_have_three_digits(number: float, base: int, text: str) -> None:
    assert cost._scaled(number, base) == text
