"""The benchmark of accelerators: its parts at reduced sizes, and that a failure costs one line."""

import gzip
import importlib
import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from seq2seq import recipes
from seq2seq.config import Config
from seq2seq.data import phrasebook

ROOT = Path(__file__).parent.parent


@pytest.fixture
def module(monkeypatch):
    """Imports a module of benchmarks/."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module


def script(tmp_path, body):
    path = tmp_path / "part.py"
    path.write_text(body, encoding="utf-8")
    return [sys.executable, str(path)]


def rows(module, words, seconds=30.0):
    accelerator = module("accelerator")
    return list(accelerator._rows(words, {}, seconds, Path(words[1]).with_suffix(".log")))


def test_rows_before_a_failure_are_kept_and_its_reason_is_told(module, tmp_path):
    body = "print('{\"value\": 1}', flush=True)\nprint('chatter')\nraise ValueError('no')"
    kept, failure = rows(module, script(tmp_path, body))
    assert kept == {"value": 1}
    assert failure == {"failure": "failed: ValueError: no"}


def test_what_takes_too_long_is_ended_with_all_that_it_started(module, tmp_path):
    mark = tmp_path / "alive"
    code = f"import time; time.sleep(2); open({str(mark)!r}, 'w')"
    body = (
        "import subprocess, sys\nprint(1, flush=True)\n"
        f"subprocess.run([sys.executable, '-c', {code!r}])"
    )
    start = time.monotonic()
    kept, failure = rows(module, script(tmp_path, body), 1.0)
    assert time.monotonic() - start < 1.9
    assert (kept, failure) == (1, {"failure": "stopped after 1 s"})
    time.sleep(1.5)
    assert not mark.exists()


def test_the_table_is_printed_line_by_line_and_kept(module, tmp_path, capsys):
    table = module("accelerator").Table(tmp_path / "figures.json")
    table.machine("1 × GPU", "bfloat16")
    row = {"what": "bfloat16", "value": 790.0, "unit": "TFLOP/s", "share": None, "note": "large"}
    table.add("matmul", row)
    table.add("train", {**row, "value": 1.9e6, "unit": "tokens/s", "share": 0.456})
    table.add("torch", {"failure": "left out: no CUDA"})
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["matmul", "bfloat16", "790", "TFLOP/s", "large"]
    assert lines[3].split() == ["train", "bfloat16", "1,900,000", "tokens/s", "45.6%", "large"]
    assert lines[4].split(maxsplit=1) == ["torch", "left out: no CUDA"]
    assert table.peak() == 790e12
    kept = json.loads((tmp_path / "figures.json").read_text())
    assert [line["part"] for line in kept["rows"]] == ["matmul", "train", "torch"]


@pytest.mark.parametrize(("dtype", "peak"), [("bfloat16", 8e11), ("float32", 4e11)])
def test_shares_are_of_the_peak_in_which_training_computes(dtype, peak, module, monkeypatch):
    accelerator = module("accelerator")
    row = {"unit": "TFLOP/s", "share": None, "note": ""}
    found = [{"machine": "2 × cpu", "dtype": dtype}]
    found += [{"what": "bfloat16", "value": 0.8, **row}, {"what": "float32", "value": 0.4, **row}]
    monkeypatch.setattr(accelerator.Runner, "part", lambda *_: found)
    arguments = SimpleNamespace(minutes=9.5, multi30k=None)
    runner = accelerator.Runner(arguments, accelerator.Table(None), None)
    runner.run("matmul", [])
    assert runner.table.peak() == peak


@pytest.mark.parametrize("part", ["matmul", "train", "decode", "profile"])
def test_parts_measure(part, module):
    parts = module("accelerator_parts")
    plan = parts.Plan(small=True, seconds=0.05, peak=1e12)
    measured = [measure() for _, measure in parts.PARTS[part](plan)]
    assert measured
    assert all(row.value > 0 for row in measured)
    if part in ("train", "decode"):
        assert all(0 < row.share < 1 for row in measured)


@pytest.mark.parametrize(
    ("size", "times"),
    [("base", "100 000 steps: 50 min"), ("big", "100 000 steps: 50 min; 300 000 steps: 150 min")],
)
def test_training_notes_the_time_of_the_papers_updates(size, times, module, monkeypatch):
    parts, workload = module("accelerator_parts"), module("workload")
    monkeypatch.setattr(parts, "Updates", lambda *_: None)
    monkeypatch.setattr(parts, "speed", lambda *_: workload.Speed(1e6, 0.03, 0.0, 20.0))
    row = parts._trained(parts.Plan(small=False, seconds=1.0, peak=1e15), size, 128)
    assert (row.value, row.unit, row.note) == (1e6, "tokens/s", times)


@pytest.mark.parametrize("folder", [None, Path("multi30k")])
def test_every_part_has_its_time_kept(folder, module, monkeypatch):
    accelerator = module("accelerator")
    names, clock = list(accelerator.BUDGETS), [0.0]
    monkeypatch.setattr(accelerator.time, "monotonic", lambda: clock[0])
    arguments = SimpleNamespace(minutes=9.5, multi30k=folder)
    runner = accelerator.Runner(arguments, None, None)
    given = {}
    for place, name in enumerate(names, start=1):
        given[name] = runner.seconds(names[place:])
        clock[0] += given[name]  # each one takes all that it may
    assert clock[0] <= 570
    spare = 0 if folder else accelerator.BUDGETS["multi30k"]
    wanted = {**accelerator.BUDGETS, "matmul": accelerator.BUDGETS["matmul"] + spare}
    assert given == pytest.approx(wanted if folder else {**wanted, "multi30k": 0})


def test_a_part_that_cannot_be_measured_says_why(module):
    parts = module("accelerator_parts")
    with pytest.raises(parts.SkippedError, match="no fused attention"):
        next(parts.check(parts.Plan(small=True, seconds=0.1)))


def test_trials_change_keys_that_exist(module):
    accelerator, workload = module("accelerator"), module("workload")
    settings = [setting for trial in accelerator.TRIALS for setting in trial.settings]
    assert len(settings) > 4
    for setting in settings:
        key, _, value = setting.partition("=")
        assert workload.changed(Config(), key, value) != Config()
    with pytest.raises(ValueError, match=r"model\.heds"):
        workload.changed(Config(), "model.heds", "4")


def test_the_rows_trained_on_are_full_of_sentences_as_long_as_wmts(module):
    workload = module("workload")
    config = workload.config_of("base", 128, 25_000)
    batch = workload.packed_batches(config, 37_000)(3)
    assert batch.source.shape == (200, 128)  # 195, rounded up to eight devices
    filled = np.mean(batch.source_segments[:195] > 0)
    assert filled > 0.95
    sentences = batch.source_segments.max(axis=1).sum()
    assert 24 < (batch.source_segments > 0).sum() / sentences < 32


def test_from_the_command_line(tmp_path):
    words = ["--only", "matmul,multi30k", "--small", f"--json={tmp_path / 'f.json'}"]
    command = [sys.executable, str(ROOT / "benchmarks/accelerator.py"), *words]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = found.stdout.splitlines()
    assert "jax" in lines[0]
    assert [line.split()[0] for line in lines[1:]] == [
        "part",
        "matmul",
        "matmul",
        "matmul",
        "multi30k",
    ]
    assert lines[-1].endswith("left out: no --multi30k DIR")


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("--only=tran", "tran: expected one of matmul, "),
        ("--json=no/where.json", "no/where.json: expected a file in a folder that is there"),
        ("--multi30k=nope", "expected nope/train.en.gz, found nothing"),
        ("--case=base", "base: expected one of tiny, small, base, big and a row length"),
        ("--case=bsae:32", "bsae:32: expected one of tiny, "),
        ("--set=model.heads", "model.heads: expected KEY=VALUE"),
        ("--set=model.heds=4", "model.heds: no such key"),
        ("--set=model.heads=3", "model.heads: expected a divisor of model.width (512)"),
        ("--trials=xyz", "xyz: expected a word of one of these: defaults, "),
    ],
)
def test_mistakes_are_told_before_the_first_figure(word, problem, module, monkeypatch, capsys):
    accelerator = module("accelerator")
    monkeypatch.setattr(sys, "argv", ["accelerator.py", word])
    with pytest.raises(SystemExit) as end:
        accelerator.main()
    assert end.value.code == 2
    assert problem in capsys.readouterr().err


def test_a_failure_is_in_the_status(module, monkeypatch):
    accelerator = module("accelerator")
    rows = {"matmul": {"failure": "left out: no time left"}, "check": {"failure": "failed: x"}}
    monkeypatch.setattr(accelerator.Runner, "part", lambda _, name, *__: [rows[name]])
    for parts, status in (("matmul", 0), ("matmul,check", 1)):
        monkeypatch.setattr(sys, "argv", ["accelerator.py", f"--only={parts}"])
        with pytest.raises(SystemExit) as end:
            accelerator.main()
        assert end.value.code == status


def test_multi30k_trains_as_its_recipe_did_when_it_was_shorter(module):
    part = module("accelerator_multi30k")
    training = recipes.load(part.RECIPE, list(part.SHORTER)).training
    assert (training.steps, training.warmup_steps, training.decay) == (7000, 800, "cosine")
    assert recipes.load(part.RECIPE, list(part.FEW)).training.steps == 12


def test_multi30k_from_text_to_bleu(tmp_path):
    pairs = phrasebook.split("test")
    for name, part in (("train", pairs), ("val", pairs[:8]), ("test_2016_flickr", pairs[:20])):
        for language, side in (("en", "source"), ("de", "target")):
            text = "".join(f"{getattr(pair, side)}\n" for pair in part)
            (tmp_path / f"{name}.{language}.gz").write_bytes(gzip.compress(text.encode()))
    figures = tmp_path / "figures.json"
    words = ["--only=multi30k", "--small", f"--multi30k={tmp_path}", f"--json={figures}"]
    command = [sys.executable, str(ROOT / "benchmarks/accelerator.py"), *words]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    [row] = json.loads(figures.read_text())["rows"]
    assert row.get("failure") is None, found.stderr
    assert (row["what"], row["unit"], row["details"]["steps"]) == (
        "Multi30k, 12 updates",
        "BLEU",
        12,
    )
    assert 0 <= row["value"] < 50
    assert "stopped" not in row["note"]
    assert "tok:13a" in row["note"]
    assert found.stdout.splitlines()[-1].startswith("multi30k Multi30k, 12 updates ")
