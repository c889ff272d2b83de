"""The search over a model: its decoder as a step function, compiled and cut over all devices."""

import functools
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from seq2seq import parallel
from seq2seq.config import Config, DecodingConfig
from seq2seq.decoding import rules
from seq2seq.decoding.batching import Queue, Shape, queues
from seq2seq.decoding.beam_search import Hypotheses, beam_search
from seq2seq.decoding.candidates import NEVER
from seq2seq.decoding.options import SearchOptions
from seq2seq.model import functional
from seq2seq.model.decoder import LayerMemory
from seq2seq.model.transformer import Transformer
from seq2seq.types import Params
from seq2seq.vocabulary import Vocabularies

_STEP = 8
"""Lengths of prefixes are padded to multiples of it."""
_REFILL = 8
"""An eighth of the rows are through before sentences are read for them."""


class Sources(NamedTuple):
    """A queue of sentences to be translated."""

    tokens: Int[Array, "Q S"]
    """Token ids with the end symbol, padded; a row of padding gives nothing."""
    numbers: Int[Array, " Q"]
    """The sentences' numbers in the whole input, on which draws hang."""
    prefixes: Int[Array, "Q P"]
    """With what the translations begin: token ids, then -1. P may be 0."""

    @classmethod
    def of(cls, tokens: Int[Array, "Q S"]) -> "Sources":
        """Sentences whose translations are free from the start, numbered as they stand."""
        count = tokens.shape[0]
        return cls(tokens, jnp.arange(count, dtype=jnp.int32), jnp.zeros((count, 0), jnp.int32))


Search = Callable[[Params, Sources, DecodingConfig, Shape], Hypotheses]
"""`search(params, sources, decoding, shape)`: the hypotheses for each source, over all devices."""


def search_function(config: Config, vocabularies: Vocabularies, dtype: str | None = None) -> Search:
    """The compiled search, a queue of sources being dealt to all devices.

    Args:
        config: The run's config.
        vocabularies: Source and target vocabulary.
        dtype: Type of the computation; default `training.compute_dtype`.
    """
    sizes = (len(vocabularies.source), len(vocabularies.target))
    model = functional.maker(config, sizes, dtype)

    @functools.cache
    def compiled(decoding: DecodingConfig, shape: Shape) -> Callable[[Params, Any], Hypotheses]:
        def one_device(params: Params, sources: Sources) -> Hypotheses:
            return search(model(params), sources, decoding, vocabularies, shape)

        return parallel.data_parallel(one_device, config.training.backend, outputs="cut")

    return lambda params, sources, decoding, shape: compiled(decoding, shape)(params, sources)


class Work(NamedTuple):
    """Sentences to be translated, as token ids."""

    sources: Sequence[list[int]]
    """Without the end symbol; an empty one is left out."""
    prefixes: Sequence[list[int]] = ()
    """With what their translations begin; none where all are free."""
    numbers: Sequence[int] = ()
    """Those of the sentences in the whole input; default as they stand here, from 0."""


Hypothesis = tuple[list[int], float]
"""Token ids of a translation without the end symbol, and its score."""


class Searcher:
    """Searches for translations of any number of sentences of any lengths."""

    def __init__(
        self, config: Config, vocabularies: Vocabularies, dtype: str | None = None
    ) -> None:
        self._symbols = (vocabularies.source.symbols, vocabularies.target.symbols)
        self._search = search_function(config, vocabularies, dtype)

    def __call__(
        self,
        params: Params,
        work: Work,
        decoding: DecodingConfig,
        advance: Callable[[int], None] | None = None,
        whole: bool = False,
    ) -> Iterator[tuple[int, list[Hypothesis]]]:
        """Yields the best hypotheses of each sentence, with its number in `work`.

        Those few that turn out longer than usual are searched again, with room for the longest.

        Args:
            params: The model's parameters.
            work: What is translated.
            decoding: How to search.
            advance: Called with a number of sentences that are done, until all are.
            whole: Whether there is room for the longest at once.
        """
        longer: list[list[int]] = [[]] * len(work.sources)
        for queue in queues(work.sources, decoding, whole):
            found = self._search(params, self._sources(queue, work), decoding, queue.shape)
            tokens, scores = parallel.fetch((found.tokens, found.scores))
            ends = (tokens == self._symbols[1].end).argmax(axis=2)
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
            yield from self(params, again, decoding, advance, whole=True)

    def _sources(self, queue: Queue, work: Work) -> Sources:
        """The arrays of a queue."""
        end, pad = self._symbols[0].end, self._symbols[0].pad
        ended = {i: [*work.sources[i], end] for i in queue.sentences}
        numbers = {i: [work.numbers[i] if work.numbers else i] for i in queue.sentences}
        longest = max(map(len, work.prefixes), default=0)
        prefixes = work.prefixes or dict.fromkeys(queue.sentences, ())
        return Sources(
            jnp.asarray(queue.array(ended, queue.length, pad)),
            jnp.asarray(queue.array(numbers, 1, 0)[:, 0]),
            jnp.asarray(queue.array(prefixes, -(-longest // _STEP) * _STEP, -1)),
        )


class _Memory(NamedTuple):
    """What the decoder needs to know of sources."""

    layers: tuple[LayerMemory, ...]
    segments: Int[Array, "B S"]
    """0 where the source is padding."""
    least: Int[Array, " B"]
    """Shortest translation that is allowed, in tokens without the end symbol."""
    prefixes: Int[Array, "B P"]
    """With what it begins; -1 from where it is free."""


def search(
    model: Transformer,
    sources: Sources,
    decoding: DecodingConfig,
    vocabularies: Vocabularies,
    shape: Shape | None = None,
) -> Hypotheses:
    """Searches for the translations of source sentences, each of which is encoded once.

    Args:
        model: The model.
        sources: What is translated.
        decoding: How to search.
        vocabularies: For the ids of the symbols.
        shape: How many sentences are searched at a time, and the room for a translation; default
            all, and room for the longest that is allowed.
    """
    symbols, source = vocabularies.target.symbols, sources.tokens
    segments = (source != vocabularies.source.symbols.pad).astype(jnp.int32)
    lengths = segments.sum(axis=1)
    limits = jnp.where(lengths > 0, rules.longest(lengths, decoding), 0)
    least = jnp.minimum(rules.shortest(lengths, decoding), limits - 1)
    rows, room = shape or (source.shape[0], source.shape[1] + decoding.max_extra_tokens)

    def read(sentences: Int[Array, " R"]) -> _Memory:
        tokens, present, shortest, prefixes = (
            x.at[sentences].get(mode="clip") for x in (source, segments, least, sources.prefixes)
        )
        positions = jnp.broadcast_to(jnp.arange(tokens.shape[1], dtype=jnp.int32), tokens.shape)
        layers = model.memory(model.encode(tokens, present, positions))
        return _Memory(layers, present, shortest, prefixes)

    def step(
        tokens: Int[Array, "B K"],
        cache: Any,
        memory: _Memory,
        positions: Int[Array, " B"],
        slot: Int[Array, ""],
        origins: Int[Array, "B K T"],
    ) -> tuple[Float[Array, "B K V"], Any]:
        return model.step(tokens, cache, memory.layers, memory.segments, positions, slot, origins)

    return beam_search(
        step,
        read,
        model.empty_cache(rows, decoding.hypotheses, room),
        limits,
        SearchOptions.of(decoding, symbols),
        rows=rows,
        room=room,
        refill=max(1, rows // _REFILL) if rows < source.shape[0] else rows,
        restrict=rules.restrict(decoding, symbols.end, sources.prefixes.shape[1] > 0),
        numbers=sources.numbers,
    )
