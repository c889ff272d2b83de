"""Forced phrases: every translation holds them, each as tokens in a row, in any order.

The beam is dealt out by dynamic allocation (Post and Vilar, 2018, Fast Lexically Constrained
Decoding with Dynamic Beam Allocation; vectorised as by Hu et al., 2019): hypotheses that have met
equally many of the forced tokens are a bank, and the banks take places in turns, so that those that
have met many, and lost probability by it, are not crowded out by those that have met few.

What a hypothesis has met is read off its tokens anew at every step, so there is nothing to move
when it moves. What it owes is what it still has to say: the tokens of the phrases that it does not
hold yet, less those of the one that its last tokens begin. A phrase that is broken off is owed
again in full. Nothing may follow by which more would be owed than there is room for, and so all is
met at the limit at the latest.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from seq2seq.decoding.arrays import gather
from seq2seq.decoding.candidates import NEVER, Candidates


class Forced(NamedTuple):
    """What the translations of sentences have to hold."""

    phrases: Int[Array, "B phrases width"]
    """Token ids of each phrase, then -1; a row of -1 is no phrase."""
    limits: Int[Array, " B"]
    """Longest translation in tokens, the end symbol counted."""

    @property
    def sizes(self) -> Int[Array, "B phrases"]:
        """Tokens of each phrase."""
        return jnp.sum(self.phrases >= 0, axis=2, dtype=jnp.int32)


class _Standing(NamedTuple):
    """How hypotheses stand with the phrases."""

    held: Bool[Array, "B C phrases"]
    """Whether a hypothesis holds the phrase."""
    begun: Bool[Array, "B C phrases width"]
    """Whether its last j tokens are the first j of the phrase, which for j = 0 they are."""

    def progress(self) -> Int[Array, "B C phrases"]:
        """How much of each phrase the last tokens have begun."""
        steps = jnp.arange(self.begun.shape[3], dtype=jnp.int32)[None, None, None]
        return jnp.max(jnp.where(self.begun, steps, 0), axis=3)


def affordable(
    logits: Float[Array, "B K V"],
    allowed: Float[Array, "B K V"],
    tokens: Int[Array, "B K T"],
    lengths: Int[Array, " B"],
    forced: Forced,
    end_id: int,
) -> Float[Array, "B K V"]:
    """What may follow so that all phrases can still be met; -1e9 is what may not.

    The end symbol may follow when nothing is owed. What goes on with a phrase may follow though
    `allowed` forbids it, as a phrase may hold an n-gram twice; it then has the model's own logit.

    Args:
        logits: What the model says.
        allowed: The same, or with -1e9 for what other rules forbid.
        tokens: Of the hypotheses so far; the rest is 0.
        lengths: How many these are.
        forced: What is to be met.
        end_id: The end symbol.
    """
    standing, sizes = _standing(tokens, lengths, forced), forced.sizes
    nothing = jnp.zeros_like(standing.held, jnp.int32)
    left = (forced.limits - lengths - 2)[:, None, None]
    in_full = _owed(standing.held, nothing, sizes[:, None])[..., None]
    ends = (jnp.arange(logits.shape[2]) == end_id)[None, None]
    result = jnp.where(jnp.where(ends, in_full == 0, in_full <= left), allowed, NEVER)
    # Only by the phrases' own tokens less can be owed than all that is missing.
    own = forced.phrases.reshape(lengths.shape[0], 1, -1)
    own = jnp.broadcast_to(own, (*tokens.shape[:2], own.shape[2]))
    said, ruled = (jnp.take_along_axis(x, jnp.maximum(own, 0), axis=2) for x in (logits, allowed))
    owed = _owed_after(standing, own, forced)
    now = _owed(standing.held, standing.progress(), sizes[:, None])[..., None]
    values = jnp.where(owed <= left, jnp.where(owed < now, said, ruled), NEVER)
    rows, beams = (jax.lax.broadcasted_iota(jnp.int32, own.shape, axis) for axis in (0, 1))
    places = jnp.where(own >= 0, own, logits.shape[2])
    return result.at[rows, beams, places].set(values, mode="drop")


def dealt(
    best: Candidates,
    totals: Float[Array, "B K V"],
    tokens: Int[Array, "B K T"],
    lengths: Int[Array, " B"],
    forced: Forced,
    banned: Sequence[int],
) -> Candidates:
    """As many extensions, dealt out to the banks in turns: the fullest bank first, then the next.

    Beside the best of all extensions, those with a next token of any phrase and the best one of
    each hypothesis are dealt. Sentences without phrases keep the best.

    Args:
        best: The 2K best extensions of the hypotheses of each sentence.
        totals: Log-probabilities of all extensions; -1e9 for what may not follow.
        tokens: Of the hypotheses so far; the rest is 0.
        lengths: How many these are.
        forced: What is to be met.
        banned: Tokens that never follow.
    """
    standing = _standing(tokens, lengths, forced)
    ended = (lengths + 1 >= forced.limits)[:, None]
    more = _further(standing, totals, forced, banned)
    more = more._replace(log_probs=jnp.where(ended, NEVER, more.log_probs))
    pool = Candidates(*(jnp.concatenate(pair, axis=1) for pair in zip(best, more, strict=True)))
    there = (pool.log_probs > NEVER / 2) & ~_repeated(pool)
    parents = _Standing(*(gather(x, pool.beams) for x in standing))
    owed = _owed_after(parents, pool.tokens[..., None], forced)[..., 0]
    most = forced.phrases.shape[1] * forced.phrases.shape[2] + 1
    turns = _rank_in_bank(jnp.where(there, pool.log_probs, NEVER), owed) * most + owed
    turns = jnp.where(there, turns, jnp.iinfo(jnp.int32).max)
    _, places = jax.lax.top_k(-turns, best.tokens.shape[1])
    pool = pool._replace(log_probs=jnp.where(there, pool.log_probs, NEVER))
    free = jnp.all(forced.sizes == 0, axis=1)[:, None]
    return Candidates(
        *(jnp.where(free, old, gather(new, places)) for old, new in zip(best, pool, strict=True))
    )


def _standing(tokens: Int[Array, "B K T"], lengths: Int[Array, " B"], forced: Forced) -> _Standing:
    """How hypotheses of `lengths` stand with the phrases."""
    room, width = tokens.shape[2], forced.phrases.shape[2]
    there = (jnp.arange(room)[None] < lengths[:, None])[:, None]
    said = jnp.pad(jnp.where(there, tokens, -2), ((0, 0), (0, 0), (0, width)), constant_values=-2)
    # How many of a phrase's tokens stand there in a row, from each place on.
    alike = jnp.ones((*tokens.shape[:2], forced.phrases.shape[1], room), bool)
    matched = jnp.zeros(alike.shape, jnp.int32)
    for j in range(width):
        alike &= said[:, :, None, j : j + room] == forced.phrases[:, None, :, j, None]
        matched += alike.astype(jnp.int32)
    held = jnp.any(matched >= forced.sizes[:, None, :, None], axis=3)
    steps = jnp.arange(width, dtype=jnp.int32)
    starts = lengths[:, None] - steps[None]
    places = jnp.clip(starts, 0, room - 1)[:, None, None]
    begun = jnp.take_along_axis(matched, places, axis=3) >= steps[None, None, None]
    return _Standing(held, begun & (starts >= 0)[:, None, None])


def _owed(
    held: Bool[Array, "... phrases"],
    progress: Int[Array, "... phrases"],
    sizes: Int[Array, "... phrases"],
) -> Int[Array, "..."]:
    """Tokens of the phrases that are not held, less those of the one that is furthest begun."""
    missing = jnp.sum(jnp.where(held, 0, sizes), axis=-1, dtype=jnp.int32)
    return missing - jnp.max(jnp.where(held, 0, progress), axis=-1)


def _owed_after(
    standing: _Standing, following: Int[Array, "B C E"], forced: Forced
) -> Int[Array, "B C E"]:
    """What is owed when one of some tokens follows."""
    phrases, sizes = forced.phrases[:, None, None], forced.sizes[:, None, None]
    hits = standing.begun[:, :, None] & (following[..., None, None] == phrases)
    steps = jnp.arange(1, phrases.shape[4] + 1, dtype=jnp.int32)[None, None, None, None]
    progress = jnp.max(jnp.where(hits, steps, 0), axis=4)
    return _owed(standing.held[:, :, None] | (progress == sizes), progress, sizes)


def _further(
    standing: _Standing, totals: Float[Array, "B K V"], forced: Forced, banned: Sequence[int]
) -> Candidates:
    """Extensions with the next token of each phrase, and the best one of each hypothesis."""
    batch, _, vocabulary = totals.shape
    following = jnp.take_along_axis(
        forced.phrases[:, None], standing.progress()[..., None], axis=3
    )[..., 0]
    following = jnp.where(standing.held, -1, following)
    never = jnp.isin(jnp.arange(vocabulary), jnp.asarray(banned, jnp.int32))[None, None]
    leader = jnp.argmax(jnp.where(never, NEVER, totals), axis=2).astype(jnp.int32)
    tokens = jnp.concatenate([following, leader[..., None]], axis=2)
    log_probs = jnp.take_along_axis(totals, jnp.maximum(tokens, 0), axis=2)
    log_probs = jnp.where(tokens >= 0, log_probs, NEVER)
    places = jax.lax.broadcasted_iota(jnp.int32, tokens.shape, 1)
    return Candidates(*(x.reshape(batch, -1) for x in (places, tokens, log_probs)))


def _repeated(pool: Candidates) -> Bool[Array, "B C"]:
    """Which extensions stand there earlier too."""
    count = pool.tokens.shape[1]
    same = jnp.tril(jnp.ones((count, count), bool), -1)[None]
    for x in (pool.beams, pool.tokens):
        same &= x[:, :, None] == x[:, None]
    return jnp.any(same, axis=2)


def _rank_in_bank(log_probs: Float[Array, "B C"], owed: Int[Array, "B C"]) -> Int[Array, "B C"]:
    """How many extensions by which as much is owed are better, or as good and stand earlier."""
    count = owed.shape[1]
    earlier = jnp.tril(jnp.ones((count, count), bool), -1)[None]
    mine, others = log_probs[:, :, None], log_probs[:, None]
    better = (others > mine) | ((others == mine) & earlier)
    return jnp.sum(better & (owed[:, :, None] == owed[:, None]), axis=2, dtype=jnp.int32)
