"""The loop around the update: feed, log, validate, save, stop, and go on where it was.

Nothing here waits for the device but where it must: an update is dispatched before the metrics of
the one before it are read, so the device always has work. All that a restart needs is the
checkpoint: the batch and the dropout of an update are functions of the seed and its number, and
the history of validations (for patience) is in metrics.jsonl.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import jax

from seq2seq import parallel
from seq2seq.allocator import give_back_freed_memory
from seq2seq.data.batches import Batches
from seq2seq.data.prepare import Prepared
from seq2seq.model import functional
from seq2seq.progress import Progress
from seq2seq.run_directory import RunDirectory
from seq2seq.training import averaging, learning_curve, step
from seq2seq.training.averaging import Averaged
from seq2seq.training.feed import Feed
from seq2seq.training.interruption import Interruption
from seq2seq.training.metrics import MetricsWriter
from seq2seq.training.step import TrainState
from seq2seq.training.stopping import last_step, out_of_patience
from seq2seq.training.tally import Tally
from seq2seq.training.validation import Validator

_AGREE = 10
"""Updates between two questions of several hosts to each other, since each question takes time."""

Reason = Literal["steps", "epochs", "patience", "interrupted"]


@dataclass(frozen=True)
class Outcome:
    """How a call of `train` ended.

    Attributes:
        step: Updates done, in all.
        first: Updates done before this call.
        last: Updates after which training ends.
        reason: Why it ended.
        signal: Name of the signal that interrupted it.
        averaged: The average of the last checkpoints, where the recipe wants one.
    """

    step: int
    first: int
    last: int
    reason: Reason
    signal: str | None = None
    averaged: Averaged | None = None


class Trainer:
    """A run in training: its compiled functions, state, data and files."""

    def __init__(self, directory: RunDirectory, prepared: Prepared) -> None:
        """Compiles nothing yet; restores the latest checkpoint, or makes new parameters.

        Args:
            directory: The run, locked by the caller.
            prepared: Its data.

        Raises:
            UserError: The checkpoint does not fit the config.
        """
        config = directory.config
        vocabularies, training = prepared.vocabularies, config.training
        sizes = (len(vocabularies.source), len(vocabularies.target))
        dtype = functional.compute_dtype(training.compute_dtype)
        functions = step.make(config, *sizes, dtype)
        self._directory, self._config, self._sizes = directory, config, sizes
        self._update = parallel.data_parallel(functions.train, training.backend, donate=True)
        self._batches = Batches(prepared.train, prepared.weights, config.data, training)
        self._part = parallel.local_rows(self._batches.rows, training.accumulation)[1]
        self._validator = Validator(config, prepared, functions.evaluate)
        self._state = _restored_or_new(directory, functions.init, training.seed)
        self._dropout_key = step.dropout_key(training)
        self._tally = Tally(config, sizes, dtype)

    def train(self, profile: bool = False) -> Outcome:
        """Trains to the end, or until it is interrupted; then the state is saved.

        Args:
            profile: Whether updates 10 to 20 of this call are traced for TensorBoard's profiler.

        Raises:
            UserError: The loss is no longer finite, or the disk is full.
        """
        first = int(self._state.step)
        reason: Reason
        last, reason = last_step(self._config.training, self._batches)
        if self._out_of_patience():
            return Outcome(first, first, last, "patience", averaged=self._average(first))
        if first >= last:
            return Outcome(first, first, last, reason, averaged=self._average(first))
        with Interruption().watch() as interruption, self._writer(first) as writer:
            done, reason = self._run(first, last, reason, interruption, writer, profile)
        averaged = None if reason == "interrupted" else self._average(done)
        if jax.process_index() == 0:
            learning_curve.draw(self._directory.metrics, self._directory.learning_curve)
        return Outcome(done, first, last, reason, interruption.signal, averaged)

    def _writer(self, first: int) -> MetricsWriter:
        files = (self._directory.metrics, self._directory.tensorboard)
        return MetricsWriter(*files, first, quiet=jax.process_index() > 0)

    def _average(self, done: int) -> Averaged | None:
        """Averages the last checkpoints, unless the recipe wants none or they are averaged."""
        count = self._config.training.average_last
        if not count or self._directory.averaged.steps() == [done]:
            return None
        count = min(count, len(self._directory.steps()))
        steps = averaging.last(self._directory, count)
        averaged = averaging.average(self._directory, self._sizes, steps, self._validator)
        with self._writer(done) as writer:
            writer.write(done, "averaged", averaged.figures)
        return averaged

    def _out_of_patience(self) -> bool:
        """The same answer on all hosts, of which only the first writes metrics."""
        training = self._config.training
        return parallel.any_host(
            jax.process_index() == 0
            and out_of_patience(self._directory.metrics, training.patience, training.best_metric)
        )

    def _asked_to_stop(self, interruption: Interruption, done: int) -> bool:
        """Whether any host was told to stop; several hosts agree on it every `_AGREE` updates."""
        if jax.process_count() > 1 and done % _AGREE:
            return False
        return parallel.any_host(interruption.signal is not None)

    def _run(
        self,
        first: int,
        last: int,
        reason: Reason,
        interruption: Interruption,
        writer: MetricsWriter,
        profile: bool,
    ) -> tuple[int, Reason]:
        """The updates from `first` to `last`; returns how many are done, and why it ended."""
        training, tally = self._config.training, self._tally
        feed = Feed(lambda number: self._batches.batch(number, self._part))
        done, quiet = first, jax.process_index() > 0
        with (
            Progress("training", last, first, every=None, quiet=quiet) as progress,
            _Profile(self._directory, profile, first) as trace,
        ):
            tally.start(feed)
            for batch in feed.steps(first, last):
                self._state, metrics = self._update(self._state, batch, self._dropout_key)
                done += 1
                stop = self._asked_to_stop(interruption, done)
                tally.add(metrics)
                trace.after(done, metrics)
                if done % training.log_every == 0 or done == last:
                    figures = tally.figures(self._batches.epoch(done - 1)[0])
                    writer.write(done, "train", figures)
                    progress.update(done, tally.shown(figures))
                else:
                    progress.update(done)
                if done % training.validate_every == 0 or done == last:
                    self._validate(done, writer, progress)
                    if self._out_of_patience():
                        reason, last = "patience", done
                elif done % training.checkpoint_every == 0 or stop:
                    self._save(done, {})
                if stop and done < last:
                    reason, last = "interrupted", done
                if done == last:
                    break
            with tally.timed("saving"):
                self._directory.wait()
        return done, reason

    def _validate(self, done: int, writer: MetricsWriter, progress: Progress) -> None:
        """Measures the model on the validation set and saves it with the figures."""
        with self._tally.timed("validation"):
            figures = self._validator(self._state.best_params)
        if figures:
            self._report(done, figures, writer, progress)
        self._save(done, figures)

    def _report(
        self, done: int, figures: dict[str, float], writer: MetricsWriter, progress: Progress
    ) -> None:
        writer.write(done, "validation", figures)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        progress.note(f"validation: {done:,}  {shown}")

    def _save(self, done: int, figures: dict[str, float]) -> None:
        with self._tally.timed("saving"):
            self._directory.save(done, self._state.saved(), figures or None)
            give_back_freed_memory()


def train(directory: RunDirectory, prepared: Prepared, profile: bool = False) -> Outcome:
    """Trains a run, or goes on with it; see `Trainer`."""
    return Trainer(directory, prepared).train(profile)


def _restored_or_new(
    directory: RunDirectory, init: Callable[[jax.Array], TrainState], seed: int
) -> TrainState:
    """The state of the latest checkpoint, or the one before the first update."""
    key = jax.random.key(seed)
    if not directory.steps():
        return jax.jit(init, out_shardings=parallel.replicated())(key)
    abstract = parallel.abstract_replicated(jax.eval_shape(init, key))
    return TrainState.restored(directory.restore(abstract.saved(), "latest")[1])


class _Profile:
    """An XLA trace of a few updates, once they have settled."""

    def __init__(self, directory: RunDirectory, wanted: bool, first: int) -> None:
        self._folder = str(directory.tensorboard)
        self._begin = first + 10 if wanted else -1
        self._running = False

    def __enter__(self) -> "_Profile":
        return self

    def after(self, done: int, metrics: object) -> None:
        """Begins or ends the trace if it is time."""
        if done == self._begin:
            jax.block_until_ready(metrics)
            jax.profiler.start_trace(self._folder)
            self._running = True
        elif self._running and done == self._begin + 10:
            jax.block_until_ready(metrics)
            self._stop()

    def __exit__(self, *error: object) -> None:
        if self._running:
            self._stop()

    def _stop(self) -> None:
        jax.profiler.stop_trace()
        self._running = False
