"""The options of accelerator.py, looked at before the first figure: time on a device is dear."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from accelerator_multi30k import FILES
from workload import SIZES, changed

from seq2seq.config import Config
from seq2seq.errors import UserError


def parse(doc: str, parts: Sequence[str], trials: Sequence[str]) -> argparse.Namespace:
    """Returns the options; a mistake is told in a line, and ends the process with status 2.

    Args:
        doc: What accelerator.py is.
        parts: The names of its parts.
        trials: The names of its trials.
    """
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0], allow_abbrev=False)

    def some_parts(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(parts):
            raise argparse.ArgumentTypeError(f"{unknown.pop()}: expected one of {', '.join(parts)}")
        return names

    def trial(text: str) -> str:
        if not any(text in name for name in trials):
            found = f"expected a word of one of these: {', '.join(trials)}"
            raise argparse.ArgumentTypeError(f"{text}: {found}")
        return text

    parser.add_argument("--only", type=some_parts, help="parts to run, with commas between them")
    parser.add_argument(
        "--trials",
        nargs="?",
        const="",
        type=trial,
        metavar="WORD",
        help="trials, or those whose name holds WORD",
    )
    parser.add_argument("--multi30k", type=_multi30k, metavar="DIR", help="folder of Multi30k")
    parser.add_argument("--json", type=_json, metavar="FILE", help="where to keep the figures")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="where to keep the parts' stderr")
    parser.add_argument("--small", action="store_true", help="reduced sizes, as on a CPU")
    parser.add_argument("--minutes", type=float, default=9.5, help="for all parts together")
    parser.add_argument("--seconds", type=float, default=6.0, help="measured for each figure")
    text = "what to train: base:128"
    parser.add_argument(
        "--case", action="append", default=[], type=_case, metavar="SIZE:LENGTH", help=text
    )
    text = "in the configs trained"
    parser.add_argument(
        "--set", action="append", default=[], type=_setting, metavar="KEY=VALUE", help=text
    )
    for hidden, kind in (("--part", str), ("--limit", float), ("--peak", float)):
        parser.add_argument(hidden, type=kind, help=argparse.SUPPRESS)
    return parser.parse_args()


def _multi30k(text: str) -> Path:
    files = [Path(text, f"{name}.{lang}.gz") for name in FILES.values() for lang in ("en", "de")]
    if missing := [file for file in files if not file.is_file()]:
        raise argparse.ArgumentTypeError(f"expected {missing[0]}, found nothing")
    return Path(text)


def _json(text: str) -> Path:
    if Path(text).is_dir() or not Path(text).absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text}: expected a file in a folder that is there")
    return Path(text)


def _case(text: str) -> str:
    size, _, length = text.partition(":")
    if size not in SIZES or not length.isdigit() or not int(length):
        wanted = f"one of {', '.join(SIZES)} and a row length, as in base:128"
        raise argparse.ArgumentTypeError(f"{text}: expected {wanted}")
    return text


def _setting(text: str) -> str:
    key, equals, value = text.partition("=")
    try:
        if not equals:
            raise ValueError("expected KEY=VALUE, as in training.remat=true")
        changed(Config(), key, value)
    except (ValueError, AttributeError, TypeError, UserError) as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from None
    return text
