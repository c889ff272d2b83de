"""`seq2seq translate`: files or stdin, line by line; what comes from a pipe is answered at once."""

import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from seq2seq import parallel, text_io
from seq2seq.commands.console import count, use_compilation_cache
from seq2seq.commands.resumption import Output, model_digest, plain, resumable
from seq2seq.config import DecodingConfig
from seq2seq.errors import LineError, UserError
from seq2seq.long_lines import When, translate_lines
from seq2seq.marked_lines import translate_marked
from seq2seq.run_directory import RunDirectory
from seq2seq.training.progress import Progress
from seq2seq.translator import Translation, Translator

_CHUNK_LINES = 10_000
"""Lines of a file read before they are translated: enough to sort by length, few enough to hold."""
_KEPT_LINES = 2_000
"""The same where what is done is kept: fewer, as a chunk that is interrupted is done again."""


class _Part(NamedTuple):
    """Lines that are read and translated together."""

    name: str
    """What their file is called."""
    number: int
    """Of the first one in its file, from 1."""
    lines: list[str]
    prefixes: list[str] | None

    @property
    def columns(self) -> list[list[str]]:
        """All that was read for the lines."""
        return [self.lines] if self.prefixes is None else [self.lines, self.prefixes]


def translate(
    run: RunDirectory,
    files: Sequence[Path],
    target: Path | None,
    decoding: DecodingConfig,
    checkpoint: str | int,
    prefix: Path | None = None,
    resume: bool = False,
    split: When = "always",
    keep_markup: bool = False,
) -> int:
    """Translates files line by line; returns the exit status.

    Args:
        run: A trained run.
        files: What to translate, one after the other; `-` is stdin.
        target: Where to write; None is stdout.
        decoding: How to search.
        checkpoint: Which one: best, latest or a step.
        prefix: With what the translations begin, a line for each.
        resume: Whether what is done is kept beside `target` until all is, and gone on with.
        split: Which lines are cut into sentences.
        keep_markup: Whether tags, addresses and placeholders come out as they go in.

    Raises:
        UserError: A file cannot be read, a prefix is missing, left over or impossible, or what is
            kept belongs to something else.
    """
    parallel.cores_as_devices()
    use_compilation_cache()
    translator = Translator.load(run.path, checkpoint)
    kept = target if resume else None
    identity = dataclasses.asdict(decoding)
    identity |= {"split_sentences": split, "keep_markup": keep_markup}
    work = partial(translate_marked if keep_markup else translate_lines, translator)
    with _output(target, kept, translator, identity) as out, _translating(target, out) as progress:
        done, size = 0, _CHUNK_LINES if kept is None else _KEPT_LINES
        note = _unless_done(out, progress.note)
        for part in _parts(files, prefix, size, note):
            if not out.passes(*part.columns):
                results = _translated(work, part, decoding, split, progress, done, prefix)
                lines: list[str] = []
                for i, result in enumerate(results):
                    _warn(result, f"{part.name}:{part.number + i}", progress)
                    lines += _written(result, done + i, decoding.n_best)
                out.write(lines, *part.columns)
            done += len(part.lines)
    return 0


def _translated(
    work: Callable[..., list[Translation]],
    part: _Part,
    decoding: DecodingConfig,
    split: When,
    progress: Progress,
    done: int,
    prefix: Path | None,
) -> list[Translation]:
    """The translations of a part's lines; a prefix that is impossible is told by its line."""
    try:
        return work(part.lines, decoding, split, progress.advance, part.prefixes, done)
    except LineError as error:
        raise UserError(f"{prefix}:{error.number}: {error.reason}") from None


def _output(
    target: Path | None, kept: Path | None, translator: Translator, identity: dict[str, Any]
) -> AbstractContextManager[Output]:
    """Where translations go: into a file that outlives the process if `kept` is one."""
    if kept is None:
        return plain(target)
    return resumable(kept, {"model": model_digest(translator), **identity})


def _parts(
    files: Sequence[Path], prefix: Path | None, size: int, note: Callable[[str], None]
) -> Iterator[_Part]:
    """Yields the lines of the files in lists of a size, with their prefixes."""
    done = 0
    begun = None if prefix is None else text_io.read_lines(prefix, note)
    for path in files:
        name, number = "stdin" if path == text_io.STDIN else str(path), 1
        for chunk in text_io.read_chunks(path, size, note):
            prefixes = None if begun is None else list(islice(begun, len(chunk)))
            done += len(chunk)
            if prefixes is not None and len(prefixes) < len(chunk):
                found = done - len(chunk) + len(prefixes)
                raise UserError(f"{prefix}: expected a line for every line, found {found:,}")
            yield _Part(name, number, chunk, prefixes)
            number += len(chunk)
    if begun is not None and next(begun, None) is not None:
        raise UserError(f"{prefix}: expected {done:,} lines, as many as are translated, found more")


def _unless_done(out: Output, note: Callable[[str], None]) -> Callable[[str], None]:
    """Says nothing about lines that were done by an earlier call."""
    return lambda text: None if out.behind else note(text)


def _translating(target: Path | None, out: Output) -> Progress:
    """Progress that leaves a terminal to the translations, where they are printed on one."""
    if target is None and sys.stdout.isatty():
        console = Console(stderr=True, force_terminal=False)
        return Progress("translating", unit="sentences", every=None, console=console)
    return Progress("translating", done=out.lines, unit="sentences")


def _written(result: Translation, number: int, n_best: int) -> list[str]:
    """The line of a translation, or those of the n best in the form that Moses gave them."""
    if n_best == 1:
        return [f"{result.text}\n"]
    every = (result, *result.others)
    return [f"{number} ||| {one.text} ||| {one.score:.4f}\n" for one in every]


def _warn(result: Translation, place: str, progress: Progress) -> None:
    """Says where a line was cut or holds what the vocabulary does not know."""
    if result.cut:
        tokens = count(result.cut, "token")
        progress.note(f"{place}: warning: too long: cut, the last {tokens} left out")
    if result.divided:
        parts = count(result.divided, "part")
        progress.note(f"{place}: warning: a sentence is too long: translated in {parts}")
    if result.copied:
        progress.note(f"{place}: warning: nothing but unknown characters: left as it is")
    elif result.unknown:
        tokens = count(result.unknown, "token")
        progress.note(f"{place}: warning: {tokens} of unknown characters")
