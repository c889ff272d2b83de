"""Beam search with a length penalty (section 6.1; Wu et al., 2016, equation 14), in one loop.

The whole search is one `jax.lax.while_loop` over a step function. It ends as soon as no sentence's
result can change: log-probabilities only fall, so a live hypothesis can never score better than its
log-probability so far, divided by the largest penalty.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

Step = Callable[
    [Int[Array, "B K"], Any, Int[Array, ""], Int[Array, "B K T"]],
    tuple[Float[Array, "B K V"], Any],
]
"""`step(tokens, cache, position, origins) -> (logits, cache)`: reads the tokens that stand at
`position` of each hypothesis and scores what may follow.

Hypotheses move about in the beam, but the cache is not reordered for them, since that would copy
all of it at every step: `origins[b, k, t]` says in which place the hypothesis that is now in place
k was when its token t was read, for each t before `position`."""

_NEVER = -1.0e9
_FIRST_ROOM = 32
"""Tokens for which a search has room at first."""


class Hypotheses(NamedTuple):
    """Translations of each sentence, the best first."""

    tokens: Int[Array, "B K T"]
    """Token ids up to and with the end symbol, then padding (0)."""
    scores: Float[Array, "B K"]
    """Log-probability divided by the length penalty; -1e9 where there is no such hypothesis."""


class SearchState(NamedTuple):
    """What the loop carries."""

    position: Int[Array, ""]
    """Tokens chosen so far."""
    tokens: Int[Array, "B K T"]
    """Live hypotheses."""
    log_probs: Float[Array, "B K"]
    """Sums of their tokens' log-probabilities; -1e9 for an empty place of the beam."""
    last: Int[Array, "B K"]
    """Their last tokens, which the next step reads."""
    origins: Int[Array, "B K T"]
    """In which place of the beam each of their tokens was read."""
    finished: Hypotheses
    """The K best that have ended."""
    done: Bool[Array, " B"]
    """Sentences whose result is final."""
    cache: Any
    """The step function's own state."""


def length_penalty(length: Int[Array, "..."], alpha: float) -> Float[Array, "..."]:
    """((5 + length) / 6)^α, the end symbol counted (Wu et al., 2016)."""
    return ((5.0 + length.astype(jnp.float32)) / 6.0) ** alpha


def beam_search(
    step: Step,
    empty_cache: Callable[[int], Any],
    limits: Int[Array, " B"],
    *,
    beam_size: int,
    max_length: int,
    alpha: float,
    start_id: int,
    end_id: int,
    banned: Sequence[int] = (),
    endings: Literal["beam", "candidates"] = "beam",
    results: int | None = None,
) -> Hypotheses:
    """Finds the K best translations of each sentence; greedy search for K = 1.

    Args:
        step: Scores next tokens.
        empty_cache: `empty_cache(length)` is the step function's state before the first token, with
            room for so many tokens. The search begins with little room, since every step looks at
            all of it; where that is used up, the cache is moved into one of full size.
        limits: Longest translation of each sentence in tokens, the end symbol counted: at the
            limit only the end symbol may follow. At most `max_length`.
        beam_size: K.
        max_length: T, the room for a hypothesis.
        alpha: α of the length penalty.
        start_id: What the decoder reads first.
        end_id: The end symbol.
        banned: Tokens that no translation may hold: padding, the unknown symbol.
        endings: Whether a hypothesis may end only among the K best extensions of a step, or among
            all 2K that are looked at; greedy search looks at one.
        results: How many of the K are given back; the search ends as soon as these cannot change,
            much earlier for one than for all. Default K.
    """
    results = beam_size if results is None else results
    may_end = 2 * beam_size if endings == "candidates" and beam_size > 1 else beam_size
    rooms = sorted({min(_FIRST_ROOM, max_length), max_length})
    state = _begin(limits, empty_cache(rooms[0]), beam_size, rooms[0], start_id)

    def goes_on(state: SearchState) -> Bool[Array, ""]:
        return (state.position < state.tokens.shape[2]) & ~jnp.all(state.done)

    def advance(state: SearchState) -> SearchState:
        logits, cache = step(state.last, state.cache, state.position, state.origins)
        at_limit = state.position + 1 >= limits
        chosen = _candidates(logits, state.log_probs, at_limit, end_id, banned)
        finished = _finish(state, chosen, alpha, end_id, may_end)
        state = _continue(state._replace(finished=finished, cache=cache), chosen, end_id)
        return state._replace(done=state.done | _final(state, limits, alpha, results))

    for room in rooms:
        state = _with_room(state, room, jax.eval_shape(lambda room=room: empty_cache(room)))
        state = jax.lax.while_loop(goes_on, advance, state)
    tokens, scores = state.finished
    return Hypotheses(tokens[:, :results], scores[:, :results])


def _begin(
    limits: Int[Array, " B"], cache: Any, beam_size: int, room: int, start_id: int
) -> SearchState:
    """The state before the first token: one hypothesis, whose others are empty places."""
    batch = limits.shape[0]
    empty = jnp.zeros((batch, beam_size, room), jnp.int32)
    never = jnp.full((batch, beam_size), _NEVER)
    return SearchState(
        position=jnp.zeros((), jnp.int32),
        tokens=empty,
        log_probs=never.at[:, 0].set(0.0),
        last=jnp.full((batch, beam_size), start_id, jnp.int32),
        origins=empty,
        finished=Hypotheses(empty, never),
        done=limits <= 0,
        cache=cache,
    )


def _with_room(state: SearchState, room: int, cache: Any) -> SearchState:
    """The same state with room for so many tokens; `cache` has the shapes that its cache gets."""

    def grown(x: Array, shape: tuple[int, ...]) -> Array:
        return jax.lax.dynamic_update_slice(jnp.zeros(shape, x.dtype), x, [0] * x.ndim)

    shape = (*state.log_probs.shape, room)
    tokens, scores = state.finished
    return state._replace(
        tokens=grown(state.tokens, shape),
        origins=grown(state.origins, shape),
        finished=Hypotheses(grown(tokens, shape), scores),
        cache=jax.tree.map(lambda x, like: grown(x, like.shape), state.cache, cache),
    )


class _Candidates(NamedTuple):
    """The 2K best one-token extensions of the live hypotheses of each sentence, best first."""

    beams: Int[Array, "B C"]
    tokens: Int[Array, "B C"]
    log_probs: Float[Array, "B C"]


def _candidates(
    logits: Float[Array, "B K V"],
    log_probs: Float[Array, "B K"],
    at_limit: Bool[Array, " B"],
    end_id: int,
    banned: Sequence[int],
) -> _Candidates:
    """2K are enough: at most K of them end, so K are left to go on."""
    batch, beams, vocabulary = logits.shape
    count = min(2 * beams, vocabulary)
    best, tokens, normaliser = _best_pieces(logits.astype(jnp.float32), count, banned)
    # At the limit the only candidate is the end symbol: the first place is its, the others empty.
    full = at_limit[:, None, None]
    only_end = full & (jnp.arange(count) == 0)[None, None, :]
    best = jnp.where(only_end, logits[:, :, end_id, None], jnp.where(full, _NEVER, best))
    tokens = jnp.where(only_end, end_id, tokens)
    totals = log_probs[:, :, None] + (best - normaliser[:, :, None])
    values, places = jax.lax.top_k(totals.reshape(batch, -1), 2 * beams)
    chosen = jnp.take_along_axis(tokens.reshape(batch, -1), places, axis=1)
    return _Candidates(places // count, chosen, values)


def _best_pieces(
    logits: Float[Array, "B K V"], count: int, banned: Sequence[int]
) -> tuple[Float[Array, "B K C"], Int[Array, "B K C"], Float[Array, "B K"]]:
    """The `count` largest logits of pieces that are not banned, their pieces, and log Σ exp of all.

    What is among the `count` best stands in one of the `count` chunks whose maxima are largest, so
    only these have to be sorted through; equal logits keep the order of their pieces. A banned
    piece can make its chunk seem larger than it is, so there is one chunk more for each.
    """
    batch, beams, vocabulary = logits.shape
    width = _chunk_width(vocabulary, count)
    chunks = -(-vocabulary // width)
    padding = ((0, 0), (0, 0), (0, chunks * width - vocabulary))
    cut = jnp.pad(logits, padding, constant_values=_NEVER).reshape(batch, beams, chunks, width)
    maxima = jnp.max(cut, axis=-1)
    largest = jnp.max(maxima, axis=-1)
    normaliser = largest + jnp.log(jnp.sum(jnp.exp(logits - largest[..., None]), axis=-1))
    spoilt = len({piece // width for piece in banned})
    winners = jnp.sort(jax.lax.top_k(maxima, min(count + spoilt, chunks))[1], axis=-1)
    pieces = winners[..., None] * width + jnp.arange(width)[None, None, None, :]
    sought = jnp.take_along_axis(cut, winners[..., None], axis=2)
    for piece in banned:
        sought = jnp.where(pieces == piece, _NEVER, sought)
    best, places = jax.lax.top_k(sought.reshape(batch, beams, -1), count)
    tokens = jnp.take_along_axis(pieces.reshape(batch, beams, -1), places, axis=-1)
    return best, tokens, normaliser


def _chunk_width(vocabulary: int, count: int) -> int:
    """A width at which few logits are sorted, best one that divides the vocabulary evenly."""
    ideal = max(1, int((vocabulary / count) ** 0.5))
    even = [w for w in range(-(-ideal // 2), 2 * ideal + 1) if vocabulary % w == 0]
    return min(even, key=lambda w: abs(w - ideal), default=ideal)


def _finish(
    state: SearchState, chosen: _Candidates, alpha: float, end_id: int, may_end: int
) -> Hypotheses:
    """The finished hypotheses after this step: old and newly ended ones, the K best kept.

    A hypothesis ends only from among the `may_end` best extensions.
    """
    beams = state.log_probs.shape[1]
    ranks = jnp.arange(chosen.tokens.shape[1])[None, :]
    ends = (chosen.tokens == end_id) & (ranks < may_end) & ~state.done[:, None]
    ends &= chosen.log_probs > _NEVER / 2
    scores = chosen.log_probs / length_penalty(state.position + 1, alpha)
    new_tokens = _gather(state.tokens, chosen.beams).at[:, :, state.position].set(chosen.tokens)
    tokens = jnp.concatenate([state.finished.tokens, new_tokens], axis=1)
    all_scores = jnp.concatenate([state.finished.scores, jnp.where(ends, scores, _NEVER)], axis=1)
    best, places = jax.lax.top_k(all_scores, beams)
    return Hypotheses(_gather(tokens, places), best)


def _continue(state: SearchState, chosen: _Candidates, end_id: int) -> SearchState:
    """The live hypotheses after this step: the K best extensions that do not end."""
    beams = state.log_probs.shape[1]
    alive = jnp.where(chosen.tokens == end_id, _NEVER, chosen.log_probs)
    log_probs, places = jax.lax.top_k(alive, beams)
    moved = jnp.take_along_axis(chosen.beams, places, axis=1)
    last = jnp.take_along_axis(chosen.tokens, places, axis=1)
    return state._replace(
        position=state.position + 1,
        tokens=_gather(state.tokens, moved).at[:, :, state.position].set(last),
        log_probs=log_probs,
        last=last,
        origins=_gather(state.origins, moved).at[:, :, state.position].set(moved),
    )


def _final(
    state: SearchState, limits: Int[Array, " B"], alpha: float, results: int
) -> Bool[Array, " B"]:
    """Sentences whose best finished hypotheses, `results` of them, no live one can still beat.

    Greedy search follows a single hypothesis, so it is over when that one ends.
    """
    if state.log_probs.shape[1] == 1:
        return state.finished.scores[:, 0] > _NEVER / 2
    reachable = state.log_probs[:, 0] / length_penalty(limits, alpha)
    return (state.finished.scores[:, results - 1] >= reachable) | (state.position >= limits)


def _gather(x: Array, places: Int[Array, "B C"]) -> Array:
    """x[b, places[b, c]] for every b and c."""
    index = places.reshape(*places.shape, *(1,) * (x.ndim - 2))
    return jnp.take_along_axis(x, index, axis=1)
