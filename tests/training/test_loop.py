"""The loop: it learns, stops when it should, and goes on bit for bit."""

import os
import signal
import threading
import time
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.config import Corpus, DataConfig
from seq2seq.data.batches import Batches
from seq2seq.data.prepare import prepare
from seq2seq.errors import UserError
from seq2seq.model import functional
from seq2seq.run_directory import RunDirectory
from seq2seq.training import loop
from seq2seq.training import step as step_module
from seq2seq.training.metrics import read
from seq2seq.training.stopping import out_of_patience
from seq2seq.training.validation import read_text
from seq2seq.translator import Translator


def train(config, **options):
    with RunDirectory.create(config.run, config) as directory, directory.lock():
        prepared = prepare(config)
        prepared.vocabularies.save(directory.vocabulary)
        trainer = loop.Trainer(directory, prepared)
        outcome = trainer.train(**options)
    return outcome, trainer._state


def assert_equal(a, b):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


def test_references_are_what_the_model_can_write(tmp_path):
    (tmp_path / "valid.en").write_text("A dog.\nB\n", encoding="utf-8")
    (tmp_path / "valid.de").write_text("Ein „Hund“.\nB\n", encoding="utf-8")
    raw = DataConfig(validation=(Corpus(path=str(tmp_path / "valid.{lang}")),))
    assert read_text(raw, 1) == (["A dog."], ["Ein „Hund“."])
    options = {"lowercase": True, "normalize_punctuation": True, "tokenizer": "moses"}
    assert read_text(replace(raw, **options), 1) == (["A dog."], ['ein "hund".'])


def test_a_restart_goes_on_bit_for_bit(config_of):
    whole, wanted = train(config_of(run="whole"))
    first, _ = train(config_of("--training.steps=3", "--training.decay=inverse_sqrt", run="cut"))
    second, found = train(config_of(run="cut"))
    assert (whole.step, whole.reason) == (6, "steps")
    assert (first.step, second.first, second.step) == (3, 3, 6)
    assert_equal(found, wanted)


def test_a_moving_average_is_what_is_saved_and_goes_on_bit_for_bit(config_of):
    decay = "--training.ema_decay=0.5"
    _, wanted = train(config_of(decay, run="whole"))
    train(config_of(decay, "--training.steps=3", run="cut"))
    _, found = train(config_of(decay, run="cut"))
    assert_equal(found, wanted)
    translator = Translator.load(config_of(run="whole").run, "latest")
    assert_equal(translator.params, wanted.average)
    with pytest.raises(AssertionError):
        assert_equal(translator.params, wanted.params)


def test_nothing_is_done_when_all_is_done(config_of):
    _, before = train(config_of())
    outcome, after = train(config_of())
    assert (outcome.first, outcome.step, outcome.last) == (6, 6, 6)
    assert_equal(before, after)


def test_metrics_tell_what_happened(config_of):
    train(config_of())
    lines = read(RunDirectory.open(config_of().run).metrics)
    kinds = [(line["step"], line["kind"]) for line in lines]
    assert kinds == [
        (2, "train"),
        (3, "validation"),
        (4, "train"),
        (6, "train"),
        (6, "validation"),
    ]
    assert lines[0]["loss"] > lines[3]["loss"]
    assert 0 < lines[3]["model_flops_utilisation"] < 1
    parts = [lines[3][f"seconds_{part}"] for part in ("step", "data", "validation", "saving")]
    assert min(parts) >= 0
    assert sum(parts) > 0


def mean_loss(params, batch, config, graph):
    """Cross-entropy of every real token against its smoothed label, and their mean."""
    model = functional.merge(graph, params)
    log_probs = jax.nn.log_softmax(model.logits(model(batch)))
    size, smoothing = log_probs.shape[-1], config.training.label_smoothing
    wanted = (1 - smoothing) * jax.nn.one_hot(batch.target_outputs, size) + smoothing / size
    real = jnp.asarray(batch.target_segments > 0, jnp.float32)
    return -jnp.sum((log_probs * wanted).sum(axis=-1) * real) / real.sum()


def test_the_figures_of_a_line_are_those_of_its_update(config_of):
    """Rate, tokens, loss and gradient computed anew; and seconds where something took time."""
    config = config_of("--model.dropout=0", "--training.log_every=1")
    began = time.perf_counter()
    train(config)
    wall = time.perf_counter() - began
    lines = read(RunDirectory.open(config.run).metrics)
    lines = [line for line in lines if line["kind"] == "train"]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    prepared = prepare(config)
    batches = Batches(prepared.train, prepared.weights, config.data, config.training)
    for line in lines:
        step, batch = line["step"], batches.batch(line["step"] - 1)
        tokens = np.count_nonzero(batch.source_segments) + np.count_nonzero(batch.target_segments)
        busy = line["seconds_step"] + line["seconds_data"]
        assert line["tokens_per_second"] * busy == pytest.approx(tokens, rel=1e-3)
        assert line["learning_rate"] == pytest.approx(0.01 * min(step / 2, (2 / step) ** 0.5))
        took = [line["seconds_validation"] > 0, line["seconds_saving"] > 0]
        assert took == [step == 4] * 2  # what followed the third update, and so its line
    parts = ("step", "data", "validation", "saving")
    assert 0 < sum(line[f"seconds_{part}"] for line in lines for part in parts) < wall
    sizes = (len(prepared.vocabularies.source), len(prepared.vocabularies.target))
    functions = step_module.make(config, *sizes, jnp.dtype("float32"))
    params = functions.init(jax.random.key(config.training.seed)).params
    placed = jax.tree.map(jnp.asarray, batches.batch(0))
    oracle = jax.jit(jax.value_and_grad(mean_loss), static_argnums=(2, 3))
    loss, gradient = oracle(params, placed, config, functions.graph)
    assert lines[0]["loss"] == pytest.approx(float(loss), rel=1e-4)
    norm = np.sqrt(sum(np.square(part).sum() for part in jax.tree.leaves(gradient)))
    assert lines[0]["gradient_norm"] == pytest.approx(float(norm), rel=1e-3)


def test_a_trained_run_has_a_curve_and_the_figures_as_events(trained):
    run = RunDirectory.open(trained.path)
    assert run.learning_curve.read_bytes().startswith(b"\x89PNG")
    names = [path.name for path in run.tensorboard.iterdir()]
    assert names
    assert all(name.startswith("events.out.tfevents.") for name in names)
    written = b"".join(path.read_bytes() for path in run.tensorboard.iterdir())
    for line in read(run.metrics):
        for name in line.keys() - {"step", "kind", "time"}:
            assert f"{line['kind']}/{name}".encode() in written


def test_epochs_end_training(config_of):
    config = config_of(
        "--training.epochs=1", "--training.steps=1000", "--training.batch_tokens=4096"
    )
    outcome, _ = train(config)
    assert outcome.reason == "epochs"
    assert 1 < outcome.step < 20
    assert outcome.step == outcome.last


def test_patience_ends_training_and_survives_a_restart(config_of):
    words = ("--training.patience=1", "--training.steps=60", "--training.learning_rate=3")
    words += ("--training.best_metric=loss",)
    config = config_of(*words, "--training.validate_every=1", "--model.dropout=0")
    outcome, _ = train(config)
    again, _ = train(config)
    assert (outcome.reason, outcome.first) == ("patience", 0)
    assert outcome.step < 60
    assert (again.reason, again.first, again.step) == ("patience", outcome.step, outcome.step)


@pytest.mark.parametrize(
    ("metric", "values", "patience", "ends"),
    [
        ("bleu", [1, 3, 2], 1, True),
        ("bleu", [1, 3, 2], 2, False),
        ("bleu", [1, 2, 2], 1, True),
        ("loss", [3, 2, 1], 1, False),
        ("loss", [3, 1, 2, 2], 2, True),
        ("bleu", [], 1, False),
        ("bleu", [3, 2, 1], None, False),
    ],
)
def test_patience_counts_validations_without_a_better_one(tmp_path, metric, values, patience, ends):
    lines = [
        f'{{"step": {i}, "kind": "validation", "{metric}": {v}}}' for i, v in enumerate(values)
    ]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    assert out_of_patience(tmp_path / "metrics.jsonl", patience, metric) is ends


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_the_run_goes_on(config_of, number):
    _, wanted = train(config_of("--training.steps=40", run="whole"))
    config = config_of("--training.steps=40", "--training.validate_every=40", run="cut")
    directory = RunDirectory.create(config.run, config)
    stop = threading.Event()

    def interrupt():
        while not stop.wait(0.01):
            if directory.metrics.exists() and read(directory.metrics):
                os.kill(os.getpid(), number)
                return

    thread = threading.Thread(target=interrupt)
    thread.start()
    outcome, _ = train(config)
    stop.set()
    thread.join()
    assert outcome.reason == "interrupted"
    assert outcome.signal == signal.Signals(number).name
    assert 0 < outcome.step < 40
    final, found = train(config)
    assert (final.first, final.step) == (outcome.step, 40)
    assert_equal(found, wanted)


def test_a_loss_that_is_not_finite_is_told(config_of):
    config = config_of(
        "--training.learning_rate=1e30", "--training.steps=20", "--training.warmup_steps=1"
    )
    with pytest.raises(UserError, match=r"loss is no longer a finite number.*learning_rate"):
        train(config)


def test_a_profile_is_written(config_of):
    train(config_of("--training.steps=25"), profile=True)
    folder = RunDirectory.open(config_of().run).tensorboard
    assert list(folder.rglob("*.xplane.pb"))


def test_accumulation_changes_nothing_but_memory(config_of):
    words = ("--model.dropout=0", "--training.steps=3")
    _, whole = train(config_of(*words, run="whole"))
    _, parts = train(config_of(*words, "--training.accumulation=2", run="parts"))
    for a, b in zip(jax.tree.leaves(whole.params), jax.tree.leaves(parts.params), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4)


def test_reversal_is_learnt(config_of):
    """The whole system on a task with one right answer: attention must look from the other end."""
    config = config_of(
        "--training.steps=700",
        "--training.validate_every=350",
        "--training.checkpoint_every=350",
        "--training.log_every=100",
        "--training.warmup_steps=60",
        "--training.decay=cosine",
        "--model.dropout=0",
    )
    train(config)
    sources, references = read_text(config.data, 40)
    found = Translator.load(config.run).translate(sources)
    right = [result.text == wanted for result, wanted in zip(found, references, strict=True)]
    assert sum(right) >= 38
