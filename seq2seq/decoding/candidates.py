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
    batch, beams, _ = logits.shape
    pieces = _Chunks.of(allowed, 2 * beams, banned)
    largest = pieces.largest if allowed is logits else jnp.max(logits, axis=-1)
    normaliser = largest + jnp.log(jnp.sum(jnp.exp(logits - largest[..., None]), axis=-1))
    if diversity:
        best = _diverse(pieces, log_probs, normaliser, 2 * beams, diversity)
    else:
        best = pieces.best(log_probs, normaliser, 2 * beams)
    # At the limit the only candidate is the end symbol, whatever else is allowed.
    ends = log_probs + (logits[:, :, end_id] - normaliser)
    empty = jnp.full((batch, beams), NEVER)
    values, order = jax.lax.top_k(jnp.concatenate([ends, empty], axis=1), 2 * beams)
    last = Candidates(order % beams, jnp.full_like(order, end_id), values)
    # Where little is allowed, a place of the padding may be among the best, at -1e9.
    best = best._replace(tokens=jnp.minimum(best.tokens, logits.shape[2] - 1))
    return Candidates(
        *(jnp.where(at_limit[:, None], x, y) for x, y in zip(last, best, strict=True))
    )


class _Chunks(NamedTuple):
    """Logits cut into chunks of the vocabulary, to find the best of them without sorting all.

    What is among the `count` best stands in one of the `count` chunks whose maxima are largest, so
    only these have to be sorted through; what is equal keeps the order of beams and pieces. A
    banned piece can make its chunk seem larger than it is, so there is one chunk more for each.
    """

    logits: Float[Array, "B K C W"]
    maxima: Float[Array, "B K C"]
    banned: Sequence[int]

    @classmethod
    def of(cls, logits: Float[Array, "B K V"], count: int, banned: Sequence[int]) -> "_Chunks":
        """Cuts logits of which `count` are sought."""
        batch, beams, vocabulary = logits.shape
        width = _chunk_width(vocabulary, count / beams)
        chunks = -(-vocabulary // width)
        padding = ((0, 0), (0, 0), (0, chunks * width - vocabulary))
        cut = jnp.pad(logits, padding, constant_values=NEVER).reshape(batch, beams, chunks, width)
        # Without a barrier, XLA finds the largest of all a second time, not among the maxima.
        return cls(cut, jax.lax.optimization_barrier(jnp.max(cut, axis=-1)), banned)

    @property
    def largest(self) -> Float[Array, "B K"]:
        """The largest logit of each hypothesis, a banned piece's included."""
        return jnp.max(self.maxima, axis=-1)

    def best(
        self, log_probs: Float[Array, "B K"], normaliser: Float[Array, "B K"], count: int
    ) -> Candidates:
        """The `count` extensions of a sentence's hypotheses with the largest log-probabilities.

        Args:
            log_probs: Of the hypotheses so far.
            normaliser: What is taken from a logit to give its piece's log-probability.
            count: At most as many as there are extensions.
        """
        batch, hypotheses, chunks, width = self.logits.shape
        spoilt = hypotheses * len({piece // width for piece in self.banned})
        totals = log_probs[..., None] + (self.maxima - normaliser[..., None])
        totals = totals.reshape(batch, -1)
        winners = jnp.sort(jax.lax.top_k(totals, min(count + spoilt, totals.shape[1]))[1], axis=-1)
        beams = winners // chunks
        pieces = (winners % chunks)[..., None] * width + jnp.arange(width)[None, None, :]
        sought = self.logits.reshape(batch, -1, width)
        sought = jnp.take_along_axis(sought, winners[..., None], axis=1)
        for piece in self.banned:
            sought = jnp.where(pieces == piece, NEVER, sought)
        so_far, divisor = (
            jnp.take_along_axis(x, beams, axis=1)[..., None] for x in (log_probs, normaliser)
        )
        totals = (so_far + (sought - divisor)).reshape(batch, -1)
        values, places = jax.lax.top_k(totals, count)
        beams = jnp.take_along_axis(beams, places // width, axis=1)
        tokens = jnp.take_along_axis(pieces.reshape(batch, -1), places, axis=1)
        return Candidates(beams, tokens, values)


def _diverse(
    pieces: _Chunks,
    log_probs: Float[Array, "B K"],
    normaliser: Float[Array, "B K"],
    count: int,
    diversity: float,
) -> Candidates:
    """The best where an extension loses `diversity` for each better one of its hypothesis."""
    batch, beams, chunks, width = pieces.logits.shape
    alone = _Chunks(
        pieces.logits.reshape(-1, 1, chunks, width),
        pieces.maxima.reshape(-1, 1, chunks),
        pieces.banned,
    )
    each = min(count, chunks * width)
    found = alone.best(log_probs.reshape(-1, 1), normaliser.reshape(-1, 1), each)
    totals = found.log_probs.reshape(batch, beams, each)
    ranks = jnp.arange(each, dtype=jnp.float32)[None, None, :]
    _, places = jax.lax.top_k((totals - diversity * ranks).reshape(batch, -1), count)
    tokens, values = (
        jnp.take_along_axis(x.reshape(batch, -1), places, axis=1)
        for x in (found.tokens, found.log_probs)
    )
    return Candidates(places // each, tokens, values)


def _chunk_width(vocabulary: int, count: float) -> int:
    """A width at which few logits are sorted, best one that divides the vocabulary evenly.

    Args:
        vocabulary: Logits of a hypothesis.
        count: How many of them are sought, on average over the beam.
    """
    ideal = max(1, int((vocabulary / count) ** 0.5))
    even = [w for w in range(-(-ideal // 2), 2 * ideal + 1) if vocabulary % w == 0]
    return min(even, key=lambda w: abs(w - ideal), default=ideal)
