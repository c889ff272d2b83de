"""The `seq2seq` command: results on stdout, everything else on stderr.

A user's mistake is one line and exit status 2. What can be wrong with the words and the files they
name is looked at here, before anything that needs JAX is imported: mistakes are answered at once.
"""

import argparse
import errno
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from seq2seq import options
from seq2seq.allocator import keep_freed_memory
from seq2seq.errors import UserError, nearest

if TYPE_CHECKING:
    from seq2seq.config import Config, DecodingConfig
    from seq2seq.run_directory import RunDirectory

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command and exits.

    The status is 0 if all went well, 2 after a user's mistake, 128 + n after signal n (Ctrl-C: 130)
    and 141 where nobody reads the output any longer.

    Args:
        arguments: Words of the command line; default those of this process.
    """
    try:
        with _termination():
            status = run(sys.argv[1:] if arguments is None else arguments)
            sys.stdout.flush()
    except UserError as error:
        status = _complain(str(error))
    except KeyboardInterrupt:
        status = _complain("interrupted", 128 + signal.SIGINT)
    except BrokenPipeError:
        status = 141
        _drop_output()
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _drop_output()
        status = _complain(f"{error.filename or 'stdout'}: no space left on the disk")
    sys.exit(status)


def run(words: Sequence[str]) -> int:
    """Parses the words and runs the command; returns the exit status."""
    arguments, overrides = options.parse(words)
    return _RUN[arguments.command](arguments, overrides)


def _complain(text: str, status: int = 2) -> int:
    print(f"seq2seq: {' '.join(text.splitlines())}", file=sys.stderr)  # noqa: T201
    return status


def _drop_output() -> None:
    """Lets what is still to be written to stdout go nowhere, as it cannot be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _termination() -> Iterator[None]:
    """Lets SIGTERM end the process as an exception does, so that drafts are removed."""

    def leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        sys.exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _prepare(arguments: argparse.Namespace, overrides: list[str]) -> int:
    config = _recipe(arguments.config, overrides)
    from seq2seq.data.cache import cache_folder, fingerprint
    from seq2seq.data.prepare import prepare

    done = (cache_folder(config.data) / fingerprint(config)).is_dir()
    prepared = prepare(config)
    print("\n".join(prepared.report.lines()))  # noqa: T201
    title = "prepared already, nothing had to be done" if done else "prepared"
    print(f"{title}: {prepared.folder}")  # noqa: T201
    return 0


def _train(arguments: argparse.Namespace, overrides: list[str]) -> int:
    keep_freed_memory()
    config = _recipe(arguments.config, overrides)
    from seq2seq.commands import train

    flags = [f"--{name}" for name in ("distributed",) if getattr(arguments, name)]
    again = ["seq2seq", "train", "--config", str(arguments.config), *flags, *overrides]
    return train(config, arguments.profile, arguments.distributed, shlex.join(again))


def _evaluate(arguments: argparse.Namespace, overrides: list[str]) -> int:
    files = (arguments.source, arguments.reference)
    _check_evaluation(arguments, files)
    folders = arguments.directories
    runs = [_trained(folder, arguments.checkpoint) for folder in folders]
    searches = [_decoding(run, overrides) for run in runs]
    _check_output(arguments.output)
    from seq2seq.evaluation_set import read_common

    pairs = read_common(runs, files, arguments.split)
    from seq2seq.evaluate_command import Wanted, evaluate

    return evaluate(
        list(zip(runs, searches, strict=True)),
        pairs,
        arguments.checkpoint,
        Wanted(
            arguments.metrics,
            arguments.paper_bleu,
            arguments.tokenised,
            arguments.breakdown,
            arguments.significance,
            arguments.trials,
        ),
        as_json=arguments.json,
        target=arguments.output,
    )


def _check_evaluation(
    arguments: argparse.Namespace, files: tuple[Path | None, Path | None]
) -> None:
    """Raises on options that do not go together."""
    if (files[0] is None) != (files[1] is None):
        found = "--source" if files[1] is None else "--reference"
        raise UserError(f"{found}: expected --source and --reference together, found it alone")
    if files[0] is not None and arguments.split is not None:
        raise UserError("--split: expected it or --source and --reference, found both")
    count = len(arguments.directories)
    if count > 1 and arguments.output is not None:
        raise UserError(f"--output: expected a single run beside it, found {count}")
    if count == 1 and arguments.significance is not None:
        raise UserError("--significance: expected two runs or more, found one")
    if arguments.significance is None and arguments.trials is not None:
        raise UserError("--trials: expected --significance beside it, found it alone")


def _translate(arguments: argparse.Namespace, overrides: list[str]) -> int:
    from seq2seq import text_io

    run = _trained(arguments.directory, arguments.checkpoint)
    decoding = _decoding(run, overrides)
    for file in arguments.files:
        text_io.check_input(file)
    _check_output(arguments.output)
    from seq2seq.commands import translate

    files = arguments.files or [text_io.STDIN]
    return translate(run, files, arguments.output, decoding, arguments.checkpoint)


def _average(arguments: argparse.Namespace, overrides: list[str]) -> int:
    if overrides:
        key = overrides[0].partition("=")[0]
        raise UserError(f"{key}: expected no key of a recipe, as the run is trained already")
    run = _trained(arguments.directory, "latest")
    from seq2seq.commands import average
    from seq2seq.training import averaging

    def choose(run: "RunDirectory") -> Sequence[int]:
        if arguments.steps is not None:
            return sorted(set(arguments.steps))
        take = averaging.last if arguments.best is None else averaging.best
        return take(run, arguments.last or arguments.best)

    return average(run, choose)


def _describe(arguments: argparse.Namespace, overrides: list[str]) -> int:
    if (arguments.directory is None) == (arguments.config is None):
        found = "none" if arguments.config is None else "both"
        raise UserError(f"describe: expected RUN or --config RECIPE, found {found}")
    from seq2seq.describe import describe

    if arguments.config is not None:
        return describe(_recipe(arguments.config, overrides), None, arguments.json)
    run = _opened(arguments.directory)
    config = _recipe(run.path / "config.yaml", overrides)
    own = config.vocabulary == run.config.vocabulary and run.vocabulary.is_dir()
    return describe(config, run.vocabulary if own else None, arguments.json)


def _demo(arguments: argparse.Namespace, overrides: list[str]) -> int:
    keep_freed_memory()
    _recipe(arguments.config, overrides)
    from seq2seq.demo import demo

    return demo(arguments.config, overrides)


_RUN: dict[str, Callable[[argparse.Namespace, list[str]], int]] = {
    "prepare": _prepare,
    "train": _train,
    "evaluate": _evaluate,
    "translate": _translate,
    "average": _average,
    "describe": _describe,
    "demo": _demo,
}


def _recipe(path: Path, overrides: Sequence[str]) -> "Config":
    """Loads a recipe; where there is none, the nearest one is named."""
    from seq2seq import recipes

    if not path.exists():
        others = [*path.parent.glob("*.y*ml"), *Path("configs").rglob("*.y*ml")]
        by_stem = {other.stem: str(other) for other in others}
        hint = nearest(str(path), map(str, others)) or nearest(path.stem, by_stem)
        for stem, whole in by_stem.items():
            hint = hint.replace(f"'{stem}'", f"'{whole}'")
        raise UserError(f"{path}: expected a recipe, found nothing{hint}")
    return recipes.load(path, overrides)


def _opened(path: Path) -> "RunDirectory":
    from seq2seq.run_directory import RunDirectory

    return RunDirectory.open(path)


def _trained(path: Path, checkpoint: str | int) -> "RunDirectory":
    """Opens a run that has the checkpoint that is asked for."""
    run = _opened(path)
    steps = run.steps()
    if not steps:
        raise UserError(f"{path}: expected a trained run, found no checkpoint yet: train it first")
    if checkpoint == "averaged" and not run.averaged.steps():
        hint = f"make one with seq2seq average {path} --last 5"
        raise UserError(f"{path}: expected an average of checkpoints, found none: {hint}")
    if isinstance(checkpoint, int) and checkpoint not in steps:
        choices = ", ".join(map(str, steps))
        raise UserError(
            f"--checkpoint: expected best, latest, averaged or one of {choices}, found {checkpoint}"
        )
    return run


def _decoding(run: "RunDirectory", overrides: Sequence[str]) -> "DecodingConfig":
    """The run's search, with what the command line changes of it."""
    for word in overrides:
        key = word.partition("=")[0]
        if word.startswith("--") and not word.startswith("--decoding."):
            raise UserError(f"{key}: expected a key of decoding, as the run is trained already")
    return _recipe(run.path / "config.yaml", overrides).decoding


def _check_output(path: Path | None) -> None:
    from seq2seq.text_io import check_output

    check_output(path)
