"""Strings in, translations out: what the command line and the Python API share.

Sentences are sorted by length and cut into batches of few static shapes, so that little is padding
and little is compiled; results come back in the order of the input.
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from seq2seq import attention_maps, parallel, preprocessing
from seq2seq.attention_maps import Sentence, SentenceAttention
from seq2seq.confidence import Calibration
from seq2seq.config import Config, DecodingConfig
from seq2seq.decoding import alternatives
from seq2seq.decoding.alignment import Reading, read_function
from seq2seq.decoding.consensus import consensus
from seq2seq.decoding.forced import Pairs, batches, force_function
from seq2seq.decoding.options import length_penalty
from seq2seq.decoding.phrases import Bans, Find, Writing, asked, check_found
from seq2seq.decoding.search import Searcher
from seq2seq.decoding.shortlist import Shortlist
from seq2seq.decoding.work import Hypothesis, Work
from seq2seq.errors import UserError
from seq2seq.explanation import Explanation, explained
from seq2seq.model import functional
from seq2seq.model.functional import Make
from seq2seq.preprocessing import CONTROL, encodable, printable
from seq2seq.run_directory import RunDirectory
from seq2seq.translations import TargetScore, Translation, distinct
from seq2seq.types import Params
from seq2seq.vocabulary import Vocabularies

_SPACE = "\u2581"  # the piece that SentencePiece writes for a space by itself


class Translator:
    """A trained model with its vocabularies, ready to translate."""

    def __init__(
        self,
        config: Config,
        vocabularies: Vocabularies,
        params: Params,
        dtype: str | None = None,
        calibration: Calibration | None = None,
        make: Make | None = None,
        shortlist: Shortlist | None = None,
    ) -> None:
        """Holds a model in memory.

        Args:
            config: The run's config.
            vocabularies: Source and target vocabulary.
            params: Parameters, float32.
            dtype: Type of the computation; default `training.compute_dtype`.
            calibration: Makes confidences of probabilities; without it there are none.
            make: Makes the model from the parameters, if it is another one than the config's.
            shortlist: For `decoding.shortlist`.
        """
        self.config = config
        self.vocabularies = vocabularies
        self.params = params
        self.calibration, self.shortlist = calibration, shortlist
        self._source_text, self._target_text = preprocessing.sides(config.data)
        self._writing = Writing(vocabularies.target, self._target_text)
        sizes = (len(vocabularies.source), len(vocabularies.target))
        self.make, backend = make or functional.maker(config, sizes, dtype), config.training.backend
        self._search = Searcher(self.make, vocabularies, backend, shortlist)
        self._force = force_function(self.make, backend)
        self._read = read_function(self.make, backend)
        self._next = alternatives.NextPieces(self.make, vocabularies, backend)
        self._observe = attention_maps.observer(self.make, vocabularies)

    @classmethod
    def load(
        cls,
        run: str | Path,
        checkpoint: str | int = "best",
        ensemble: Sequence[tuple[str | Path, str | int]] = (),
    ) -> Self:
        """Loads a run's model, or several that decide together.

        Args:
            run: The run directory.
            checkpoint: `best`, `latest`, `averaged` or the step of a checkpoint.
            ensemble: Further runs, or the same one, each with a checkpoint: at every step of a
                search the mean of all members' probabilities counts.

        Raises:
            UserError: No run there, no such checkpoint, or one of other pieces, languages or text.
        """
        directory = RunDirectory.open(Path(run))
        config, vocabularies = directory.config, Vocabularies.load(directory.vocabulary)
        params = _restored(directory, vocabularies, checkpoint)
        shortlist = Shortlist.load(directory.path)
        if not ensemble:
            calibration = Calibration.load(directory.path)
            return cls(config, vocabularies, params, None, calibration, shortlist=shortlist)
        members = [(config, params)]
        for path, which in ensemble:
            other = RunDirectory.open(Path(path))
            preprocessing.check_alike(path, other.config.data, config.data)
            if not vocabularies.alike(Vocabularies.load(other.vocabulary)):
                raise UserError(f"{path}: expected the vocabulary of {run}, found another")
            members.append((other.config, _restored(other, vocabularies, which)))
        sizes = (len(vocabularies.source), len(vocabularies.target))
        make = functional.ensemble_maker([functional.maker(one, sizes) for one, _ in members])
        params = {str(i): own for i, (_, own) in enumerate(members)}
        return cls(config, vocabularies, params, make=make, shortlist=shortlist)

    def translate(
        self,
        sentences: Sequence[str],
        decoding: DecodingConfig | None = None,
        advance: Callable[[int], None] | None = None,
        prefixes: Sequence[str] | None = None,
        first: int = 0,
        banned: Sequence[str] = (),
        forced: Sequence[Sequence[str]] | None = None,
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
            banned: Words or phrases that no translation may hold as whole words.
            forced: Words or phrases that each translation has to hold, in any order; a beam search
                alone can see to it.
            numbers: Those of all sentences, if they do not follow one another from `first`.

        Returns:
            As many translations, in the same order.

        Raises:
            TypeError: `sentences` is a single string.
            ValueError: There are not as many prefixes, or lists of phrases, as sentences.
            UserError: Phrases are forced upon draws.
            LineError: A prefix or a phrase does not fit, or cannot be spelt.
        """
        if isinstance(sentences, str):
            raise TypeError("sentences: expected a list of strings, found a string")
        decoding = decoding or self.config.decoding
        prepared = self._source_text.apply([encodable(text) for text in sentences])
        encoded = self.vocabularies.source.encode(prepared)
        bans = Bans(banned, self._writing)
        results = [self._untranslated(*pair, bans) for pair in zip(sentences, encoded, strict=True)]
        limit = decoding.max_source_length - 1
        kept = [
            [] if result.copied else tokens[:limit]
            for result, tokens in zip(results, encoded, strict=True)
        ]
        if advance is not None:
            advance(sum(not tokens for tokens in kept))
        numbers = range(first, first + len(kept)) if numbers is None else numbers
        work = asked(Work(kept, (), numbers), decoding, self._writing, bans, prefixes, forced)
        for i, found in self._found(work, decoding, bans, advance):
            every = [self._result(encoded[i], kept[i], *pair) for pair in found]
            if decoding.alternatives > 1:
                every = distinct(every)
            if decoding.mbr:
                ranked = consensus([result.text for result in every])
                every = [every[place] for place in ranked[: decoding.n_best]]
            results[i] = replace(every[0], others=tuple(every[1:]))
        dropped = [len(CONTROL.findall(text)) for text in sentences]
        return [replace(result, dropped=n) for result, n in zip(results, dropped, strict=True)]

    def _found(
        self,
        work: Work,
        decoding: DecodingConfig,
        bans: Bans,
        advance: Callable[[int], None] | None,
    ) -> Iterator[tuple[int, list[Hypothesis]]]:
        """Yields the hypotheses of each sentence, which hold what is asked of them."""
        search: Find = functools.partial(bans.search, functools.partial(self._search, self.params))
        if decoding.alternatives > 1:
            following = functools.partial(self._next, self.params, bans=bans)
            search = functools.partial(alternatives.search, search, following)
        for i, found in search(work, decoding, advance):
            check_found(work, i, found)
            yield i, found

    def source_lengths(self, texts: Sequence[str]) -> list[int]:
        """How many tokens the vocabulary cuts each text into, the end symbol not counted."""
        prepared = self._source_text.apply([encodable(text) for text in texts])
        return [len(ids) for ids in self.vocabularies.source.encode(prepared)]

    def score(
        self,
        sources: Sequence[str],
        targets: Sequence[str],
        advance: Callable[[int], None] | None = None,
        decoding: DecodingConfig | None = None,
    ) -> list[TargetScore]:
        """How probable each target is as the translation of its source.

        Sources are cut where `translate` cuts them. A target is cut into the vocabulary's own
        pieces; what a search finds may be spelt in others, and is then another translation.

        Args:
            sources: Any strings.
            targets: As many.
            advance: Called with a number of pairs that are done, until all are.
            decoding: Its length penalty makes the scores; default the run's.

        Raises:
            ValueError: There are not as many targets as sources.
        """
        if len(sources) != len(targets):
            raise ValueError(f"{len(targets)} targets do not match {len(sources)} sources")
        decoding, both = decoding or self.config.decoding, self.vocabularies
        encoded = (
            vocabulary.encode(text.apply([encodable(one) for one in side]))
            for text, vocabulary, side in (
                (self._source_text, both.source, sources),
                (self._target_text, both.target, targets),
            )
        )
        limit = decoding.max_source_length - 1
        given, read = next(encoded), next(encoded)
        longest = limit + decoding.max_extra_tokens
        alpha = decoding.length_penalty
        results = {i: self._scored(ids, alpha) for i, ids in enumerate(read) if len(ids) > longest}
        fitting = [i for i in range(len(read)) if i not in results]
        if advance is not None:
            advance(len(results))
        pairs = ([given[i][:limit] for i in fitting], [read[i] for i in fitting])
        for batch, arrays in batches(*pairs, both, decoding.batch_tokens):
            found = parallel.fetch(self._force(self.params, arrays))
            for row, number in zip(found, batch, strict=False):
                ids = pairs[1][number]
                log_probs = row[: len(ids) + 1].tolist()
                results[fitting[number]] = self._scored(ids, alpha, log_probs)
            if advance is not None:
                advance(len(batch))
        cuts = [max(0, len(ids) - limit) for ids in given]
        return [replace(results[i], cut=cut) for i, cut in enumerate(cuts)]

    def _scored(
        self, ids: Sequence[int], alpha: float, found: Sequence[float] | None = None
    ) -> TargetScore:
        target, log_probs = self.vocabularies.target, found or [-math.inf] * (len(ids) + 1)
        pieces = tuple(target.pieces[i] for i in (*ids, target.symbols.end))
        penalty = length_penalty(float(len(pieces)), alpha)
        return TargetScore(pieces, tuple(log_probs), sum(log_probs) / penalty, found is None)

    def explain(
        self,
        sentences: Sequence[str],
        translations: Sequence[Translation],
        decoding: DecodingConfig | None = None,
    ) -> list[Explanation]:
        """What the model makes of its own translations: probabilities, attention, alignment.

        Args:
            sentences: What was translated.
            translations: What `translate` gave, or one of its `others`.
            decoding: As for `translate`.

        Returns:
            As many explanations; an empty or copied translation has an empty one.

        Raises:
            ValueError: There are not as many translations as sentences.
            UserError: The decoder has no layer `decoding.alignment_layer`.
        """
        if len(sentences) != len(translations):
            raise ValueError(f"{len(translations)} translations, {len(sentences)} sentences")
        decoding, both = decoding or self.config.decoding, self.vocabularies
        kept = [i for i, result in enumerate(translations) if result.tokens]
        prepared = self._source_text.apply([encodable(sentences[i]) for i in kept])
        longest = decoding.max_source_length - 1
        pairs = [
            (Sentence.of(text, both.source).first(longest), both.target.ids(translations[i].tokens))
            for i, text in zip(kept, prepared, strict=True)
        ]

        def read(batch: Pairs) -> Reading:
            return self._read(self.params, batch, decoding.alignment_layer)

        results = [Explanation()] * len(sentences)
        texts, budget = [(sentences[i], translations[i].text) for i in kept], decoding.batch_tokens
        for number, found in explained(read, pairs, texts, both, budget, self.calibration):
            results[kept[number]] = found
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
            work = Work([list(sentence.ids)])
            [(_, [(tokens, _), *_])] = self._search(self.params, work, decoding)
            read = Sentence.of_ids(tokens, both.target)
        else:
            read = Sentence.of(self._target_text.apply([target])[0], both.target)
            read.check("the translation", both.target, longest + decoding.max_extra_tokens)
        found = self._observe(self.params, [sentence], [read])[0]
        texts = ((self._source_text, found.sentence), (self._target_text, found.translation))
        written = [side.undo([text])[0] for side, text in texts]
        return replace(found, sentence=written[0], translation=written[1])

    def _untranslated(self, sentence: str, encoded: list[int], bans: Bans) -> Translation:
        """What becomes of a sentence of which nothing is known: names in other scripts, emoji."""
        source = self.vocabularies.source
        unknown = encoded.count(source.symbols.unknown)
        known = (token for token in encoded if token != source.symbols.unknown)
        if not unknown or any(source.pieces[token] != _SPACE for token in known):
            return Translation("", cut=len(encoded))
        text = printable(sentence)
        return Translation("" if bans.held(text) else text, unknown=unknown, copied=True)

    def _result(
        self, encoded: list[int], kept: list[int], tokens: list[int], score: float
    ) -> Translation:
        text = self._writing.read(tokens)
        pieces = tuple(self.vocabularies.target.pieces[token] for token in tokens)
        unknown = encoded.count(self.vocabularies.source.symbols.unknown)
        return Translation(text, score, pieces, len(encoded) - len(kept), unknown)


def _restored(run: RunDirectory, vocabularies: Vocabularies, checkpoint: str | int) -> Params:
    """The parameters of a run's checkpoint, on all devices."""
    sizes = (len(vocabularies.source), len(vocabularies.target))
    abstract = parallel.abstract_replicated(functional.abstract(run.config.model, *sizes)[1])
    with run:
        return run.restore_params(abstract, checkpoint)
