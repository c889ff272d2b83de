"""The learning curve: a real picture with the figures of the run in it, whatever the run holds."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from seq2seq.training import learning_curve
from seq2seq.training.learning_curve import draw
from seq2seq.training.metrics import read


def write(path: Path, steps: int, bleu: bool = True) -> Path:
    lines: list[dict[str, Any]] = []
    for step in range(50, steps + 1, 50):
        loss = 2 + 7 * math.exp(-step / 800)
        lines.append({"step": step, "kind": "train", "loss": loss, "learning_rate": 1 / step})
        if step % 500 == 0:
            figures = {"loss": loss + 0.2} | ({"bleu": 40 - 10 * loss / 2} if bleu else {})
            lines.append({"step": step, "kind": "validation", **figures})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def share_of(color: str, picture: Path) -> float:
    """Returns the share of pixels that have (nearly) a colour."""
    pixels = imread(picture)[..., :3]
    return float((np.abs(pixels - np.array(to_rgb(color))).max(axis=-1) < 0.02).mean())


@pytest.mark.parametrize("steps", [600, 10_000])
def test_every_curve_is_in_the_picture(tmp_path: Path, steps: int) -> None:
    picture = tmp_path / "curve.png"
    assert draw(write(tmp_path / "m.jsonl", steps), picture, "runs/x")
    assert imread(picture).shape == (1000, 1600, 4)
    for color in (learning_curve._TRAIN, learning_curve._BLEU, learning_curve._RATE):
        assert share_of(color, picture) > 1e-4
    assert share_of(learning_curve._VALIDATION, picture) > 1e-5
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_curves_are_the_figures_of_the_run(tmp_path: Path) -> None:
    lines = read(write(tmp_path / "m.jsonl", 1000))
    upper, lower, second = learning_curve._figure(lines, "runs/x").axes
    curves = [*upper.lines, *second.lines, *lower.lines]
    names = ("loss", "loss", "bleu", "learning_rate")
    kinds = ("train", "validation", "validation", "train")
    for curve, name, kind in zip(curves, names, kinds, strict=True):
        points = [(line["step"], line[name]) for line in lines if line["kind"] == kind]
        assert list(zip(*curve.get_data(), strict=True)) == points
    labels = [text.get_text() for text in upper.get_legend().get_texts()]
    best = max(line["bleu"] for line in lines if "bleu" in line)
    assert labels[2] == f"validation BLEU (best {best:.1f} at 1,000)"
    assert (upper.get_title(loc="left"), lower.get_xlabel()) == ("runs/x", "updates")


def test_no_bleu_no_axis(tmp_path: Path) -> None:
    picture = tmp_path / "curve.png"
    assert draw(write(tmp_path / "m.jsonl", 2000, bleu=False), picture)
    assert share_of(learning_curve._BLEU, picture) == 0.0


def test_nothing_to_draw_writes_nothing(tmp_path: Path) -> None:
    empty = tmp_path / "m.jsonl"
    assert not draw(empty, tmp_path / "curve.png")
    empty.write_text('{"step": 1, "kind": "train", "loss": null}\n')
    assert not draw(empty, tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()


def test_a_line_or_two_are_enough(tmp_path: Path) -> None:
    metrics = tmp_path / "m.jsonl"
    metrics.write_text('{"step": 1, "kind": "validation", "loss": 2.0, "bleu": 0.0}\n')
    assert draw(metrics, tmp_path / "curve.png")


def test_smoothing_is_centred_and_keeps_lines_straight() -> None:
    assert learning_curve._smoothed([1.0, 2.0, 3.0, 4.0], 3) == [1.0, 2.0, 3.0, 4.0]
    assert learning_curve._smoothed([0.0, 0.0, 9.0, 0.0, 0.0], 3) == [0.0, 3.0, 3.0, 3.0, 0.0]
