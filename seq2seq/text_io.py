"""Lines in and lines out: exactly one for one, whatever a line holds."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO

from seq2seq.errors import UserError


def read_lines(path: Path | None, warn: Callable[[str], None]) -> Iterator[str]:
    """Yields the lines of a file, or of stdin, without their ends; only \\n ends a line.

    Args:
        path: The file; None is stdin.
        warn: Told, by file and line number, where bytes that are not UTF-8 were replaced.

    Raises:
        UserError: The file cannot be read.
    """
    if path is None:
        yield from _decoded(sys.stdin.buffer, "stdin", warn)
        return
    try:
        with path.open("rb") as file:
            yield from _decoded(file, str(path), warn)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def _decoded(file: BinaryIO, name: str, warn: Callable[[str], None]) -> Iterator[str]:
    for number, line in enumerate(file, start=1):
        body = line.removesuffix(b"\n").removesuffix(b"\r")
        try:
            yield body.decode("utf-8")
        except UnicodeDecodeError as error:
            warn(f"{name}:{number}: not valid UTF-8 at byte {error.start + 1}: bytes replaced")
            yield body.decode("utf-8", errors="replace")


def chunks(lines: Iterator[str], size: int) -> Iterator[list[str]]:
    """Yields the lines in lists of `size`, the last one shorter."""
    while chunk := list(islice(lines, size)):
        yield chunk


@contextmanager
def output(path: Path | None) -> Iterator[TextIO]:
    """Opens a file for text, or stdout; a file bears its name only once it is whole.

    Raises:
        UserError: The file cannot be written.
    """
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        draft.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
