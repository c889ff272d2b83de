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
