"""`seq2seq translate`: files or stdin, line by line; what comes from a pipe is answered at once."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from seq2seq import parallel, text_io
from seq2seq.commands.companions import Companion
from seq2seq.commands.console import count, use_compilation_cache
from seq2seq.commands.translation_output import Form
from seq2seq.config import DecodingConfig
from seq2seq.errors import LineError, UserError
from seq2seq.progress import Progress
from seq2seq.run_directory import RunDirectory
from seq2seq.translations import Translation
from seq2seq.translator import Translator

_CHUNK_LINES = 10_000
"""Lines of a file read before they are translated: enough to sort by length, few enough to hold."""


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

    Raises:
        UserError: A file cannot be read, or a line of it is missing, left over or impossible.
    """
    parallel.cores_as_devices()
    use_compilation_cache()
    translator = Translator.load(run.path, checkpoint, ensemble)
    with text_io.output(target) as out, _translating(target) as progress:
        done, beside = 0, {"prefix": prefix, "banned": ban, "forced": force}
        banned = [] if ban is None else list(text_io.read_lines(ban, progress.note))
        prefixes, forced = (
            None if path is None else Companion(path, progress.note) for path in (prefix, force)
        )
        for path in files:
            name, number = "stdin" if path == text_io.STDIN else str(path), 0
            for chunk in text_io.read_chunks(path, _CHUNK_LINES, progress.note):
                begun, phrases = (
                    None if lines is None else lines.take(len(chunk))
                    for lines in (prefixes, forced)
                )
                held = None if phrases is None else [line.split("\t") for line in phrases]
                try:
                    results = translator.translate(
                        chunk, decoding, progress.advance, begun, done, banned, held
                    )
                except LineError as error:
                    raise _placed(error, beside, name, number - done) from None
                out.writelines(form.written(translator, chunk, results, decoding, done))
                out.flush()
                for i, result in enumerate(results, start=number + 1):
                    _warn(result, f"{name}:{i}", progress)
                number, done = number + len(results), done + len(results)
        for companion in filter(None, (prefixes, forced)):
            companion.end()
    return 0


def _placed(
    error: LineError, beside: Mapping[str, Path | None], name: str, shift: int
) -> UserError:
    """The error with the file and the line that it is about.

    Args:
        error: About a line of what is translated, or of a file that goes with it.
        beside: These files, by what the error calls their lines.
        name: Of what is translated.
        shift: From its number in all that is translated to its line in this file.
    """
    file = beside.get(error.what)
    line = error.number if file else error.number + shift
    return UserError(f"{file or name}:{line}: {error.reason}")


def _translating(target: Path | None) -> Progress:
    """Progress that leaves a terminal to the translations, where they are printed on one."""
    if target is None and sys.stdout.isatty():
        console = Console(stderr=True, force_terminal=False)
        return Progress("translating", unit="sentences", every=None, console=console)
    return Progress("translating", unit="sentences")


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
