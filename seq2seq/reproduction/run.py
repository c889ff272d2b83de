"""Training and measuring rows one after the other, going on where it was interrupted."""

import signal
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import jax

from seq2seq.commands.console import say, show, use_compilation_cache
from seq2seq.commands.train import train_model
from seq2seq.data.prepare import prepare
from seq2seq.errors import UserError
from seq2seq.reproduction import report
from seq2seq.reproduction.report import Measured
from seq2seq.reproduction.result import Result, kept, measure
from seq2seq.reproduction.rows import Row


def reproduce(rows: Sequence[Row], wanted: Collection[str], output: Path, again: str) -> int:
    """Trains and measures rows, and writes the report after each; returns the exit status.

    A row that was measured before is not trained again, one that is half trained goes on. A row
    that fails does not keep the others from being trained. The report also has the rows that were
    measured before with the same config, though they were not asked for now.

    Args:
        rows: All rows in the report's order, each with its own run directory.
        wanted: The names of those to train.
        output: Where the report is to be.
        again: The command that goes on.

    Returns:
        0, or 128 + n after signal n.

    Raises:
        UserError: The corpora cannot be used, or rows failed.
    """
    use_compilation_cache()
    chosen = [row for row in rows if row.name in wanted]
    _warn_of_short_training(chosen)
    try:
        results = _kept(rows, wanted)
        failed, stopped_by = _train_all(chosen, rows, results, output, again)
    except (KeyboardInterrupt, SystemExit):
        say(f"to go on: {again}")
        raise
    if stopped_by is not None:
        say(f"{stopped_by.name}: to go on: {again}")
        return 128 + stopped_by
    if failed:
        raise UserError(f"{len(failed)} of {len(chosen)} rows failed: {'; '.join(failed)}")
    return 0


def _kept(rows: Sequence[Row], wanted: Collection[str]) -> dict[str, Result]:
    """The results that are there already, by row."""
    results = {}
    for row in rows:
        try:
            result = kept(row)
        except UserError:
            if row.name in wanted:
                raise
            continue  # it was trained with another config: not to be shown beside these
        if result is not None:
            results[row.name] = result
    return results


def _train_all(
    chosen: Sequence[Row], rows: Sequence[Row], results: dict[str, Result], output: Path, again: str
) -> tuple[list[str], signal.Signals | None]:
    """Trains what is not trained; returns what failed, and the signal that stopped it."""
    waiting = [row for row in chosen if row.name not in results]
    for row in waiting:
        prepare(row.config)  # a mistake in the corpora is told before anything is trained
    failed = []
    for number, row in enumerate(waiting, 1):
        say(f"row {row.name}, {number} of {len(waiting)}")
        try:
            result = _train(row)
        except UserError as error:
            failed.append(f"{row.name}: {error}")
            say(f"failed: {failed[-1]}")
            continue
        if isinstance(result, signal.Signals):
            return failed, result
        results[row.name] = result
        report.write(_measured(rows, results), output, again)
        jax.clear_caches()  # the next row's programs are others
    if measured := _measured(rows, results):
        show(report.table(measured))
        show(f"report: {' '.join(str(path) for path in report.write(measured, output, again))}")
    return failed, None


def _measured(rows: Sequence[Row], results: Mapping[str, Result]) -> list[Measured]:
    return [Measured(row, results[row.name]) for row in rows if row.name in results]


def _train(row: Row) -> Result | signal.Signals:
    """Trains a row to its end and measures it, or returns the signal that stopped it."""
    outcome = train_model(row.config)
    if outcome.reason == "interrupted":
        say(f"saved {row.name} at step {outcome.step:,} of {outcome.last:,}")
        return signal.Signals[outcome.signal or "SIGTERM"]
    return measure(row)


def _warn_of_short_training(rows: Sequence[Row]) -> None:
    """Says where training ends before the learning rate has reached its peak."""
    for row in rows:
        training = row.config.training
        if training.steps <= training.warmup_steps:
            steps = (
                f"{training.steps:,} updates end within the warm-up of {training.warmup_steps:,}"
            )
            say(f"warning: {row.name}: {steps}: set --training.warmup_steps lower as well")
            return
