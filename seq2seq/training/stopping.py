"""When training ends: by updates, by passes over the data, or when it no longer gets better."""

from pathlib import Path
from typing import Literal

from seq2seq.config import TrainingConfig
from seq2seq.data.batches import Batches
from seq2seq.training.metrics import read

Limit = Literal["steps", "epochs"]


def last_step(training: TrainingConfig, batches: Batches) -> tuple[int, Limit]:
    """The update after which training ends, and what sets it."""
    if training.epochs is None:
        return training.steps, "steps"
    by_epochs = sum(batches.steps_in_epoch(epoch) for epoch in range(training.epochs))
    return (by_epochs, "epochs") if by_epochs < training.steps else (training.steps, "steps")


def out_of_patience(metrics: Path, patience: int | None, metric: str) -> bool:
    """Whether the last `patience` validations brought nothing better than those before.

    The validations are read from the run's metrics, so that patience survives a restart.

    Args:
        metrics: The run's metrics.jsonl.
        patience: Validations to wait for something better; None waits for ever.
        metric: `bleu` (higher is better) or `loss` (lower is better).
    """
    if patience is None:
        return False
    lines = (line for line in read(metrics) if line["kind"] == "validation")
    values = [line[metric] for line in lines if line.get(metric) is not None]
    scores = values if metric == "bleu" else [-value for value in values]
    best = max(range(len(scores)), key=lambda i: (scores[i], -i), default=0)
    return len(scores) - 1 - best >= patience
