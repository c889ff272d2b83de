"""The cache of prepared corpora: a folder's name says what it was made from, and it is whole.

The name is a fingerprint of all that the prepared pairs depend on: the corpora (for files: path,
size and time of change; for the phrasebook: its code), the languages, filters, preparation of the
text and vocabulary, and the version of our format. What only batches depend on (row lengths,
weights, the order) is no part of it. A folder is made under another name and renamed when it is
complete: whatever befalls the process, no half of it is ever found, and of two processes that make
the same one wins.

A hub dataset is known by its id, configuration and split: a change behind an id is not noticed.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from seq2seq import preprocessing
from seq2seq.config import Config, Corpus, DataConfig
from seq2seq.data.corpora import file_paths
from seq2seq.errors import UserError

FORMAT = 1
"""Version of the prepared folder and of how it is made: a new one leaves all older folders."""

_LOCK = "unfinished"
_SURELY_LOCKED = 60.0
"""Seconds after which a process has certainly locked what it began."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def cache_folder(data: DataConfig) -> Path:
    """Returns the folder that holds all prepared corpora."""
    if data.cache is not None:
        return Path(data.cache).expanduser()
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "seq2seq"


def fingerprint(config: Config) -> str:
    """Returns 16 hexadecimal digits that stand for all that prepared pairs depend on.

    Raises:
        UserError: A file of a corpus is missing, or cannot be looked at.
    """
    data = config.data
    parts: dict[str, Any] = {
        "format": FORMAT,
        "languages": (data.source_language, data.target_language),
        "train": [_identity(corpus, data) for corpus in data.train],
        "validation": [_identity(corpus, data) for corpus in data.validation],
        "lengths": (data.max_length, data.max_length_ratio),
        "drop": (data.drop_duplicates, data.undecodable),
        "vocabulary": asdict(config.vocabulary),
        "seed": config.training.seed if config.vocabulary.sampling else None,
    }
    if text := preprocessing.identity(data):
        parts["text"] = text
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _identity(corpus: Corpus, data: DataConfig) -> dict[str, Any]:
    """Returns what a corpus is, as far as its pairs depend on it."""
    files = file_paths(corpus, data)
    if corpus.phrasebook is not None:
        files = sorted((Path(__file__).parent / "phrasebook").rglob("*.py"))
    return asdict(replace(corpus, weight=1.0)) | {"files": [_file_identity(path) for path in files]}


def _file_identity(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    return str(path.resolve()), status.st_size, status.st_mtime_ns


@contextmanager
def made_whole(folder: Path) -> Iterator[Path]:
    """Yields a new folder that takes the name `folder` at the end, or leaves no trace.

    Raises:
        UserError: The disk is full, or the folder cannot be made.
    """
    unfinished = folder.parent / f".{folder.name}-{uuid.uuid4().hex[:8]}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        unfinished.mkdir()
    except OSError as error:
        raise _unwritable(folder.parent, error) from error
    try:
        with (unfinished / _LOCK).open("wb") as lock:
            _lock(lock)
            yield unfinished
            (unfinished / _LOCK).unlink()
            _take_name(unfinished, folder)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise _unwritable(folder.parent, error) from error
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _unwritable(cache: Path, error: OSError) -> UserError:
    if error.errno in _NO_ROOM:
        return UserError(f"{cache}: no space left on this disk (data.cache)")
    return UserError(f"{cache}: cannot be written to: {error.strerror} (data.cache)")


def _take_name(unfinished: Path, folder: Path) -> None:
    """Renames, unless another process has made the same folder in the meantime."""
    try:
        unfinished.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _lock(file: IO[bytes]) -> None:
    """Locks a file while it is open, where the file system can."""
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sweep(cache: Path) -> None:
    """Removes what processes that were killed left unfinished: old, and nobody holds its lock."""
    for lock_file in cache.glob(f".*/{_LOCK}"):
        with suppress(OSError), lock_file.open("rb") as lock:
            if time.time() - os.fstat(lock.fileno()).st_mtime < _SURELY_LOCKED:
                continue
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock_file.parent, ignore_errors=True)
