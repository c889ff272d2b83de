"""What an update draws its dropout from, the ways to compute it, and the labels it smooths."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq import parallel
from seq2seq.config import Config, ModelConfig, TrainingConfig
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
    is_label = np.eye(20, dtype=bool)[batch().target_outputs]
    targets = {"all": np.where(is_label, 0.5 + 1 / 40, 1 / 40)}
    targets["others"] = np.where(is_label, 0.5, 1 / 38)
    wanted = {name: -(target * log_probs).sum() for name, target in targets.items()}
    _, metrics = parallel.data_parallel(functions.train)(state, placed, jax.random.key(1))
    assert float(metrics.sums.loss) == pytest.approx(wanted[over], rel=1e-5)
    assert wanted["all"] != pytest.approx(wanted["others"], rel=1e-3)
