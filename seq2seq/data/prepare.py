"""Corpora to encoded, memory-mapped pairs: made once, found again by what they are made from."""

from dataclasses import dataclass, replace
from pathlib import Path

from seq2seq.config import Config
from seq2seq.data.build import (
    REPORT_FILE,
    VALIDATION_FILE,
    VOCABULARY_FOLDER,
    build,
    training_files,
)
from seq2seq.data.cache import cache_folder, fingerprint, made_whole
from seq2seq.data.epochs import Epochs, rows_of_step
from seq2seq.data.report import PackingReport, Report
from seq2seq.data.storage import TokenPairs
from seq2seq.errors import UserError
from seq2seq.vocabulary import Vocabularies


@dataclass(frozen=True)
class Prepared:
    """What training reads.

    Attributes:
        folder: Where it lies in the cache.
        vocabularies: The vocabularies of the two languages.
        train: The training pairs, in each of their segmentations (one, if not sampled).
        weights: How often an epoch holds each training corpus.
        validation: The validation pairs of all validation corpora that are no longer than
            `data.max_length` and not empty: for the loss. (For texts see `corpora.read_texts`.)
        report: What was read, dropped and kept.
    """

    folder: Path
    vocabularies: Vocabularies
    train: tuple[TokenPairs, ...]
    weights: tuple[float, ...]
    validation: TokenPairs
    report: Report


def prepare(config: Config) -> Prepared:
    """Prepares the corpora of a config, or finds them prepared already.

    Raises:
        UserError: A corpus cannot be read or leaves no pair to train on, the vocabulary does not
            fit the text, or there is no room for the result.
    """
    if not config.data.train:
        raise UserError("data.train: expected at least one corpus, found none")
    folder = cache_folder(config.data) / fingerprint(config)
    if not folder.is_dir():
        with made_whole(folder) as unfinished:
            report = _with_packing(
                build(config, unfinished), _training_pairs(config, unfinished), config
            )
            (unfinished / REPORT_FILE).write_text(report.to_json(), encoding="utf-8")
    return _load(folder, config)


def _training_pairs(config: Config, folder: Path) -> tuple[TokenPairs, ...]:
    return tuple(TokenPairs.load(folder / name) for name in training_files(config))


def _load(folder: Path, config: Config) -> Prepared:
    """Maps a prepared folder."""
    train = _training_pairs(config, folder)
    report = Report.from_json((folder / REPORT_FILE).read_text(encoding="utf-8"))
    return Prepared(
        folder=folder,
        vocabularies=Vocabularies.load(folder / VOCABULARY_FOLDER),
        train=train,
        weights=_weights(config),
        validation=TokenPairs.load(folder / VALIDATION_FILE),
        report=_with_packing(report, train, config),
    )


def _weights(config: Config) -> tuple[float, ...]:
    return tuple(corpus.weight for corpus in config.data.train)


def _with_packing(report: Report, train: tuple[TokenPairs, ...], config: Config) -> Report:
    """Adds how the first epoch is packed, unless the report tells of the same rows already."""
    data = config.data
    shape = (data.source_row_length, data.target_row_length)
    height = rows_of_step(config.training.batch_tokens, data.target_row_length)
    weights = _weights(config)
    packing = report.packing
    if packing and packing.describes(shape, height, weights):
        return report
    plan = Epochs(train, weights, shape, config.training.seed).plan(0)
    source, target = (
        int(lengths[plan.pairs].sum()) + len(plan.pairs)
        for lengths in (train[0].source_lengths, train[0].target_lengths)
    )
    packing = PackingReport(*shape, height, weights, plan.rows, source, target)
    return replace(report, packing=packing)
