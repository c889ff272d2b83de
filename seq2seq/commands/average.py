"""`seq2seq average`: the average of some checkpoints of a run."""

import shlex
from collections.abc import Callable, Sequence

from seq2seq.commands.console import count, show, use_compilation_cache, validated
from seq2seq.data.prepare import prepare
from seq2seq.run_directory import RunDirectory
from seq2seq.training import averaging
from seq2seq.training.averaging import Averaged
from seq2seq.training.validation import Validator


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
    show(average_line(run, averaged))
    show(f"next: seq2seq evaluate {shlex.quote(str(run.path))} --checkpoint averaged")
    return 0


def average_line(run: RunDirectory, averaged: Averaged) -> str:
    """What an average is made of, how good it is, and whether it is what is used by default."""
    steps, metric = averaged.steps, run.config.training.best_metric
    which = f"average of {count(len(steps), 'checkpoint')}, {steps[0]:,} to {steps[-1]:,}"
    use = "" if run.average_is_best() else "; the best checkpoint is better"
    return f"{which}{validated(metric, averaged.figures.get(metric))}{use}"
