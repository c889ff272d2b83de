"""Two processes that train one run together, over loopback, against one process alone."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

SMALL = [
    "--model.dropout=0",
    "--training.steps=4",
    "--training.validate_every=2",
    "--training.log_every=1",
]


def command(reversal: Path, run: Path) -> list[str]:
    recipe = str(reversal / "reversal.yaml")
    return [sys.executable, "-m", "seq2seq", "train", "--config", recipe, f"--run={run}", *SMALL]


def start(words: list[str], **environment: str) -> subprocess.Popen[str]:
    flags = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
    clean = {k: v for k, v in os.environ.items() if not k.startswith("XLA_")}
    return subprocess.Popen(
        words,
        env=clean | flags | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def validations(run: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["kind"] == "validation"]


def test_two_processes_train_as_one_does(reversal: Path, tmp_path: Path) -> None:
    words = command(reversal, tmp_path / "two")
    address = f"127.0.0.1:{free_port()}"
    several = {"JAX_COORDINATOR_ADDRESS": address, "JAX_NUM_PROCESSES": "2"}
    processes = [
        start([*words, "--distributed"], **several, JAX_PROCESS_ID=str(i)) for i in range(2)
    ]
    alone = start(command(reversal, tmp_path / "one"))
    outputs = [process.communicate(timeout=300)[0] for process in [*processes, alone]]
    assert [process.returncode for process in [*processes, alone]] == [0, 0, 0], outputs
    assert "trained to step 4 of 4" in outputs[0]
    assert "step 4" not in outputs[1]
    one, two = validations(tmp_path / "one"), validations(tmp_path / "two")
    assert [line["step"] for line in two] == [2, 4]
    for a, b in zip(one, two, strict=True):
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-4)
        assert b["bleu"] == pytest.approx(a["bleu"], abs=1.0)


def test_two_processes_translate_as_one_does(trained, tmp_path: Path) -> None:
    text, out = tmp_path / "text", tmp_path / "out"
    lines = ["ada bea cleo", "", "kim", "max nia ole pia. gus hal", "\u6f22"] * 9
    text.write_text("".join(f"{line}\n" for line in lines))
    words = [sys.executable, "-m", "seq2seq", "translate", str(trained.path), str(text)]
    address = f"127.0.0.1:{free_port()}"
    several = {"JAX_COORDINATOR_ADDRESS": address, "JAX_NUM_PROCESSES": "2"}
    more = ["--alignment", "--n-best", "2"]
    options = ["--output", str(out), "--distributed"]
    processes = [
        start([*words, *more, *options], **several, JAX_PROCESS_ID=str(i)) for i in range(2)
    ]
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert [line for line in outputs[1].splitlines() if "[Gloo]" not in line] == []
    alone = start([*words, *more, "--output", str(tmp_path / "one")])
    assert alone.communicate(timeout=300)[0]
    found, wanted = (path.read_text().splitlines() for path in (out, tmp_path / "one"))
    assert len(found) == len(wanted) == 72
    for one, other in zip(found, wanted, strict=True):
        a, b = one.split(" ||| "), other.split(" ||| ")
        assert a[:2] == b[:2]
        assert float(a[2]) == pytest.approx(float(b[2]), abs=1e-4)
        assert a[3:] == b[3:]
    for more, found in (
        ([str(text), "--resume", "--output", str(out)], "expected it without --resume, found both"),
        ([], "expected files, as every process reads them, found stdin"),
    ):
        failed = start([*words[:5], *more, "--distributed"])
        assert found in failed.communicate(timeout=300)[0]
        assert failed.returncode == 2
