"""What an update draws its dropout from, packing, clipping, and the labels it smooths."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from seq2seq import parallel
from seq2seq.config import Config, ModelConfig, TrainingConfig
from seq2seq.data.batches import gather
from seq2seq.data.packing import Plan, pack
from seq2seq.data.storage import TokenPairs
from seq2seq.model import functional
from seq2seq.training import step as step_module
from seq2seq.types import Batch

MODEL = ModelConfig(
    encoder_layers=1, decoder_layers=1, width=16, heads=2, feed_forward_width=32, dropout=0.5
)


def batch():
    rng = np.random.default_rng(0)
    segments = np.ones((8, 6), np.int32)
    positions = np.tile(np.arange(6, dtype=np.int32), (8, 1))
    words = [rng.integers(4, 20, (8, 6)).astype(np.int32) for _ in range(3)]
    return Batch(words[0], segments, positions, *words[1:], segments, positions)


def losses(random, backend="shard_map", seeds=(0, 0, 1)):
    """Losses of the same update, with the dropout of these seeds."""
    functions = step_module.make(Config(model=MODEL), 20, 20, jnp.dtype("float32"))
    state = functions.init(jax.random.key(0))
    update = parallel.data_parallel(functions.train, backend)
    keys = [step_module.dropout_key(TrainingConfig(random=random, seed=seed)) for seed in seeds]
    placed = jax.tree.map(jnp.asarray, batch())
    return [float(update(state, placed, key)[1].sums.loss) for key in keys]


@pytest.mark.parametrize(
    ("random", "backend"), [("threefry", "shard_map"), ("rbg", "shard_map"), ("rbg", "pmap")]
)
def test_dropout_is_a_function_of_the_seed(random, backend):
    first, again, other = losses(random, backend)
    assert first == again != other


def test_on_a_cpu_dropout_is_drawn_by_threefry():
    auto, named, rbg = (
        step_module.dropout_key(TrainingConfig(random=random))
        for random in ("auto", "threefry", "rbg")
    )
    assert auto == named == jax.random.fold_in(jax.random.key(0), 1)
    assert jax.random.key_impl(rbg) != jax.random.key_impl(auto)


@pytest.mark.parametrize("over", ["all", "others"])
def test_an_update_smooths_labels_over_what_the_recipe_says(over):
    """ε = ½ of 20 pieces: each has 1/40 and the label ½ more, or each of the others 1/38."""
    training = TrainingConfig(label_smoothing=0.5, label_smoothing_over=over)
    config = Config(model=replace(MODEL, dropout=0.0), training=training)
    functions = step_module.make(config, 20, 20, jnp.dtype("float32"))
    state, placed = functions.init(jax.random.key(0)), jax.tree.map(jnp.asarray, batch())
    model = functional.merge(functions.graph, state.params)
    log_probs = np.asarray(jax.nn.log_softmax(model.logits(model(placed))), np.float64)
    labels = log_probs.argmax(axis=-1).astype(np.int32)  # where the two differ most
    placed = placed._replace(target_outputs=jnp.asarray(labels))
    is_label = np.eye(20, dtype=bool)[labels]
    targets = {"all": np.where(is_label, 0.5 + 1 / 40, 1 / 40)}
    targets["others"] = np.where(is_label, 0.5, 1 / 38)
    wanted = {name: -(target * log_probs).sum() for name, target in targets.items()}
    _, metrics = parallel.data_parallel(functions.train)(state, placed, jax.random.key(1))
    assert float(metrics.sums.loss) == pytest.approx(wanted[over], rel=1e-5)
    assert wanted["all"] != pytest.approx(wanted["others"], rel=1e-3)


def sentence_pairs(count):
    """Pairs of different lengths, some of them with nothing on one side."""
    rng = np.random.default_rng(0)
    sides = [[rng.integers(4, 20, rng.integers(0, 7)).tolist() for _ in range(count)] for _ in "st"]
    return TokenPairs.of(*sides)


def alone(count):
    """As many plans, each of one pair in one row."""
    return [Plan(np.array([pair]), np.array([0, 1])) for pair in range(count)]


def added(trees):
    return jax.tree.map(lambda *leaves: np.sum(np.stack(leaves), axis=0), *trees)


def test_a_packed_batch_gives_what_its_sentences_give_alone(monkeypatch):
    """Sums of the loss and of its gradient; the other rows of a batch are empty."""
    monkeypatch.setattr(step_module, "optimizer", lambda *_: optax.sgd(1.0))
    config = Config(model=replace(MODEL, dropout=0.0))
    functions = step_module.make(config, 20, 20, jnp.dtype("float32"))
    train, evaluate = map(parallel.data_parallel, (functions.train, functions.evaluate))
    state, pairs = functions.init(jax.random.key(0)), sentence_pairs(24)

    def sums(plan):
        batch = parallel.place(gather(pairs, plan, slice(0, plan.rows), (8, 20, 18)))
        after, metrics = train(state, batch, jax.random.key(1))
        tokens = float(metrics.sums.tokens)
        gradient = jax.tree.map(lambda a, b: (a - b) * tokens, state.params, after.params)
        validated = evaluate(state.params, batch)[1]
        return jax.device_get((metrics.sums, metrics.source_tokens, validated, gradient))

    plan = pack(pairs.source_lengths + 1, pairs.target_lengths + 1, 20, 18)
    assert 1 < plan.rows < 8
    assert np.diff(plan.row_starts).max() > 2
    found, wanted = sums(plan), added(map(sums, alone(24)))
    assert found[0].tokens == pairs.target_lengths.sum() + 24
    for a, b in zip(jax.tree.leaves(found[:3]), jax.tree.leaves(wanted[:3]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    for a, b in zip(jax.tree.leaves(found[3]), jax.tree.leaves(wanted[3]), strict=True):
        assert np.abs(b).max() > 0.1
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_an_update_is_that_of_a_gradient_of_the_norm_asked_for():
    """Its rate is 1, and ε outweighs the gradient g: Adam's first update is -g / (|g| + ε)."""
    training = TrainingConfig(learning_rate=1.0, warmup_steps=1, epsilon=0.5, gradient_clip=0.25)
    config, dtype = Config(model=MODEL, training=training), jnp.dtype("float32")
    functions = step_module.make(config, 20, 20, dtype)
    state = functions.init(jax.random.key(0))
    train = parallel.data_parallel(functions.train)
    after, metrics = train(state, parallel.place(batch()), jax.random.key(1))
    updates = jax.tree.map(lambda a, b: np.abs(a - b), after.params, state.params)
    gradients = [update / (1 - update) * 0.5 for update in jax.tree.leaves(updates)]
    assert float(metrics.gradient_norm) > 0.5
    norm = np.sqrt(sum(np.square(part).sum() for part in gradients))
    assert norm == pytest.approx(0.25, rel=1e-4)


def test_r_drop_passes_every_row_twice_with_other_dropout():
    """Two passes of the same dropout would agree, and α would change nothing."""

    def metrics(alpha):
        config = Config(model=MODEL, training=TrainingConfig(r_drop=alpha))
        functions = step_module.make(config, 20, 20, jnp.dtype("float32"))
        state, placed = functions.init(jax.random.key(0)), parallel.place(batch())
        trained = parallel.data_parallel(functions.train)(state, placed, jax.random.key(1))[1]
        validated = parallel.data_parallel(functions.evaluate)(state.params, placed)[1]
        return jax.device_get((trained, validated))

    (once, validated_once), (none, _), (two, _), (four, validated) = map(
        metrics, (0.0, 1e-9, 2.0, 4.0)
    )
    for found, passes in ((once, 1), (none, 2), (two, 2), (four, 2)):
        assert found.sums.tokens == passes * 48
        assert (found.source_tokens, found.target_tokens) == (48, 48)
    assert two.sums.loss - none.sums.loss > 0.01 * none.sums.loss
    assert four.sums.loss - two.sums.loss == pytest.approx(two.sums.loss - none.sums.loss, rel=1e-3)
    assert none.sums.nll == four.sums.nll
    assert validated == validated_once
