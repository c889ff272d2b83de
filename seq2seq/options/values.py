"""Values of options: functions from a word to what it means, or one line about what is wrong."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from seq2seq.errors import nearest


def one_of(choices: Sequence[str]) -> Callable[[str], str]:
    """Makes the function that takes one of the choices, and names the nearest for another word."""

    def check(word: str) -> str:
        if word in choices:
            return word
        wanted = f"expected one of {', '.join(choices)}"
        raise argparse.ArgumentTypeError(f"{wanted}, found {word!r}{nearest(word, choices)}")

    return check


def number(word: str) -> int:
    """A whole number from 1."""
    if not (word.isascii() and word.isdecimal()) or int(word) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {word!r}")
    return int(word)


def weight(word: str) -> float:
    """A number from 0."""
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number from 0, found {word!r}")
    return value


def member(word: str) -> tuple[Path, str | int]:
    """A run and its checkpoint, the best one unless it is named: `RUN` or `RUN@CHECKPOINT`."""
    run, at, which = word.rpartition("@")
    return (Path(run), checkpoint(which)) if at else (Path(word), "best")


def checkpoint(word: str) -> str | int:
    """A checkpoint: best, latest, averaged, or its step."""
    names = ("best", "latest", "averaged")
    if word in names:
        return word
    if not word.isdecimal():
        wanted = f"{', '.join(names)} or a step"
        raise argparse.ArgumentTypeError(f"expected {wanted}, found {word!r}{nearest(word, names)}")
    return int(word)
