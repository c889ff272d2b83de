"""What each subcommand takes: its options, their values and their help."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from seq2seq.errors import UserError
from seq2seq.options.values import checkpoint, member, number, one_of, weight

COMMANDS = {
    "prepare": "Filter, encode and store the corpora of a recipe.",
    "train": "Train a model, or go on with it: the same command again.",
    "evaluate": "Score a model's translations by sacreBLEU.",
    "translate": "Translate lines of text, one for one.",
    "score": "Say how probable a model finds given translations, line by line.",
    "calibrate": "Learn from the validation set what a translation's probability says of it.",
    "shortlist": "Learn which pieces translate which, to translate faster with fewer of them.",
    "average": "Average checkpoints of a run: often a better model than any of them.",
    "attention": "Draw what every head looks at while a sentence is translated.",
    "describe": "Show a config in full, and what its model costs; nothing is allocated.",
    "demo": "Train, measure and use a small model on the embedded phrasebook.",
    "reproduce": "Train the rows of the paper's Table 3 and report them beside its figures.",
}

_METRICS = ("bleu", "chrf", "ter")
_SPLITS = ("always", "long", "never")
_KINDS = ("encoder", "decoder", "cross")
_SIGNIFICANCE = ("bootstrap", "randomization")
_MEMBER = "RUN[@CHECKPOINT]"
_ANY_KEY = """Any key of a recipe can be set, as --section.key=value: --training.steps=100.
All keys: seq2seq describe --config RECIPE"""
_KEYS_OF_ROWS = """Keys of a recipe can be set for every row, as --section.key=value:
--training.seed=1; but none that makes one of the rows asked for.
All keys: seq2seq describe --config RECIPE"""
_DECODING_KEYS = "Keys of decoding can be set, as --decoding.beam_size=8; all: seq2seq describe RUN"


class Parser(argparse.ArgumentParser):
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


def _parser(name: str, epilog: str | None = None) -> Parser:
    return Parser(
        prog=f"seq2seq {name}",
        description=COMMANDS[name],
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _prepare() -> Parser:
    parser = _parser("prepare", _ANY_KEY)
    _add_config(parser, required=True)
    return parser


def _train() -> Parser:
    parser = _parser("train", _ANY_KEY)
    _add_config(parser, required=True)
    parser.add_argument("--profile", action="store_true", help="trace ten updates for TensorBoard")
    parser.add_argument("--distributed", action="store_true", help="one process of several hosts")
    return parser


def _evaluate() -> Parser:
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
    _add_ensemble(parser)
    _add_checkpoint(parser)
    return parser


def _add_closer_looks(parser: Parser) -> None:
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


def _translate() -> Parser:
    parser = _parser("translate", _DECODING_KEYS)
    _add_run(parser)
    text = "text to translate, plain or gzip (default, or -: stdin)"
    parser.add_argument("files", type=Path, nargs="*", default=[], metavar="FILE", help=text)
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: stdout")
    text = "with what the translations begin, line by line; an empty line leaves it free"
    parser.add_argument("--prefix", type=Path, metavar="FILE", help=text)
    text = "words or phrases that no translation may hold, one a line"
    parser.add_argument("--ban", type=Path, metavar="FILE", help=text)
    text = "what each translation has to hold, line by line, phrases separated by tabs"
    parser.add_argument("--force", type=Path, metavar="FILE", help=text)
    text = "N translations a line, as `line ||| translation ||| score`, lines counted from 0"
    parser.add_argument("--n-best", type=number, metavar="N", help=text)
    text = "N translations a line that part where the prefix ends, in the same form"
    parser.add_argument("--alternatives", type=number, metavar="N", help=text)
    _add_ensemble(parser)
    text = "a run of the reverse direction, which ranks what is found together with it"
    parser.add_argument("--rerank", type=member, metavar=_MEMBER, help=text)
    text = "what the score of the reverse direction counts (default 1)"
    parser.add_argument("--rerank-weight", type=weight, metavar="WEIGHT", help=text)
    text = "text (default), or jsonl: an object a line with all that is known of a translation"
    formats = one_of(("text", "jsonl"))
    parser.add_argument("--format", default="text", type=formats, metavar="FORMAT", help=text)
    text = "after each translation, which words go back to which, as in ||| 0-0 1-2"
    parser.add_argument("--alignment", action="store_true", help=text)
    _add_ways_with_lines(parser)
    _add_checkpoint(parser)
    return parser


def _add_ways_with_lines(parser: Parser) -> None:
    """Options of `translate` about lines that are more than a sentence, and about many of them."""
    text = f"which lines are cut into sentences: {', '.join(_SPLITS)} (default: always)"
    kind, first = one_of(_SPLITS), _SPLITS[0]
    parser.add_argument("--split-sentences", type=kind, default=first, metavar="WHEN", help=text)
    text = "tags, URLs, e-mail addresses and placeholders such as {name} stay as they are"
    parser.add_argument("--keep-markup", action="store_true", help=text)
    text = "keep what is done beside the output; after an interruption, go on from there"
    parser.add_argument("--resume", action="store_true", help=text)
    text = "one process of several hosts: they share the lines, the first one writes all of them"
    parser.add_argument("--distributed", action="store_true", help=text)


def _score() -> Parser:
    keys = "Keys of decoding can be set, as --decoding.length_penalty=1.0"
    parser = _parser("score", keys)
    _add_run(parser)
    for name, text in (("source", "text in the source language"), ("target", "its translations")):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", required=True, help=text)
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: stdout")
    text = "a JSON object a line, with every token, not log-probability, tokens, perplexity, score"
    parser.add_argument("--json", action="store_true", help=text)
    _add_ensemble(parser)
    _add_checkpoint(parser)
    return parser


def _calibrate() -> Parser:
    parser = _parser("calibrate")
    _add_run(parser)
    text = "sentences with references (default: validation)"
    parser.add_argument("--split", default="validation", metavar="NAME", help=text)
    _add_checkpoint(parser)
    return parser


def _shortlist() -> Parser:
    parser = _parser("shortlist")
    _add_run(parser)
    text = "target pieces for each source piece (default 50)"
    parser.add_argument("--best", type=number, default=50, metavar="N", help=text)
    text = "the most frequent target pieces, which all sentences have (default 100)"
    parser.add_argument("--frequent", type=number, default=100, metavar="N", help=text)
    text = "pairs of the training corpus to learn from (default 200000)"
    parser.add_argument("--pairs", type=number, default=200_000, metavar="N", help=text)
    return parser


def _average() -> Parser:
    parser = _parser("average")
    _add_run(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--last", type=number, metavar="N", help="the latest N checkpoints")
    which.add_argument("--best", type=number, metavar="N", help="the N best in validation")
    text = "the checkpoints of these steps"
    which.add_argument("--steps", type=number, nargs="+", metavar="STEP", help=text)
    return parser


def _attention() -> Parser:
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


def _describe() -> Parser:
    parser = _parser("describe", _ANY_KEY.splitlines()[0])
    _add_run(parser, nargs="?")
    _add_config(parser)
    text = "devices that share an update, for the memory of each (default 1)"
    parser.add_argument("--devices", type=number, default=1, metavar="N", help=text)
    parser.add_argument("--json", action="store_true", help="figures for programs")
    return parser


def _demo() -> Parser:
    parser = _parser("demo", _ANY_KEY)
    _add_config(parser, default=Path("configs/demo.yaml"))
    return parser


def _reproduce() -> Parser:
    parser = _parser("reproduce", _KEYS_OF_ROWS)
    parser.add_argument("table", type=one_of(["table3"]), metavar="TABLE", help="table3")
    parser.add_argument(
        "--rows", nargs="+", metavar="ROW", help="names, or patterns such as 'a_*' (default: all)"
    )
    parser.add_argument(
        "--steps", type=number, metavar="N", help="updates of every row (default: its recipe's)"
    )
    text = "divide every row's widths by N, for a small corpus (default: 1)"
    parser.add_argument("--shrink", type=number, metavar="N", help=text)
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


PARSERS: dict[str, Callable[[], Parser]] = {
    "prepare": _prepare,
    "train": _train,
    "evaluate": _evaluate,
    "translate": _translate,
    "score": _score,
    "calibrate": _calibrate,
    "shortlist": _shortlist,
    "average": _average,
    "attention": _attention,
    "describe": _describe,
    "demo": _demo,
    "reproduce": _reproduce,
}
"""The parser of each subcommand."""


def _add_run(parser: Parser, **options: Any) -> None:
    text = "the folder of a run, such as runs/demo"
    parser.add_argument("directory", type=Path, metavar="RUN", help=text, **options)


def _add_config(parser: Parser, **options: Any) -> None:
    text = "a recipe, such as configs/demo.yaml"
    parser.add_argument("--config", type=Path, metavar="RECIPE", help=text, **options)


def _add_ensemble(parser: Parser) -> None:
    text = "further runs that decide together with it, or other checkpoints of it"
    parser.add_argument(
        "--ensemble", nargs="+", default=[], type=member, metavar=_MEMBER, help=text
    )


def _add_checkpoint(parser: Parser) -> None:
    text = "best (default), latest, averaged, or a step"
    parser.add_argument("--checkpoint", type=checkpoint, default="best", metavar="WHICH", help=text)
