"""The paper's optimiser, written down in NumPy with float64, and the `sacrebleu` command.

Its loss and its schedule are transcribed likewise in tests/training/test_loss.py.
"""

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq import parallel
from seq2seq.cli import main
from seq2seq.config import Config, ModelConfig, TrainingConfig
from seq2seq.evaluation.scores import evaluate
from seq2seq.model import functional
from seq2seq.training import step
from seq2seq.training.schedule import optimizer
from seq2seq.types import Batch

VOCABULARY = 13
MODEL = ModelConfig(1, 1, 16, 2, feed_forward_width=24, dropout=0.0)
TRAINING = TrainingConfig(warmup_steps=4, steps=100)


class Adam:
    """Section 5.3: β₁ = 0.9, β₂ = 0.98, ε = 1e-9, and the rate of equation 3, in float64."""

    def __init__(self, width, warmup):
        self.width, self.warmup = width, warmup
        self.number, self.mean, self.square, self.rate = 0, 0.0, 0.0, 0.0

    def update(self, gradient):
        """What an update adds to the parameters."""
        gradient = np.asarray(gradient, np.float64)
        self.number += 1
        self.mean = 0.9 * self.mean + 0.1 * gradient
        self.square = 0.98 * self.square + 0.02 * gradient**2
        mean = self.mean / (1 - 0.9**self.number)
        square = self.square / (1 - 0.98**self.number)
        self.rate = self.width**-0.5 * min(self.number**-0.5, self.number * self.warmup**-1.5)
        return -self.rate * mean / (np.sqrt(square) + 1e-9)


@pytest.mark.parametrize("warmup", [1, 8, 4000])
@pytest.mark.parametrize("size", [1e-10, 1e-4, 1.0, 1e4])
def test_adam_and_its_schedule_are_the_papers(warmup, size):
    adam = optimizer(TrainingConfig(warmup_steps=warmup), 512)
    generator, wanted = np.random.default_rng(0), Adam(512, warmup)
    params = jnp.zeros(50)
    state = adam.init(params)
    for _ in range(25):
        gradient = jnp.asarray(size * generator.standard_normal(50), jnp.float32)
        with jax.numpy_dtype_promotion("standard"):
            update, state = adam.update(gradient, state, params)
        expected = wanted.update(gradient)
        np.testing.assert_allclose(update, expected, rtol=1e-5, atol=1e-5 * wanted.rate)


@pytest.mark.parametrize("clip", [2.0, 1e6])
def test_a_gradient_is_scaled_down_to_the_norm_asked_for(clip):
    """The norm is that of all parameters together; a smaller gradient stays what it is."""
    adam = optimizer(TrainingConfig(warmup_steps=4, gradient_clip=clip), 512)
    generator, sizes = np.random.default_rng(0), {"a": 30, "b": 20}
    wanted = {name: Adam(512, 4) for name in sizes}
    params = {name: jnp.zeros(size) for name, size in sizes.items()}
    state, scales = adam.init(params), []
    for _ in range(25):
        size = 10 ** generator.uniform(-2, 1)
        gradient = {name: size * generator.standard_normal(sizes[name]) for name in sizes}
        scales.append(min(1.0, clip / np.linalg.norm(np.concatenate([*gradient.values()]))))
        narrow = jax.tree.map(lambda part: jnp.asarray(part, jnp.float32), gradient)
        with jax.numpy_dtype_promotion("standard"):
            updates, state = adam.update(narrow, state, params)
        for name, update in updates.items():
            expected = wanted[name].update(scales[-1] * gradient[name])
            np.testing.assert_allclose(update, expected, rtol=1e-4, atol=1e-4 * wanted[name].rate)
    assert max(scales) == 1
    assert (min(scales) < 0.2) == (clip == 2.0)


def packed_rows(rows, length):
    """Rows of two sentences each and some padding, of different lengths."""
    generator = np.random.default_rng(0)
    segments = np.zeros((rows, length), np.int32)
    positions = np.zeros((rows, length), np.int32)
    for row in range(rows):
        first, second = generator.integers(1, length // 2, 2)
        segments[row, : first + second] = np.repeat([1, 2], [first, second])
        positions[row, : first + second] = [*range(first), *range(second)]
    tokens = generator.integers(4, VOCABULARY, (3, rows, length)).astype(np.int32)
    source, inputs, outputs = (tokens * (segments > 0)).astype(np.int32)
    return Batch(source, segments, positions, inputs, outputs, segments, positions)


def mean_loss(params, batch):
    """Cross-entropy of every real token against its smoothed label, and their mean."""
    graph = functional.abstract(MODEL, VOCABULARY, VOCABULARY)[0]
    model = functional.merge(graph, params)
    log_probs = jax.nn.log_softmax(model.logits(model(batch)))
    wanted = 0.9 * jax.nn.one_hot(batch.target_outputs, VOCABULARY) + 0.1 / VOCABULARY
    real = jnp.asarray(batch.target_segments > 0, jnp.float32)
    return -jnp.sum((log_probs * wanted).sum(axis=-1) * real) / real.sum()


def test_updates_of_a_model_are_the_papers(record_property):
    """Ten updates over eight devices, each with another share of the tokens."""
    config, dtype = Config(model=MODEL, training=TRAINING), jnp.dtype("float32")
    functions = step.make(config, VOCABULARY, VOCABULARY, dtype)
    train = parallel.data_parallel(functions.train)
    batch = packed_rows(16, 12)
    state = functions.init(jax.random.key(0))
    gradient = jax.jit(jax.grad(mean_loss))
    leaves, structure = jax.tree.flatten(state.params)
    wanted = [np.asarray(leaf, np.float64) for leaf in leaves]
    adams = [Adam(MODEL.width, TRAINING.warmup_steps) for _ in leaves]
    for _ in range(10):
        params = [jnp.asarray(leaf, jnp.float32) for leaf in wanted]
        gradients = jax.tree.leaves(gradient(jax.tree.unflatten(structure, params), batch))
        wanted = [
            leaf + adam.update(part)
            for leaf, adam, part in zip(wanted, adams, gradients, strict=True)
        ]
        state, _ = train(state, parallel.place(batch), jax.random.key(1))
    for found, leaf, before in zip(jax.tree.leaves(state.params), wanted, leaves, strict=True):
        assert np.abs(leaf - before).max() > 0.1
        difference = float(np.abs(found - leaf).max())
        record_property("NumPy: parameters after ten updates", float(difference))
        assert difference <= 1e-4


def sacrebleu_command(hypotheses, references):
    """Score and signature of each metric, as the command prints them."""
    words = ["-m", "sacrebleu", str(references), "-i", str(hypotheses)]
    words += ["-m", "bleu", "chrf", "ter", "--width", "8", "--format", "json"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
    return {
        {"chrF2": "chrf"}.get(line["name"], line["name"].lower()): line
        for line in json.loads(done.stdout)
    }


REFERENCES = [
    "Der Hund schläft nicht, weil er müde ist.",
    "„Kommst du mit?“, fragte sie – und ging.",
    "Das kostet z. B. 3,50 € oder 1.000 Yen …",
    "Wie geht's? Gut! Er sagte: ja; sie: nein.",
    "Zwei  Leerzeichen, ein Tab\tund m² am Ende ",
    "",
    "Tu viens\u00a0? Oui\u202f!",
]
HYPOTHESES = [
    "Der Hund schläft nicht, denn er ist müde.",
    "„Kommst du?“, fragte sie und ging.",
    "Das kostet z.B. 3.50 € oder 1000 Yen...",
    "",
    " Zwei Leerzeichen, ein Tab und m2 am Ende",
    "Nichts.",
    "Tu viens ? Non\u00a0!",
]


def assert_same(found, wanted):
    assert found.keys() == wanted.keys()
    for name, line in wanted.items():
        assert found[name]["score"] == pytest.approx(line["score"], abs=1e-7)
        assert found[name]["signature"] == line["signature"]


def test_scores_are_those_of_the_sacrebleu_command(tmp_path):
    for name, lines in (("hypotheses", HYPOTHESES), ("references", REFERENCES)):
        text = "".join(f"{line}\n" for line in lines)
        (tmp_path / name).write_text(text, encoding="utf-8")
    wanted = sacrebleu_command(tmp_path / "hypotheses", tmp_path / "references")
    assert 5 < wanted["bleu"]["score"] < 95
    found = evaluate(HYPOTHESES, REFERENCES, ("bleu", "chrf", "ter"))
    assert_same({name: vars(score) for name, score in found.items()}, wanted)


def test_evaluate_prints_what_the_sacrebleu_command_says(trained, reversal, tmp_path, capsys):
    words = ["evaluate", str(trained.path), "--output", str(tmp_path / "hypotheses"), "--json"]
    with pytest.raises(SystemExit):
        main([*words, "--metrics", "bleu", "chrf", "ter"])
    found = json.loads(capsys.readouterr().out)
    wanted = sacrebleu_command(tmp_path / "hypotheses", reversal / "valid.tgt")
    assert_same(found, wanted)
