"""Metrics: what is written, and that a restart neither repeats nor loses a line."""

import json
import math
import resource
from pathlib import Path

import jax.numpy as jnp
import pytest
from tensorboardX.proto.event_pb2 import Event

from seq2seq.errors import UserError
from seq2seq.training.metrics import MetricsWriter, read


def steps(path: Path) -> list[tuple[int, str]]:
    return [(line["step"], line["kind"]) for line in read(path)]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "run" / "metrics.jsonl", tmp_path / "run" / "tensorboard"


def test_a_line_is_a_json_object(files: tuple[Path, Path]) -> None:
    with MetricsWriter(*files) as writer:
        writer.write(100, "train", {"loss": jnp.float32(2.5), "gradient_norm": math.nan})
        text = files[0].read_text()  # flushed before the file is closed
    line = json.loads(text)
    assert line.pop("time") > 1e9
    assert line == {"step": 100, "kind": "train", "loss": 2.5, "gradient_norm": None}


def test_a_restart_goes_on_from_the_restored_step(files: tuple[Path, Path]) -> None:
    with MetricsWriter(*files) as writer:
        for step in (100, 200, 300):
            writer.write(step, "train", {"loss": step})
            writer.write(step, "validation", {"loss": step})
    with files[0].open("a") as file:
        file.write('{"step": 400, "ki')  # a kill cuts the last line short
    with MetricsWriter(*files, step=200) as writer:
        writer.write(300, "train", {"loss": 0.0})
    kinds = ("train", "validation")
    assert steps(files[0]) == [(s, k) for s in (100, 200) for k in kinds] + [(300, "train")]
    assert read(files[0])[-1]["loss"] == 0.0


def test_a_new_run_drops_every_old_line(files: tuple[Path, Path]) -> None:
    for value in (1.0, 2.0):
        with MetricsWriter(*files) as writer:
            writer.write(1, "train", {"loss": value})
    assert [line["loss"] for line in read(files[0])] == [2.0]


def events(folder: Path) -> list[Event]:
    """Every event of a folder, read by the format's definition: length, CRC, bytes, CRC."""
    found = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        while data:
            length = int.from_bytes(data[:8], "little")
            found.append(Event.FromString(data[12 : 12 + length]))
            data = data[16 + length :]
    return found


def test_tensorboard_has_the_same_figures(files: tuple[Path, Path]) -> None:
    with MetricsWriter(*files) as writer:
        writer.write(5, "train", {"loss": 1.5})
        writer.write(5, "validation", {"bleu": 30.0})
    scalars = [(e.step, v.tag, v.simple_value) for e in events(files[1]) for v in e.summary.value]
    assert scalars == [(5, "train/loss", 1.5), (5, "validation/bleu", 30.0)]


def test_tensorboard_forgets_what_is_done_again(files: tuple[Path, Path]) -> None:
    for step in (0, 7):
        with MetricsWriter(*files, step=step) as writer:
            writer.write(step + 1, "train", {"loss": 1.0})
    starts = [e.step for e in events(files[1]) if e.HasField("session_log")]
    assert starts == [8]


def test_a_quiet_writer_touches_nothing(files: tuple[Path, Path]) -> None:
    with MetricsWriter(*files, quiet=True) as writer:
        writer.write(1, "train", {"loss": 1.0})
    assert not files[0].parent.exists()


def test_a_full_disk_is_a_user_error(files: tuple[Path, Path]) -> None:
    """A limit on the size of files stands for the full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with MetricsWriter(*files) as writer:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
        try:
            with pytest.raises(UserError, match=r"metrics.jsonl: no space left on the disk"):
                writer.write(1, "train", {"loss": 1.0})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    assert read(tmp_path / "metrics.jsonl") == []
