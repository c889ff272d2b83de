"""Strings in, translations out: what the command line and the Python API share.

Sentences are sorted by length and cut into batches of few static shapes, so that little is padding
and little is compiled; results come back in the order of the input.
"""

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seq2seq import attention_maps, parallel, preprocessing
from seq2seq.attention_maps import Sentence, SentenceAttention
from seq2seq.config import Config, DecodingConfig
from seq2seq.decoding.consensus import consensus
from seq2seq.decoding.forced import batches, force_function
from seq2seq.decoding.options import length_penalty
from seq2seq.decoding.search import Searcher, Work
from seq2seq.errors import LineError
from seq2seq.model import functional
from seq2seq.run_directory import RunDirectory
from seq2seq.types import Params
from seq2seq.vocabulary import Vocabularies

_SPACE = "\u2581"  # the piece that SentencePiece writes for a space by itself


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
        others: The next best translations, `decoding.n_best` with this one, or fewer where the
            search found no more.
        divided: Into how many parts sentences of a line were cut that were too long to be
            translated whole; 0 where none was.
        segments: Of a line that was cut, its segments and their translations.
    """

    text: str
    score: float = 0.0
    tokens: tuple[str, ...] = ()
    cut: int = 0
    unknown: int = 0
    copied: bool = False
    others: tuple["Translation", ...] = ()
    divided: int = 0
    segments: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class TargetScore:
    """How probable a given translation is.

    Attributes:
        tokens: Its pieces, with the end symbol.
        log_probs: The log-probability of each, given the source and the pieces before, in nats.
        score: Their sum divided by the length penalty, as a search ranks it.
        too_long: Whether it is longer than `decoding.max_source_length` and `max_extra_tokens`
            allow: no search would find it, so its probability counts as 0.
    """

    tokens: tuple[str, ...]
    log_probs: tuple[float, ...]
    score: float
    too_long: bool = False

    @property
    def log_prob(self) -> float:
        """The log-probability of the whole, in nats."""
        return math.fsum(self.log_probs) if not self.too_long else -math.inf

    @property
    def perplexity(self) -> float:
        """The exponential of minus the mean log-probability of a token."""
        return math.exp(min(-self.log_prob / len(self.tokens), 700.0))


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
        self._search = Searcher(config, vocabularies, dtype)
        self._force = force_function(config, vocabularies, dtype)
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
        prefixes: Sequence[str] | None = None,
        first: int = 0,
        numbers: Sequence[int] | None = None,
    ) -> list[Translation]:
        """Translates sentences, each by itself.

        Args:
            sentences: Any strings; an empty or blank one gives an empty translation.
            decoding: How to search; default the run's.
            advance: Called with a number of sentences that are done, until all are.
            prefixes: With what each translation begins; an empty string leaves it free.
            first: Number of the first sentence in the whole input, if this is a part of it: what is
                drawn for a sentence hangs on its number.
            numbers: Those of all sentences, if they do not follow one another from `first`.

        Returns:
            As many translations, in the same order.

        Raises:
            TypeError: `sentences` is a single string.
            ValueError: There are not as many prefixes as sentences.
            LineError: A prefix is longer than its translation may be, or cannot be spelt.
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
        numbers = range(first, first + len(kept)) if numbers is None else numbers
        begun = [] if prefixes is None else self._prefixes(prefixes, kept, decoding, numbers)
        work = Work(kept, begun, numbers)
        for i, found in self._search(self.params, work, decoding, advance):
            every = [self._result(encoded[i], kept[i], *pair) for pair in found]
            if decoding.mbr:
                ranked = consensus([result.text for result in every])
                every = [every[place] for place in ranked[: decoding.n_best]]
            results[i] = replace(every[0], others=tuple(every[1:]))
        return results

    def source_lengths(self, texts: Sequence[str]) -> list[int]:
        """How many tokens the vocabulary cuts each text into, the end symbol not counted."""
        prepared = self._source_text.apply([_encodable(text) for text in texts])
        return [len(ids) for ids in self.vocabularies.source.encode(prepared)]

    def score(
        self,
        sources: Sequence[str],
        targets: Sequence[str],
        advance: Callable[[int], None] | None = None,
    ) -> list[TargetScore]:
        """How probable each target is as the translation of its source.

        Sources are cut where `translate` cuts them. A target is cut into the vocabulary's own
        pieces; what a search finds may be spelt in others, and is then another translation.

        Args:
            sources: Any strings.
            targets: As many.
            advance: Called with a number of pairs that are done, until all are.

        Raises:
            ValueError: There are not as many targets as sources.
        """
        if len(sources) != len(targets):
            raise ValueError(f"{len(targets)} targets do not match {len(sources)} sources")
        decoding, both = self.config.decoding, self.vocabularies
        encoded = (
            vocabulary.encode(text.apply([_encodable(one) for one in side]))
            for text, vocabulary, side in (
                (self._source_text, both.source, sources),
                (self._target_text, both.target, targets),
            )
        )
        limit = decoding.max_source_length - 1
        kept, read = [ids[:limit] for ids in next(encoded)], next(encoded)
        longest = limit + decoding.max_extra_tokens
        results: dict[int, TargetScore] = {}
        for i, ids in enumerate(read):
            if len(ids) > longest:
                results[i] = self._scored(ids, [-math.inf] * (len(ids) + 1), too_long=True)
        fitting = [i for i in range(len(read)) if i not in results]
        if advance is not None:
            advance(len(results))
        pairs = ([kept[i] for i in fitting], [read[i] for i in fitting])
        for batch, arrays in batches(*pairs, both, decoding.batch_tokens):
            found = parallel.fetch(self._force(self.params, arrays))
            for row, number in zip(found, batch, strict=False):
                ids = pairs[1][number]
                results[fitting[number]] = self._scored(ids, row[: len(ids) + 1].tolist())
            if advance is not None:
                advance(len(batch))
        return [results[i] for i in range(len(read))]

    def _scored(
        self, ids: Sequence[int], log_probs: Sequence[float], too_long: bool = False
    ) -> TargetScore:
        target = self.vocabularies.target
        pieces = tuple(target.pieces[i] for i in (*ids, target.symbols.end))
        penalty = length_penalty(float(len(pieces)), self.config.decoding.length_penalty)
        return TargetScore(pieces, tuple(log_probs), sum(log_probs) / penalty, too_long)

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
            work = Work([list(sentence.ids)])
            [(_, [(tokens, _), *_])] = self._search(self.params, work, decoding)
            read = Sentence.of_ids(tokens, both.target)
        else:
            read = Sentence.of(self._target_text.apply([target])[0], both.target)
            read.check("the translation", both.target, longest + decoding.max_extra_tokens)
        return self._observe(self.params, [sentence], [read])[0]

    def _prefixes(
        self,
        prefixes: Sequence[str],
        sources: Sequence[list[int]],
        decoding: DecodingConfig,
        numbers: Sequence[int],
    ) -> list[list[int]]:
        """Token ids of what translations begin with, which a search can follow."""
        if len(prefixes) != len(sources):
            raise ValueError(f"{len(prefixes)} prefixes do not match {len(sources)} sentences")
        target = self.vocabularies.target
        encoded = target.encode(self._target_text.apply([_encodable(text) for text in prefixes]))
        for i, (ids, source) in enumerate(zip(encoded, sources, strict=True)):
            number = numbers[i] + 1
            longest = len(source) + decoding.max_extra_tokens
            longest = min(longest, decoding.max_length or longest)
            if source and len(ids) > longest:
                wanted = f"at most {longest:,} tokens, as its source has {len(source):,}"
                raise LineError("prefix", number, f"expected {wanted}, found {len(ids):,}")
            if target.symbols.unknown in ids:
                wanted = "characters of the vocabulary"
                raise LineError("prefix", number, f"expected {wanted}, found {prefixes[i]!r}")
        return encoded

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
