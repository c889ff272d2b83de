"""What the subcommands that need a model do, once their words are checked."""

import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
from rich.console import Console

from seq2seq import parallel, text_io
from seq2seq.checkpoints import storage_errors
from seq2seq.config import Config, DecodingConfig
from seq2seq.data.cache import cache_folder
from seq2seq.data.prepare import prepare
from seq2seq.errors import UserError
from seq2seq.model import cost
from seq2seq.run_directory import RunDirectory
from seq2seq.training import averaging, loop, metrics
from seq2seq.training.averaging import Averaged
from seq2seq.training.loop import Outcome
from seq2seq.training.progress import Progress
from seq2seq.training.validation import Validator
from seq2seq.translator import Translation, Translator
from seq2seq.vocabulary import Vocabularies

_CHUNK_LINES = 10_000
"""Lines read before they are translated: enough to sort by length, few enough to hold."""
_METRIC_NAMES = {"bleu": "BLEU"}


def say(text: str) -> None:
    """Writes a line for people, to stderr; of several hosts, only the first one does."""
    if jax.process_index() == 0:
        print(text, file=sys.stderr, flush=True)  # noqa: T201


def show(text: str) -> None:
    """Writes a result, to stdout; of several hosts, only the first one does."""
    if jax.process_index() == 0:
        print(text, flush=True)  # noqa: T201


def use_compilation_cache() -> None:
    """Keeps compiled programs on disk, so that a second start compiles nothing."""
    folder = cache_folder(Config().data) / "compiled"
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def train(config: Config, profile: bool, distributed: bool, again: str) -> int:
    """Prepares what is not prepared, and trains; returns the exit status.

    Args:
        config: What to train; `config.run` is where.
        profile: Whether ten updates are traced for TensorBoard.
        distributed: Whether this is one of several processes.
        again: The command that goes on with the run.

    Returns:
        0, or 128 + n after signal n, which a shell takes for "do not go on".
    """
    if distributed:
        _join_hosts()
    use_compilation_cache()
    outcome = train_model(config, profile)
    _tell(outcome, RunDirectory.open(str(config.run)), again)
    stopped_by = signal.Signals[outcome.signal or "SIGTERM"]  # none: another host was told to stop
    return 128 + stopped_by if outcome.reason == "interrupted" else 0


def _join_hosts() -> None:
    try:
        parallel.join_hosts()
    except (ValueError, RuntimeError) as error:
        wanted = "a cluster that JAX knows (SLURM, Kubernetes, TPU), or JAX_COORDINATOR_ADDRESS"
        found = str(error).partition("\n")[0]
        raise UserError(f"--distributed: expected {wanted}, found none ({found})") from error


def train_model(config: Config, profile: bool = False) -> Outcome:
    """Prepares the corpora of a config where needed, and trains its run to the end.

    Called again with the same config, it goes on where it stopped.

    Args:
        config: What to train; `config.run` is where.
        profile: Whether ten updates are traced for TensorBoard.

    Returns:
        How training ended.

    Raises:
        UserError: The corpora cannot be used, the run belongs to another config or process, or the
            disk is full.
    """
    new = not Path(str(config.run)).exists()
    early = prepare(config) if new else None  # so a mistake in the corpora leaves no run behind
    with RunDirectory.create(str(config.run), config) as directory, directory.lock():
        prepared = early or prepare(config)
        _keep_vocabularies(directory, prepared.vocabularies)
        sizes = (len(prepared.vocabularies.source), len(prepared.vocabularies.target))
        parameters = sum(cost.parameters(config.model, *sizes).values())
        devices = _count(jax.device_count(), jax.default_backend().upper() + " device")
        pairs = _count(len(prepared.train[0]), "pair")
        say(f"run {directory.path}: {pairs}, {parameters:,} parameters, {devices}")
        return loop.train(directory, prepared, profile)


def _keep_vocabularies(directory: RunDirectory, vocabularies: Vocabularies) -> None:
    """Writes the vocabularies into a new run; in a trained one they must be the same."""
    if directory.steps():
        known = Vocabularies.load(directory.vocabulary)
        pairs = ((known.source, vocabularies.source), (known.target, vocabularies.target))
        if any(old.pieces != new.pieces for old, new in pairs):
            wanted = "the training text that this run began with"
            hint = "bring it back, or start another run with --run PATH"
            raise UserError(f"{directory.path}: expected {wanted}, found another one: {hint}")
        return
    if jax.process_index() > 0:
        return
    draft = directory.vocabulary.with_name(f".vocabulary.{os.getpid()}")
    with storage_errors(directory.vocabulary):
        try:
            vocabularies.save(draft)
            shutil.rmtree(directory.vocabulary, ignore_errors=True)
            draft.rename(directory.vocabulary)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _tell(outcome: Outcome, run: RunDirectory, again: str) -> None:
    """Says how training ended: never silently."""
    steps = f"step {outcome.step:,} of {outcome.last:,}"
    if outcome.reason == "interrupted":
        say(f"{outcome.signal or 'another host was stopped'}: saved at {steps}; to go on: {again}")
        return
    why = {"patience": ", out of patience", "epochs": ", all epochs done"}.get(outcome.reason, "")
    if outcome.step == outcome.first:
        show(f"already at {steps}{why}: nothing left to do in {run.path}")
    else:
        show(f"trained to {steps}{why}: {run.path}")
    best = run.best_step()
    if best is not None:
        show(f"best checkpoint: step {best:,}{_validation(run, best)}")
    if outcome.averaged is not None:
        show(_average_line(run, outcome.averaged))
    files = "" if run.config.data.test else " --source FILE --reference FILE"
    path = shlex.quote(str(run.path))
    show(f"next: seq2seq evaluate {path}{files}\n      seq2seq translate {path} FILE")


def _average_line(run: RunDirectory, averaged: Averaged) -> str:
    """What an average is made of, how good it is, and whether it is what is used by default."""
    steps, metric = averaged.steps, run.config.training.best_metric
    which = f"average of {_count(len(steps), 'checkpoint')}, {steps[0]:,} to {steps[-1]:,}"
    value = averaged.figures.get(metric)
    score = (
        "" if value is None else f" (validation {_METRIC_NAMES.get(metric, metric)} {value:.4g})"
    )
    use = "" if run.average_is_best() else "; the best checkpoint is better"
    return f"{which}{score}{use}"


def average(run: RunDirectory, choose: Callable[[RunDirectory], Sequence[int]]) -> int:
    """Averages checkpoints of a run and validates the average; returns the exit status.

    Args:
        run: A trained run.
        choose: Says which steps of the run are averaged.

    Raises:
        UserError: The run has no such checkpoints, or another process is using it.
    """
    use_compilation_cache()
    with run, run.lock():
        steps = choose(run)
        prepared = prepare(run.config)
        sizes = (len(prepared.vocabularies.source), len(prepared.vocabularies.target))
        validator = Validator.of(run.config, prepared)
        averaged = averaging.average(run, sizes, steps, validator)
    show(_average_line(run, averaged))
    show(f"next: seq2seq evaluate {shlex.quote(str(run.path))} --checkpoint averaged")
    return 0


def _validation(run: RunDirectory, step: int) -> str:
    """The validation figure by which a checkpoint is the best."""
    metric = run.config.training.best_metric
    for line in metrics.read(run.metrics):
        value = line.get(metric)
        if (line["step"], line["kind"]) == (step, "validation") and value is not None:
            return f" (validation {_METRIC_NAMES.get(metric, metric)} {value:.4g})"
    return ""


def translate(
    run: RunDirectory,
    files: Sequence[Path],
    target: Path | None,
    decoding: DecodingConfig,
    checkpoint: str | int,
) -> int:
    """Translates files line by line; returns the exit status.

    Args:
        run: A trained run.
        files: What to translate, one after the other; `-` is stdin.
        target: Where to write; None is stdout.
        decoding: How to search.
        checkpoint: Which one: best, latest or a step.
    """
    use_compilation_cache()
    translator = Translator.load(run.path, checkpoint)
    with text_io.output(target) as out, _translating(target) as progress:
        for path in files:
            name, number = "stdin" if path == text_io.STDIN else str(path), 0
            typed = path == text_io.STDIN and sys.stdin is not None and sys.stdin.isatty()
            lines = text_io.read_lines(path, progress.note)
            for chunk in text_io.chunks(lines, 1 if typed else _CHUNK_LINES):
                for result in translator.translate(chunk, decoding, progress.advance):
                    number += 1
                    _warn(result, f"{name}:{number}", progress)
                    out.write(result.text + "\n")
                out.flush()
    return 0


def _translating(target: Path | None) -> Progress:
    """Progress that leaves a terminal to the translations, where they are printed on one."""
    if target is None and sys.stdout.isatty():
        console = Console(stderr=True, force_terminal=False)
        return Progress("translating", unit="sentences", every=None, console=console)
    return Progress("translating", unit="sentences")


def _warn(result: Translation, place: str, progress: Progress) -> None:
    """Says where a line was cut or holds what the vocabulary does not know."""
    if result.cut:
        count = _count(result.cut, "token")
        progress.note(f"{place}: warning: too long: cut, the last {count} left out")
    if result.copied:
        progress.note(f"{place}: warning: nothing but unknown characters: left as it is")
    elif result.unknown:
        count = _count(result.unknown, "token")
        progress.note(f"{place}: warning: {count} of unknown characters")


def _count(number: int, noun: str) -> str:
    """Returns `1 token`, `2,000 tokens`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
