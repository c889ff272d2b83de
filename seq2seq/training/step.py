"""One update: written for one device over the axis "data", mapped over all by `parallel`."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from seq2seq import parallel
from seq2seq.config import Config, TrainingConfig
from seq2seq.model import cost, functional
from seq2seq.model.projection import activation_dtype
from seq2seq.parallel import AXIS
from seq2seq.training.loss import LossSums, smoothed_loss, zeros
from seq2seq.training.schedule import learning_rate, optimizer
from seq2seq.types import Batch, Params


class TrainState(NamedTuple):
    """All that changes from update to update; with the config and a seed it fixes what follows."""

    params: Params
    """Parameters, float32."""
    optimizer: optax.OptState
    """Adam's moments, float32, and count."""
    step: Int[Array, ""]
    """Updates done, int32."""
    average: Params | None = None
    """Exponential moving average of the parameters, float32; None where none is wanted."""

    @property
    def best_params(self) -> Params:
        """What is validated and translated with: the average, if there is one."""
        return self.params if self.average is None else self.average

    def saved(self) -> dict[str, Any]:
        """The state by name, as it is stored: `params` are the ones to translate with."""
        rest = {"optimizer": self.optimizer, "step": self.step}
        trained = {} if self.average is None else {"trained": self.params}
        return {"params": self.best_params, **trained, **rest}

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> "TrainState":
        """The state that `saved` gave."""
        params, optimizer, step = (saved[name] for name in ("params", "optimizer", "step"))
        if "trained" in saved:
            return cls(saved["trained"], optimizer, step, params)
        return cls(params, optimizer, step)


class StepMetrics(NamedTuple):
    """What an update reports, summed over all devices."""

    sums: LossSums
    gradient_norm: Float[Array, ""]
    """Global L2 norm of the gradient, before clipping."""
    learning_rate: Float[Array, ""]
    source_tokens: Float[Array, ""]
    """Real source tokens, the end symbols included."""
    target_tokens: Float[Array, ""]
    """Real target tokens, likewise; `sums` counts them once for each pass."""


class Functions(NamedTuple):
    """A model as pure functions of its parameters."""

    graph: functional.Graph
    init: Callable[[jax.Array], TrainState]
    """key → state before the first update."""
    train: Callable[[TrainState, Batch, jax.Array], tuple[TrainState, StepMetrics]]
    """One update on one device's part of the batch."""
    evaluate: Callable[[Params, Batch], tuple[Params, LossSums]]
    """The loss of one device's part of a batch, without dropout; the parameters come back."""


def make(config: Config, source_size: int, target_size: int, dtype: jnp.dtype) -> Functions:
    """Makes a model's functions.

    Args:
        config: The run.
        source_size: Size of the source vocabulary.
        target_size: Size of the target vocabulary.
        dtype: Type of activations and products.
    """
    graph = functional.abstract(config.model, source_size, target_size)[0]
    training, width = config.training, config.model.width
    adam = optimizer(training, width)
    chunk = cost.loss_chunk(training, jax.default_backend() == "cpu")
    logits_dtype = jnp.float32 if training.logits_dtype == "float32" else activation_dtype(dtype)
    how = (training.label_smoothing_over, chunk, logits_dtype)

    def init(key: jax.Array) -> TrainState:
        params = functional.init(config.model, source_size, target_size, key)
        average = None if training.ema_decay is None else jax.tree.map(jnp.copy, params)
        return TrainState(params, adam.init(params), jnp.zeros((), jnp.int32), average)

    def loss(params: Params, batch: Batch, key: jax.Array | None) -> LossSums:
        model = functional.merge(graph, params, dtype)
        r_drop = 0.0 if key is None else training.r_drop
        if r_drop:  # the same rows twice, so that their dropout is drawn twice
            batch = jax.tree.map(lambda rows: jnp.concatenate([rows, rows]), batch)
        states = model(batch, key, training.remat)
        bias = None if model.output_bias is None else model.output_bias[...]
        labels, segments = batch.target_outputs, batch.target_segments
        smoothing, matrix = training.label_smoothing, model.output_matrix
        return smoothed_loss(states, matrix, bias, labels, segments, smoothing, *how, r_drop)

    def gradient(params: Params, batch: Batch, key: jax.Array) -> tuple[Params, LossSums]:
        def value(params: Params) -> tuple[jax.Array, LossSums]:
            sums = loss(params, batch, key)
            return sums.loss, sums

        return jax.grad(value, has_aux=True)(params)

    def train(state: TrainState, batch: Batch, key: jax.Array) -> tuple[TrainState, StepMetrics]:
        key = jax.random.fold_in(jax.random.fold_in(key, state.step), jax.lax.axis_index(AXIS))
        sums = accumulate(gradient, state.params, batch, key, training.accumulation)
        gradients, loss_sums = parallel.total(sums)
        gradients = jax.tree.map(lambda g: g / loss_sums.tokens, gradients)
        with jax.numpy_dtype_promotion("standard"):  # optax mixes integers and floats
            updates, moments = adam.update(gradients, state.optimizer, state.params)
        step = state.step + 1
        rate = learning_rate(step, training, width)
        segments = (batch.source_segments, batch.target_segments)
        tokens = parallel.total(tuple(jnp.sum(s > 0, dtype=jnp.float32) for s in segments))
        metrics = StepMetrics(loss_sums, optax.tree.norm(gradients), rate, *tokens)
        params = optax.apply_updates(state.params, updates)
        average = moving_average(state.average, params, step, training.ema_decay)
        return TrainState(params, moments, step, average), metrics

    def evaluate(params: Params, batch: Batch) -> tuple[Params, LossSums]:
        return params, parallel.total(loss(params, batch, None))

    return Functions(graph, init, train, evaluate)


def moving_average(
    average: Params | None, params: Params, step: Int[Array, ""], decay: float | None
) -> Params | None:
    """The exponential moving average of the parameters after one more update.

    The decay of update t is min(decay, (1 + t) / (10 + t)), so that the first parameters, which are
    random, are soon forgotten.

    Args:
        average: The average before; None if none is wanted.
        params: The parameters after the update.
        step: Its number t, from 1.
        decay: The decay in the long run; None if none is wanted.
    """
    if average is None or decay is None:
        return None
    time = step.astype(jnp.float32)
    weight = 1.0 - jnp.minimum(decay, (1.0 + time) / (10.0 + time))
    return jax.tree.map(lambda old, new: old + weight * (new - old), average, params)


def dropout_key(training: TrainingConfig) -> jax.Array:
    """The key from which, with an update's number, all of its dropout is drawn.

    Threefry hashes a counter for every element, about a hundred integer operations; `rbg` asks the
    device's own generator for the bits and hashes only to split keys. So rbg is the choice where
    such operations are not free beside the products: on GPU and TPU, with other numbers on each.
    """
    accelerated = jax.default_backend() != "cpu"
    rbg = training.random == "rbg" or (training.random == "auto" and accelerated)
    key = jax.random.key(training.seed, impl="rbg" if rbg else "threefry2x32")
    return jax.random.fold_in(key, 1)


def accumulate(
    gradient: Callable[[Params, Batch, jax.Array], tuple[Params, LossSums]],
    params: Params,
    batch: Batch,
    key: jax.Array,
    parts: int,
) -> tuple[Params, LossSums]:
    """Sums of gradients and losses over a batch, taken in `parts` one after the other.

    The gradient is of a sum, so the parts add up to what the whole batch gives, however many tokens
    each of them holds.

    Args:
        gradient: `gradient(params, batch, key)` for one part.
        params: The parameters.
        batch: A device's rows, a multiple of `parts`.
        key: Randomness of dropout.
        parts: Number of parts.
    """
    if parts == 1:
        return gradient(params, batch, key)

    def add(total: tuple, part: tuple[Batch, jax.Array]) -> tuple[tuple, None]:
        return jax.tree.map(jnp.add, total, gradient(params, *part)), None

    cut = jax.tree.map(lambda x: x.reshape(parts, -1, *x.shape[1:]), batch)
    zero = (jax.tree.map(jnp.zeros_like, params), zeros())
    return jax.lax.scan(add, zero, (cut, jax.random.split(key, parts)))[0]
