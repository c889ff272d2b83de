"""Which tokens may follow: the best one-token extensions of the hypotheses of a beam."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

NEVER = -1.0e9
"""The log-probability of what there is not."""


class Candidates(NamedTuple):
    """One-token extensions of the live hypotheses of each sentence: the 2K best, or K drawn."""

    beams: Int[Array, "B C"]
    tokens: Int[Array, "B C"]
    log_probs: Float[Array, "B C"]


def candidates(
    logits: Float[Array, "B K V"],
    allowed: Float[Array, "B K V"],
    log_probs: Float[Array, "B K"],
    at_limit: Bool[Array, " B"],
    end_id: int,
    banned: Sequence[int],
    diversity: float = 0.0,
) -> Candidates:
    """The best extensions. 2K are enough: at most K of them end, so K are left to go on.

    Args:
        logits: What the model says; their softmax is the probability.
        allowed: The same array, or one in which what may not follow has -1e9.
        log_probs: Of the hypotheses so far.
        at_limit: Sentences whose hypotheses must end here.
        end_id: The end symbol.
        banned: Tokens that never follow.
        diversity: What an extension loses for each better one of the same hypothesis.
    """
    batch, beams, vocabulary = logits.shape
    count = min(2 * beams, vocabulary)
    best, tokens, largest = _best_pieces(allowed, count, banned)
    largest = largest if allowed is logits else jnp.max(logits, axis=-1)
    normaliser = largest + jnp.log(jnp.sum(jnp.exp(logits - largest[..., None]), axis=-1))
    # At the limit the only candidate is the end symbol, whatever else is allowed: the first place
    # is its, the others empty.
    full = at_limit[:, None, None]
    only_end = full & (jnp.arange(count) == 0)[None, None, :]
    best = jnp.where(only_end, logits[:, :, end_id, None], jnp.where(full, NEVER, best))
    tokens = jnp.where(only_end, end_id, tokens)
    totals = log_probs[:, :, None] + (best - normaliser[:, :, None])
    ranks = jnp.arange(count, dtype=jnp.float32)[None, None, :]
    valued = totals - diversity * ranks if diversity else totals
    _, places = jax.lax.top_k(valued.reshape(batch, -1), 2 * beams)
    chosen, values = (
        jnp.take_along_axis(x.reshape(batch, -1), places, axis=1) for x in (tokens, totals)
    )
    return Candidates(places // count, chosen, values)


def _best_pieces(
    logits: Float[Array, "B K V"], count: int, banned: Sequence[int]
) -> tuple[Float[Array, "B K C"], Int[Array, "B K C"], Float[Array, "B K"]]:
    """The `count` largest logits of pieces that are not banned, their pieces; the largest of all.

    What is among the `count` best stands in one of the `count` chunks whose maxima are largest, so
    only these have to be sorted through; equal logits keep the order of their pieces. A banned
    piece can make its chunk seem larger than it is, so there is one chunk more for each.
    """
    batch, beams, vocabulary = logits.shape
    width = _chunk_width(vocabulary, count)
    chunks = -(-vocabulary // width)
    padding = ((0, 0), (0, 0), (0, chunks * width - vocabulary))
    cut = jnp.pad(logits, padding, constant_values=NEVER).reshape(batch, beams, chunks, width)
    maxima = jnp.max(cut, axis=-1)
    spoilt = len({piece // width for piece in banned})
    winners = jnp.sort(jax.lax.top_k(maxima, min(count + spoilt, chunks))[1], axis=-1)
    pieces = winners[..., None] * width + jnp.arange(width)[None, None, None, :]
    sought = jnp.take_along_axis(cut, winners[..., None], axis=2)
    for piece in banned:
        sought = jnp.where(pieces == piece, NEVER, sought)
    best, places = jax.lax.top_k(sought.reshape(batch, beams, -1), count)
    tokens = jnp.take_along_axis(pieces.reshape(batch, beams, -1), places, axis=-1)
    return best, tokens, jnp.max(maxima, axis=-1)


def _chunk_width(vocabulary: int, count: int) -> int:
    """A width at which few logits are sorted, best one that divides the vocabulary evenly."""
    ideal = max(1, int((vocabulary / count) ** 0.5))
    even = [w for w in range(-(-ideal // 2), 2 * ideal + 1) if vocabulary % w == 0]
    return min(even, key=lambda w: abs(w - ideal), default=ideal)
