"""`seq2seq score`: how probable a model finds given translations, line by line."""

import itertools
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from seq2seq import parallel, text_io
from seq2seq.commands.console import count, cut, say, use_compilation_cache
from seq2seq.config import DecodingConfig
from seq2seq.errors import UserError
from seq2seq.progress import Progress
from seq2seq.run_directory import RunDirectory
from seq2seq.translations import TargetScore
from seq2seq.translator import Translator

_CHUNK_PAIRS = 10_000
"""Pairs read before they are scored."""


def score(
    run: RunDirectory,
    files: tuple[Path, Path],
    target: Path | None,
    decoding: DecodingConfig,
    checkpoint: str | int = "best",
    ensemble: Sequence[tuple[Path, str | int]] = (),
    as_json: bool = False,
) -> int:
    """Scores the lines of one file as translations of those of another; returns the exit status.

    The total is of all pairs but those whose target is too long: their probability is 0.

    Args:
        run: A trained run.
        files: Sources, and what is taken for their translations; one may be `-`, stdin.
        target: Where to write; None is stdout.
        decoding: Its length penalty makes the scores; its lengths say what is too long.
        checkpoint: Which one: best, latest, averaged or a step.
        ensemble: Further runs, each with a checkpoint, that decide together with the first.
        as_json: Whether a line is a JSON object with every token's log-probability, instead of
            log-probability, tokens, perplexity and score, between tabs.

    Raises:
        UserError: The files have different numbers of lines, or cannot be read.
    """
    parallel.cores_as_devices()
    use_compilation_cache()
    translator = Translator.load(run.path, checkpoint, ensemble)
    tokens, total, pairs, too_long = 0, 0.0, 0, 0
    progress = Progress("scoring", unit="pairs")
    with text_io.output(target) as out, progress:
        for chunk in text_io.chunks(_pairs(files, progress), _CHUNK_PAIRS):
            sources, targets = zip(*chunk, strict=True)
            for result in translator.score(sources, targets, progress.advance, decoding):
                pairs += 1
                if result.cut:
                    progress.note(cut(f"{files[0]}:{pairs}", result.cut))
                if result.too_long:
                    too_long += 1
                    progress.note(f"{files[1]}:{pairs}: warning: too long: probability 0")
                else:
                    tokens += len(result.tokens)
                    total += result.log_prob
                out.write(_line(result, as_json) + "\n")
            out.flush()
    left_out = f" ({count(too_long, 'pair')} too long and left out)" if too_long else ""
    perplexity = math.exp(min(-total / tokens, 700)) if tokens else math.nan
    say(
        f"{count(pairs - too_long, 'pair')}, {count(tokens, 'token')}: "
        f"log-probability {total:,.4f}, perplexity {perplexity:,.4f}{left_out}"
    )
    return 0


def _pairs(files: tuple[Path, Path], progress: Progress) -> Iterator[tuple[str, str]]:
    """The lines of both files side by side."""
    both = (text_io.read_lines(path, progress.note) for path in files)
    for number, (source, target) in enumerate(itertools.zip_longest(*both)):
        if source is None or target is None:
            shorter, longer = files if source is None else files[::-1]
            raise UserError(
                f"{shorter}: expected as many lines as {longer} has, found only {number:,}"
            )
        yield source, target


def _line(result: TargetScore, as_json: bool) -> str:
    if not as_json:
        figures = (result.log_prob, len(result.tokens), result.perplexity, result.score)
        return "\t".join(str(x) if isinstance(x, int) else f"{x:.4f}" for x in figures)
    fields = {
        "log_prob": result.log_prob,
        "perplexity": result.perplexity,
        "score": result.score,
        "tokens": result.tokens,
        "log_probs": result.log_probs,
    }
    return json.dumps({key: _finite(x) for key, x in fields.items()}, ensure_ascii=False)


def _finite(value: Any) -> Any:
    """The value, or null for what is infinite, which JSON cannot say."""
    if isinstance(value, tuple):
        return [_finite(each) for each in value]
    return None if value in (math.inf, -math.inf) else value
