"""Multi30k from text to BLEU by the commands that users type, with the time they take.

The part has 150 seconds. Of these some 15 go into preparing the text, 45 into starting and
compiling, 45 are kept for the end; the 45 left are 35 for 7 000 updates of 5 ms and 10 for two
validations. The recipe's own 17 000 updates would not fit, so it trains as the recipe did when it
had 7 000: less dropout, a lower rate after a shorter warm-up; on a CPU that gave 38.9 BLEU, where
the whole recipe gives 40.2.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RECIPE = Path(__file__).resolve().parent.parent / "configs/multi30k.yaml"
FILES = {"train": "train", "validation": "val", "test": "test_2016_flickr"}
"""What its parts are called in the folder."""
SHORTER = (
    "--training.steps=7000", "--training.warmup_steps=800", "--training.learning_rate=0.002",
    "--training.validate_every=3500", "--model.dropout=0.2",
)  # fmt: skip
"""What makes the recipe's training fit; so small an update takes a GPU some ms, whichever it is."""
FEW = (
    "--training.steps=12", "--training.warmup_steps=4", "--training.validate_every=12",
    "--training.checkpoint_every=12", "--training.validation_sentences=4",
    "--model.encoder_layers=1", "--model.decoder_layers=1", "--decoding.beam_size=1",
    "--decoding.max_extra_tokens=4", "--vocabulary.size=500",
)  # fmt: skip
"""What makes a test of it short."""
AFTERWARDS = 45.0
"""Seconds kept for saving and for translating the test set."""


def multi30k(folder: Path | None, small: bool, limit: float) -> dict[str, Any]:
    """Returns a row: sacreBLEU of the test set of 2016, and the minutes that training took.

    Args:
        folder: Where train, val and test_2016_flickr lie, as .en.gz and .de.gz.
        small: Whether a few updates of a small model are enough.
        limit: Seconds for all. Training that takes longer is stopped, and what it has is measured.
    """
    if folder is None:
        return {"failure": "left out: no --multi30k DIR"}
    with tempfile.TemporaryDirectory() as work:
        run = f"{work}/run"
        words = [f"--data.{key}={folder}/{name}.{{lang}}.gz" for key, name in FILES.items()]
        words += [f"--config={RECIPE}", f"--run={run}", f"--data.cache={work}/cache"]
        begin = time.monotonic()
        process = _start("train", *words, *(FEW if small else SHORTER))
        try:
            process.wait(max(limit - AFTERWARDS, 1.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)  # it saves, and ends
            process.wait()
        minutes = (time.monotonic() - begin) / 60
        if not Path(run, "metrics.jsonl").exists():
            raise RuntimeError(f"seq2seq train ended with status {process.returncode}")
        lines = Path(run, "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        steps = json.loads(lines[-1])["step"]
        begin = time.monotonic()
        evaluation = _start("evaluate", run, "--json", stdout=subprocess.PIPE)
        found = json.loads(evaluation.communicate()[0])["bleu"]
    stopped = ", stopped by the limit" if process.returncode else ""
    note = f"trained in {minutes:.1f} min, tested in {time.monotonic() - begin:.0f} s{stopped}"
    return {
        "what": f"Multi30k, {steps:,} updates",
        "value": found["score"],
        "unit": "BLEU",
        "share": None,
        "note": f"{note}; {found['signature']}",
        "details": {"minutes": minutes, "steps": steps},
    }


def _start(*words: str, stdout: int | None = None) -> subprocess.Popen:
    """Starts a command of the program; its results go to stderr unless they are wanted."""
    command = [sys.executable, "-m", "seq2seq", *words]
    return subprocess.Popen(command, text=True, stdout=sys.stderr if stdout is None else stdout)
