"""What happened since the last line of metrics: sums over the updates, and where the time went."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from seq2seq.config import Config
from seq2seq.errors import UserError
from seq2seq.model import cost
from seq2seq.training.feed import Feed
from seq2seq.training.loss import means
from seq2seq.training.peak import measure_matmul_peak
from seq2seq.training.step import StepMetrics

Part = Literal["validation", "saving"]


class Tally:
    """Figures of the updates since the last line.

    Metrics are read from the device one update late: by then the next one is already running.
    """

    def __init__(self, config: Config, sizes: tuple[int, int], dtype: jnp.dtype) -> None:
        """Measures the device's matmul peak, for the model FLOPs utilisation.

        Args:
            config: The run.
            sizes: Sizes of the source and target vocabularies.
            dtype: Type of the products.
        """
        self._flops = cost.training_flops_per_token(config, *sizes)
        self._peak = measure_matmul_peak(dtype) * jax.device_count()
        self._seconds = {"validation": 0.0, "saving": 0.0}
        self._pending: list[StepMetrics] = []
        self._read: list[StepMetrics] = []

    def start(self, feed: Feed) -> None:
        """Begins to measure, at the first update."""
        self._feed, self._waited, self._began = feed, feed.waited, time.perf_counter()

    def add(self, metrics: StepMetrics) -> None:
        """Notes an update, and waits for the one before it."""
        self._pending.append(metrics)
        while len(self._pending) > 1:
            self._read.append(jax.device_get(self._pending.pop(0)))

    @contextmanager
    def timed(self, part: Part) -> Iterator[None]:
        """Counts the time spent inside as that of `part`, not of the updates."""
        start = time.perf_counter()
        yield
        self._seconds[part] += time.perf_counter() - start

    def figures(self, epoch: int) -> dict[str, float]:
        """The figures since the last call, for metrics.jsonl.

        Loss (label-smoothed) and accuracy are means over target tokens; `tokens_per_second` counts
        source and target tokens, and so do the model FLOPs; seconds tell where the time went.

        Args:
            epoch: Number of the epoch that the last update belongs to.

        Raises:
            UserError: The loss is not finite.
        """
        self._read += jax.device_get(self._pending)
        read, self._read, self._pending = self._read, [], []
        now, waited = time.perf_counter(), self._feed.waited
        spent = {"data": waited - self._waited, **self._seconds}
        sums = jax.tree.map(lambda *values: np.sum(values), *[m.sums for m in read])
        if not math.isfinite(sums.loss):
            raise UserError(
                "the loss is no longer a finite number: lower training.learning_rate, "
                "lengthen training.warmup_steps or set training.gradient_clip"
            )
        elapsed = now - self._began
        stepping = max(elapsed - sum(spent.values()), 1e-9)
        busy = stepping + spent["data"]
        tokens = float(np.sum([m.source_tokens + m.target_tokens for m in read]))
        rate = tokens / busy
        self._waited, self._began = waited, now
        self._seconds = dict.fromkeys(self._seconds, 0.0)
        return {
            **means(sums),
            "learning_rate": float(read[-1].learning_rate),
            "gradient_norm": float(np.mean([m.gradient_norm for m in read])),
            "epoch": epoch,
            "tokens_per_second": rate,
            "model_flops_utilisation": rate * self._flops / self._peak,
            "seconds_step": stepping,
            **{f"seconds_{part}": value for part, value in spent.items()},
        }

    @staticmethod
    def shown(figures: dict[str, float]) -> dict[str, float]:
        """The figures that a person watches."""
        return {
            "loss": figures["loss"],
            "lr": figures["learning_rate"],
            "tokens/s": figures["tokens_per_second"],
        }
