"""Files that go line by line with what is translated, such as prefixes."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from seq2seq import text_io
from seq2seq.errors import UserError

_LINES = 10_000
"""How many are held at a time."""


class Companion:
    """A file with a line for every line that is translated.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        self.path = path
        self._lines: Iterator[str] = text_io.read_lines(path, warn)
        self._taken = 0

    def take(self, count: int) -> list[str]:
        """Returns the next lines.

        Raises:
            UserError: There are not as many.
        """
        lines = list(islice(self._lines, count))
        self._taken += len(lines)
        if len(lines) < count:
            found = f"found {self._taken:,}"
            raise UserError(f"{self.path}: expected a line for every line, {found}")
        return lines

    def end(self) -> None:
        """Raises `UserError` where lines are left over."""
        if next(self._lines, None) is not None:
            wanted = f"{self._taken:,} lines, as many as are translated"
            raise UserError(f"{self.path}: expected {wanted}, found more")


def check_as_many(files: Sequence[Path], path: Path) -> None:
    """Raises `UserError` unless a file has a line for every line of the files; pipes are let be."""
    if all(file.is_file() for file in [*files, path]):
        companion = Companion(path, _unheard)
        for file in files:
            for lines in text_io.chunks(text_io.read_lines(file, _unheard), _LINES):
                companion.take(len(lines))
        companion.end()


def _unheard(_: str) -> None:
    """Drops a warning, which comes again when the lines are translated."""
