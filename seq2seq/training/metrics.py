"""The figures of a run: one JSON object a line in metrics.jsonl, and TensorBoard events.

A line holds `step` (updates done), `kind` (`train`: means over the updates since the line before;
`validation`; `averaged`: validation of averaged checkpoints), `time` (seconds since 1970) and
figures by name: `loss` and `perplexity` (per target token, nats), `learning_rate`, `bleu` and
whatever else the loop reports. A figure that is not finite is null. TensorBoard shows the same
figures as `kind/name`.
"""

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, SupportsFloat

from seq2seq.checkpoints import storage_errors
from seq2seq.text_io import replacing

Kind = Literal["train", "validation", "averaged"]


class MetricsWriter:
    """Appends figures to a run's files; flushed line by line, so that a kill loses none."""

    def __init__(
        self, metrics: Path, tensorboard: Path, step: int = 0, quiet: bool = False
    ) -> None:
        """Opens the files, and drops the lines of updates that will be done again.

        Args:
            metrics: The .jsonl file.
            tensorboard: Folder of the events.
            step: Updates done so far: lines beyond it are dropped.
            quiet: Whether nothing is written, as on all hosts but the first.

        Raises:
            UserError: No space is left, or the files may not be written.
        """
        self._path, self._quiet = metrics, quiet
        if quiet:
            return
        from tensorboardX import SummaryWriter

        with storage_errors(metrics):
            _drop_beyond(metrics, step)
            self._file = metrics.open("a", encoding="utf-8")
            purge = step + 1 if tensorboard.exists() else None
            self._events = SummaryWriter(str(tensorboard), purge_step=purge, flush_secs=10)

    def write(self, step: int, kind: Kind, values: Mapping[str, SupportsFloat]) -> None:
        """Writes one line of figures.

        Args:
            step: Updates done.
            kind: Where they come from.
            values: Figures by name: numbers, or scalar arrays.

        Raises:
            UserError: No space is left on the disk.
        """
        if self._quiet:
            return
        figures = {name: float(value) for name, value in values.items()}
        finite = {k: float(f"{v:.7g}") if math.isfinite(v) else None for k, v in figures.items()}
        line = {"step": step, "kind": kind, "time": round(time.time(), 1), **finite}
        with storage_errors(self._path):
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
            for name, value in figures.items():
                self._events.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Writes what is left to write and closes the files."""
        if not self._quiet:
            self._file.close()
            self._events.close()

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read(path: Path) -> list[dict[str, Any]]:
    """Returns the lines of a metrics file in order, without one that a kill cut short."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            lines.append(line)
    return lines


def _drop_beyond(path: Path, step: int) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        return
    kept = [json.dumps(line) + "\n" for line in read(path) if line["step"] <= step]
    with replacing(path) as draft:
        draft.write_text("".join(kept), encoding="utf-8")
