"""Averages of checkpoints, of the last by themselves and of any by command; moving averages."""

import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq import parallel
from seq2seq.model import functional
from seq2seq.run_directory import RunDirectory
from seq2seq.training import step
from seq2seq.training.metrics import read
from seq2seq.vocabulary import Vocabularies


def abstract(run):
    vocabularies = Vocabularies.load(run.vocabulary)
    sizes = (len(vocabularies.source), len(vocabularies.target))
    return parallel.abstract_replicated(functional.abstract(run.config.model, *sizes)[1])


def params(path, which):
    run = RunDirectory.open(path)
    return jax.tree.map(np.asarray, run.restore_params(abstract(run), which))


def mean(path, steps):
    trees = [params(path, step) for step in steps]
    return jax.tree.map(lambda *leaves: np.mean(np.float64(leaves), axis=0), *trees)


def assert_close(found, wanted):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("words", "steps"),
    [(["--last", "2"], [60, 120]), (["--best", "1"], None), (["--steps", "60"], [60])],
)
def test_the_command_averages_what_it_is_told_to(copied, call, words, steps):
    run = RunDirectory.open(copied)
    status, out, err = call("average", copied, *words)
    assert status == 0, err
    steps = steps or [run.best_step()]
    count = f"{len(steps)} checkpoint{'s' if len(steps) > 1 else ''}"
    span = f"{steps[0]} to {steps[-1]}" if len(steps) > 1 else f"{steps[0]}"
    assert out.startswith(f"average of {count}, {span} (validation BLEU ")
    assert_close(params(copied, "averaged"), mean(copied, steps))


@pytest.fixture
def shuffled(copied):
    """The run with three checkpoints: by step 10, 20, 30, by BLEU 10, 30, 20."""
    known = params(copied, 60)
    with RunDirectory.open(copied) as run:
        for step, bleu in ((10, 30.0), (20, 10.0), (30, 20.0)):
            moved = jax.tree.map(lambda leaf, by=step / 100: jnp.asarray(leaf + by), known)
            run.save(step, {"params": moved, "step": jnp.int32(step)}, {"bleu": bleu}, wait=True)
        assert run.steps() == [10, 20, 30]
    return copied


@pytest.mark.parametrize(
    ("words", "steps"),
    [
        (["--best", "2"], [10, 30]),
        (["--last", "2"], [20, 30]),
        (["--steps", "20", "10"], [10, 20]),
        (["--steps", "30", "10", "20"], [10, 20, 30]),
    ],
)
def test_the_best_are_chosen_by_score_and_the_last_by_step(shuffled, call, words, steps):
    status, out, err = call("average", shuffled, *words)
    assert status == 0, err
    assert out.startswith(f"average of {len(steps)} checkpoints, {steps[0]} to {steps[-1]} ")
    assert_close(params(shuffled, "averaged"), mean(shuffled, steps))


@pytest.mark.parametrize("command", ["translate", "score", "attention", "evaluate", "calibrate"])
def test_every_command_takes_the_average(copied, reversal, call, tmp_path, command):
    """The average of one checkpoint is that checkpoint."""
    source, target, page = reversal / "valid.src", reversal / "valid.tgt", tmp_path / "page.html"
    files = {"attention": page, "calibrate": copied / "calibration.json"}
    words = {
        "translate": [source],
        "score": ["--source", source, "--target", target],
        "attention": ["ada bea cleo", "--output", page],
        "evaluate": ["--json"],
        "calibrate": [],
    }[command]
    assert call("average", copied, "--steps", "60")[0] == 0
    found = {}
    for which in ("averaged", "60", "120"):
        status, out, err = call(command, copied, *words, "--checkpoint", which)
        assert status == 0, err
        found[which] = files[command].read_text("utf-8") if command in files else out
    assert found["averaged"] == found["60"] != found["120"]


def test_an_ensemble_takes_the_average_too(copied, reversal, call):
    assert call("average", copied, "--steps", "60")[0] == 0
    found = {}
    for which in ("averaged", "60", "120"):
        words = ("translate", copied, reversal / "valid.src", "--ensemble", f"{copied}@{which}")
        status, out, err = call(*words, "--checkpoint", "120")
        assert status == 0, err
        found[which] = out
    assert found["averaged"] == found["60"] != found["120"]


def test_an_average_can_be_made_where_the_corpora_are_not(copied, reversal, call):
    """As of a run that was copied to another machine."""
    config = copied / "config.yaml"
    config.write_text(config.read_text().replace(str(reversal), "/nowhere"))
    status, out, [warning] = call("average", copied, "--last", "2")
    assert status == 0
    assert warning.startswith("warning: average not validated, so the best checkpoint stays ")
    assert "/nowhere/train.src: no such file" in warning
    assert out.startswith("average of 2 checkpoints, 60 to 120; the best checkpoint is better\n")
    assert_close(params(copied, "averaged"), mean(copied, [60, 120]))
    assert not RunDirectory.open(copied).average_is_best()


def test_the_best_is_the_average_where_it_is_better(copied):
    run = RunDirectory.open(copied)
    shapes = abstract(run)
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    for score, chosen in ((-1.0, "checkpoint"), (101.0, "average")):
        with RunDirectory.open(copied) as run:
            run.save_average(120, zeros, {"bleu": score, "loss": 1.0})
        assert run.average_is_best() is (chosen == "average")
        leaves = jax.tree.leaves(params(copied, "best"))
        assert all(not leaf.any() for leaf in leaves) is (chosen == "average")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--last", "3"], "expected 3 checkpoints, the run has 2"),
        (["--best", "5"], "expected 5 validated checkpoints, the run has 2"),
        (["--steps", "60", "61"], "expected a step of [60, 120], found 61"),
        (["--last", "0"], "--last: expected a whole number from 1, found '0'"),
        (["--last", "1", "--best", "1"], "--best: not allowed with argument --last"),
        ([], "one of the arguments --last --best --steps is required"),
        (["--last", "1", "--model.width=3"], "--model.width: expected no key of a recipe"),
    ],
)
def test_mistakes_are_one_line(copied, call, words, message):
    status, out, err = call("average", copied, *words)
    assert (status, out) == (2, "")
    assert message in err[0]
    assert len(err) == 1
    assert not (copied / "averaged").exists()


def test_an_average_that_is_not_there_is_told(copied, call):
    status, _, err = call("translate", copied, "--checkpoint", "averaged")
    assert status == 2
    assert f"found none: make one with seq2seq average {copied} --last 5" in err[0]


def test_a_recipe_averages_by_itself(reversal, tmp_path, call):
    words = ("train", "--config", reversal / "reversal.yaml", f"--run={tmp_path / 'run'}")
    words += ("--training.average_last=2",)
    status, out, err = call(*words)
    assert status == 0, err
    lines, run = out.splitlines(), RunDirectory.open(tmp_path / "run")
    assert lines[1].startswith(f"best checkpoint: step {run.best_step()} (validation BLEU ")
    assert lines[2].startswith("average of 2 checkpoints, 3 to 6 (validation BLEU ")
    assert_close(params(run.path, "averaged"), mean(run.path, [3, 6]))
    assert [(x["step"], x["kind"]) for x in read(run.metrics)][-1] == (6, "averaged")
    assert lines[3::2][:2] == [
        f"step {run.best_step()}, test: 40 sentences",
        "averaged, test: 40 sentences",
    ]
    kept = run.read_results()["test"]
    assert list(kept) == [str(run.best_step()), "averaged"]
    for (name, scores), line in zip(kept.items(), lines[4::2], strict=False):
        found = call("evaluate", run.path, "--checkpoint", name, "--json")[1]
        assert json.loads(found) == {"bleu": scores["bleu"]}
        assert line == f"  BLEU  {scores['bleu']['score']:6.2f}   {scores['bleu']['signature']}"
    assert run.read_results()["test"] == kept
    status, out, _ = call(*words)
    assert out.startswith("already at step 6 of 6")
    assert "average of" not in out
    assert "averaged, " not in out
    kept = run.read_results()
    del kept["test"]["averaged"]  # as if the call before had been interrupted
    run.add_results(kept)
    status, out, _ = call(*words)
    assert "averaged, test: 40 sentences" in out
    assert f"step {run.best_step()}, test" not in out
    assert list(run.read_results()["test"]) == [str(run.best_step()), "averaged"]


def test_a_test_set_out_of_reach_is_told_when_training_ends(reversal, tmp_path, call):
    words = ("train", "--config", reversal / "reversal.yaml", f"--run={tmp_path / 'run'}")
    words += ("--training.average_last=2", f"--data.test={tmp_path}/gone.{{lang}}")
    status, out, err = call(*words)
    assert status == 0
    assert "average of 2 checkpoints" in out
    assert "sentences" not in out
    [warning] = [line for line in err if "not scored" in line]
    assert re.search(
        "warning: best and averaged checkpoint not scored: .*gone.src: no such", warning
    )
    assert not (tmp_path / "run/results.json").exists()


def test_the_moving_average_follows_its_formula():
    decay, values = 0.4, [np.float32(x) for x in (1.0, 5.0, -2.0, 3.0, 8.0, 0.5, 2.0)]
    average, wanted = {"x": jnp.float32(9.0)}, 9.0
    for number, value in enumerate(values, start=1):
        average = step.moving_average(average, {"x": value}, jnp.int32(number), decay)
        rate = min(decay, (1 + number) / (10 + number))
        wanted = rate * wanted + (1 - rate) * value
    assert float(average["x"]) == pytest.approx(wanted, rel=1e-6)
    assert step.moving_average(None, {"x": values[0]}, jnp.int32(1), None) is None
