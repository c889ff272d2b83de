"""`seq2seq translate`: files or stdin, line by line."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from seq2seq import parallel, text_io
from seq2seq.commands.console import count, use_compilation_cache
from seq2seq.config import DecodingConfig
from seq2seq.run_directory import RunDirectory
from seq2seq.training.progress import Progress
from seq2seq.translator import Translation, Translator

_CHUNK_LINES = 10_000
"""Lines read before they are translated: enough to sort by length, few enough to hold."""


def translate(
    run: RunDirectory,
    files: Sequence[Path],
    target: Path | None,
    decoding: DecodingConfig,
    checkpoint: str | int,
) -> int:
    """Translates files line by line; returns the exit status.

    Args:
        run: A trained run.
        files: What to translate, one after the other; `-` is stdin.
        target: Where to write; None is stdout.
        decoding: How to search.
        checkpoint: Which one: best, latest or a step.
    """
    parallel.cores_as_devices()
    use_compilation_cache()
    translator = Translator.load(run.path, checkpoint)
    with text_io.output(target) as out, _translating(target) as progress:
        for path in files:
            name, number = "stdin" if path == text_io.STDIN else str(path), 0
            typed = path == text_io.STDIN and sys.stdin is not None and sys.stdin.isatty()
            lines = text_io.read_lines(path, progress.note)
            for chunk in text_io.chunks(lines, 1 if typed else _CHUNK_LINES):
                for result in translator.translate(chunk, decoding, progress.advance):
                    number += 1
                    _warn(result, f"{name}:{number}", progress)
                    out.write(result.text + "\n")
                out.flush()
    return 0


def _translating(target: Path | None) -> Progress:
    """Progress that leaves a terminal to the translations, where they are printed on one."""
    if target is None and sys.stdout.isatty():
        console = Console(stderr=True, force_terminal=False)
        return Progress("translating", unit="sentences", every=None, console=console)
    return Progress("translating", unit="sentences")


def _warn(result: Translation, place: str, progress: Progress) -> None:
    """Says where a line was cut or holds what the vocabulary does not know."""
    if result.cut:
        tokens = count(result.cut, "token")
        progress.note(f"{place}: warning: too long: cut, the last {tokens} left out")
    if result.copied:
        progress.note(f"{place}: warning: nothing but unknown characters: left as it is")
    elif result.unknown:
        tokens = count(result.unknown, "token")
        progress.note(f"{place}: warning: {tokens} of unknown characters")
