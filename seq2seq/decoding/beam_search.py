"""Beam search with a length penalty (section 6.1; Wu et al., 2016, equation 14), in one loop.

A few rows are searched at a time, and a queue of sentences waits. As soon as some rows are through
with theirs, they take up the next ones, so that no row idles while another one's sentence is long.
All of it is one compiled program over a step function.

A sentence is final as soon as its result can change no more: log-probabilities only fall, so a live
hypothesis can never score better than its log-probability so far, divided by the largest penalty.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from seq2seq.decoding.arrays import gather, put, put_rows
from seq2seq.decoding.candidates import NEVER, Candidates, candidates
from seq2seq.decoding.options import SearchOptions, length_penalty
from seq2seq.decoding.sampling import drawn, uniforms

Step = Callable[
    [Int[Array, "B K"], Any, Any, Int[Array, " B"], Int[Array, ""], Int[Array, "B K T"]],
    tuple[Float[Array, "B K V"], Any],
]
"""`step(tokens, cache, memory, positions, slot, origins) -> (logits, cache)`: reads a token of each
hypothesis, at `positions` in its row's sentence, and scores what may follow.

What it keeps of the token goes into `slot` of the cache. All rows share the slots, which are used
in a ring; a sentence may be as long as there are slots, so it never meets its own beginning.
Hypotheses move about in the beam, but the cache is not reordered for them, since that would copy
all of it at every step: `origins[b, k, s]` says in which place of the beam the token of slot s was
read that belongs to the hypothesis which is now in place k; -1 where the slot holds none of its
own."""

Read = Callable[[Int[Array, " R"]], Any]
"""`read(sentences) -> memory`: what a step needs to know of the sentences of the queue with these
numbers, as arrays with one entry for each."""

Restrict = Callable[
    [Float[Array, "B K V"], Int[Array, "B K T"], Int[Array, " B"], Any], Float[Array, "B K V"]
]
"""`restrict(logits, tokens, lengths, memory) -> allowed`: the logits of what may follow the tokens
of each hypothesis, of which there are `lengths` so far (the rest is 0); -1e9 is what may not."""

Deal = Callable[
    [Candidates, Float[Array, "B K V"], Int[Array, "B K T"], Int[Array, " B"], Any], Candidates
]
"""`deal(best, totals, tokens, lengths, memory) -> chosen`: as many extensions as there are best
ones, in another order or in place of them; `totals` are the log-probabilities of all."""


class Hypotheses(NamedTuple):
    """Translations of each sentence, the best first."""

    tokens: Int[Array, "Q K T"]
    """Token ids up to and with the end symbol, then padding (0)."""
    scores: Float[Array, "Q K"]
    """Log-probability divided by the length penalty; -1e9 where there is no such hypothesis."""


class Rows(NamedTuple):
    """The sentences that are being searched."""

    sentences: Int[Array, " B"]
    """Their numbers in the queue; Q in a row that has none."""
    numbers: Int[Array, " B"]
    """Their numbers in the whole input, for draws."""
    begins: Int[Array, " B"]
    """The search's step at which each began."""
    limits: Int[Array, " B"]
    """Longest translation in tokens."""
    tokens: Int[Array, "B K T"]
    """Live hypotheses, by slot."""
    log_probs: Float[Array, "B K"]
    """Sums of their tokens' log-probabilities; -1e9 for an empty place of the beam."""
    last: Int[Array, "B K"]
    """Their last tokens, which the next step reads."""
    origins: Int[Array, "B K T"]
    """In which place of the beam each of their tokens was read, by slot; -1 for no token."""
    finished: Hypotheses
    """The K best that have ended, by slot."""
    done: Bool[Array, " B"]
    """Whether the result is final, or there is no more room."""
    memory: Any
    """What `read` gave."""


class SearchState(NamedTuple):
    """What the loop carries."""

    clock: Int[Array, ""]
    """Steps so far."""
    waiting: Int[Array, ""]
    """Number of the first sentence of the queue that has not begun."""
    rows: Rows
    cache: Any
    """The step function's own state."""
    found: Hypotheses
    """Results of all sentences that are through."""


def _penalty(length: Int[Array, " B"], options: SearchOptions) -> Float[Array, " B"]:
    return length_penalty(length.astype(jnp.float32), options.alpha)


def beam_search(
    step: Step,
    read: Read,
    cache: Any,
    limits: Int[Array, " Q"],
    options: SearchOptions,
    *,
    rows: int,
    room: int,
    refill: int | None = None,
    restrict: Restrict | None = None,
    deal: Deal | None = None,
    numbers: Int[Array, " Q"] | None = None,
) -> Hypotheses:
    """Finds the K best translations of each sentence of a queue; greedy search for K = 1.

    Args:
        step: Scores next tokens.
        read: Gives what a step needs to know of sentences.
        cache: The step function's state before the first token, for `rows` and `room`.
        limits: Longest translation of each of the Q sentences in tokens, the end symbol counted: at
            the limit only the end symbol may follow. 0 is no sentence.
        options: How to search.
        rows: Sentences that are searched at a time (B).
        room: T, the room for a hypothesis. A sentence that is not through when it is used up gives
            no result: it has to be searched again with more.
        refill: How many rows are through before the next sentences are read; default all.
        restrict: Says what may follow, beyond what the options say.
        deal: Chooses extensions otherwise than by their probability; not for draws.
        numbers: The sentences' numbers in the whole input, on which draws hang; default those in
            the queue.
    """
    refill = rows if refill is None else refill
    numbers = jnp.arange(limits.shape[0], dtype=jnp.int32) if numbers is None else numbers
    begin = _beginnings(read, limits, numbers, options, room)
    count = jnp.max(jnp.where(limits > 0, jnp.arange(limits.shape[0]) + 1, 0))

    def advance(state: SearchState) -> SearchState:
        return _advance(state, step, restrict, deal, options)

    def goes_on(state: SearchState) -> Bool[Array, ""]:
        idle = jnp.sum(state.rows.done, dtype=jnp.int32)
        return (idle < rows) & ((idle < refill) | (state.waiting >= count))

    def round_of_steps(state: SearchState) -> SearchState:
        """Lets waiting sentences begin, then goes on until there is room for others."""
        state = _take_up(_deliver(state), begin, refill, count)
        return jax.lax.while_loop(goes_on, advance, state)

    state = _idle(begin, rows, limits.shape[0], options.results, room, cache)
    state = jax.lax.while_loop(lambda s: s.waiting < count, round_of_steps, state)
    return _deliver(state).found


def _advance(
    state: SearchState,
    step: Step,
    restrict: Restrict | None,
    deal: Deal | None,
    options: SearchOptions,
) -> SearchState:
    """One token more for every hypothesis."""
    rows, room = state.rows, state.rows.tokens.shape[2]
    slot, lengths = state.clock % room, state.clock - rows.begins
    own = jnp.arange(options.beam_size, dtype=jnp.int32)[None, :]
    rows = rows._replace(origins=put(rows.origins, slot, own))
    logits, cache = step(rows.last, state.cache, rows.memory, lengths, slot, rows.origins)
    allowed = logits
    if restrict is not None:
        allowed = restrict(logits, *_known(rows, lengths))
    chosen = _choose(logits, allowed, rows, lengths, options)
    if deal is not None:
        normaliser = jax.nn.logsumexp(logits, axis=-1, keepdims=True)
        totals = rows.log_probs[..., None] + allowed - normaliser
        chosen = deal(chosen, totals, *_known(rows, lengths))
    finished = _finish(rows, chosen, slot, lengths + 1, options)
    rows = _continue(rows._replace(finished=finished), chosen, slot, options.end_id)
    rows = _settle(rows, lengths + 1, options, room)
    return SearchState(state.clock + 1, state.waiting, rows, cache, state.found)


def _take_up(
    state: SearchState,
    begin: Callable[[Int[Array, " R"], Int[Array, ""]], Rows],
    refill: int,
    count: Int[Array, ""],
) -> SearchState:
    """Puts the next sentences of the `count` into rows that are through, `refill` at most."""
    done = state.rows.done
    numbers = state.waiting + jnp.arange(refill, dtype=jnp.int32)
    new = (jnp.arange(refill) < jnp.sum(done)) & (numbers < count)
    # A place out of range for those that wait on: nothing is set.
    places = jnp.where(new, jnp.argsort(~done)[:refill], done.shape[0])
    fresh = begin(numbers, state.clock)
    rows = jax.tree.map(functools.partial(put_rows, places=places), state.rows, fresh)
    waiting = state.waiting + jnp.sum(new, dtype=jnp.int32)
    return state._replace(waiting=waiting, rows=rows)


def _choose(
    logits: Float[Array, "B K V"],
    allowed: Float[Array, "B K V"],
    rows: Rows,
    lengths: Int[Array, " B"],
    options: SearchOptions,
) -> Candidates:
    """The best extensions of hypotheses of `lengths`, or one drawn for each."""
    at_limit, symbols = lengths + 1 >= rows.limits, (options.end_id, options.banned)
    if options.draw is None:
        beam = (rows.log_probs, at_limit, *symbols, options.diversity)
        return candidates(logits, allowed, *beam)
    random = uniforms(options.draw, rows.numbers, lengths, options.beam_size)
    return drawn(logits, allowed, rows.log_probs, at_limit, random, *symbols, options.draw)


def _beginnings(
    read: Read,
    limits: Int[Array, " Q"],
    numbers: Int[Array, " Q"],
    options: SearchOptions,
    room: int,
) -> Callable[[Int[Array, " R"], Int[Array, ""]], Rows]:
    """`begin(sentences, clock)`: rows before the first token of these sentences of the queue."""

    def begin(sentences: Int[Array, " R"], clock: Int[Array, ""]) -> Rows:
        shape = (sentences.shape[0], options.beam_size)
        empty, never = jnp.zeros((*shape, room), jnp.int32), jnp.full(shape, NEVER)
        own_limits, own_numbers = (x.at[sentences].get(mode="clip") for x in (limits, numbers))
        # A search begins with one hypothesis, whose extensions fill the beam.
        first = never.at[:, 0].set(0.0) if options.draw is None else jnp.zeros(shape)
        return Rows(
            sentences=sentences,
            numbers=own_numbers,
            begins=jnp.broadcast_to(clock, sentences.shape),
            limits=own_limits,
            tokens=empty,
            log_probs=first,
            last=jnp.full(shape, options.start_id, jnp.int32),
            origins=empty - 1,
            finished=Hypotheses(empty, never),
            done=own_limits <= 0,
            memory=read(sentences),
        )

    return begin


def _idle(
    begin: Callable[..., Rows], rows: int, queue: int, results: int, room: int, cache: Any
) -> SearchState:
    """The state before the first sentence: no row has one."""
    zero = jnp.zeros((), jnp.int32)
    numbers = jnp.full((rows,), queue, jnp.int32)
    like = jax.eval_shape(begin, numbers, zero)
    empty: Rows = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), like)
    empty = empty._replace(sentences=numbers, done=jnp.ones((rows,), bool))
    none = jnp.zeros((queue, results, room), jnp.int32), jnp.full((queue, results), NEVER)
    return SearchState(zero, zero, empty, cache, Hypotheses(*none))


def _deliver(state: SearchState) -> SearchState:
    """The state with the results of rows that are through, and these rows without a sentence."""
    rows, found = state.rows, state.found
    (queue, results, _), scores = found.tokens.shape, rows.finished.scores
    tokens = _in_order(rows.finished.tokens[:, :results], rows.begins)
    places = jnp.where(rows.done, rows.sentences, queue)
    found = Hypotheses(
        found.tokens.at[places].set(tokens, mode="drop"),
        found.scores.at[places].set(scores[:, :results], mode="drop"),
    )
    sentences = jnp.where(rows.done, queue, rows.sentences)
    return state._replace(rows=rows._replace(sentences=sentences), found=found)


def _finish(
    rows: Rows,
    chosen: Candidates,
    slot: Int[Array, ""],
    length: Int[Array, " B"],
    options: SearchOptions,
) -> Hypotheses:
    """The finished hypotheses after this step: old and newly ended ones, the K best kept."""
    ranks = jnp.arange(chosen.tokens.shape[1])[None, :]
    ends = (chosen.tokens == options.end_id) & (ranks < options.may_end) & ~rows.done[:, None]
    ends &= chosen.log_probs > NEVER / 2
    scores = chosen.log_probs / _penalty(length, options)[:, None]
    new_tokens = put(gather(rows.tokens, chosen.beams), slot, chosen.tokens)
    tokens = jnp.concatenate([rows.finished.tokens, new_tokens], axis=1)
    all_scores = jnp.concatenate([rows.finished.scores, jnp.where(ends, scores, NEVER)], axis=1)
    best, places = jax.lax.top_k(all_scores, rows.log_probs.shape[1])
    return Hypotheses(gather(tokens, places), best)


def _continue(rows: Rows, chosen: Candidates, slot: Int[Array, ""], end_id: int) -> Rows:
    """The live hypotheses after this step: the first K extensions that do not end."""
    ends = chosen.tokens == end_id
    ranks = jnp.arange(ends.shape[1], dtype=jnp.int32)[None, :]
    _, places = jax.lax.top_k(jnp.where(ends, -ends.shape[1], -ranks), rows.log_probs.shape[1])
    alive = jnp.where(ends, NEVER, chosen.log_probs)
    moved, last, log_probs = (
        jnp.take_along_axis(x, places, axis=1) for x in (chosen.beams, chosen.tokens, alive)
    )
    return rows._replace(
        tokens=put(gather(rows.tokens, moved), slot, last),
        log_probs=log_probs,
        last=last,
        origins=gather(rows.origins, moved),
    )


def _settle(rows: Rows, length: Int[Array, " B"], options: SearchOptions, room: int) -> Rows:
    """Marks the rows that are through, their hypotheses being of `length`.

    What has no room to go on is through too, and has no result. Greedy search follows a single
    hypothesis, and draws follow K that do not compete, so they are over when all of these end.
    """
    scores, through = rows.finished.scores, length >= rows.limits
    alone = options.beam_size == 1 or options.draw is not None
    if options.stopping == "full" or alone:
        through |= scores[:, -1] > NEVER / 2
    elif options.stopping == "final":
        reachable = jnp.max(rows.log_probs, axis=1) / _penalty(rows.limits, options)
        through |= scores[:, options.results - 1] >= reachable
    given_up = (length >= room) & ~through & ~rows.done
    finished = rows.finished._replace(scores=jnp.where(given_up[:, None], NEVER, scores))
    return rows._replace(finished=finished, done=rows.done | through | given_up)


def _in_order(tokens: Int[Array, "B C T"], begins: Int[Array, " B"]) -> Int[Array, "B C T"]:
    """Tokens by position in their sentence, which lie by slot."""
    room = tokens.shape[2]
    times = begins[:, None, None] + jnp.arange(room, dtype=jnp.int32)[None, None, :]
    return jnp.take_along_axis(tokens, times % room, axis=2)


def _known(rows: Rows, lengths: Int[Array, " B"]) -> tuple[Array, Array, Any]:
    """What rules know of hypotheses: their tokens in order, how many, and what `read` gave."""
    return _in_order(rows.tokens, rows.begins), lengths, rows.memory
