"""`seq2seq train`: prepares what is not prepared, trains, and says how it ended."""

import os
import shlex
import shutil
import signal
from pathlib import Path

import jax

from seq2seq.checkpoints import storage_errors
from seq2seq.commands.average import average_line
from seq2seq.commands.console import (
    count,
    join_hosts,
    say,
    show,
    use_compilation_cache,
    validated,
)
from seq2seq.commands.evaluate import evaluate_both
from seq2seq.config import Config
from seq2seq.data.prepare import prepare
from seq2seq.errors import UserError
from seq2seq.model import cost
from seq2seq.run_directory import RunDirectory
from seq2seq.training import loop, metrics
from seq2seq.training.loop import Outcome
from seq2seq.vocabulary import Vocabularies


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
        join_hosts()
    use_compilation_cache()
    outcome = train_model(config, profile)
    _tell(outcome, RunDirectory.open(str(config.run)), again)
    stopped_by = signal.Signals[outcome.signal or "SIGTERM"]  # none: another host was told to stop
    return 128 + stopped_by if outcome.reason == "interrupted" else 0


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
        devices = count(jax.device_count(), jax.default_backend().upper() + " device")
        pairs = count(len(prepared.train[0]), "pair")
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
        show(average_line(run, outcome.averaged))
    averages = run.config.training.average_last > 0
    if averages and jax.process_count() == 1:
        evaluate_both(run)
    files = "" if run.config.data.test else " --source FILE --reference FILE"
    path = shlex.quote(str(run.path))
    show(f"next: seq2seq evaluate {path}{files}\n      seq2seq translate {path} FILE")
    if averages and jax.process_count() > 1:  # several hosts leave that to a single one
        show(f"      seq2seq evaluate {path}{files} --checkpoint averaged")


def _validation(run: RunDirectory, step: int) -> str:
    """The validation figure by which a checkpoint is the best."""
    metric = run.config.training.best_metric
    for line in metrics.read(run.metrics):
        value = line.get(metric)
        if (line["step"], line["kind"]) == (step, "validation") and value is not None:
            return validated(metric, value)
    return ""
