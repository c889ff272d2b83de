"""What is to be scored: sentences that a recipe names, or two files, read as they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seq2seq.config import Config, Corpus
from seq2seq.data.corpora import read_texts
from seq2seq.errors import UserError, nearest
from seq2seq.run_directory import RunDirectory

Files = tuple[Path | None, Path | None]
"""Source and reference: both, or none."""


@dataclass(frozen=True)
class EvaluationSet:
    """Sentences and their translations by people.

    Attributes:
        name: What the set is called.
        sources: Raw sources.
        references: One raw reference each.
    """

    name: str
    sources: Sequence[str]
    references: Sequence[str]


def read(config: Config, files: Files = (None, None), split: str | None = None) -> EvaluationSet:
    """Reads what is to be scored.

    Args:
        config: Whose test sets are meant.
        files: A source and a reference file, instead of a test set.
        split: Name of a test set, or `validation`; default `test`, the first.

    Raises:
        UserError: There is no such set, or it cannot be read.
    """
    name, corpus = _chosen(config, files, split)
    return EvaluationSet(name, *read_texts(corpus, config.data))


def read_all(config: Config) -> list[EvaluationSet]:
    """Reads all test sets that `read` knows: the first, and those that have a name.

    Raises:
        UserError: One cannot be read.
    """
    names = [corpus.name for corpus in config.data.test[1:] if corpus.name]
    return [read(config, split=name) for name in (["test", *names] if config.data.test else ())]


def read_common(
    runs: Sequence[RunDirectory], files: Files = (None, None), split: str | None = None
) -> EvaluationSet:
    """Reads what is to be scored for several runs, which must be the same sentences for all.

    Raises:
        UserError: There is no such set, it cannot be read, or a run has another one of that name.
    """
    common = read(runs[0].config, files, split)
    for run in [] if files[0] is not None else runs[1:]:
        if read(run.config, files, split) != common:
            wanted = f"the {common.name!r} sentences of {runs[0].path}"
            hint = "give both runs the same by --source and --reference"
            raise UserError(f"{run.path}: expected {wanted}, found others: {hint}")
    return common


def _chosen(config: Config, files: Files, split: str | None) -> tuple[str, Corpus]:
    """The name of what is to be scored, its own if it has one, and where it is."""
    if files[0] is not None:
        return str(files[0]), Corpus(source=str(files[0]), target=str(files[1]))
    first = (("validation", config.data.validation), ("test", config.data.test))
    named = {name: corpora[0] for name, corpora in first if corpora}
    everything = (*config.data.validation, *config.data.test)
    named |= {corpus.name: corpus for corpus in everything if corpus.name}
    wanted = split or "test"
    if wanted not in named:
        choices = ", ".join(named)
        known = f"one of {choices}, or " if named else ""
        hint = nearest(wanted, named)
        raise UserError(
            f"--split: expected {known}--source and --reference, found {wanted!r}{hint}"
        )
    return named[wanted].name or wanted, named[wanted]
