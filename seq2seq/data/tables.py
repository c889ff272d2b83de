"""Pairs from tables: TSV, JSONL, Parquet and the hub's datasets, with every fault named."""

import json
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from seq2seq.config import Corpus
from seq2seq.errors import UserError, nearest

if TYPE_CHECKING:
    import pyarrow

Languages = tuple[str, str]
"""Language codes of the source and the target."""

_ROWS = 10_000
"""Rows of a dataset that are read at once."""


LineParser = Callable[[str, int], tuple[str, str] | None]
"""Returns the pair in a line with that number (from 1), or None if it holds none; raises
`UserError` if it is malformed."""


class TabSeparated:
    """Reads lines of tab-separated columns, by the names in the first line or by position."""

    def __init__(self, path: Path, corpus: Corpus, languages: Languages) -> None:
        self._path = path
        self._names = (corpus.source_column, corpus.target_column)
        self._languages = languages
        self._columns: tuple[int, int] | None = None

    def __call__(self, text: str, number: int) -> tuple[str, str] | None:
        """Returns the pair in a line, or None for the line that names the columns."""
        cells = text.split("\t")
        if self._columns is None:
            self._columns, named = self._find(cells)
            if named:
                return None
        source, target = self._columns
        needed = max(source, target) + 1
        if len(cells) < needed:
            wanted = f"expected {needed} columns parted by tabs"
            raise UserError(f"{self._path}:{number}: {wanted}, found {len(cells)}")
        return cells[source], cells[target]

    def _find(self, cells: list[str]) -> tuple[tuple[int, int], bool]:
        """Returns the two columns' places, and whether `cells` are their names."""
        source, target = self._names
        if source is None and target is None and not set(self._languages) <= set(cells):
            return (0, 1), False
        if source and target and source.isdecimal() and target.isdecimal():
            return (int(source) - 1, int(target) - 1), False
        names = (source or self._languages[0], target or self._languages[1])
        for name in names:
            require_column(f"{self._path}:1", name, cells)
        return (cells.index(names[0]), cells.index(names[1])), True


class JsonLines:
    """Reads lines that each hold one JSON object."""

    def __init__(self, path: Path, corpus: Corpus, languages: Languages) -> None:
        self._path = path
        self._names = column_names(corpus, languages)

    def __call__(self, text: str, number: int) -> tuple[str, str] | None:
        """Returns the pair in a line, or None for a blank line."""
        if not text.strip():
            return None
        place = f"{self._path}:{number}"
        try:
            row = json.loads(text)
        except ValueError as error:
            raise UserError(f"{place}: expected a JSON object, found {error}") from None
        if not isinstance(row, dict):
            raise UserError(f"{place}: expected a JSON object, found {type(row).__name__}")
        if isinstance(row.get("translation"), dict) and self._names[0] not in row:
            row = row["translation"]
        return self._text(row, 0, place), self._text(row, 1, place)

    def _text(self, row: dict[str, Any], side: int, place: str) -> str:
        name = self._names[side]
        require_column(place, name, row)
        if not isinstance(row[name], str):
            found = f"found {json.dumps(row[name], ensure_ascii=False)[:40]}"
            raise UserError(f"{place}: expected text in {name!r}, {found}")
        return row[name]


def column_names(corpus: Corpus, languages: Languages) -> tuple[str, str]:
    """Returns the names of the source's and the target's column."""
    return corpus.source_column or languages[0], corpus.target_column or languages[1]


def require_column(place: str, name: str, columns: Collection[str]) -> None:
    """Raises a `UserError` unless a table has a column of that name."""
    if name not in columns:
        found = f"found {', '.join(map(repr, columns))}"
        raise UserError(f"{place}: expected a column {name!r}, {found}{nearest(name, columns)}")


Texts = tuple[list[str], list[str]]
"""Sources and targets of some rows."""


def parquet_rows(path: Path, corpus: Corpus, languages: Languages) -> Iterator[Texts]:
    """Yields the rows of a Parquet file, without copying it into a cache.

    Raises:
        UserError: The file is missing, damaged, empty or without the columns.
    """
    import pyarrow.parquet

    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        rows = pyarrow.parquet.read_metadata(path).num_rows
    except pyarrow.ArrowInvalid as error:
        raise UserError(f"{path}: cannot be read as a Parquet file: {error}") from error
    if not rows:
        raise UserError(f"{path}: expected rows, found none")
    arguments = {"path": "parquet", "data_files": str(path), "split": "train", "streaming": True}
    yield from _rows(str(path), arguments, column_names(corpus, languages))


def hub_rows(corpus: Corpus, split: str, languages: Languages) -> Iterator[Texts]:
    """Yields the rows of one split of a hub dataset, or of a folder that is laid out like one.

    Args:
        corpus: The dataset's id, configuration, split and columns.
        split: The split where the corpus names none.
        languages: The columns where the corpus names none.

    Raises:
        UserError: The dataset cannot be reached or has no such configuration, split or column.
    """
    arguments = {"path": corpus.hub, "name": corpus.hub_config, "split": corpus.split or split}
    return _rows(f"hub://{corpus.hub}", arguments, column_names(corpus, languages))


def _rows(place: str, arguments: dict[str, Any], names: tuple[str, str]) -> Iterator[Texts]:
    """Yields the two columns of a dataset, as `datasets.load_dataset` loads it."""
    import datasets

    with _quiet(datasets):
        try:
            loaded = datasets.load_dataset(**arguments)
            for table in loaded.with_format("arrow").iter(batch_size=_ROWS):
                yield _texts(table, names[0], place), _texts(table, names[1], place)
        except UserError:
            raise
        except Exception as error:  # whatever a builder raises: there is no common class
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UserError(f"{place}: cannot be read as a dataset: {reason}") from error


@contextmanager
def _quiet(datasets: ModuleType) -> Iterator[None]:
    """Lets `datasets` log nothing, as errors are told by us, and show bars on a terminal alone."""
    verbosity = datasets.logging.get_verbosity()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.logging.set_verbosity(verbosity)


def _texts(table: "pyarrow.Table", name: str, place: str) -> list[str]:
    """Returns a column of texts, at the top or inside `translation`; no text at all is ''."""
    import pyarrow
    import pyarrow.compute

    if name not in table.column_names and "translation" in table.column_names:
        table = pyarrow.Table.from_struct_array(table.column("translation"))
    require_column(place, name, table.column_names)
    column = table.column(name)
    if not (pyarrow.types.is_string(column.type) or pyarrow.types.is_large_string(column.type)):
        raise UserError(f"{place}: expected text in {name!r}, found {column.type}")
    return list(pyarrow.compute.fill_null(column, "").to_pylist())
