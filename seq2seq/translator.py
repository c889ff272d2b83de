"""Strings in, translations out: what the command line and the Python API share.

Sentences are sorted by length and cut into batches of few static shapes, so that little is padding
and little is compiled; results come back in the order of the input.
"""

import functools
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from seq2seq import attention_maps, parallel, preprocessing
from seq2seq.attention_maps import Sentence, SentenceAttention
from seq2seq.config import Config, DecodingConfig
from seq2seq.decoding.beam_search import Hypotheses, beam_search
from seq2seq.model import functional
from seq2seq.model.transformer import Transformer
from seq2seq.run_directory import RunDirectory
from seq2seq.types import Params
from seq2seq.vocabulary import Vocabularies

_SPACE = "\u2581"  # the piece that SentencePiece writes for a space by itself
_LENGTHS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
"""Padded source lengths; beyond the last, multiples of it."""


@dataclass(frozen=True)
class Translation:
    """One translated sentence.

    Attributes:
        text: The translation, detokenised, in one line; lower-cased where `data.lowercase` is set.
        score: Log-probability divided by the length penalty; 0 for an empty sentence.
        tokens: The pieces of the translation, without the end symbol.
        cut: Source tokens that were beyond `decoding.max_source_length` and not translated.
        unknown: Source tokens that the vocabulary does not know.
        copied: Whether the vocabulary knows nothing of the source, which then stays as it is.
    """

    text: str
    score: float = 0.0
    tokens: tuple[str, ...] = ()
    cut: int = 0
    unknown: int = 0
    copied: bool = False


class Translator:
    """A trained model with its vocabularies, ready to translate."""

    def __init__(
        self, config: Config, vocabularies: Vocabularies, params: Params, dtype: str | None = None
    ) -> None:
        """Holds a model in memory.

        Args:
            config: The run's config.
            vocabularies: Source and target vocabulary.
            params: Parameters, float32.
            dtype: Type of the computation; default `training.compute_dtype`.
        """
        self.config = config
        self.vocabularies = vocabularies
        self.params = params
        self._source_text, self._target_text = preprocessing.sides(config.data)
        self._search = search_function(config, vocabularies, dtype, results=1)
        self._observe = attention_maps.observer(config, vocabularies, dtype)

    @classmethod
    def load(cls, run: str | Path, checkpoint: str | int = "best") -> "Translator":
        """Loads a run's model.

        Args:
            run: The run directory.
            checkpoint: `best`, `latest` or the step of a checkpoint.

        Raises:
            UserError: No run there, or no such checkpoint.
        """
        directory = RunDirectory.open(Path(run))
        config, vocabularies = directory.config, Vocabularies.load(directory.vocabulary)
        sizes = (len(vocabularies.source), len(vocabularies.target))
        abstract = parallel.abstract_replicated(functional.abstract(config.model, *sizes)[1])
        with directory:
            params = directory.restore_params(abstract, checkpoint)
        return cls(config, vocabularies, params)

    def translate(
        self,
        sentences: Sequence[str],
        decoding: DecodingConfig | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> list[Translation]:
        """Translates sentences, each by itself.

        Args:
            sentences: Any strings; an empty or blank one gives an empty translation.
            decoding: How to search; default the run's.
            advance: Called with a number of sentences that are done, until all are.

        Returns:
            As many translations, in the same order.

        Raises:
            TypeError: `sentences` is a single string.
        """
        if isinstance(sentences, str):
            raise TypeError("sentences: expected a list of strings, found a string")
        decoding = decoding or self.config.decoding
        prepared = self._source_text.apply([_encodable(text) for text in sentences])
        encoded = self.vocabularies.source.encode(prepared)
        results = [self._untranslated(*pair) for pair in zip(sentences, encoded, strict=True)]
        limit = decoding.max_source_length - 1
        kept = [
            [] if result.copied else tokens[:limit]
            for result, tokens in zip(results, encoded, strict=True)
        ]
        if advance is not None:
            advance(sum(not tokens for tokens in kept))
        for batch in batches(kept, decoding.batch_tokens):
            found = self._decode([kept[i] for i in batch], decoding)
            for i, (tokens, score) in zip(batch, found, strict=True):
                results[i] = self._result(encoded[i], kept[i], tokens, score)
            if advance is not None:
                advance(len(batch))
        return results

    def attention(
        self, source: str, target: str | None = None, decoding: DecodingConfig | None = None
    ) -> SentenceAttention:
        """What every head looks at while a sentence is translated.

        Args:
            source: The sentence.
            target: The translation that the decoder is made to read; default what it finds itself.
            decoding: How to search, and the longest source; default the run's.

        Raises:
            UserError: A text is empty, unknown to the vocabulary or too long.
        """
        decoding, both = decoding or self.config.decoding, self.vocabularies
        longest = decoding.max_source_length - 1
        sentence = Sentence.of(self._source_text.apply([source])[0], both.source)
        sentence.check("the sentence", both.source, longest)
        if target is None:
            [(tokens, _)] = self._decode([list(sentence.ids)], decoding)
            read = Sentence.of_ids(tokens, both.target)
        else:
            read = Sentence.of(self._target_text.apply([target])[0], both.target)
            read.check("the translation", both.target, longest + decoding.max_extra_tokens)
        return self._observe(self.params, [sentence], [read])[0]

    def _decode(
        self, sources: list[list[int]], decoding: DecodingConfig
    ) -> list[tuple[list[int], float]]:
        """The best hypothesis of each source and its score."""
        length = padded_length(max(len(tokens) + 1 for tokens in sources))
        rows = padded_rows(len(sources), length, decoding.batch_tokens)
        symbols = self.vocabularies.source.symbols
        padded = np.full((rows, length), symbols.pad, np.int32)
        for row, source in zip(padded, sources, strict=False):
            row[: len(source) + 1] = [*source, symbols.end]
        found = self._search(self.params, jnp.asarray(padded), decoding)
        tokens, scores = parallel.fetch((found.tokens[:, 0], found.scores[:, 0]))
        ends = (tokens == self.vocabularies.target.symbols.end).argmax(axis=1)
        return [(tokens[i, : ends[i]].tolist(), float(scores[i])) for i in range(len(sources))]

    def _untranslated(self, sentence: str, encoded: list[int]) -> Translation:
        """What becomes of a sentence of which nothing is known: names in other scripts, emoji."""
        source = self.vocabularies.source
        unknown = encoded.count(source.symbols.unknown)
        known = (token for token in encoded if token != source.symbols.unknown)
        if not unknown or any(source.pieces[token] != _SPACE for token in known):
            return Translation("", cut=len(encoded))
        return Translation(_printable(sentence), unknown=unknown, copied=True)

    def _result(
        self, encoded: list[int], kept: list[int], tokens: list[int], score: float
    ) -> Translation:
        target = self.vocabularies.target
        text = self._target_text.undo(target.decode([tokens]))[0]
        text = " ".join(text.splitlines())  # bytes may spell a line's end
        pieces = tuple(target.pieces[token] for token in tokens)
        unknown = encoded.count(self.vocabularies.source.symbols.unknown)
        return Translation(text, score, pieces, len(encoded) - len(kept), unknown)


def _encodable(text: str) -> str:
    """The text as SentencePiece can take it: no halves of surrogate pairs, no NUL."""
    return text.encode("utf-8", errors="replace").decode("utf-8").replace("\0", "")


def _printable(text: str) -> str:
    """The text in one line, without control characters."""
    spaced = " ".join(_encodable(text).split())
    return "".join(c for c in spaced if unicodedata.category(c) != "Cc")


def batches(sources: Sequence[Sequence[int]], budget: int) -> Iterator[list[int]]:
    """Indices of the sources that are not empty, in batches of similar length, the longest first.

    Args:
        sources: Token ids, without the end symbol.
        budget: Source tokens of one batch, padding counted.
    """
    order = sorted((i for i, s in enumerate(sources) if s), key=lambda i: -len(sources[i]))
    while order:
        length = padded_length(len(sources[order[0]]) + 1)
        count = padded_rows(len(order), length, budget)
        yield order[:count]
        order = order[count:]


def padded_length(length: int) -> int:
    """The least static length that holds a source of `length` tokens."""
    longest = _LENGTHS[-1]
    return next((size for size in _LENGTHS if size >= length), -(-length // longest) * longest)


def padded_rows(sentences: int, length: int, budget: int) -> int:
    """Rows of a batch: what the budget allows, fewer for few sentences, equally many a device."""
    full = max(1, budget // length)
    few = 1 << (sentences - 1).bit_length()
    return parallel.local_rows(min(full, few))[0]


def search_function(
    config: Config,
    vocabularies: Vocabularies,
    dtype: str | None = None,
    results: int | None = None,
) -> Callable[[Params, Int[Array, "B S"], DecodingConfig], Hypotheses]:
    """The compiled search: `search(params, source, decoding)`, cut over all devices.

    Args:
        config: The run's config.
        vocabularies: Source and target vocabulary.
        dtype: Type of the computation; default `training.compute_dtype`.
        results: How many of the hypotheses found are wanted; default all of the beam.
    """
    sizes = (len(vocabularies.source), len(vocabularies.target))
    graph = functional.abstract(config.model, *sizes)[0]
    compute = functional.compute_dtype(dtype or config.training.compute_dtype)

    @functools.cache
    def compiled(decoding: DecodingConfig) -> Callable[[Params, Any], Hypotheses]:
        def one_device(params: Params, source: Int[Array, "B S"]) -> Hypotheses:
            model = functional.merge(graph, params, compute)
            return search(model, source, decoding, vocabularies, results)

        return parallel.data_parallel(one_device, config.training.backend, outputs="cut")

    return lambda params, source, decoding: compiled(decoding)(params, source)


def search(
    model: Transformer,
    source: Int[Array, "B S"],
    decoding: DecodingConfig,
    vocabularies: Vocabularies,
    results: int | None = None,
) -> Hypotheses:
    """Encodes source sentences once, then searches for their translations.

    Args:
        model: The model.
        source: Token ids with the end symbol, padded; a row of padding gives nothing.
        decoding: Beam, length penalty and limits.
        vocabularies: For the ids of the symbols.
        results: How many of the hypotheses found are wanted; default all of the beam.
    """
    symbols = vocabularies.target.symbols
    segments = (source != vocabularies.source.symbols.pad).astype(jnp.int32)
    positions = jnp.broadcast_to(jnp.arange(source.shape[1], dtype=jnp.int32), source.shape)
    memory = model.memory(model.encode(source, segments, positions))
    lengths = segments.sum(axis=1)
    limits = jnp.where(lengths > 0, lengths + decoding.max_extra_tokens, 0)
    longest = source.shape[1] + decoding.max_extra_tokens

    def step(
        tokens: Int[Array, "B K"],
        cache: Any,
        position: Int[Array, ""],
        origins: Int[Array, "B K T"],
    ) -> tuple[Float[Array, "B K V"], Any]:
        return model.step(tokens, cache, memory, segments, position, origins)

    return beam_search(
        step,
        lambda length: model.empty_cache(source.shape[0], decoding.beam_size, length),
        limits,
        beam_size=decoding.beam_size,
        max_length=longest,
        alpha=decoding.length_penalty,
        start_id=symbols.start,
        end_id=symbols.end,
        banned=(symbols.pad, symbols.start, symbols.unknown),
        endings=decoding.endings,
        results=results,
    )
