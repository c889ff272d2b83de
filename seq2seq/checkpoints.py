"""Numbered checkpoints in one folder: a thin layer over Orbax, which is young and still moves.

Orbax writes in the background, atomically and from many hosts. What it lacks is added here: the
latest N *and* the best N are kept; a CRC-32 of every file is stored with the checkpoint, because
Orbax restores a flipped bit without a word; a damaged checkpoint gives way to the one before; and
a checkpoint of another model is told by the name and shapes of the first parameter that differs.
Checking takes 0.3 s per GB.
"""

import errno
import json
import logging
import math
import os
import re
import shutil
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seq2seq.errors import UserError

if TYPE_CHECKING:
    from orbax.checkpoint import CheckpointManager

Which = int | str
"""A checkpoint: its step, `"latest"`, or `"best"` by its metric."""

_CHECKSUMS = "checksums.json"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (
    *(errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG),
)
"""Reasons for which a file can never be written where it is wanted."""


class DamagedError(Exception):
    """A checkpoint that cannot be restored; its text says which file and why."""


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turns a full disk, missing rights and impossible names, met at `path`, into a `UserError`."""
    try:
        yield
    except Exception as error:
        inner = re.search(r"os_error_code='(\d+)'", str(error))  # as TensorStore puts it
        number = error.errno if isinstance(error, OSError) else int(inner[1]) if inner else None
        if number in _FULL:
            raise UserError(f"{path}: no space left on the disk") from error
        if number in _FORBIDDEN:
            raise UserError(f"{path}: cannot be written: {os.strerror(number)}") from error
        raise


class Checkpoints:
    """Saves, lists and restores the checkpoints of one run.

    Saving is for the one process (or the group of hosts) that trains; reading needs no lock.
    """

    def __init__(
        self, path: Path, keep_latest: int, keep_best: int, metric: str, mode: Literal["max", "min"]
    ) -> None:
        """Touches no file.

        Args:
            path: Folder of the checkpoints, made by the first save.
            keep_latest: Number of latest checkpoints kept.
            keep_best: Number of checkpoints kept beyond those for their metric.
            metric: Key of the metric that ranks checkpoints.
            mode: Whether the metric is better the larger (max) or the smaller (min) it is.
        """
        self.path = path.absolute()
        self._keep = (keep_latest, keep_best)
        self._metric = metric
        self._sign = 1.0 if mode == "max" else -1.0
        self._manager: CheckpointManager | None = None
        self._last_saved: int | None = None

    def steps(self) -> list[int]:
        """Returns the steps of all complete checkpoints, ascending.

        Raises:
            UserError: The folder cannot be read.
        """
        try:
            names = os.listdir(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read: {error.strerror}") from None
        return sorted(int(name) for name in names if name.isdigit())

    def best_step(self) -> int | None:
        """Returns the step with the best metric, the later of equals; None if none has one."""
        ranked = self.ranked()
        return ranked[0] if ranked else None

    def score(self, step: int) -> float:
        """Returns the metric of a checkpoint as a number that is the larger the better.

        Raises:
            KeyError: It has none.
        """
        return self._scores()[step]

    def save(
        self, step: int, items: Mapping[str, Any], metrics: Mapping[str, float] | None = None
    ) -> None:
        """Begins to save; returns as soon as the arrays may be donated or changed.

        Checkpoints at or beyond `step` are dropped: they belong to a course that was left when a
        damaged checkpoint gave way to an earlier one.

        Args:
            step: Number of updates done.
            items: Pytrees of arrays by name; each name can be restored without the others.
            metrics: Validation figures of this step, with the metric that ranks checkpoints.

        Raises:
            UserError: There is no space (also when the save before this one found none).
        """
        from orbax.checkpoint import args

        if step == self._last_saved and metrics is None:
            return
        with self._writing():
            manager = self._writer()
            if any(other >= step for other in manager.all_steps()):
                manager.wait_until_finished()
                for other in [other for other in manager.all_steps() if other >= step]:
                    manager.delete(other)
            saved = {name: args.StandardSave(tree) for name, tree in items.items()}
            figures = None if metrics is None else {k: float(v) for k, v in metrics.items()}
            manager.save(step, args=args.Composite(**saved), metrics=figures, force=True)
        self._last_saved = step

    def restore(self, items: Mapping[str, Any], which: Which) -> tuple[int, dict[str, Any]]:
        """Restores a checkpoint, or the next candidate, with a warning, where it is damaged.

        Args:
            items: By name, what to restore: pytrees of `jax.ShapeDtypeStruct`, with the sharding
                each array shall have (default: the first local device).
            which: The step, the latest, or the best (the latest, if none has a metric).

        Returns:
            The step that was restored, and the pytrees by name.

        Raises:
            UserError: There is no such checkpoint, it is of another shape, or all are damaged.
        """
        candidates = self._candidates(which)
        for step, following in zip(candidates, [*candidates[1:], None], strict=True):
            try:
                return step, {name: self._item(step, name, tree) for name, tree in items.items()}
            except DamagedError as damage:
                if following is None:
                    raise UserError(f"{self.path}: every checkpoint is damaged: {damage}") from None
                warning = f"warning: {damage}; going back to checkpoint {following}\n"
                sys.stderr.write(warning)
        raise AssertionError("there is at least one candidate")

    def wait(self) -> None:
        """Waits until what was saved lies on the disk; raises `UserError` if there is no space."""
        if self._manager is not None:
            with self._writing():
                self._manager.wait_until_finished()

    def close(self) -> None:
        """Waits and lets go of Orbax's threads."""
        if self._manager is not None:
            manager, self._manager = self._manager, None
            with self._writing():
                manager.close()

    def clean(self) -> None:
        """Removes what a killed process left half-written; only the process that trains may."""
        for folder in self._unfinished():
            shutil.rmtree(folder, ignore_errors=True)

    def _unfinished(self) -> list[Path]:
        entries = self.path.iterdir() if self.path.is_dir() else ()
        return [entry for entry in entries if re.match(r"\d+\..*tmp", entry.name)]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with storage_errors(self.path):
                yield
        except UserError:
            self._last_saved = None
            self.clean()
            raise

    def _score(self, metrics: Mapping[str, float]) -> float:
        """Returns a number that is the larger the better; not a number is worst."""
        score = self._sign * metrics[self._metric]
        return -math.inf if math.isnan(score) else score

    def ranked(self) -> list[int]:
        """Returns the steps that have a metric, best first, the later of equals before."""
        scores = self._scores()
        return sorted(scores, key=lambda step: (scores[step], step), reverse=True)

    def _scores(self) -> dict[int, float]:
        """Returns the metrics of the steps that have one; see `score`."""
        scores = {}
        for step in self.steps():
            try:
                text = (self.path / str(step) / "metrics" / "metrics").read_text()
                scores[step] = self._score(json.loads(text))
            except (OSError, ValueError, KeyError):
                continue
        return scores

    def _candidates(self, which: Which) -> list[int]:
        latest_first = self.steps()[::-1]
        if not latest_first:
            raise UserError(f"{self.path}: no checkpoint has been saved yet")
        if which == "latest":
            return latest_first
        if which == "best":
            return list(dict.fromkeys(self.ranked() + latest_first))
        if which not in latest_first:
            raise UserError(f"{self.path}: expected a step of {latest_first[::-1]}, found {which}")
        return [step for step in latest_first if step <= which]

    def _item(self, step: int, name: str, abstract: Any) -> Any:
        """Restores one pytree; raises `DamagedError`, or `UserError` where the shapes differ."""
        from orbax.checkpoint import StandardCheckpointer

        _quiet()
        folder = self.path / str(step) / name
        _verify(folder)
        try:
            with StandardCheckpointer() as checkpointer:
                stored = checkpointer.metadata(folder).item_metadata.tree
                _compare(folder, name, stored, abstract)
                return checkpointer.restore(folder, _placed(abstract))
        except UserError:
            raise
        except Exception as error:
            reason = str(error).partition("\n")[0][:120]
            raise DamagedError(f"{folder}: damaged ({type(error).__name__}: {reason})") from error

    def _writer(self) -> "CheckpointManager":
        if self._manager is None:
            from orbax.checkpoint import AsyncOptions, CheckpointManager, CheckpointManagerOptions
            from orbax.checkpoint import checkpoint_managers as policies

            _quiet()
            latest, best = self._keep
            best_policy = policies.BestN(
                get_metric_fn=self._score, n=best, keep_checkpoints_without_metrics=False
            )
            options = CheckpointManagerOptions(
                best_fn=self._score,
                preservation_policy=policies.AnyPreservationPolicy(
                    [policies.LatestN(latest), best_policy]
                ),
                async_options=AsyncOptions(post_finalization_callback=self._write_checksums),
            )
            self.path.mkdir(parents=True, exist_ok=True)
            self._manager = CheckpointManager(self.path, options=options)
        return self._manager

    def _write_checksums(self) -> None:
        """Notes size and CRC-32 of every file, just before Orbax gives the folder its name."""
        for folder in self._unfinished():
            for item in (entry for entry in folder.iterdir() if entry.is_dir()):
                files = sorted(path for path in item.rglob("*") if path.is_file())
                sums = {str(path.relative_to(item)): _checksum(path) for path in files}
                (item / _CHECKSUMS).write_text(json.dumps(sums))


def _quiet() -> None:
    """Lets Orbax log nothing: what matters of it is raised as well."""
    import absl.logging  # noqa: F401 - makes the logger

    logging.getLogger("absl").setLevel(logging.CRITICAL)


def _checksum(path: Path) -> list[int]:
    """Returns the size in bytes and the CRC-32 of a file."""
    size = value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            size += len(block)
            value = zlib.crc32(block, value)
    return [size, value]


def _verify(folder: Path) -> None:
    """Raises `DamagedError` unless every file is as it was written."""
    if folder.is_dir() and not (folder / _CHECKSUMS).exists():
        return
    try:
        expected = json.loads((folder / _CHECKSUMS).read_text())
        for name, wanted in expected.items():
            if _checksum(folder / name) != wanted:
                raise DamagedError(f"{folder / name}: damaged since it was written")
    except FileNotFoundError as error:
        raise DamagedError(f"{error.filename}: missing") from None
    except (OSError, ValueError, AttributeError) as error:
        raise DamagedError(f"{folder}: cannot be read ({error})") from None


def _compare(folder: Path, name: str, stored: Any, wanted: Any) -> None:
    """Raises `UserError` with the first array whose shape differs, or that only one side has."""
    before, after = _shapes(name, stored), _shapes(name, wanted)
    for key in [*after, *before]:
        there, here = before.get(key, "missing"), after.get(key, "missing")
        if there != here:
            text = f"{key} is {there} in the checkpoint, {here} in the model of the config"
            raise UserError(f"{folder.parent}: checkpoint of another shape: {text}")


def _shapes(name: str, tree: Any) -> dict[str, tuple[int, ...]]:
    import jax

    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    keys = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in leaves]
    return {f"{name}.{key}": tuple(x.shape) for key, (_, x) in zip(keys, leaves, strict=True)}


def _placed(abstract: Any) -> Any:
    """Returns the tree with a sharding for every array: Orbax fails on other devices without."""
    import jax

    default = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])

    struct: Any = jax.ShapeDtypeStruct

    def place(leaf: Any) -> Any:
        sharding = getattr(leaf, "sharding", None) or default
        return struct(leaf.shape, leaf.dtype, sharding=sharding)

    return jax.tree.map(place, abstract)
