"""The grammar of the command line: words to checked options, or one line about what is wrong.

argparse does the parsing. What it cannot do is done here: any key of a recipe may stand anywhere
among the words, options may stand between files, and a mistake is a single line that names the word
and the nearest right one.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from typing import get_type_hints

from seq2seq.errors import UserError, nearest
from seq2seq.options.commands import COMMANDS, PARSERS, Parser

SECTIONS = ("run", "data", "vocabulary", "model", "training", "decoding")
"""What a recipe's keys begin with."""

_KEYS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("prepare", "train", "describe"), SECTIONS[1:]),
    **dict.fromkeys(("translate", "score", "evaluate"), ("decoding",)),
}
"""Commands that take keys, with the sections of these."""


def parse(words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Parses a command line; `--help` and `--version` print and exit.

    Args:
        words: The words after `seq2seq`; none is a call for help.

    Returns:
        The options, with the name of the subcommand as `command`, and the words that set keys of a
        recipe, ready for `recipes.load`.

    Raises:
        UserError: A subcommand or option does not exist, or misses its value.
    """
    name, *rest = words or ["--help"]
    if name in COMMANDS:
        rest, overrides = _split_overrides(rest)
        parser = PARSERS[name]()
        _refuse_unknown(rest, parser, name)
        return parser.parse_intermixed_args(rest, argparse.Namespace(command=name)), overrides
    top = _top()
    if name.startswith("-"):
        _refuse_unknown([name], top)
        top.parse_args([name])
    choices = ", ".join(COMMANDS)
    raise UserError(
        f"{name}: unknown command{nearest(name, COMMANDS)}; expected one of {choices}"
        " (see seq2seq --help)"
    )


def _split_overrides(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns the words without those that set keys of a recipe, and those that do."""
    rest: list[str] = []
    overrides: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            return [*rest, word, *waiting], overrides
        key, equals, _ = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not _is_key(key):
            rest.append(word)
            continue
        section = key.partition(".")[0]
        if section not in SECTIONS:
            choices = ", ".join(SECTIONS)
            hint = nearest(section, SECTIONS) or f" (known: {choices})"
            raise UserError(f"--{key}: unknown section{hint}")
        overrides.append(word)
        if not equals and waiting and not waiting[0].startswith("--"):
            overrides.append(waiting.pop(0))
    return rest, overrides


def _is_key(key: str) -> bool:
    """Whether a word means a key of a recipe, spelt rightly or not."""
    return key == "run" or "." in key


def _refuse_unknown(
    words: Sequence[str], parser: argparse.ArgumentParser, command: str = ""
) -> None:
    """Raises on the first word that looks like an option and is none, with the nearest one."""
    known = [name for action in parser._actions for name in action.option_strings]
    for word in words:
        if word == "--":
            return
        name = word.partition("=")[0]
        if word.startswith("-") and word != "-" and name not in known:
            key = "" if name.replace("_", "-") in known else _as_key(name, command)
            hint = key or nearest(name, known) or f" (see {parser.prog} --help)"
            raise UserError(f"{name}: unknown option of {parser.prog}{hint}")


def _as_key(name: str, command: str) -> str:
    """A hint where an option is a recipe's key without its section: `--seed`, `--beam-size`."""
    from seq2seq.config import Config

    word = name.lstrip("-").replace("-", "_")
    keys = {
        field.name: f"--{section}.{field.name}"
        for section in _KEYS.get(command, ())
        for field in dataclasses.fields(get_type_hints(Config)[section])
    }
    begun = (key for key in keys if key.startswith(f"{word}_"))
    found = word if word in keys else next(begun, None)
    return f" (did you mean {keys[found]!r}?)" if found else ""


def _top() -> Parser:
    from seq2seq import __version__

    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {text}" for name, text in COMMANDS.items()]
    top = Parser(
        prog="seq2seq",
        usage="seq2seq COMMAND ...",
        description="Train translation models, measure them, and translate with them.\n\n"
        + "\n".join(["commands:", *lines]),
        epilog="More about a command: seq2seq COMMAND --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"seq2seq {__version__}")
    return top
