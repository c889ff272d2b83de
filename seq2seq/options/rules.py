"""Which options of a command go together, and which do not."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.errors import UserError, nearest

if TYPE_CHECKING:
    from seq2seq.config import DecodingConfig


def check_evaluation(arguments: argparse.Namespace, files: tuple[Path | None, Path | None]) -> None:
    """Raises on options of `evaluate` that do not go together."""
    if (files[0] is None) != (files[1] is None):
        found = "--source" if files[1] is None else "--reference"
        raise UserError(f"{found}: expected --source and --reference together, found it alone")
    if files[0] is not None and arguments.split is not None:
        raise UserError("--split: expected it or --source and --reference, found both")
    count = len(arguments.directories)
    if count > 1 and arguments.output is not None:
        raise UserError(f"--output: expected a single run beside it, found {count}")
    if count > 1 and arguments.ensemble:
        raise UserError(f"--ensemble: expected a single run beside it, found {count}")
    if count == 1 and arguments.significance is not None:
        raise UserError("--significance: expected two runs or more, found one")
    if arguments.significance is None and arguments.trials is not None:
        raise UserError("--trials: expected --significance beside it, found it alone")


def check_scoring(words: Sequence[str]) -> None:
    """Raises on keys of `decoding` that say how to search, as `score` searches for nothing."""
    from seq2seq.config.decoding import SCORING

    for word in words:
        section, _, key = word.partition("=")[0].removeprefix("--").partition(".")
        if section == "decoding" and key not in SCORING:
            wanted = f"one of decoding's {', '.join(SCORING)}, as nothing is searched for"
            raise UserError(f"--decoding.{key}: expected {wanted}{nearest(key, SCORING)}")


def check_translation(arguments: argparse.Namespace, decoding: "DecodingConfig") -> None:
    """Raises on options of `translate` that do not go together."""
    from seq2seq import text_io

    others = {
        "--prefix": arguments.prefix,
        "--force": arguments.force,
        "--alignment": arguments.alignment,
        "--format jsonl": arguments.format == "jsonl",
    }
    found = next((name for name, value in others.items() if value), None)
    if arguments.keep_markup and found:
        raise UserError(f"--keep-markup: expected it without {found}, found both")
    if arguments.rerank is None and arguments.rerank_weight is not None:
        raise UserError("--rerank-weight: expected --rerank beside it, found it alone")
    if arguments.rerank is not None and decoding.mbr:
        raise UserError("--rerank: expected it without decoding.mbr, found both")
    if arguments.rerank is not None and decoding.hypotheses == 1:
        key = "n_best" if decoding.sampling else "beam_size"
        raise UserError(f"--rerank: expected decoding.{key} of 2 or more to choose from, found 1")
    if arguments.distributed and arguments.resume:
        raise UserError("--distributed: expected it without --resume, found both")
    if arguments.distributed and text_io.STDIN in (arguments.files or [text_io.STDIN]):
        raise UserError("--distributed: expected files, as every process reads them, found stdin")
