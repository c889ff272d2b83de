r"""Lines in and lines out: exactly one for one, whatever a line holds.

Only `\n` ends a line. Text is UTF-8 on both sides, whatever the locale says; bytes that are none
are replaced, with a warning. Gzip is known by its content.
"""

import gzip
import io
import os
import select
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO, TypeVar

from seq2seq.errors import UserError

STDIN = Path("-")
"""The name that stands for standard input, as it does elsewhere."""

_Item = TypeVar("_Item")
_GZIP_MAGIC = b"\x1f\x8b"
_DRAFT_NAME = 50
"""Characters of a file's name in its draft's, which is then short enough wherever the file's is."""
_BLOCK = 1 << 16
"""Bytes read at a time from a pipe."""


def read_lines(path: Path | None, warn: Callable[[str], None]) -> Iterator[str]:
    r"""Yields the lines of a file, or of stdin, without their ends: `\n`, or `\r\n`.

    Args:
        path: The file, plain or gzip; None or `-` is stdin.
        warn: Told, by file and line number, where bytes that are not UTF-8 were replaced.

    Raises:
        UserError: The file cannot be read.
    """
    name = "stdin" if path is None or path == STDIN else str(path)
    try:
        with _opened(None if name == "stdin" else path) as file:
            yield from _decoded(file, name, warn)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{name}: expected a whole gzip file, found damage ({error})") from None
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from None


def read_chunks(path: Path, size: int, warn: Callable[[str], None]) -> Iterator[list[str]]:
    """Yields the lines of a file in lists of `size`; those of a pipe or a terminal as they come.

    From a pipe, what is there is not kept waiting for what is not: only for the first line of a
    list does this wait, and a list has about `size` lines at most.

    Args:
        path: As in `read_lines`.
        size: Lines of a list.
        warn: As in `read_lines`.

    Raises:
        UserError: The file cannot be read.
    """
    with _pipe(path) as descriptor:
        if descriptor is None:
            yield from chunks(read_lines(path, warn), size)
            return
        name, number = "stdin" if path == STDIN else str(path), 1
        for lines in _arriving(descriptor, size):
            if number == 1 and lines[0].startswith(_GZIP_MAGIC):
                raise UserError(f"{name}: expected text, found gzip: unpack it with gunzip -c")
            yield list(_decoded(lines, name, warn, number))
            number += len(lines)


def line_count(paths: Iterable[Path]) -> int | None:
    """How many lines files have, plain or gzip; None where one is a pipe, or cannot be read.

    A pass over their bytes, a block at a time: of a million lines a tenth of a second, of gzip one.
    """
    lines = 0
    for path in paths:
        if path == STDIN or not path.is_file():
            return None
        last = b"\n"
        try:
            with _opened(path) as file:
                while block := file.read(_BLOCK):
                    lines, last = lines + block.count(b"\n"), block[-1:]
        except (OSError, EOFError, zlib.error):
            return None
        lines += last != b"\n"
    return lines


@contextmanager
def _pipe(path: Path) -> Iterator[int | None]:
    """What to read stdin, a named pipe or a device by; None for a file, or without a descriptor."""
    if path == STDIN:
        try:
            descriptor = None if sys.stdin is None else sys.stdin.fileno()
        except (OSError, ValueError):  # stdin is no file, as in a notebook
            descriptor = None
        yield descriptor
    elif not _is_device(path):
        yield None
    else:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _arriving(descriptor: int, size: int) -> Iterator[list[bytes]]:
    """Lists of lines, as they can be read from a pipe, a terminal or a file."""
    rest, ended = b"", False
    while not ended:
        lines: list[bytes] = []
        while len(lines) < size:
            block = os.read(descriptor, _BLOCK)
            *whole, rest = (rest + block).split(b"\n")
            lines += whole
            ended = not block
            if ended or (lines and not select.select([descriptor], [], [], 0)[0]):
                break
        if ended and rest:
            lines.append(rest)
        if lines:
            yield lines


@contextmanager
def _opened(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        if sys.stdin is None:
            raise UserError("stdin: expected text, found it closed")
        yield sys.stdin.buffer
        return
    with io.BufferedReader(io.FileIO(path)) as plain:
        if plain.peek(2)[:2] != _GZIP_MAGIC:
            yield plain
            return
        with gzip.open(plain) as file:
            yield file  # type: ignore[misc]


def _decoded(
    lines: Iterable[bytes], name: str, warn: Callable[[str], None], first: int = 1
) -> Iterator[str]:
    for number, line in enumerate(lines, start=first):
        body = line.removesuffix(b"\n").removesuffix(b"\r")
        try:
            yield body.decode("utf-8")
        except UnicodeDecodeError as error:
            found = f"byte 0x{body[error.start]:02x} at column {error.start + 1} is not UTF-8"
            warn(f"{name}:{number}: warning: {found}: replaced by \ufffd")
            yield body.decode("utf-8", errors="replace")


def chunks(lines: Iterator[_Item], size: int) -> Iterator[list[_Item]]:
    """Yields the lines, or pairs of them, in lists of `size`, the last one shorter."""
    while chunk := list(islice(lines, size)):
        yield chunk


def check_input(path: Path) -> None:
    """Raises `UserError` unless the path is `-`, or can be opened for reading."""
    if path == STDIN:
        return
    if path.is_dir() or not path.exists():
        found = "a folder" if path.is_dir() else "nothing"
        raise UserError(f"{path}: expected a text file, found {found}")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path}: cannot be read: {os.strerror(13)}")


def check_output(path: Path | None) -> None:
    """Raises `UserError` unless a file can be written there; writes nothing."""
    if path is None or _is_device(path):
        return
    if path.suffix == ".gz":
        raise UserError(f"{path}: expected a name without .gz, as plain text is written")
    folder = _real(path).parent
    if path.is_dir():
        raise UserError(f"{path}: expected a file to write, found a folder")
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise UserError(f"{path}: cannot be written: expected a folder {folder}, found {found}")
    if not os.access(folder, os.W_OK):
        raise UserError(f"{path}: cannot be written: {folder} is read-only")


@contextmanager
def output(path: Path | None) -> Iterator[TextIO]:
    """Opens a file for text, or stdout; a file bears its name only once it is whole.

    Raises:
        UserError: The file cannot be written.
    """
    if path is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        with (
            nullcontext(path) if _is_device(path) else replacing(_real(path)) as draft,
            draft.open("w", encoding="utf-8", newline="\n") as file,
        ):
            yield file
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a draft beside a file, which takes the file's place when the `with` block ends well.

    So the file is the old one or the new one, never half of it.
    """
    draft = path.with_name(f".{path.name[:_DRAFT_NAME]}.{os.getpid()}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _real(path: Path) -> Path:
    """The path without symbolic links; `Path.resolve` raises on those that lead to themselves."""
    return Path(os.path.realpath(path))


def _is_device(path: Path) -> bool:
    """Whether the path is a pipe or a device, such as /dev/null: written to as it stands."""
    return path.exists() and not path.is_file() and not path.is_dir()
