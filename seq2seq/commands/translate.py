"""`seq2seq translate`: files or stdin, line by line; what comes from a pipe is answered at once."""

import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from rich.console import Console

from seq2seq import parallel, text_io
from seq2seq.commands.console import count, use_compilation_cache
from seq2seq.config import DecodingConfig
from seq2seq.errors import LineError, UserError
from seq2seq.progress import Progress
from seq2seq.run_directory import RunDirectory
from seq2seq.translator import Translation, Translator

_CHUNK_LINES = 10_000
"""Lines of a file read before they are translated: enough to sort by length, few enough to hold."""


def translate(
    run: RunDirectory,
    files: Sequence[Path],
    target: Path | None,
    decoding: DecodingConfig,
    checkpoint: str | int,
    prefix: Path | None = None,
) -> int:
    """Translates files line by line; returns the exit status.

    Args:
        run: A trained run.
        files: What to translate, one after the other; `-` is stdin.
        target: Where to write; None is stdout.
        decoding: How to search.
        checkpoint: Which one: best, latest or a step.
        prefix: With what the translations begin, a line for each.

    Raises:
        UserError: A file cannot be read, or a prefix is missing, left over or impossible.
    """
    parallel.cores_as_devices()
    use_compilation_cache()
    translator = Translator.load(run.path, checkpoint)
    with text_io.output(target) as out, _translating(target) as progress:
        done = 0
        begun = None if prefix is None else text_io.read_lines(prefix, progress.note)
        for path in files:
            name, number = "stdin" if path == text_io.STDIN else str(path), 0
            for chunk in text_io.read_chunks(path, _CHUNK_LINES, progress.note):
                prefixes = None if begun is None else list(islice(begun, len(chunk)))
                if prefixes is not None and len(prefixes) < len(chunk):
                    found = done + len(prefixes)
                    raise UserError(f"{prefix}: expected a line for every line, found {found:,}")
                try:
                    results = translator.translate(
                        chunk, decoding, progress.advance, prefixes, done
                    )
                except LineError as error:
                    raise UserError(f"{prefix}:{error.number}: {error.reason}") from None
                for result in results:
                    number += 1
                    _warn(result, f"{name}:{number}", progress)
                    out.writelines(_written(result, done, decoding.n_best))
                    done += 1
                out.flush()
        if begun is not None and next(begun, None) is not None:
            raise UserError(
                f"{prefix}: expected {done:,} lines, as many as are translated, found more"
            )
    return 0


def _translating(target: Path | None) -> Progress:
    """Progress that leaves a terminal to the translations, where they are printed on one."""
    if target is None and sys.stdout.isatty():
        console = Console(stderr=True, force_terminal=False)
        return Progress("translating", unit="sentences", every=None, console=console)
    return Progress("translating", unit="sentences")


def _written(result: Translation, number: int, n_best: int) -> list[str]:
    """The line of a translation, or those of the n best in the form that Moses gave them."""
    if n_best == 1:
        return [f"{result.text}\n"]
    every = (result, *result.others)
    return [f"{number} ||| {one.text} ||| {one.score:.4f}\n" for one in every]


def _warn(result: Translation, place: str, progress: Progress) -> None:
    """Says where a line was cut or holds what the vocabulary does not know, or drops."""
    if result.cut:
        tokens = count(result.cut, "token")
        progress.note(f"{place}: warning: too long: cut, the last {tokens} left out")
    if result.dropped:
        characters = count(result.dropped, "control character")
        progress.note(f"{place}: warning: {characters} left out")
    if result.copied:
        progress.note(f"{place}: warning: nothing but unknown characters: left as it is")
    elif result.unknown:
        tokens = count(result.unknown, "token")
        progress.note(f"{place}: warning: {tokens} of unknown characters")
