"""Translations that go on where they stopped: what `seq2seq translate --resume` keeps, and checks.

Beside the output F lie F.part, the lines that are done, and F.part.json, which says whose they are:
of which model, options and lines of the input, and how long F.part is. It is replaced as a whole
once these lines are on the disk. So a process may be killed at any moment: what it wrote after that
is beyond the length that counts, and is dropped. What is kept grows by a chunk at a time, and the
next call reads the same chunks: batches, and with them the last digits of scores, are those of a
call that was not interrupted.
"""

import dataclasses
import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import jax
import numpy as np

from seq2seq import preprocessing, text_io
from seq2seq.commands.console import count, say
from seq2seq.errors import UserError
from seq2seq.translator import Translator

_FORMAT = 1
_BLOCK = 1 << 20
"""Bytes read at a time."""


def model_digest(translator: Translator) -> str:
    """A digest of all that a model's translations hang on: parameters, vocabularies, config.

    The type of the computation is not among it: it may hang on the machine.
    """
    config, digest = translator.config, hashlib.sha256()
    text = preprocessing.sides(config.data)
    digest.update(repr((config.model, text, config.data.max_length)).encode())
    for vocabulary in (translator.vocabularies.source, translator.vocabularies.target):
        digest.update(vocabulary.model)
        digest.update(repr((vocabulary.pieces, vocabulary.symbols)).encode())
    for path, leaf in jax.tree_util.tree_leaves_with_path(translator.params):
        array = np.ascontiguousarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {array.dtype} {array.shape}".encode())
        digest.update(array.data.cast("B"))
    return digest.hexdigest()


def digest_of(value: Any) -> str:
    """A digest of what JSON can hold."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


class Output:
    """Where the translations of an input go, chunk by chunk; see `plain`."""

    def __init__(self, file: TextIO) -> None:
        self._text = file

    @property
    def lines(self) -> int:
        """How many lines of the input are done, as far as that is kept."""
        return 0

    @property
    def behind(self) -> bool:
        """Whether what is being read of the input was done by an earlier call."""
        return False

    def passes(self, *columns: Sequence[str]) -> bool:  # noqa: ARG002
        """Whether a chunk of the input is done already.

        Args:
            columns: Its lines, and whatever else there is for each of them.

        Raises:
            UserError: What is done is not of this input.
        """
        return False

    def write(self, lines: Iterable[str], *columns: Sequence[str]) -> None:  # noqa: ARG002
        """Writes the translations of a chunk; they are not held back.

        Args:
            lines: What to write, with the lines' ends.
            columns: The chunk, as for `passes`.
        """
        self._text.writelines(lines)
        self._text.flush()


@contextmanager
def plain(path: Path | None) -> Iterator[Output]:
    """Opens an output as `text_io.output` does: nothing of it is kept until it is whole."""
    with text_io.output(path) as file:
        yield Output(file)


@contextmanager
def resumable(path: Path, identity: Mapping[str, Any]) -> Iterator["PartialOutput"]:
    """Opens an output that outlives its process; it bears its name only once it is whole.

    Args:
        path: The output.
        identity: What its lines hang on but the input, by name, as JSON has it.

    Raises:
        UserError: What is kept belongs to something else, is damaged, or is being written by
            another process; or a file cannot be written. What is kept stays as it is then.

    Whatever ends it before the whole is done, what is kept and how to go on is said.
    """
    try:
        part = PartialOutput(path.resolve(), json.loads(json.dumps(identity)))
        try:
            yield part
            part.finish()
        except BaseException as error:
            if part.lines and not isinstance(error, _ForeignError):
                lines = count(part.lines, "line")
                say(f"{part.path}: {lines} done and kept: the same command goes on from there")
            raise
        finally:
            part.close()
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None


class _ForeignError(UserError):
    """What is kept belongs to something else, so that nothing goes on from there."""


@dataclasses.dataclass(frozen=True)
class _Kept:
    """What F.part.json says: lines of the input, bytes of F.part, and the digests of both."""

    lines: int = 0
    bytes: int = 0
    input: str = hashlib.sha256().hexdigest()
    output: str = hashlib.sha256().hexdigest()


class PartialOutput(Output):
    """A file in the making; see `resumable`.

    Attributes:
        path: Where what is done is kept: F.part.
    """

    def __init__(self, goal: Path, identity: Mapping[str, Any]) -> None:
        """Opens what is kept beside `goal`, or begins anew where nothing is."""
        self.path = goal.with_name(f"{goal.name}.part")
        self._goal, self._identity = goal, identity
        self._record = goal.with_name(f"{goal.name}.part.json")
        self._kept = self._recorded()
        self._input, self._output, self._passed = hashlib.sha256(), hashlib.sha256(), 0
        self._file = self._opened()
        try:
            self._check_output()
            if not self.lines:
                self._write_record()
        except BaseException:
            self._file.close()
            raise

    @property
    def lines(self) -> int:
        """As `Output.lines`."""
        return self._kept.lines

    @property
    def behind(self) -> bool:
        """As `Output.behind`."""
        return self._passed < self._kept.lines

    def passes(self, *columns: Sequence[str]) -> bool:
        """As `Output.passes`."""
        if not self.behind:
            return False
        self._read(columns)
        if self._passed > self.lines or (not self.behind and not self._same_input()):
            raise self._foreign("of this input", "that of another")
        return True

    def write(self, lines: Iterable[str], *columns: Sequence[str]) -> None:
        """As `Output.write`; they lie on the disk then, and are not lost any more."""
        self._file.truncate(self._kept.bytes)
        self._file.seek(self._kept.bytes)
        size = self._kept.bytes
        for line in lines:
            data = line.encode("utf-8")
            self._file.write(data)
            self._output.update(data)
            size += len(data)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._read(columns)
        digests = (self._input.hexdigest(), self._output.hexdigest())
        self._kept = _Kept(self._passed, size, *digests)
        self._write_record()

    def finish(self) -> None:
        """Gives the file its name."""
        if self.behind:
            raise self._foreign("of this input", "that of a longer one")
        self._file.truncate(self._kept.bytes)
        os.fsync(self._file.fileno())
        self.path.replace(self._goal)
        self._record.unlink()

    def close(self) -> None:
        """Closes the file; where it holds nothing yet, nothing is left behind."""
        self._file.close()
        if not self.lines:
            self.path.unlink(missing_ok=True)
            self._record.unlink(missing_ok=True)

    def _recorded(self) -> _Kept:
        """What is kept; raises where it is not of the same model and options."""
        if not self._record.exists():
            if self.path.exists() and self.path.stat().st_size:
                found = f"found one without {self._record.name}"
                raise UserError(f"{self.path}: expected no file, or one to go on with, {found}")
            return _Kept()
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
            kept, identity = _Kept(**record["kept"]), dict(record["identity"])
            known = record["format"] == _FORMAT
        except (ValueError, TypeError, KeyError):
            raise self._foreign("to go on with", "damage") from None
        if not known:
            raise self._foreign(f"in format {_FORMAT}", f"format {record['format']}")
        if not kept.lines or not self.path.exists():
            return _Kept()
        for name, wanted in self._identity.items():
            if identity.get(name) != wanted:
                self._refuse(name, wanted, identity.get(name))
        return kept

    def _refuse(self, name: str, wanted: Any, found: Any) -> None:
        if name == "model":
            raise self._foreign("by this model", "that of another")
        raise self._foreign(f"with {name} {json.dumps(wanted)}", json.dumps(found))

    def _foreign(self, wanted: str, found: str) -> UserError:
        hint = f"to begin anew, remove it and {self.path.name}"
        expected = f"expected a translation {wanted}, found {found}"
        return _ForeignError(f"{self._record}: {expected} ({hint})")

    def _opened(self) -> BinaryIO:
        """F.part, kept from other processes; made if it is not there, otherwise as it is."""
        file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            wanted = "expected no other process that writes it"
            raise UserError(f"{self.path}: {wanted}, found one") from None
        return file

    def _check_output(self) -> None:
        """Reads what is done, so that its digest can go on; raises where it has been changed."""
        left = self._kept.bytes
        while left and (block := self._file.read(min(left, _BLOCK))):
            self._output.update(block)
            left -= len(block)
        if left or self._output.hexdigest() != self._kept.output:
            raise UserError(
                f"{self.path}: expected the {self._kept.bytes:,} bytes that were written,"
                " found others"
            )

    def _same_input(self) -> bool:
        return self._input.hexdigest() == self._kept.input

    def _read(self, columns: Sequence[Sequence[str]]) -> None:
        """Takes a chunk of the input into the digest."""
        for row in zip(*columns, strict=True):
            self._input.update(json.dumps(row).encode() + b"\n")
        self._passed += len(columns[0])

    def _write_record(self) -> None:
        record = {
            "format": _FORMAT,
            "kept": dataclasses.asdict(self._kept),
            "identity": self._identity,
        }
        with (
            text_io.replacing(self._record) as draft,
            draft.open("w", encoding="utf-8") as file,
        ):
            json.dump(record, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
