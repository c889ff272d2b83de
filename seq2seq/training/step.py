"""One update: written for one device over the axis "data", mapped over all by `parallel`."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from seq2seq import parallel
from seq2seq.config import Config
from seq2seq.model import functional
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


class StepMetrics(NamedTuple):
    """What an update reports, summed over all devices."""

    sums: LossSums
    gradient_norm: Float[Array, ""]
    """Global L2 norm of the gradient, before clipping."""
    learning_rate: Float[Array, ""]
    source_tokens: Float[Array, ""]
    """Real source tokens, the end symbols included."""


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

    def init(key: jax.Array) -> TrainState:
        params = functional.init(config.model, source_size, target_size, key)
        return TrainState(params, adam.init(params), jnp.zeros((), jnp.int32))

    def loss(params: Params, batch: Batch, key: jax.Array | None) -> LossSums:
        model = functional.merge(graph, params, dtype)
        states = model(batch, key, training.remat)
        bias = None if model.output_bias is None else model.output_bias[...]
        labels, segments = batch.target_outputs, batch.target_segments
        smoothing = (training.label_smoothing, training.label_smoothing_over)
        return smoothed_loss(states, model.output_matrix, bias, labels, segments, *smoothing)

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
        source_tokens = jnp.sum(batch.source_segments > 0, dtype=jnp.float32)
        norm, source_tokens = optax.tree.norm(gradients), parallel.total(source_tokens)
        metrics = StepMetrics(loss_sums, norm, rate, source_tokens)
        params = optax.apply_updates(state.params, updates)
        return TrainState(params, moments, step), metrics

    def evaluate(params: Params, batch: Batch) -> tuple[Params, LossSums]:
        return params, parallel.total(loss(params, batch, None))

    return Functions(graph, init, train, evaluate)


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
