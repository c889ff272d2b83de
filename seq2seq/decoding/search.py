"""The search over a model: its decoder as a step function, compiled and cut over all devices."""

import functools
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32

from seq2seq import parallel
from seq2seq.config import DecodingConfig
from seq2seq.decoding import rules
from seq2seq.decoding.batching import PARTS, Queue, Shape, phrase_table, queues
from seq2seq.decoding.beam_search import Deal, Hypotheses, Restrict, Step, beam_search
from seq2seq.decoding.candidates import NEVER
from seq2seq.decoding.constraints import Forced, dealt
from seq2seq.decoding.options import SearchOptions
from seq2seq.decoding.shortlist import Shortlist, room
from seq2seq.decoding.work import Hypothesis, Work
from seq2seq.errors import UserError
from seq2seq.model.ensemble import Model
from seq2seq.model.functional import Make
from seq2seq.parallel import Backend
from seq2seq.types import Params
from seq2seq.vocabulary import SYMBOLS, Symbols, Vocabularies

_STEP = 8
"""Lengths of prefixes are padded to multiples of it."""
_SPELLINGS = (16, 8)
"""Sequences that may be banned for a sentence, and their tokens, before a program is compiled that
has room for more."""


class Sources(NamedTuple):
    """A queue of sentences to be translated."""

    tokens: Int[Array, "Q S"]
    """Token ids with the end symbol, padded; a row of padding gives nothing."""
    numbers: Int[Array, " Q"]
    """The sentences' numbers in the whole input, on which draws hang."""
    prefixes: Int[Array, "Q P"]
    """With what the translations begin: token ids, then -1. P may be 0."""
    forced: Int[Array, "Q phrases width"] | None = None
    """Phrases that the translations have to hold: token ids, then -1."""
    banned: Int[Array, "Q sequences width"] | None = None
    """Sequences that they may not hold: -1, then token ids."""
    pieces: Int[Array, "Q C"] | None = None
    """The pieces that they may be made of: the symbols, other ids, -1. Ids in the fields above are
    places in this list then."""

    @classmethod
    def of(cls, tokens: Int[Array, "Q S"]) -> "Sources":
        """Sentences whose translations are free from the start, numbered as they stand."""
        count = tokens.shape[0]
        return cls(tokens, jnp.arange(count, dtype=jnp.int32), jnp.zeros((count, 0), jnp.int32))


Banned = Int[Array, "sequences width"]
"""Sequences of tokens that no translation at all may hold: -1, then token ids."""


Search = Callable[..., Hypotheses]
"""`search(params, sources, decoding, shape, banned=None)`: the hypotheses for each source, over all
devices; without what is banned for all."""


def search_function(
    make: Make, vocabularies: Vocabularies, backend: Backend = "shard_map"
) -> Search:
    """The compiled search, a queue of sources being dealt to all devices.

    Args:
        make: Makes the model from its parameters.
        vocabularies: Source and target vocabulary.
        backend: How devices share the work.
    """

    @functools.cache
    def compiled(decoding: DecodingConfig, shape: Shape) -> Callable[[Params, Any], Hypotheses]:
        def one_device(params: Params, sources: Sources, *banned: Banned) -> Hypotheses:
            return search(make(params), sources, decoding, vocabularies, shape, *banned)

        return parallel.data_parallel(one_device, backend, outputs="cut")

    def over_devices(
        params: Params,
        sources: Sources,
        decoding: DecodingConfig,
        shape: Shape,
        banned: Banned | None = None,
    ) -> Hypotheses:
        whole = () if banned is None else (banned,)
        return compiled(decoding, shape)(params, sources, *whole)

    return over_devices


class Searcher:
    """Searches for translations of any number of sentences of any lengths."""

    def __init__(
        self,
        make: Make,
        vocabularies: Vocabularies,
        backend: Backend = "shard_map",
        shortlist: Shortlist | None = None,
    ) -> None:
        """Compiles nothing yet.

        Args:
            make: Makes the model from its parameters.
            vocabularies: Source and target vocabulary.
            backend: How devices share the work.
            shortlist: For `decoding.shortlist`.
        """
        self._symbols = (vocabularies.source.symbols, vocabularies.target.symbols)
        self._pieces, self._shortlist = len(vocabularies.target), shortlist
        self._search = search_function(make, vocabularies, backend)

    def __call__(
        self,
        params: Params,
        work: Work,
        decoding: DecodingConfig,
        advance: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[int, list[Hypothesis]]]:
        """Yields the best hypotheses of each sentence, with its number in `work`.

        Those few that turn out longer than usual are searched again, with room for the longest.

        Args:
            params: The model's parameters.
            work: What is translated.
            decoding: How to search.
            advance: Called with a number of sentences that are done, until all are.

        Raises:
            UserError: `decoding.shortlist` is set, and there is none.
        """
        if not decoding.shortlist:
            yield from self._found(params, work, decoding, advance)
            return
        if self._shortlist is None:
            wanted = "a run that has one, as seq2seq shortlist RUN makes it"
            raise UserError(f"decoding.shortlist: expected {wanted}, found none")
        listed = work.listed(self._shortlist)
        for i, found in self._found(params, listed, decoding, advance):
            pieces = listed.pieces[i]
            yield i, [([pieces[place] for place in tokens], score) for tokens, score in found]

    def _found(
        self,
        params: Params,
        work: Work,
        decoding: DecodingConfig,
        advance: Callable[[int], None] | None,
        whole: bool = False,
    ) -> Iterator[tuple[int, list[Hypothesis]]]:
        """Yields the hypotheses, in the terms of `work`.

        `whole` says whether there is room for the longest at once.
        """
        symbols = SYMBOLS if work.pieces else self._symbols[1]
        longer: list[list[int]] = [[]] * len(work.sources)
        banned = None
        if work.banned:
            banned = jnp.asarray(phrase_table([work.banned], at_end=True)[0])
        for queue in queues(work.sources, decoding, whole):
            sources = self._sources(queue, work)
            found = self._search(params, sources, decoding, queue.shape, banned)
            tokens, scores = parallel.fetch((found.tokens, found.scores))
            ends = (tokens == symbols.end).argmax(axis=2)
            through = 0
            for i, place in zip(queue.sentences, queue.places(), strict=True):
                if not whole and scores[place, 0] < NEVER / 2:
                    longer[i] = work.sources[i]
                    continue
                count = max(1, int((scores[place] > NEVER / 2).sum()))
                rows = zip(tokens[place], ends[place], scores[place], strict=True)
                yield i, [(row[:end].tolist(), float(s)) for row, end, s in islice(rows, count)]
                through += 1
            if advance is not None:
                advance(through)
        if any(longer):
            again = work._replace(sources=longer)
            yield from self._found(params, again, decoding, advance, whole=True)

    def _sources(self, queue: Queue, work: Work) -> Sources:
        """The arrays of a queue."""
        end, pad = self._symbols[0].end, self._symbols[0].pad
        ended = {i: [*work.sources[i], end] for i in queue.sentences}
        numbers = {i: [work.number(i)] for i in queue.sentences}
        longest = max(map(len, work.prefixes), default=0)
        prefixes, also = work.prefixes or dict.fromkeys(queue.sentences, ()), work.also_banned
        return Sources(
            jnp.asarray(queue.array(ended, queue.length, pad)),
            jnp.asarray(queue.array(numbers, 1, 0)[:, 0]),
            jnp.asarray(queue.array(prefixes, -(-longest // _STEP) * _STEP, -1)),
            jnp.asarray(queue.phrases(work.forced, at_end=False)) if any(work.forced) else None,
            jnp.asarray(queue.phrases(also, at_end=True, least=_SPELLINGS)) if also else None,
            jnp.asarray(self._listed(queue, work)) if work.pieces else None,
        )

    def _listed(self, queue: Queue, work: Work) -> Int32[np.ndarray, "Q C"]:
        """The lists of a queue's sentences."""
        size = room((work.pieces[i] for i in queue.sentences), self._pieces)
        return queue.array(work.pieces, size, -1)


class _Memory(NamedTuple):
    """What the decoder needs to know of sources."""

    layers: tuple[Any, ...]
    segments: Int[Array, "B S"]
    """0 where the source is padding."""
    least: Int[Array, " B"]
    """Shortest translation that is allowed, in tokens without the end symbol."""
    prefixes: Int[Array, "B P"]
    """With what it begins; -1 from where it is free."""
    forced: Forced | None
    """What it has to hold."""
    banned: Int[Array, "B sequences width"] | None
    """What it may not hold; -1 before each sequence."""
    pieces: Int[Array, "B C"] | None
    """What it may be made of."""
    rows: Any = None
    """What the logits of these pieces are made from."""


def search(
    model: Model,
    sources: Sources,
    decoding: DecodingConfig,
    vocabularies: Vocabularies,
    shape: Shape | None = None,
    banned: Banned | None = None,
) -> Hypotheses:
    """Searches for the translations of source sentences, each of which is encoded once.

    Args:
        model: The model.
        sources: What is translated.
        decoding: How to search.
        vocabularies: For the ids of the symbols.
        shape: How many sentences are searched at a time, and the room for a translation; default
            all, and room for the longest that is allowed.
        banned: Sequences that no translation may hold, beside those of `sources`.
    """
    symbols = SYMBOLS if sources.pieces is not None else vocabularies.target.symbols
    source = sources.tokens
    segments = (source != vocabularies.source.symbols.pad).astype(jnp.int32)
    lengths = segments.sum(axis=1)
    limits = jnp.where(lengths > 0, rules.longest(lengths, decoding), 0)
    least = jnp.minimum(rules.shortest(lengths, decoding), limits - 1)
    rows, room = shape or (source.shape[0], source.shape[1] + decoding.max_extra_tokens)

    forced = None if sources.forced is None else Forced(sources.forced, limits)
    known = (segments, least, sources.prefixes, forced, sources.banned, sources.pieces)

    def read(sentences: Int[Array, " R"]) -> _Memory:
        tokens, *own = jax.tree.map(lambda x: x.at[sentences].get(mode="clip"), (source, *known))
        positions = jnp.broadcast_to(jnp.arange(tokens.shape[1], dtype=jnp.int32), tokens.shape)
        memory = _Memory(model.memory(model.encode(tokens, own[0], positions)), *own)
        if memory.pieces is None:
            return memory
        return memory._replace(rows=model.output_rows(jnp.maximum(memory.pieces, 0)))

    return beam_search(
        _step(model),
        read,
        model.empty_cache(rows, decoding.hypotheses, room),
        limits,
        SearchOptions.of(decoding, symbols),
        rows=rows,
        room=room,
        refill=max(1, rows // PARTS) if rows < source.shape[0] else rows,
        restrict=_restrict(sources, decoding, symbols.end, banned),
        deal=None if forced is None else _dealt(symbols),
        numbers=sources.numbers,
    )


def _step(model: Model) -> Step:
    """The decoder as a step function; in the terms of the lists where sentences have some."""
    columns = model.output_columns()

    def step(
        tokens: Int[Array, "B K"],
        cache: Any,
        memory: _Memory,
        positions: Int[Array, " B"],
        slot: Int[Array, ""],
        origins: Int[Array, "B K T"],
    ) -> tuple[Float[Array, "B K V"], Any]:
        where = (memory.layers, memory.segments, positions, slot, origins)
        if memory.pieces is None:
            states, cache = model.step(tokens, cache, *where)
            return model.logits(states, columns), cache
        read = jnp.take_along_axis(memory.pieces, tokens, axis=1)
        states, cache = model.step(jnp.maximum(read, 0), cache, *where)
        listed = (memory.pieces >= 0)[:, None]
        return jnp.where(listed, model.listed_logits(states, memory.rows), NEVER), cache

    return step


def _restrict(
    sources: Sources, decoding: DecodingConfig, end_id: int, banned: Banned | None
) -> Restrict | None:
    """The rules for these sources."""
    return rules.restrict(
        decoding,
        end_id,
        prefixes=sources.prefixes.shape[1] > 0,
        forced=sources.forced is not None,
        banned=banned,
        own_banned=sources.banned is not None,
    )


def _dealt(symbols: Symbols) -> Deal:
    """The allocation of the beam where phrases are forced."""
    never = (symbols.pad, symbols.start, symbols.unknown)
    return lambda best, totals, tokens, lengths, memory: dealt(
        best, totals, tokens, lengths, memory.forced, never
    )
