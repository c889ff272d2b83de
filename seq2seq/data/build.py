"""Making a prepared folder: corpora are read, filtered, encoded and stored.

The corpora are read twice. The first reading tells what the text alone can tell (see
`seq2seq.data.filters`) and draws the pairs that the vocabulary is learnt from; the second encodes
chunk by chunk. Memory holds a chunk, nine bytes for each pair, and the drawn pairs.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from seq2seq import preprocessing
from seq2seq.config import Config, Corpus, DataConfig
from seq2seq.data import corpora, filters
from seq2seq.data.filters import Verdict, Verdicts
from seq2seq.data.report import CorpusReport, Report, SideReport
from seq2seq.data.sampling import Sampler
from seq2seq.data.storage import PairWriter, Ragged, TokenPairs
from seq2seq.data.vocabulary_training import train_vocabularies
from seq2seq.errors import UserError
from seq2seq.preprocessing import Preprocessing
from seq2seq.progress import Progress
from seq2seq.vocabulary import Vocabularies, Vocabulary

REPORT_FILE = "report.json"
VALIDATION_FILE = "validation.arrow"
VOCABULARY_FOLDER = "vocabulary"

_INTERVAL = 30.0
"""Seconds between two lines in a log file."""


def training_files(config: Config) -> list[str]:
    """Returns the names of the files that hold the training pairs, one for each segmentation."""
    segmentations = config.vocabulary.segmentations if config.vocabulary.sampling else 1
    return [f"train-{number}.arrow" for number in range(segmentations)]


def build(config: Config, folder: Path) -> Report:
    """Writes everything that a prepared folder holds but the report, which is returned.

    Raises:
        UserError: A corpus cannot be read or leaves no pair to train on, or the vocabulary does not
            fit the text.
    """
    train = _Part("train", config.data.train, config.data)
    verdicts, sample = _survey(train, config.vocabulary.training_pairs)
    with _progress("learning the vocabulary"):
        vocabularies = train_vocabularies(
            (source for source, _ in sample), (target for _, target in sample), config.vocabulary
        )
    vocabularies.save(folder / VOCABULARY_FOLDER)
    del sample
    paths = [folder / name for name in training_files(config)]
    sampled = bool(config.vocabulary.sampling)
    total = sum(map(len, verdicts))
    with Sampler(vocabularies, config, total) if sampled else nullcontext() as sampler:
        reports = _write(train, verdicts, vocabularies, paths, sampler)
    pairs = TokenPairs.load(paths[0])
    if not len(pairs):
        raise UserError(_nothing_kept(reports))
    validation = _validation_part(config.data)
    verdicts, _ = _survey(validation, 0)
    reports += _write(validation, verdicts, vocabularies, [folder / VALIDATION_FILE], None)
    return Report(
        corpora=tuple(reports),
        joint=vocabularies.joint,
        source=_side(config.data.source_language, vocabularies.source, pairs.source_tokens, pairs),
        target=_side(config.data.target_language, vocabularies.target, pairs.target_tokens, pairs),
    )


def _progress(title: str, total: int | None = None) -> Progress:
    """Progress that is silent in a log file where the work is short."""
    return Progress(title, total, unit="pairs", every=_INTERVAL, ending=False)


class _Part(NamedTuple):
    """The corpora of one purpose, and how they are filtered."""

    split: str
    chosen: Sequence[Corpus]
    data: DataConfig

    def read(self, corpus: Corpus) -> Iterator[corpora.Chunk]:
        source, target = preprocessing.sides(self.data)
        for chunk in corpora.read(corpus, self.data, self.split):
            yield corpora.Chunk(_applied(source, chunk.sources), _applied(target, chunk.targets))


def _applied(side: Preprocessing, texts: Sequence[str | None]) -> list[str | None]:
    """Prepares the texts that could be decoded."""
    prepared = iter(side.apply([text for text in texts if text is not None]))
    return [None if text is None else next(prepared) for text in texts]


def _validation_part(data: DataConfig) -> _Part:
    """Of the filters, validation keeps those without which a pair cannot be scored or fit."""
    unlimited = float("inf")
    changed = replace(data, drop_duplicates=False, undecodable="error", max_length_ratio=unlimited)
    return _Part("validation", data.validation, changed)


def _survey(part: _Part, sample_size: int) -> tuple[list[Verdicts], list[tuple[str, str]]]:
    """Reads corpora; returns the verdicts on each one's pairs, and a sample of all pairs."""
    survey = filters.Survey(sample_size, part.data.drop_duplicates)
    ends = [0]
    with _progress(f"reading {part.split} pairs") as progress:
        for corpus in part.chosen:
            for chunk in part.read(corpus):
                survey.add(chunk)
                progress.advance(len(chunk.sources))
            ends.append(survey.read)
    verdicts = survey.verdicts()
    return [verdicts[a:b] for a, b in pairwise(ends)], survey.sample


def _write(
    part: _Part,
    verdicts: Sequence[Verdicts],
    vocabularies: Vocabularies,
    paths: Sequence[Path],
    sampler: Sampler | None,
) -> list[CorpusReport]:
    """Encodes the pairs of corpora into files, one for each segmentation; completes `verdicts`."""
    reports = []
    with ExitStack() as stack:
        writers = [stack.enter_context(PairWriter(path)) for path in paths]
        total = sum(map(len, verdicts))
        progress = stack.enter_context(_progress(f"encoding {part.split} pairs", total))
        for number, (corpus, judged) in enumerate(zip(part.chosen, verdicts, strict=True)):
            for writer in writers:
                writer.begin_corpus()
            for chunk, encoded in zip(count(), _encode(part, corpus, judged, vocabularies)):
                segmentations = [(encoded.source, encoded.target)]
                if sampler is not None:
                    segmentations = sampler.draw(*encoded.texts, (number, chunk))
                for writer, pairs in zip(writers, segmentations, strict=True):
                    writer.append(*pairs)
                progress.advance(encoded.read)
            reports.append(_corpus_report(part, corpus, judged))
        for writer in writers:
            writer.finish()
    return reports


class _Encoded(NamedTuple):
    """Pairs of a chunk that passed every filter."""

    read: int
    texts: tuple[list[str], list[str]]
    source: Ragged
    target: Ragged


def _encode(
    part: _Part, corpus: Corpus, verdicts: Verdicts, vocabularies: Vocabularies
) -> Iterator[_Encoded]:
    """Yields the encoded pairs of a corpus chunk by chunk; adds what lengths tell to `verdicts`."""
    start = 0
    for chunk in part.read(corpus):
        verdict = verdicts[start : start + len(chunk.sources)]
        start += len(verdict)
        sources, targets = filters.keep(chunk.sources, chunk.targets, verdict == Verdict.KEPT)
        source = Ragged.of(vocabularies.source.encode(sources))
        target = Ragged.of(vocabularies.target.encode(targets))
        late = filters.judge_lengths(
            source.lengths, target.lengths, part.data.max_length, part.data.max_length_ratio
        )
        verdict[verdict == Verdict.KEPT] = late
        kept = late == Verdict.KEPT
        texts = filters.keep(sources, targets, kept)
        yield _Encoded(len(verdict), texts, source.select(kept), target.select(kept))


def _corpus_report(part: _Part, corpus: Corpus, verdicts: Verdicts) -> CorpusReport:
    dropped = filters.counts(verdicts)
    kept = len(verdicts) - sum(dropped.values())
    return CorpusReport(corpora.describe(corpus), part.split, len(verdicts), kept, dropped)


def _nothing_kept(reports: Sequence[CorpusReport]) -> str:
    read = sum(report.read for report in reports)
    dropped = {reason: sum(r.dropped[reason] for r in reports) for reason in reports[0].dropped}
    found = ", ".join(f"{number} {reason}" for reason, number in dropped.items() if number)
    return f"data.train: expected pairs to train on, found none among {read} ({found})"


def _side(
    language: str,
    vocabulary: Vocabulary,
    tokens: Int32[np.ndarray, " tokens"],
    pairs: TokenPairs,
) -> SideReport:
    part = 2**20
    unknown = sum(
        int(np.count_nonzero(tokens[first : first + part] == vocabulary.symbols.unknown))
        for first in range(0, len(tokens), part)
    )
    total = len(tokens) + len(pairs)
    return SideReport(language, len(vocabulary), total, total / len(pairs), 1 - unknown / total)
