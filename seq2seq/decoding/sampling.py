"""Drawing translations from the model's distribution, instead of searching for the best."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from seq2seq.decoding.candidates import NEVER, Candidates


@dataclass(frozen=True)
class Draw:
    """From which pieces the next one is drawn; each restriction is off at its default.

    Attributes:
        seed: Which of the possible draws are made.
        temperature: What logits are divided by: below 1 for the probable, above for variety.
        top_k: Only the k most probable pieces.
        top_p: Only the most probable pieces that together have this probability (Holtzman et al.,
            2020).
        min_p: Only pieces with this share of the most probable one's probability (Nguyen et al.,
            2024).
    """

    seed: int
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    min_p: float = 0.0


def uniforms(
    draw: Draw, numbers: Int[Array, " B"], positions: Int[Array, " B"], beams: int
) -> Float[Array, "B K"]:
    """Random numbers in (0, 1] for a step, which hang on sentence and position alone.

    Args:
        draw: For the seed.
        numbers: The sentences' numbers in the whole input.
        positions: Tokens that they have so far.
        beams: Hypotheses of a sentence (K).
    """

    def of_sentence(number: Int[Array, ""], position: Int[Array, ""]) -> Float[Array, " K"]:
        key = jax.random.key(draw.seed, impl="threefry2x32")
        key = jax.random.fold_in(jax.random.fold_in(key, number), position)
        return 1.0 - jax.random.uniform(key, (beams,))

    return jax.vmap(of_sentence)(numbers, positions)


def drawn(
    logits: Float[Array, "B K V"],
    allowed: Float[Array, "B K V"],
    log_probs: Float[Array, "B K"],
    at_limit: Bool[Array, " B"],
    random: Float[Array, "B K"],
    end_id: int,
    banned: Sequence[int],
    draw: Draw,
) -> Candidates:
    """One extension of each hypothesis, drawn; its log-probability is the model's own.

    Args:
        logits: What the model says.
        allowed: The same, or with -1e9 for what may not follow.
        log_probs: Of the hypotheses so far.
        at_limit: Sentences whose hypotheses must end here.
        random: Numbers in (0, 1].
        end_id: The end symbol.
        banned: Tokens that never follow.
        draw: How to draw.
    """
    batch, beams, vocabulary = logits.shape
    pieces = jnp.arange(vocabulary, dtype=jnp.int32)
    for piece in banned:
        allowed = jnp.where((pieces == piece)[None, None], NEVER, allowed)
    probabilities = jax.nn.softmax(_likely(allowed / draw.temperature, draw), axis=-1)
    tokens = jnp.where(at_limit[:, None], end_id, _inverse(probabilities, random))
    chosen = jnp.take_along_axis(logits, tokens[..., None], axis=-1)[..., 0]
    totals = log_probs + chosen - jax.nn.logsumexp(logits, axis=-1)
    places = jnp.broadcast_to(jnp.arange(beams, dtype=jnp.int32)[None], (batch, beams))
    return Candidates(places, tokens, totals)


def _likely(logits: Float[Array, "B K V"], draw: Draw) -> Float[Array, "B K V"]:
    """The logits of what may be drawn; -1e9 for the rest."""
    if draw.top_k is not None and draw.top_k < logits.shape[-1]:
        least = jax.lax.top_k(logits, draw.top_k)[0][..., -1:]
        logits = jnp.where(logits >= least, logits, NEVER)
    if draw.top_p < 1:
        falling = -jnp.sort(-logits, axis=-1)
        mass = jnp.cumsum(jax.nn.softmax(falling, axis=-1), axis=-1)
        last = jnp.sum(mass < draw.top_p, axis=-1, dtype=jnp.int32)
        last = jnp.minimum(last, logits.shape[-1] - 1)[..., None]
        logits = jnp.where(logits >= jnp.take_along_axis(falling, last, axis=-1), logits, NEVER)
    if draw.min_p > 0:
        highest = jnp.max(logits, axis=-1, keepdims=True)
        logits = jnp.where(logits >= highest + jnp.log(draw.min_p), logits, NEVER)
    return logits


def _inverse(
    probabilities: Float[Array, "B K V"], random: Float[Array, "B K"]
) -> Int[Array, "B K"]:
    """The first piece at which the sum of probabilities reaches `random`.

    First the chunk of pieces in which that happens is found, then the piece, so that only short
    sums have to be made one after the other.
    """
    vocabulary = probabilities.shape[-1]
    width = max(1, int(vocabulary**0.5))
    padding = ((0, 0), (0, 0), (0, -vocabulary % width))
    cut = jnp.pad(probabilities, padding).reshape(*random.shape, -1, width)
    sums = jnp.cumsum(jnp.sum(cut, axis=-1), axis=-1)
    aim = random[..., None] * sums[..., -1:]
    chunk = jnp.sum(sums < aim, axis=-1, keepdims=True, dtype=jnp.int32)
    before = jnp.take_along_axis(jnp.pad(sums, ((0, 0), (0, 0), (1, 0))), chunk, axis=-1)
    within = jnp.take_along_axis(cut, chunk[..., None], axis=2)[:, :, 0]
    reached = before + jnp.cumsum(within, axis=-1)
    likely = within > 0
    # Sums of other rounding may fall short of the aim: then it is the last piece that is possible.
    last = width - 1 - jnp.argmax(likely[..., ::-1], axis=-1)
    inside = jnp.minimum(jnp.sum(reached < aim, axis=-1), last).astype(jnp.int32)
    return chunk[..., 0] * width + inside
