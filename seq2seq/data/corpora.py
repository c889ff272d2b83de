"""Where sentence pairs come from, read in chunks so that memory does not grow with a corpus.

Hub ids and Parquet are read through Hugging Face `datasets`. Files made of lines (parallel text,
TSV, JSONL) are read here, because a fault must be told by file and line, and because the two sides
of a corpus must be cut into the same lines (see `seq2seq.data.text_files`).

A table's columns are by default the language codes, or those keys in a `translation` column, as
WMT's hub datasets have it. A TSV file without column names holds the source in its first column and
the target in its second; a first line that names the columns is understood where it holds both
language codes, or where the configuration names a column. A number counts the columns from 1.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from seq2seq.config import Corpus, DataConfig
from seq2seq.data import tables
from seq2seq.data.text_files import decode_lines, line_chunks, open_text
from seq2seq.errors import UserError

CHUNK = 10_000
"""Pairs in one chunk. Part of the storage format: sampled segmentations are seeded by chunk."""


class Chunk(NamedTuple):
    """Some pairs of a corpus; None stands for a text that is not valid UTF-8."""

    sources: list[str | None]
    targets: list[str | None]


def read(corpus: Corpus, data: DataConfig, split: str = "train") -> Iterator[Chunk]:
    """Yields the pairs of a corpus in chunks.

    Args:
        corpus: Where the pairs are.
        data: Languages, and what invalid UTF-8 does (only a training corpus can drop it).
        split: What the corpus is for: train, validation or test; the hub's split by default.

    Raises:
        UserError: The corpus is missing, empty, binary, malformed or unreachable.
    """
    languages = (data.source_language, data.target_language)
    drop = data.undecodable == "drop"
    if corpus.phrasebook is not None:
        return _phrasebook(corpus.phrasebook)
    if corpus.hub is not None:
        return itertools.starmap(Chunk, tables.hub_rows(corpus, split, languages))
    if corpus.path is None or "{lang}" in corpus.path:
        source, target = file_paths(corpus, data)
        return _parallel(source, target, drop)
    path = file_paths(corpus, data)[0]
    suffix = path.name.removesuffix(".gz").rpartition(".")[2]
    if suffix == "parquet":
        return itertools.starmap(Chunk, tables.parquet_rows(path, corpus, languages))
    if suffix == "jsonl":
        return _lines_of_pairs(path, tables.JsonLines(path, corpus, languages), drop)
    if suffix == "tsv":
        return _lines_of_pairs(path, tables.TabSeparated(path, corpus, languages), drop)
    wanted = "a path with {lang}, or a file ending in .tsv, .jsonl or .parquet"
    raise UserError(f"corpus.path: expected {wanted}, found {corpus.path!r}")


def read_texts(
    corpus: Corpus, data: DataConfig, split: str = "test"
) -> tuple[list[str], list[str]]:
    """Returns all source and all target texts of a corpus, as they stand: for evaluation.

    Raises:
        UserError: The corpus is missing, empty, binary, malformed or unreachable.
    """
    strict = replace(data, undecodable="error")
    sources: list[str] = []
    targets: list[str] = []
    for chunk in read(corpus, strict, split):
        sources += [text or "" for text in chunk.sources]
        targets += [text or "" for text in chunk.targets]
    return sources, targets


def describe(corpus: Corpus) -> str:
    """Returns a corpus's name for people: what its recipe says of where it is."""
    if corpus.name:
        return corpus.name
    if corpus.hub:
        return f"hub://{corpus.hub}" + (f" ({corpus.hub_config})" if corpus.hub_config else "")
    if corpus.phrasebook:
        return f"phrasebook://{corpus.phrasebook}"
    return corpus.path or f"{corpus.source} + {corpus.target}"


def file_paths(corpus: Corpus, data: DataConfig) -> list[Path]:
    """Returns the files that a corpus is read from: two of parallel text, one table, or none."""
    if corpus.path is not None and "{lang}" in corpus.path:
        languages = (data.source_language, data.target_language)
        names = [corpus.path.replace("{lang}", language) for language in languages]
    elif corpus.path is not None:
        names = [corpus.path]
    else:
        names = [name for name in (corpus.source, corpus.target) if name is not None]
    return [Path(name).expanduser() for name in names]


def _phrasebook(
    part: Literal["train", "validation", "test", "ambiguous"],
) -> Iterator[Chunk]:
    """Yields the pairs of the embedded phrasebook."""
    from seq2seq.data.phrasebook import ambiguous, split

    pairs = iter(ambiguous() if part == "ambiguous" else split(part))
    while block := list(itertools.islice(pairs, CHUNK)):
        yield Chunk([pair.source for pair in block], [pair.target for pair in block])


def _parallel(source: Path, target: Path, drop: bool) -> Iterator[Chunk]:
    """Yields the pairs of two text files, line beside line."""
    with open_text(source) as source_file, open_text(target) as target_file:
        source_chunks = line_chunks(source_file, CHUNK)
        target_chunks = line_chunks(target_file, CHUNK)
        done = 0
        while True:
            sources, targets = next(source_chunks, []), next(target_chunks, [])
            if len(sources) != len(targets):
                counts = (
                    done + len(lines) + sum(map(len, rest))
                    for lines, rest in ((sources, source_chunks), (targets, target_chunks))
                )
                raise UserError(_unequal(source, target, *counts))
            if not sources:
                return
            yield Chunk(
                decode_lines(sources, source, done + 1, drop),
                decode_lines(targets, target, done + 1, drop),
            )
            done += len(sources)


def _unequal(source: Path, target: Path, source_lines: int, target_lines: int) -> str:
    found = f"found {source_lines} in {source} and {target_lines} in {target}"
    return f"corpus: expected as many source lines as target lines, {found}"


def _lines_of_pairs(path: Path, parse: tables.LineParser, drop: bool) -> Iterator[Chunk]:
    """Yields the pairs of a file that holds one pair in each line."""
    with open_text(path) as file:
        number = 1
        for lines in line_chunks(file, CHUNK):
            chunk = Chunk([], [])
            for text in decode_lines(lines, path, number, drop):
                pair = (None, None) if text is None else parse(text, number)
                if pair is not None:
                    chunk.sources.append(pair[0])
                    chunk.targets.append(pair[1])
                number += 1
            yield chunk
