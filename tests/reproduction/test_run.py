"""`seq2seq reproduce table3` on a tiny corpus: training, measuring, and going on."""

import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pytest

from seq2seq.cli import main
from seq2seq.errors import UserError
from seq2seq.reproduction import run
from seq2seq.training import metrics

ROOT = Path(__file__).parent.parent.parent
SMALL = [
    *("--model.width=32", "--model.encoder_layers=1", "--model.decoder_layers=1"),
    *("--model.feed_forward_width=64", "--training.batch_tokens=512"),
    *("--training.warmup_steps=2", "--training.validation_sentences=40"),
    *("--decoding.beam_size=1", "--decoding.max_extra_tokens=4"),
]


def words(reversal: Path, output: Path, *rows: str, steps: int = 4) -> list[str]:
    given = ["reproduce", "table3", "--rows", *rows, "--steps", str(steps), "--output", str(output)]
    given += ["--data", str(reversal / "reversal.yaml"), "--configs", str(ROOT / "configs/table3")]
    return [*given, *SMALL]


def call(*words: str) -> SimpleNamespace:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main(words)
    lines = err.getvalue().splitlines()
    return SimpleNamespace(status=end.value.code, out=out.getvalue(), err=lines)


@pytest.fixture
def copied(done, tmp_path):
    """A copy of the two rows, to be gone on with."""
    return Path(shutil.copytree(done.output, tmp_path / "copy"))


@pytest.fixture(scope="module")
def done(reversal, tmp_path_factory):
    """Two rows, trained and measured once: where they lie, and what was printed."""
    output = tmp_path_factory.mktemp("table3")
    found = call(*words(reversal, output, "base", "a_h1"))
    return SimpleNamespace(output=output, **vars(found))


def figures(output: Path, row: str) -> dict:
    return json.loads((output / row / "results.json").read_text())["table3"]


def checkpoints(output: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in output.glob("*/checkpoints/*")}


def test_rows_are_trained_and_reported(done) -> None:
    assert done.status == 0
    text = (done.output / "table3.md").read_text(encoding="utf-8")
    table, report = done.out.strip().rsplit("\n", 1)
    assert table in text
    assert [line.split(" | ")[0] for line in table.splitlines()[2:]] == ["| base", "| a_h1"]
    assert report == f"report: {done.output / 'table3.md'} {done.output / 'table3.png'}"
    assert (done.output / "table3.png").stat().st_size > 10_000
    for row in ("base", "a_h1"):
        assert f"row {row}, {1 if row == 'base' else 2} of 2" in done.err
        assert (done.output / row / "config.yaml").is_file()


def test_the_figures_are_those_of_the_run(done) -> None:
    path = done.output / "a_h1"
    found = figures(done.output, "a_h1")
    validation = [line for line in metrics.read(path / "metrics.jsonl") if line["kind"] != "train"]
    assert validation[-1]["step"] == found["steps"] == 4
    assert found["perplexity"] == validation[-1]["perplexity"]
    assert math.log(found["perplexity"]) < validation[-1]["loss"] + 1
    evaluated = call(
        "evaluate", str(path), "--split", "validation", "--checkpoint", "latest", "--json"
    )
    bleu = json.loads(evaluated.out)["bleu"]
    assert (found["bleu"], found["signature"]) == (bleu["score"], bleu["signature"])
    described = json.loads(call("describe", str(path), "--json").out)
    assert found["parameters"] == described["parameters"]["total"]
    per_row = 32 * described["flops_per_target_token"]["training"]
    assert found["flops"] == pytest.approx(4 * 16 * per_row)
    assert found["sentences"] == 40
    assert found["pieces"] == 60
    assert 0 < found["seconds"] < 600


def test_a_finished_row_is_not_trained_again_and_new_ones_join_it(done, reversal) -> None:
    before = checkpoints(done.output)
    again = call(*words(reversal, done.output, "base", "a_h1"))
    assert (again.status, again.out) == (0, done.out)
    assert not [line for line in again.err if "training" in line]
    assert checkpoints(done.output) == before
    one = call(*words(reversal, done.output, "a_h1"))
    assert (one.status, one.out) == (0, done.out)


def test_a_row_with_more_updates_goes_on(copied, reversal) -> None:
    before = figures(copied, "base")
    longer = call(*words(reversal, copied, "base", steps=6))
    assert longer.status == 0
    after = figures(copied, "base")
    assert (before["steps"], after["steps"]) == (4, 6)
    steps = [line["step"] for line in metrics.read(copied / "base" / "metrics.jsonl")]
    assert steps == sorted(steps)
    assert after["seconds"] > before["seconds"]


def test_a_finished_row_with_another_config_is_an_error(done, reversal) -> None:
    changed = call(*words(reversal, done.output, "a_h1"), "--model.dropout=0.3")
    assert changed.status == 2
    assert "model.dropout is 0.1 in this run, 0.3 in the config" in changed.err[-1]


def test_ctrl_c_inside_a_row_saves_it_and_says_how_to_go_on(reversal, tmp_path) -> None:
    given = [*words(reversal, tmp_path / "my runs", "base", steps=100_000), "--shrink", "2"]
    flags = os.environ["XLA_FLAGS"].partition(" ")[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "seq2seq", *given, "--training.log_every=2"],
        env=os.environ | {"XLA_FLAGS": flags},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("training: "):
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    saved, how = err.splitlines()[-2:]
    assert saved.startswith("saved base at step ")
    kept = "--rows base --steps 100000 --shrink 2 --data"
    assert how.startswith(f"SIGINT: to go on: seq2seq reproduce table3 {kept}")
    assert f"--output '{tmp_path / 'my runs'}'" in how
    assert how.endswith(" ".join([*SMALL, "--training.log_every=2"]))
    assert list((tmp_path / "my runs" / "base" / "checkpoints").iterdir())
    assert not (tmp_path / "my runs" / "table3.md").exists()


def test_ctrl_c_between_rows_says_how_to_go_on(copied, reversal, monkeypatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "prepare", interrupted)
    found = call(*words(reversal, copied, "a_h1", "a_h4"))
    assert found.status == 130
    assert found.err[-2].startswith("to go on: seq2seq reproduce table3 --rows a_h1 a_h4 --steps 4")
    assert found.err[-1] == "seq2seq: interrupted"


def test_a_row_that_fails_does_not_stop_the_others(copied, reversal, monkeypatch) -> None:
    train_model = run.train_model

    def failing(config):
        if config.model.heads == 8:
            raise UserError("the loss is no longer a finite number")
        return train_model(config)

    monkeypatch.setattr(run, "train_model", failing)
    for row in ("base", "a_h1"):
        (copied / row / "results.json").unlink()
    found = call(*words(reversal, copied, "base", "a_h1"))
    assert found.status == 2
    assert found.err[-1] == (
        "seq2seq: 1 of 2 rows failed: base: the loss is no longer a finite number"
    )
    assert [line.split(" | ")[0] for line in found.out.splitlines()[2:-1]] == ["| a_h1"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["table4"], "expected one of table3, found 'table4' (did you mean 'table3'?)"),
        (["table3", "--steps", "0"], "expected a whole number from 1, found '0'"),
        (["table3", "--shrink", "3"], "--shrink: expected a divisor of 512, the model.width of"),
        (["table3", "--row", "base"], "--row: unknown option of seq2seq reproduce (did you mean"),
        (["table3", "--rows", "bse"], "--rows: expected rows of configs/table3, found 'bse'"),
        (["table3", "--run=x"], "--run: expected --output DIR"),
        (["table3", "--data", "configs/multi3k.yaml"], "(did you mean 'configs/multi30k.yaml'?)"),
        (["table3", "--configs", "nowhere"], "--configs: expected a folder with the recipes"),
        (["table3", "--training.stpes=3"], "unknown key (did you mean 'training.steps'?)"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(monkeypatch, tmp_path, given, message) -> None:
    monkeypatch.chdir(ROOT)
    found = call("reproduce", *given, "--output", str(tmp_path / "none"))
    assert found.status == 2
    assert len(found.err) == 1
    assert message in found.err[0]
    assert not (tmp_path / "none").exists()


def test_updates_within_the_warm_up_are_warned_of(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(ROOT)

    def stop(_: object) -> None:
        raise UserError("no corpus here")

    monkeypatch.setattr(run, "prepare", stop)
    words = ("reproduce", "table3", "--output", str(tmp_path), "--steps")
    warned, quiet = call(*words, "4000"), call(*words, "4001")
    assert warned.err[0].startswith("warning: base: 4,000 updates end within the warm-up of 4,000:")
    assert quiet.err == ["seq2seq: no corpus here"]
