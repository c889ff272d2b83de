r"""Lines of a text file, plain or gzip, with every fault named by file and line.

Lines are read as bytes and end at `\n` alone, with a `\r` before it dropped: Python's own text
mode and `str.splitlines` would also break a line at U+2028, U+0085 or a lone `\r`, and from there
on the two sides of a corpus would no longer stand beside each other.
"""

import gzip
import itertools
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2seq.errors import UserError

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LOOKED_AT = 8192
"""Bytes at the start of a file in which a zero byte means: this is no text."""


@contextmanager
def open_text(path: Path) -> Iterator[Iterator[bytes]]:
    """Opens a text file for reading bytes; gzip is known by its content, not by its name.

    Raises:
        UserError: The file is missing, unreadable, empty, binary or damaged.
    """
    try:
        with path.open("rb") as start:
            compressed = start.read(2) == _GZIP_MAGIC
        with gzip.open(path, "rb") if compressed else path.open("rb") as file:
            head = file.read(_LOOKED_AT)
            _require_text(path, head)
            file.seek(len(_BYTE_ORDER_MARK) if head.startswith(_BYTE_ORDER_MARK) else 0)
            yield iter(file)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: expected a whole gzip file, found damage ({error})") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def _require_text(path: Path, head: bytes) -> None:
    if not head.removeprefix(_BYTE_ORDER_MARK):
        raise UserError(f"{path}: expected lines of text, found an empty file")
    if b"\0" in head:
        raise UserError(f"{path}: expected UTF-8 text, found a binary file (or UTF-16)")


def line_chunks(file: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    """Yields up to `size` lines at a time, without their line ends."""
    while lines := list(itertools.islice(file, size)):
        yield [line.removesuffix(b"\n").removesuffix(b"\r") for line in lines]


def decode_lines(lines: list[bytes], path: Path, first: int, drop: bool) -> list[str | None]:
    """Decodes lines of UTF-8.

    Args:
        lines: The lines.
        path: The file they are from, for the message.
        first: Number of the first of them, counted from 1.
        drop: Whether an invalid line becomes None instead of an error.

    Raises:
        UserError: A line is not valid UTF-8, and `drop` is false.
    """
    try:
        return [line.decode() for line in lines]
    except UnicodeDecodeError:
        return [_decode(line, path, first + i, drop) for i, line in enumerate(lines)]


def _decode(line: bytes, path: Path, number: int, drop: bool) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        if drop:
            return None
        found = f"found byte 0x{line[error.start]:02x} at column {error.start + 1}"
        hint = "data.undecodable: drop leaves such lines out"
        raise UserError(f"{path}:{number}: expected UTF-8, {found} ({hint})") from None
