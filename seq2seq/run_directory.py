"""One folder is one run: all that is needed to go on with it, or to translate.

    config.yaml         the config as resolved         tensorboard/        events
    vocabulary/         SentencePiece models           learning_curve.png  loss, BLEU, rate
    checkpoints/STEP/   parameters and optimiser       results.json        scores
    averaged/STEP/      average of checkpoints         .lock               who is training
    metrics.jsonl       one line per interval

A run keeps its config: only how long it trains, how often it logs and saves, how it decodes, and
what changes nothing but speed and memory, may change once there is a checkpoint.
"""

import dataclasses
import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from seq2seq import recipes, text_io
from seq2seq.checkpoints import Checkpoints, Which, storage_errors
from seq2seq.config import Config
from seq2seq.errors import UserError, nearest

_CONFIG = "config.yaml"
_LENGTH = "steps epochs patience average_last"
_PACE = f"{_LENGTH} log_every validate_every checkpoint_every keep_latest keep_best"
_SPEED = ("model.fused_attention", "model.unrolled_layers", "training.loss_chunk")
_CHANGEABLE = ("run", "data.cache", "data.test", "decoding.", "training.validation_sentences")
_CHANGEABLE_PREFIXES = (*_CHANGEABLE, *_SPEED, *(f"training.{key}" for key in _PACE.split()))


class Chosen(NamedTuple):
    """A checkpoint by what it is, however it was asked for.

    Attributes:
        name: What `--checkpoint` calls it at any time: its step, or `averaged`.
        step: Updates done; those of the last checkpoint in an average.
    """

    name: str
    step: int


class RunDirectory:
    """A run's folder. Make one with `create` (to train) or `open` (to use what was trained).

    Attributes:
        path: The folder.
        config: The run's config; `config.run` is the folder.
        checkpoints: The checkpoints inside.
        averaged: At most one checkpoint: the average of some of the others.
    """

    def __init__(self, path: Path, config: Config) -> None:
        """Touches no file; see `create` and `open`."""
        self.path = path
        self.config = dataclasses.replace(config, run=str(path))
        training = config.training
        metric, kept = training.best_metric, (training.keep_latest, training.keep_best)
        mode: Literal["max", "min"] = "max" if metric == "bleu" else "min"
        self.checkpoints = Checkpoints(path / "checkpoints", *kept, metric, mode)
        self.averaged = Checkpoints(path / "averaged", 1, 0, metric, mode)

    @classmethod
    def create(cls, path: Path | str, config: Config) -> Self:
        """Makes a run, or opens one that exists to go on with it.

        Args:
            path: The folder; it may exist.
            config: The config to train with. It is written at once to a new run, and by `lock` to
                one that exists.

        Raises:
            UserError: The run has checkpoints and its config differs in what may not change; or the
                folder cannot be made.
        """
        run = cls(Path(path), config)
        with storage_errors(run.path):
            try:
                run.checkpoints.path.parent.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError):
                raise UserError(f"{path}: expected a folder for the run, found a file") from None
            if not (run.path / _CONFIG).exists():
                run._write_config()
            elif run.steps():
                run._refuse_changes(recipes.load(run.path / _CONFIG))
        return run

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Opens a run that exists; raises `UserError` with the nearest run where there is none."""
        path = Path(path)
        if not (path / _CONFIG).is_file():
            wanted = f"a run directory (a folder with {_CONFIG})"
            found = "another folder" if path.is_dir() else "a file" if path.exists() else "nothing"
            raise UserError(f"{path}: expected {wanted}, found {found}{_nearest_run(path)}")
        return cls(path, recipes.load(path / _CONFIG))

    @property
    def vocabulary(self) -> Path:
        """Folder of the SentencePiece models and piece tables."""
        return self.path / "vocabulary"

    @property
    def metrics(self) -> Path:
        """One JSON object a line: the figures of training and validation."""
        return self.path / "metrics.jsonl"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard events."""
        return self.path / "tensorboard"

    @property
    def learning_curve(self) -> Path:
        """The picture of `metrics.jsonl`."""
        return self.path / "learning_curve.png"

    @property
    def results(self) -> Path:
        """Scores of evaluations, by test set and checkpoint."""
        return self.path / "results.json"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps other processes from training this run, until the `with` block or the process ends.

        Also removes half-written checkpoints of a process that was killed, and writes the config.
        On several hosts only the first one locks.

        Raises:
            UserError: Another process, named by its pid and host, has the lock.
        """
        import jax

        if jax.distributed.is_initialized() and jax.process_index() > 0:
            yield
            return
        with storage_errors(self.path):
            file = (self.path / ".lock").open("a+")
        with file:
            self._seize(file.fileno())
            self.checkpoints.clean()
            self.averaged.clean()
            self._write_config()
            try:
                yield
            finally:
                os.ftruncate(file.fileno(), 0)

    def steps(self) -> list[int]:
        """Returns the steps of all complete checkpoints, ascending."""
        return self.checkpoints.steps()

    def save(
        self,
        step: int,
        state: Mapping[str, Any],
        metrics: Mapping[str, float] | None = None,
        wait: bool = False,
    ) -> None:
        """Saves the training state in the background; its arrays may be donated afterwards.

        Args:
            step: Number of updates done.
            state: Pytrees of arrays by name, among them `params`.
            metrics: Validation figures of this step; `training.best_metric` among them ranks it.
            wait: Whether to return only when it lies on the disk.

        Raises:
            UserError: No space is left on the disk (also when the save before found none).
        """
        rest = {name: tree for name, tree in state.items() if name != "params"}
        self.checkpoints.save(step, {"params": state["params"], "training": rest}, metrics)
        if wait:
            self.wait()

    def restore(
        self, abstract_state: Mapping[str, Any], which: Which = "latest"
    ) -> tuple[int, dict[str, Any]]:
        """Restores a training state, bit for bit, onto whatever devices its shardings name.

        Args:
            abstract_state: The state as `jax.ShapeDtypeStruct`s with shardings.
            which: A step, `"latest"` or `"best"`. A damaged checkpoint gives way to the one before,
                with a warning on stderr.

        Returns:
            The step and the state.

        Raises:
            UserError: There is no checkpoint, or it is of another shape, or all are damaged.
        """
        rest = {name: tree for name, tree in abstract_state.items() if name != "params"}
        items = {"params": abstract_state["params"], "training": rest}
        step, found = self.checkpoints.restore(items, which)
        return step, {"params": found["params"], **found["training"]}

    def restore_params(self, abstract_params: Any, which: Which = "best") -> Any:
        """Restores and returns the parameters alone; otherwise as `restore`.

        Here `which` may also be `"averaged"`, and the best is the average where it is better on the
        validation set than every checkpoint.
        """
        averaged = self._takes_average(which)
        origin = self.averaged if averaged else self.checkpoints
        which = "latest" if averaged else which
        return origin.restore({"params": abstract_params}, which)[1]["params"]

    def chosen(self, which: Which) -> Chosen:
        """Says which checkpoint `restore_params` takes now, unless it is damaged.

        Args:
            which: A step, `"latest"`, `"best"` or `"averaged"`, which must be there.
        """
        if self._takes_average(which):
            return Chosen("averaged", self.averaged.steps()[-1])
        best = self.best_step() if which == "best" else None
        step = int(which) if which not in ("best", "latest") else best or self.steps()[-1]
        return Chosen(str(step), step)

    def save_average(self, step: int, params: Any, metrics: Mapping[str, float]) -> None:
        """Stores an average of checkpoints in place of the one before, and waits for the disk.

        Args:
            step: The last step in it.
            params: The averaged parameters.
            metrics: Validation figures; empty if there are none.

        Raises:
            UserError: No space is left on the disk.
        """
        self.averaged.save(step, {"params": params}, metrics or None)
        self.averaged.wait()

    def average_is_best(self) -> bool:
        """Whether the average of checkpoints is at least as good as the best checkpoint."""
        averaged, best = self.averaged.best_step(), self.best_step()
        if averaged is None:
            return False
        return best is None or self.averaged.score(averaged) >= self.checkpoints.score(best)

    def _takes_average(self, which: Which) -> bool:
        return which == "averaged" or (which == "best" and self.average_is_best())

    def best_step(self) -> int | None:
        """Returns the step of the best checkpoint, or None if none has a metric."""
        return self.checkpoints.best_step()

    def wait(self) -> None:
        """Waits until what was saved lies on the disk; raises `UserError` if there is no space."""
        self.checkpoints.wait()

    def close(self) -> None:
        """Waits, and ends the threads that save; the end of a `with` block does the same."""
        self.checkpoints.close()
        self.averaged.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def read_results(self) -> dict[str, Any]:
        """Returns what results.json holds.

        Raises:
            UserError: It is no JSON object, or cannot be read.
        """
        with storage_errors(self.results):
            text = self.results.read_text() if self.results.exists() else "{}"
        try:
            return {**json.loads(text)}
        except (ValueError, TypeError) as error:
            raise UserError(f"{self.results}: expected a JSON object ({error})") from None

    def add_results(self, results: Mapping[str, Any]) -> None:
        """Puts figures into results.json, beside those of other names.

        Args:
            results: By name, anything that JSON can hold.

        Raises:
            UserError: What is there is no JSON object, or cannot be read or written.
        """
        text = json.dumps({**self.read_results(), **results}, indent=2, ensure_ascii=False)
        with storage_errors(self.results), text_io.replacing(self.results) as draft:
            draft.write_text(text + "\n", encoding="utf-8")

    def add_scores(self, test_set: str, checkpoint: Chosen, scores: Mapping[str, Any]) -> None:
        """Puts scores into results.json, by the names of the test set and of the checkpoint.

        Args:
            test_set: Name of the test set.
            checkpoint: What was scored.
            scores: By metric, anything that JSON can hold.

        Raises:
            UserError: What is there is no JSON object, or no space is left.
        """
        known, found = self.read_results().get(test_set), {"step": checkpoint.step, **scores}
        others = known if isinstance(known, dict) else {}
        self.add_results({test_set: {**others, checkpoint.name: found}})

    def has_scores(self, test_set: str, checkpoint: Chosen) -> bool:
        """Whether `add_scores` was called for this test set and checkpoint."""
        known = self.read_results().get(test_set)
        found = known.get(checkpoint.name, {}) if isinstance(known, dict) else {}
        return found.get("step") == checkpoint.step

    def _write_config(self) -> None:
        path = self.path / _CONFIG
        with storage_errors(path), text_io.replacing(path) as draft:
            draft.write_text(recipes.dump(self.config), encoding="utf-8")

    def _refuse_changes(self, old: Config) -> None:
        before, after = recipes.flatten(old), recipes.flatten(self.config)
        for key in [*after, *before]:
            there, here = before.get(key), after.get(key)
            if there != here and not key.startswith(_CHANGEABLE_PREFIXES):
                hint = "go on with the same config, or start another run by --run or --output"
                text = f"{key} is {there!r} in this run, {here!r} in the config: {hint}"
                raise UserError(f"{self.path}: {text}")

    def _seize(self, descriptor: int) -> None:
        """Takes the lock, which the system frees when this process ends, however it ends."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 1000, 0).decode(errors="replace").strip() or "another"
            raise UserError(f"{self.path}: in use by {holder}: wait until it ends") from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
                raise
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())


def _nearest_run(path: Path) -> str:
    """Returns which run was probably meant, or what runs there are."""
    folders = {*path.parent.glob("*"), *Path("runs").glob("*")}
    runs = sorted(str(folder) for folder in folders if (folder / _CONFIG).is_file())
    return nearest(str(path), runs) or (f" (runs here: {', '.join(runs[:5])})" if runs else "")
