"""Run directories: what may change, who may train, and what a translator needs."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from seq2seq import recipes
from seq2seq.config import Config, Corpus, DataConfig, TrainingConfig
from seq2seq.errors import UserError
from seq2seq.run_directory import Chosen, RunDirectory

STATE = {"params": {"w": jnp.arange(3.0)}, "step": jnp.int32(4), "opt_state": (jnp.ones(2), ())}


def abstract(tree: Any) -> Any:
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), tree)


@pytest.fixture
def trained(tmp_path: Path) -> RunDirectory:
    """A run with one checkpoint."""
    with RunDirectory.create(tmp_path / "runs" / "demo", Config()) as run:
        run.save(4, STATE, metrics={"bleu": 1.0})
    return run


def test_a_run_opens_with_the_config_it_was_made_with(tmp_path: Path) -> None:
    config = Config(data=DataConfig(train=(Corpus(phrasebook="train"),)))
    run = RunDirectory.create(tmp_path / "a" / "b", config)
    opened = RunDirectory.open(tmp_path / "a" / "b")
    assert opened.config == run.config == replace(config, run=str(tmp_path / "a" / "b"))
    assert opened.steps() == []


def test_a_moved_run_knows_its_new_place(trained: RunDirectory) -> None:
    moved = trained.path.rename(trained.path.parent / "elsewhere")
    assert RunDirectory.open(moved).config.run == str(moved)


def test_state_and_parameters_come_back(trained: RunDirectory) -> None:
    run = RunDirectory.open(trained.path)
    step, state = run.restore(abstract(STATE))
    assert step == 4
    assert jax.tree.structure(state) == jax.tree.structure(STATE)
    assert all(map(jnp.array_equal, jax.tree.leaves(state), jax.tree.leaves(STATE)))
    assert run.best_step() == 4


def test_parameters_need_nothing_else_of_the_checkpoint(trained: RunDirectory) -> None:
    shutil.rmtree(trained.path / "checkpoints" / "4" / "training")
    params = trained.restore_params(abstract(STATE["params"]))
    assert jnp.array_equal(params["w"], STATE["params"]["w"])


def test_save_can_wait(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path, Config()) as run:
        run.save(1, STATE, wait=True)
        assert run.steps() == [1]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("demi", r"found nothing \(did you mean '.*/runs/demo'\?\)"),
        ("demo/checkpoints", r"found another folder"),
        ("demo/config.yaml", r"found a file"),
        ("zzzzzzzzz/qqqqqq/pppppppppp", r"found nothing"),
    ],
)
def test_no_run_names_the_nearest_one(trained: RunDirectory, name: str, found: str) -> None:
    path = trained.path.parent / name
    wanted = rf"^{path}: expected a run directory \(a folder with config.yaml\), {found}"
    with pytest.raises(UserError, match=wanted):
        RunDirectory.open(path)


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(
            UserError, match=f"^{path}: expected a folder for the run, found a file"
        ):
            RunDirectory.create(path, Config())


def test_a_trained_run_keeps_its_config(trained: RunDirectory) -> None:
    changed = Config(training=TrainingConfig(batch_tokens=999, steps=5))
    wanted = r"training.batch_tokens is 25000 in this run, 999 in the config: go on with"
    with pytest.raises(UserError, match=f"^{trained.path}: {wanted}"):
        RunDirectory.create(trained.path, changed)
    more_data = Config(data=DataConfig(train=(Corpus(path="a.tsv"),)))
    with pytest.raises(UserError, match=r"data.train\[0\].path is None in this run, 'a.tsv'"):
        RunDirectory.create(trained.path, more_data)
    assert RunDirectory.open(trained.path).config.training.batch_tokens == 25000


def test_length_intervals_and_decoding_may_change(trained: RunDirectory) -> None:
    text = (trained.path / "config.yaml").read_text()
    for old, new in (("steps: 100000", "steps: 7"), ("beam_size: 4", "beam_size: 2")):
        assert old in text
        text = text.replace(old, new)
    recipe = trained.path.parent / "x.yaml"
    recipe.write_text(text)
    changed = recipes.load(recipe, ["--training.validate_every=5", "--training.epochs=3"])
    run = RunDirectory.create(trained.path, changed)
    with run.lock():
        config = RunDirectory.open(trained.path).config
    assert (config.training.steps, config.training.validate_every) == (7, 5)
    assert (config.training.epochs, config.decoding.beam_size) == (3, 2)


def test_a_run_without_checkpoints_takes_any_config(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path, Config())
    run = RunDirectory.create(tmp_path, Config(training=TrainingConfig(seed=5)))
    with run.lock():
        assert RunDirectory.open(tmp_path).config.training.seed == 5


HOLDER = """
import sys, time
from seq2seq.config import Config
from seq2seq.run_directory import RunDirectory
with RunDirectory.create(sys.argv[1], Config()).lock():
    print("locked", flush=True)
    time.sleep(60)
"""


@contextmanager
def another_process(path: Path) -> Iterator[int]:
    """A process that holds the lock of a run; yields its pid, and kills it."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        try:
            yield process.pid
        finally:
            os.kill(process.pid, signal.SIGKILL)


def test_two_processes_cannot_train_one_run(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, Config())
    with another_process(tmp_path) as pid:
        holder = f"in use by process {pid} on {socket.gethostname()}"
        with pytest.raises(UserError, match=rf"^{tmp_path}: {holder}: wait.*$"), run.lock():
            pass
    with run.lock(), pytest.raises(UserError, match=f"process {os.getpid()}"), run.lock():
        pass
    with run.lock():
        pass


def test_the_lock_cleans_up_after_a_kill_and_leaves_the_rest(trained: RunDirectory) -> None:
    folder = trained.path / "checkpoints"
    (folder / "6.orbax-checkpoint-tmp" / "params").mkdir(parents=True)
    RunDirectory.open(trained.path)
    assert len(list(folder.iterdir())) == 2
    with trained.lock():
        assert [entry.name for entry in folder.iterdir()] == ["4"]


def test_an_error_inside_the_lock_is_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, Config())
    with pytest.raises(PermissionError), run.lock():
        raise PermissionError(13, "of something else")


def test_results_of_several_test_sets_stand_side_by_side(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, Config())
    run.add_results({"test": {"bleu": 1.0}})
    run.add_results({"ambiguous": {"bleu": 2.0}, "test": {"bleu": 3.0}})
    assert run.results.read_text() == (
        '{\n  "test": {\n    "bleu": 3.0\n  },\n  "ambiguous": {\n    "bleu": 2.0\n  }\n}\n'
    )


def test_scores_of_several_checkpoints_stand_side_by_side(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, Config())
    run.add_results({"words": {"right": 99.0}})
    for chosen, bleu in ((("4", 4), 1.0), (("averaged", 4), 2.0), (("4", 4), 3.0)):
        run.add_scores("test", Chosen(*chosen), {"bleu": bleu})
    run.add_scores("dev", Chosen("8", 8), {"bleu": 4.0})
    assert run.read_results() == {
        "words": {"right": 99.0},
        "test": {"4": {"step": 4, "bleu": 3.0}, "averaged": {"step": 4, "bleu": 2.0}},
        "dev": {"8": {"step": 8, "bleu": 4.0}},
    }


def test_a_checkpoint_has_one_name_however_it_is_asked_for(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path, Config()) as run:
        for step, bleu in ((2, 30.0), (4, 20.0)):
            run.save(step, STATE, {"bleu": bleu}, wait=True)
        names = {which: run.chosen(which) for which in ("best", "latest", 4)}
        assert names == {"best": ("2", 2), "latest": ("4", 4), 4: ("4", 4)}
        for bleu, best in ((29.0, ("2", 2)), (31.0, ("averaged", 4))):
            run.save_average(4, STATE["params"], {"bleu": bleu})
            assert (run.chosen("best"), run.chosen("averaged")) == (best, ("averaged", 4))


def test_damaged_results_are_not_overwritten(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, Config())
    run.results.write_text("{")
    with pytest.raises(UserError, match=r"results.json: expected a JSON object"):
        run.add_results({"test": 1})
    assert run.results.read_text() == "{"


def test_opening_a_run_needs_no_orbax(trained: RunDirectory) -> None:
    code = """
import sys
from seq2seq.run_directory import RunDirectory
RunDirectory.open(sys.argv[1]).steps()
sys.exit("orbax.checkpoint" in sys.modules or "jax" in sys.modules)
"""
    command = [sys.executable, "-c", code, str(trained.path)]
    assert subprocess.run(command, check=False).returncode == 0
