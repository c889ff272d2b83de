"""`seq2seq translate`: files or stdin, line by line; what comes from a pipe is answered at once."""

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from seq2seq import parallel, text_io
from seq2seq.commands.companions import Companion
from seq2seq.commands.console import count, say, use_compilation_cache
from seq2seq.commands.resumption import Output, model_digest, plain, resumable
from seq2seq.commands.translation_output import Form
from seq2seq.config import DecodingConfig
from seq2seq.errors import LineError, UserError
from seq2seq.long_lines import When, translate_lines
from seq2seq.marked_lines import translate_marked
from seq2seq.progress import Progress
from seq2seq.run_directory import RunDirectory
from seq2seq.translations import Translation
from seq2seq.translator import Translator

_CHUNK_LINES = 10_000
"""Lines of a file read before they are translated: enough to sort by length, few enough to hold."""
_KEPT_LINES = 2_000
"""The same where what is done is kept: fewer, as a chunk that is interrupted is done again."""


class _Part(NamedTuple):
    """Lines that are read and translated together."""

    name: str
    """What their file is called."""
    number: int
    """Of the first one in its file, from 0."""
    first: int
    """Of the first one in all that is translated, from 0."""
    lines: list[str]
    prefixes: list[str] | None
    forced: list[str] | None

    @property
    def columns(self) -> list[list[str]]:
        """All that was read for the lines."""
        every = (self.lines, self.prefixes, self.forced)
        return [column for column in every if column is not None]


def translate(
    run: RunDirectory,
    files: Sequence[Path],
    target: Path | None,
    decoding: DecodingConfig,
    checkpoint: str | int,
    form: Form,
    prefix: Path | None = None,
    ban: Path | None = None,
    force: Path | None = None,
    ensemble: Sequence[tuple[Path, str | int]] = (),
    split: When = "always",
    keep_markup: bool = False,
    resume: bool = False,
) -> int:
    """Translates files line by line; returns the exit status.

    Args:
        run: A trained run.
        files: What to translate, one after the other; `-` is stdin.
        target: Where to write; None is stdout.
        decoding: How to search.
        checkpoint: Which one: best, latest or a step.
        form: In what form to write.
        prefix: With what the translations begin, a line for each.
        ban: What no translation may hold, a phrase a line.
        force: What the translations have to hold, a line for each, phrases separated by tabs.
        ensemble: Further runs, each with a checkpoint, that decide together with the first.
        split: Which lines are cut into sentences.
        keep_markup: Whether tags, addresses and placeholders come out as they go in.
        resume: Whether what is done is kept beside `target` until all is, and gone on with.

    Raises:
        UserError: A file cannot be read, a line of it is missing, left over or impossible, or what
            is kept belongs to something else.
    """
    parallel.cores_as_devices()
    use_compilation_cache()
    translator = Translator.load(run.path, checkpoint, ensemble)
    banned = [] if ban is None else list(text_io.read_lines(ban, say))
    work = partial(translate_marked if keep_markup else translate_lines, translator)
    beside = {"prefix": prefix, "banned": ban, "forced": force}
    identity = {
        **dataclasses.asdict(decoding),
        **dataclasses.asdict(form),
        "split_sentences": split,
        "keep_markup": keep_markup,
        "ban": banned,
        "ensemble": [f"{path}@{which}" for path, which in ensemble],
    }
    kept = target if resume else None
    with _output(target, kept, translator, identity) as out, _translating(target, out) as progress:
        note = _unless_done(out, progress.note)
        size = _CHUNK_LINES if kept is None else _KEPT_LINES
        for part in _parts(files, prefix, force, size, note):
            if out.passes(*part.columns):
                continue
            held = None if part.forced is None else [line.split("\t") for line in part.forced]
            asked = (part.prefixes, part.first, banned, held)
            try:
                results = work(part.lines, decoding, split, progress.advance, *asked)
            except LineError as error:
                raise _placed(error, beside, part) from None
            for i, result in enumerate(results, start=part.number + 1):
                _warn(result, f"{part.name}:{i}", progress)
            lines = form.written(translator, part.lines, results, decoding, part.first)
            out.write(lines, *part.columns)
    return 0


def _output(
    target: Path | None, kept: Path | None, translator: Translator, identity: Mapping[str, Any]
) -> AbstractContextManager[Output]:
    """Where translations go: into a file that outlives the process if `kept` is one."""
    if kept is None:
        return plain(target)
    return resumable(kept, {"model": model_digest(translator), **identity})


def _parts(
    files: Sequence[Path],
    prefix: Path | None,
    force: Path | None,
    size: int,
    note: Callable[[str], None],
) -> Iterator[_Part]:
    """Yields the lines of the files in lists of a size, with what goes with them."""
    companions = [None if path is None else Companion(path, note) for path in (prefix, force)]
    first = 0
    for path in files:
        name, number = "stdin" if path == text_io.STDIN else str(path), 0
        for chunk in text_io.read_chunks(path, size, note):
            prefixes, forced = (None if one is None else one.take(len(chunk)) for one in companions)
            yield _Part(name, number, first, chunk, prefixes, forced)
            number, first = number + len(chunk), first + len(chunk)
    for companion in filter(None, companions):
        companion.end()


def _unless_done(out: Output, note: Callable[[str], None]) -> Callable[[str], None]:
    """Says nothing about lines that were done by an earlier call."""
    return lambda text: None if out.behind else note(text)


def _placed(error: LineError, beside: Mapping[str, Path | None], part: _Part) -> UserError:
    """The error with the file and the line that it is about.

    Args:
        error: About a line of what is translated, or of a file that goes with it.
        beside: These files, by what the error calls their lines.
        part: What is translated.
    """
    file = beside.get(error.what)
    line = error.number if file else error.number + part.number - part.first
    return UserError(f"{file or part.name}:{line}: {error.reason}")


def _translating(target: Path | None, out: Output) -> Progress:
    """Progress that leaves a terminal to the translations, where they are printed on one."""
    if target is None and sys.stdout.isatty():
        console = Console(stderr=True, force_terminal=False)
        return Progress("translating", unit="sentences", every=None, console=console)
    return Progress("translating", done=out.lines, unit="sentences")


def _warn(result: Translation, place: str, progress: Progress) -> None:
    """Says where a line was cut or holds what the vocabulary does not know, or drops."""
    if result.cut:
        tokens = count(result.cut, "token")
        progress.note(f"{place}: warning: too long: cut, the last {tokens} left out")
    if result.divided:
        parts = count(result.divided, "part")
        progress.note(f"{place}: warning: a sentence is too long: translated in {parts}")
    if result.dropped:
        characters = count(result.dropped, "control character")
        progress.note(f"{place}: warning: {characters} left out")
    if result.copied:
        progress.note(f"{place}: warning: nothing but unknown characters: left as it is")
    elif result.unknown:
        tokens = count(result.unknown, "token")
        progress.note(f"{place}: warning: {tokens} of unknown characters")
