"""`seq2seq translate`: files or stdin, line by line; what comes from a pipe is answered at once."""

import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
from rich.console import Console

from seq2seq import parallel, text_io
from seq2seq.commands.companions import Companion
from seq2seq.commands.console import count, cut, join_hosts, say, use_compilation_cache
from seq2seq.commands.resumption import Output, digest_of, model_digest, plain, resumable
from seq2seq.commands.translation_output import Form
from seq2seq.config import DecodingConfig
from seq2seq.config.decoding import SCORING
from seq2seq.errors import LineError, UserError
from seq2seq.lines.long import When, translate_lines
from seq2seq.lines.marked import attention_alignment, translate_marked
from seq2seq.model import functional
from seq2seq.progress import Progress
from seq2seq.reranking import RerankingTranslator
from seq2seq.run_directory import RunDirectory
from seq2seq.translations import Translation

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


@dataclasses.dataclass(frozen=True)
class Options:
    """How lines are translated, and in what form they are written.

    Attributes:
        decoding: How to search.
        form: In what form to write.
        checkpoint: Which one: best, latest, averaged or a step.
        ensemble: Further runs, each with a checkpoint, that decide together with the first.
        rerank: A run of the reverse direction that ranks what is found, with its checkpoint.
        rerank_weight: What its score counts.
        prefix: With what the translations begin, a line for each.
        ban: What no translation may hold, a phrase a line.
        force: What the translations have to hold, a line for each, phrases separated by tabs.
        split: Which lines are cut into sentences.
        keep_markup: Whether tags, addresses and placeholders come out as they go in.
    """

    decoding: DecodingConfig
    form: Form
    checkpoint: str | int = "best"
    ensemble: Sequence[tuple[Path, str | int]] = ()
    rerank: tuple[Path, str | int] | None = None
    rerank_weight: float = 1.0
    prefix: Path | None = None
    ban: Path | None = None
    force: Path | None = None
    split: When = "always"
    keep_markup: bool = False


def translate(
    run: RunDirectory,
    files: Sequence[Path],
    target: Path | None,
    options: Options,
    resume: bool = False,
    distributed: bool = False,
) -> int:
    """Translates files line by line; returns the exit status.

    Args:
        run: A trained run.
        files: What to translate, one after the other; `-` is stdin.
        target: Where to write; None is stdout.
        options: How.
        resume: Whether what is done is kept beside `target` until all is, and gone on with.
        distributed: Whether this is one of several processes, which share the sentences; the first
            one writes.

    Raises:
        UserError: A file cannot be read, a line of it is missing, left over or impossible, or what
            is kept belongs to something else.
    """
    parallel.cores_as_devices()
    if distributed:
        join_hosts()
    use_compilation_cache()
    target = target if jax.process_index() == 0 else Path(os.devnull)
    translator, decoding = _loaded(run, options), options.decoding
    banned = [] if options.ban is None else list(text_io.read_lines(options.ban, say))
    work = partial(translate_lines, translator, decoding=decoding, split=options.split)
    align = attention_alignment(translator, decoding)
    kept = (_identity(translator, options, banned), target) if resume and target else None
    with _output(target, kept) as out, _translating(files, target, out) as progress:
        note = _unless_done(out, progress.note)
        for part in _parts(files, options, _CHUNK_LINES if kept is None else _KEPT_LINES, note):
            if out.passes(*part.columns):
                continue
            held = None if part.forced is None else [line.split("\t") for line in part.forced]
            try:
                of_part = partial(
                    work,
                    advance=progress.advance,
                    prefixes=part.prefixes,
                    first=part.first,
                    banned=banned,
                    forced=held,
                )
                marked = options.keep_markup
                results = (
                    translate_marked(part.lines, of_part, align) if marked else of_part(part.lines)
                )
            except LineError as error:
                raise _placed(error, options, part) from None
            for i, result in enumerate(results, start=part.number + 1):
                _warn(result, f"{part.name}:{i}", progress)
            written = options.form.written(translator, part.lines, results, decoding, part.first)
            out.write(written, *part.columns)
    return 0


def _loaded(run: RunDirectory, options: Options) -> RerankingTranslator:
    """The model, or all those that take part."""
    translator = RerankingTranslator.load(run.path, options.checkpoint, options.ensemble)
    if options.rerank is not None:
        translator.rank_by(*options.rerank, options.rerank_weight)
    return translator


def _identity(
    translator: RerankingTranslator, options: Options, banned: Sequence[str]
) -> dict[str, Any]:
    """What translations hang on but the input, by name."""
    reverse = translator.reverse
    shortlist = translator.shortlist if options.decoding.shortlist else None
    calibration = translator.calibration if options.form.format == "jsonl" else None
    return {
        "model": model_digest(translator),
        "compute_dtype": _compute_dtypes(translator, options),
        **dataclasses.asdict(options.decoding),
        **dataclasses.asdict(options.form),
        "split_sentences": options.split,
        "keep_markup": options.keep_markup,
        "ban": banned,
        "ensemble": [f"{path}@{which}" for path, which in options.ensemble],
        "shortlist": shortlist and shortlist.digest(),
        "calibration": calibration and digest_of(dataclasses.asdict(calibration)),
        "rerank": reverse and [model_digest(reverse), options.rerank_weight],
        **{f"rerank.{key}": reverse and getattr(reverse.config.decoding, key) for key in SCORING},
    }


def _compute_dtypes(translator: RerankingTranslator, options: Options) -> str:
    """The types in which the models compute, on this machine where it is left to that."""
    configs = [translator.config, *(RunDirectory.open(path).config for path, _ in options.ensemble)]
    if translator.reverse is not None:
        configs.append(translator.reverse.config)
    names = [config.training.compute_dtype for config in configs]
    return ", ".join(str(functional.compute_dtype(name)) for name in names)


def _output(
    target: Path | None, kept: tuple[Mapping[str, Any], Path] | None
) -> AbstractContextManager[Output]:
    """Where translations go: into a file that outlives the process if `kept` is given."""
    if kept is None:
        return plain(target)
    identity, path = kept
    return resumable(path, identity)


def _parts(
    files: Sequence[Path], options: Options, size: int, note: Callable[[str], None]
) -> Iterator[_Part]:
    """Yields the lines of the files in lists of a size, with what goes with them."""
    paths = (options.prefix, options.force)
    companions = [None if path is None else Companion(path, note) for path in paths]
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


def _placed(error: LineError, options: Options, part: _Part) -> UserError:
    """The error with the file and the line that it is about.

    Args:
        error: About a line of what is translated, or of a file that goes with it.
        options: They name these files.
        part: What is translated.
    """
    beside = {"prefix": options.prefix, "banned": options.ban, "forced": options.force}
    file = beside.get(error.what)
    line = error.number if file else error.number + part.number - part.first
    return UserError(f"{file or part.name}:{line}: {error.reason}")


def _translating(files: Sequence[Path], target: Path | None, out: Output) -> Progress:
    """Progress that leaves a terminal to the translations, where they are printed on one."""
    quiet = jax.process_index() > 0
    if target is None and sys.stdout.isatty():
        console = Console(stderr=True, force_terminal=False)
        return Progress("translating", unit="lines", every=None, console=console)
    total = None if quiet else text_io.line_count(files)
    return Progress("translating", total, out.lines, "lines", quiet=quiet)


def _warn(result: Translation, place: str, progress: Progress) -> None:
    """Says where a line was cut or holds what the vocabulary does not know, or drops."""
    if result.cut:
        progress.note(cut(place, result.cut))
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
