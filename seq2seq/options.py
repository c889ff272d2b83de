"""The grammar of the command line: words to checked options, or one line about what is wrong.

argparse does the parsing. What it cannot do is done here: any key of a recipe may stand anywhere
among the words, options may stand between files, and a mistake is a single line that names the word
and the nearest right one.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from seq2seq.errors import UserError, nearest
from seq2seq.option_values import checkpoint, number, one_of

SECTIONS = ("run", "data", "vocabulary", "model", "training", "decoding")
"""What a recipe's keys begin with."""

COMMANDS = {
    "prepare": "Filter, encode and store the corpora of a recipe.",
    "train": "Train a model, or go on with it: the same command again.",
    "evaluate": "Score a model's translations by sacreBLEU.",
    "translate": "Translate lines of text, one for one.",
    "score": "Say how probable a model finds given translations, line by line.",
    "average": "Average checkpoints of a run: often a better model than any of them.",
    "attention": "Draw what every head looks at while a sentence is translated.",
    "describe": "Show a config in full, and what its model costs; nothing is allocated.",
    "demo": "Train, measure and use a small model on the embedded phrasebook.",
    "reproduce": "Train the rows of the paper's Table 3 and report them beside its figures.",
}

_METRICS = ("bleu", "chrf", "ter")
_KINDS = ("encoder", "decoder", "cross")
_SPLITS = ("always", "long", "never")
_SIGNIFICANCE = ("bootstrap", "randomization")
_ANY_KEY = """Any key of a recipe can be set, as --section.key=value: --training.steps=100.
All keys: seq2seq describe --config RECIPE"""
_DECODING_KEYS = "Keys of decoding can be set, as --decoding.beam_size=8; all: seq2seq describe RUN"


class _Parser(argparse.ArgumentParser):
    """Raises a `UserError` of one line where argparse would print its usage and exit."""

    def error(self, message: str) -> NoReturn:
        """Puts argparse's message into our words."""
        text = re.sub(r"^argument (?:\S+/)?", "", message)
        if missing := re.match(r"the following arguments are required: (.*)", message):
            text = f"expected {self._shown(missing[1])}, found none"
        elif extra := re.match(r"unrecognized arguments: (\S+)", message):
            text = f"{extra[1]}: {self.prog} takes no such word"
        raise UserError(text if "did you mean" in text else f"{text} (see {self.prog} --help)")

    def _shown(self, name: str) -> str:
        """`--config RECIPE` for `--config`; RUN as it is."""
        found = (action for action in self._actions if name in action.option_strings)
        return f"{name} {action.metavar}" if (action := next(found, None)) else name


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
        parser = _PARSERS[name]()
        _refuse_unknown(rest, parser)
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


def _refuse_unknown(words: Sequence[str], parser: argparse.ArgumentParser) -> None:
    """Raises on the first word that looks like an option and is none, with the nearest one."""
    known = [name for action in parser._actions for name in action.option_strings]
    for word in words:
        if word == "--":
            return
        name = word.partition("=")[0]
        if word.startswith("-") and word != "-" and name not in known:
            hint = nearest(name, known) or f" (see {parser.prog} --help)"
            raise UserError(f"{name}: unknown option of {parser.prog}{hint}")


def _top() -> _Parser:
    from seq2seq import __version__

    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {text}" for name, text in COMMANDS.items()]
    top = _Parser(
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


def _parser(name: str, epilog: str | None = None) -> _Parser:
    return _Parser(
        prog=f"seq2seq {name}",
        description=COMMANDS[name],
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _prepare() -> _Parser:
    parser = _parser("prepare", _ANY_KEY)
    _add_config(parser, required=True)
    return parser


def _train() -> _Parser:
    parser = _parser("train", _ANY_KEY)
    _add_config(parser, required=True)
    parser.add_argument("--profile", action="store_true", help="trace ten updates for TensorBoard")
    parser.add_argument("--distributed", action="store_true", help="one process of several hosts")
    return parser


def _evaluate() -> _Parser:
    parser = _parser("evaluate", _DECODING_KEYS)
    runs = "the folder of a run; several are scored in turn"
    parser.add_argument("directories", type=Path, nargs="+", metavar="RUN", help=runs)
    parser.add_argument("--source", type=Path, metavar="FILE", help="text to translate")
    parser.add_argument("--reference", type=Path, metavar="FILE", help="its translation")
    parser.add_argument("--split", metavar="NAME", help="a test set of the recipe (default: test)")
    parser.add_argument(
        "--metrics",
        nargs="+",
        default=["bleu"],
        type=one_of(_METRICS),
        metavar="METRIC",
        help="bleu (default), chrf, ter",
    )
    _add_closer_looks(parser)
    parser.add_argument("--json", action="store_true", help="figures for programs")
    parser.add_argument("--output", type=Path, metavar="FILE", help="keep the translations there")
    _add_checkpoint(parser)
    return parser


def _add_closer_looks(parser: _Parser) -> None:
    """Options of `evaluate` that show more than sacreBLEU's figures."""
    text = "beside it, BLEU as the WMT14 literature computed it, step by step"
    parser.add_argument("--paper-bleu", action="store_true", help=text)
    text = "beside it, BLEU of lower-cased Moses tokens, as papers on Multi30k have it"
    parser.add_argument("--tokenised", action="store_true", help=text)
    text = "BLEU by length of the source, and by whether training showed its words"
    parser.add_argument("--breakdown", action="store_true", help=text)
    parser.add_argument(
        "--significance",
        nargs="?",
        const=_SIGNIFICANCE[0],
        type=one_of(_SIGNIFICANCE),
        metavar="TEST",
        help="test each run against the first: bootstrap (default), randomization",
    )
    text = "resamples of the bootstrap (default 1000), trials of the randomization (10000)"
    parser.add_argument("--trials", type=number, metavar="NUMBER", help=text)


def _translate() -> _Parser:
    parser = _parser("translate", _DECODING_KEYS)
    _add_run(parser)
    text = "text to translate, plain or gzip (default, or -: stdin)"
    parser.add_argument("files", type=Path, nargs="*", default=[], metavar="FILE", help=text)
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: stdout")
    text = "with what the translations begin, line by line; an empty line leaves it free"
    parser.add_argument("--prefix", type=Path, metavar="FILE", help=text)
    text = "N translations a line, as `line ||| translation ||| score`, lines counted from 0"
    parser.add_argument("--n-best", type=number, metavar="N", help=text)
    text = f"which lines are cut into sentences: {', '.join(_SPLITS)} (default: always)"
    kind, first = one_of(_SPLITS), _SPLITS[0]
    parser.add_argument("--split-sentences", type=kind, default=first, metavar="WHEN", help=text)
    text = "tags, URLs, e-mail addresses and placeholders such as {name} stay as they are"
    parser.add_argument("--keep-markup", action="store_true", help=text)
    text = "keep what is done beside the output; after an interruption, go on from there"
    parser.add_argument("--resume", action="store_true", help=text)
    _add_checkpoint(parser)
    return parser


def _score() -> _Parser:
    parser = _parser("score")
    _add_run(parser)
    for name, text in (("source", "text in the source language"), ("target", "its translations")):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", required=True, help=text)
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: stdout")
    text = "a JSON object a line, with every token, not log-probability, tokens, perplexity, score"
    parser.add_argument("--json", action="store_true", help=text)
    _add_checkpoint(parser)
    return parser


def _average() -> _Parser:
    parser = _parser("average")
    _add_run(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--last", type=number, metavar="N", help="the latest N checkpoints")
    which.add_argument("--best", type=number, metavar="N", help="the N best in validation")
    text = "the checkpoints of these steps"
    which.add_argument("--steps", type=number, nargs="+", metavar="STEP", help=text)
    return parser


def _attention() -> _Parser:
    parser = _parser("attention", _DECODING_KEYS)
    _add_run(parser)
    parser.add_argument("sentence", metavar="SENTENCE", help="what to translate, in quotes")
    text = "a translation to look at instead of the one that is found"
    parser.add_argument("--target", metavar="TEXT", help=text)
    text = "a picture (.png), or a page to hover over (.html)"
    parser.add_argument("--output", type=Path, metavar="FILE", required=True, help=text)
    parser.add_argument(
        "--kind",
        nargs="+",
        default=_KINDS,
        type=one_of(_KINDS),
        metavar="KIND",
        help="encoder, decoder (self-attention), cross; default all",
    )
    for name in ("layer", "head"):
        text = f"numbers of {name}s, from 1; default all"
        parser.add_argument(f"--{name}", nargs="+", type=number, metavar="NUMBER", help=text)
    _add_checkpoint(parser)
    return parser


def _describe() -> _Parser:
    parser = _parser("describe", _ANY_KEY.splitlines()[0])
    _add_run(parser, nargs="?")
    _add_config(parser)
    parser.add_argument("--json", action="store_true", help="figures for programs")
    return parser


def _demo() -> _Parser:
    parser = _parser("demo", _ANY_KEY)
    _add_config(parser, default=Path("configs/demo.yaml"))
    return parser


def _reproduce() -> _Parser:
    parser = _parser("reproduce", _ANY_KEY.replace("can be set", "can be set for every row"))
    parser.add_argument("table", type=one_of(["table3"]), metavar="TABLE", help="table3")
    parser.add_argument(
        "--rows", nargs="+", metavar="ROW", help="names, or patterns such as 'a_*' (default: all)"
    )
    parser.add_argument(
        "--steps", type=number, metavar="N", help="updates of every row (default: its recipe's)"
    )
    text = "a recipe whose corpora and vocabulary to take, such as configs/multi30k.yaml"
    parser.add_argument("--data", type=Path, metavar="RECIPE", help=text)
    parser.add_argument(
        "--configs",
        type=Path,
        default=Path("configs/table3"),
        metavar="DIR",
        help="the rows' recipes (default: configs/table3)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("runs/table3"),
        metavar="DIR",
        help="for the report and the rows' runs (default: runs/table3)",
    )
    return parser


_PARSERS: dict[str, Callable[[], _Parser]] = {
    "prepare": _prepare,
    "train": _train,
    "evaluate": _evaluate,
    "translate": _translate,
    "score": _score,
    "average": _average,
    "attention": _attention,
    "describe": _describe,
    "demo": _demo,
    "reproduce": _reproduce,
}


def _add_run(parser: _Parser, **options: Any) -> None:
    text = "the folder of a run, such as runs/demo"
    parser.add_argument("directory", type=Path, metavar="RUN", help=text, **options)


def _add_config(parser: _Parser, **options: Any) -> None:
    text = "a recipe, such as configs/demo.yaml"
    parser.add_argument("--config", type=Path, metavar="RECIPE", help=text, **options)


def _add_checkpoint(parser: _Parser) -> None:
    text = "best (default), latest, averaged, or a step"
    parser.add_argument("--checkpoint", type=checkpoint, default="best", metavar="WHICH", help=text)
