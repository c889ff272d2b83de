"""The learning rate over the updates, and Adam around it (section 5.3)."""

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from seq2seq.config import TrainingConfig


def learning_rate(
    step: Int[Array, ""] | int, config: TrainingConfig, width: int
) -> Float[Array, ""]:
    """The rate of an update (equation 3): c · D^-0.5 · min(step^-0.5, step · warmup^-1.5).

    c is `training.learning_rate_scale`, 1 in the paper. `training.learning_rate` replaces the peak,
    which the formula puts at c · (D · warmup)^-0.5; `training.decay` replaces the inverse square
    root after it.

    Args:
        step: Number of the update, counted from 1 as in the paper.
        config: Warm-up, peak, decay and length of training.
        width: Model width D.
    """
    warmup = config.warmup_steps
    peak = config.learning_rate or config.learning_rate_scale * (width * warmup) ** -0.5
    number = jnp.asarray(step, jnp.float32)
    left = jnp.clip((config.steps - number) / max(config.steps - warmup, 1), 0.0, 1.0)
    falling = {
        "inverse_sqrt": jnp.sqrt(warmup / jnp.maximum(number, warmup)),
        "linear": left,
        "cosine": 0.5 - 0.5 * jnp.cos(jnp.pi * left),
    }
    return peak * jnp.minimum(number / warmup, falling[config.decay])


def optimizer(config: TrainingConfig, width: int) -> optax.GradientTransformation:
    """Adam with the config's β₁, β₂, ε and schedule; the gradient is clipped first if asked for."""
    adam = optax.adam(
        lambda count: learning_rate(count + 1, config, width),
        b1=config.beta1,
        b2=config.beta2,
        eps=config.epsilon,
    )
    if config.gradient_clip is None:
        return adam
    return optax.chain(optax.clip_by_global_norm(config.gradient_clip), adam)
