"""Averages of checkpoints: a better model than any of them, for nothing (section 6.1).

The parameters of several checkpoints of one run are averaged number by number. The paper does so
with the last 5 (base) or 20 (big) checkpoints before it measures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from seq2seq import parallel
from seq2seq.errors import UserError
from seq2seq.model import functional
from seq2seq.run_directory import RunDirectory
from seq2seq.types import Params


@dataclass(frozen=True)
class Averaged:
    """An average that was stored with a run.

    Attributes:
        steps: The checkpoints in it, ascending.
        figures: What the validation set says about it: loss, perplexity, accuracy, BLEU.
    """

    steps: tuple[int, ...]
    figures: dict[str, float]


def last(run: RunDirectory, count: int) -> tuple[int, ...]:
    """The steps of the latest `count` checkpoints, ascending."""
    return _exactly(run, run.steps()[-count:], count, "checkpoints")


def best(run: RunDirectory, count: int) -> tuple[int, ...]:
    """The steps of the `count` checkpoints that are best by their metric, ascending."""
    return _exactly(run, run.checkpoints.ranked()[:count], count, "validated checkpoints")


def _exactly(run: RunDirectory, steps: Sequence[int], count: int, what: str) -> tuple[int, ...]:
    if len(steps) < count:
        hint = f"has {len(steps)}; training.keep_latest and keep_best say how many are kept"
        raise UserError(f"{run.path}: expected {count} {what}, the run {hint}")
    return tuple(sorted(steps))


def average(
    run: RunDirectory,
    sizes: tuple[int, int],
    steps: Sequence[int],
    validate: Callable[[Params], dict[str, float]],
) -> Averaged:
    """Averages checkpoints, validates the average and stores it with the run.

    Args:
        run: The run, locked by the caller.
        sizes: Sizes of the source and the target vocabulary.
        steps: The checkpoints to average, at least one.
        validate: Measures parameters on the validation set.

    Raises:
        UserError: A checkpoint does not exist or is damaged, or no space is left.
    """
    shapes = functional.abstract(run.config.model, *sizes)[1]
    abstract = parallel.abstract_replicated(shapes)
    total: Params | None = None
    for step in steps:
        found, items = run.checkpoints.restore({"params": abstract}, step)
        if found != step:
            raise UserError(f"{run.path}: checkpoint {step} is damaged: average others by --steps")
        params = items["params"]
        total = params if total is None else jax.tree.map(jnp.add, total, params)
    mean = jax.tree.map(lambda x: x / len(steps), total)
    figures = validate(mean)
    run.save_average(max(steps), mean, figures)
    return Averaged(tuple(steps), figures)
