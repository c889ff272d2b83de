"""The benchmark's peer in PyTorch runs, and its speed stands beside ours."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: make test-parity")

ACCELERATOR = Path(__file__).parents[2] / "benchmarks/accelerator.py"


def test_the_peer_is_measured_and_compared(tmp_path):
    figures = tmp_path / "figures.json"
    words = ["--only=train,torch", "--small", "--seconds=0.2", f"--json={figures}"]
    command = [sys.executable, str(ACCELERATOR), *words]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    ours, theirs = json.loads(figures.read_text())["rows"]
    assert [row["part"] for row in (ours, theirs)] == ["train", "torch"], found.stderr
    assert theirs.get("failure") is None
    assert ours["what"] == theirs["what"] == "tiny, rows of 32"
    assert theirs["value"] > 0
    ratio = re.fullmatch(r"ours: ([\d.]+)x", theirs["note"])
    assert float(ratio[1]) == pytest.approx(ours["value"] / theirs["value"], abs=0.01)
