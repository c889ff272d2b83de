"""`seq2seq average`: the average of some checkpoints of a run."""

import shlex
from collections.abc import Callable, Sequence

from seq2seq.commands.console import count, say, show, use_compilation_cache, validated
from seq2seq.data.prepare import prepare
from seq2seq.errors import UserError
from seq2seq.run_directory import RunDirectory
from seq2seq.training import averaging
from seq2seq.training.averaging import Averaged
from seq2seq.training.validation import Validator
from seq2seq.types import Params
from seq2seq.vocabulary import Vocabularies


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
        vocabularies = Vocabularies.load(run.vocabulary)
        sizes = (len(vocabularies.source), len(vocabularies.target))
        averaged = averaging.average(run, sizes, steps, _validate(run))
    show(average_line(run, averaged))
    show(f"next: seq2seq evaluate {shlex.quote(str(run.path))} --checkpoint averaged")
    return 0


def _validate(run: RunDirectory) -> Callable[[Params], dict[str, float]]:
    """What measures an average; nothing, with a warning, where the corpora are out of reach."""
    try:
        return Validator.of(run.config, prepare(run.config))
    except UserError as error:
        say(f"warning: average not validated, so the best checkpoint stays the default: {error}")
        return lambda _: {}


def average_line(run: RunDirectory, averaged: Averaged) -> str:
    """What an average is made of, how good it is, and whether it is what is used by default."""
    steps, metric = averaged.steps, run.config.training.best_metric
    span = f"{steps[0]:,} to {steps[-1]:,}" if len(steps) > 1 else f"{steps[0]:,}"
    which = f"average of {count(len(steps), 'checkpoint')}, {span}"
    use = "" if run.average_is_best() else "; the best checkpoint is better"
    return f"{which}{validated(metric, averaged.figures.get(metric))}{use}"
