"""The `seq2seq` command: results on stdout, everything else on stderr.

A user's mistake is one line and exit status 2. What a command needs is imported when it runs, so
that `--help` and mistakes are answered at once.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from seq2seq.errors import UserError, nearest

_EPILOG = "Any key of a recipe can be set: --section.key=value, such as --training.steps=100."


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command and exits: 0 if all went well, 2 after a user's mistake, 130 after Ctrl-C.

    Args:
        arguments: Words of the command line; default those of this process.
    """
    try:
        status = run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except UserError as error:
        print(f"seq2seq: {error}", file=sys.stderr)  # noqa: T201
        status = 2
    except KeyboardInterrupt:
        print("seq2seq: interrupted", file=sys.stderr)  # noqa: T201
        status = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 141
    sys.exit(status)


def run(words: Sequence[str]) -> int:
    """Parses the words and runs the command; returns the exit status."""
    known, unknown = parser().parse_known_args(list(words))
    if known.command is None:
        parser().print_help()
        return 0
    overrides = _overrides(unknown, known.command)
    if overrides and not known.takes_overrides:
        raise UserError(f"{overrides[0]}: `seq2seq {known.command}` takes no recipe keys")
    command: Callable[[argparse.Namespace, list[str]], int] = known.run
    return command(known, overrides)


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(
        prog="seq2seq",
        description="Train translation models, measure them, and translate with them.",
        allow_abbrev=False,
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND")

    def add(
        name: str,
        run: Callable[[argparse.Namespace, list[str]], int],
        text: str,
        overrides: bool = True,
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=text,
            description=text,
            allow_abbrev=False,
            epilog=_EPILOG if overrides else None,
        )
        command.set_defaults(run=run, takes_overrides=overrides)
        return command

    prepare = add("prepare", _prepare, "Filter, encode and store the corpora of a recipe.")
    _add_config(prepare, required=True)

    train = add("train", _train, "Train a model, or go on with it: the same command again.")
    _add_config(train, required=True)
    train.add_argument("--profile", action="store_true", help="trace ten updates for TensorBoard")
    train.add_argument("--distributed", action="store_true", help="one process of several hosts")

    evaluate = add("evaluate", _evaluate, "Score a model's translations by sacreBLEU.")
    evaluate.add_argument("directory", type=Path, metavar="RUN", help="the run directory")
    evaluate.add_argument("--source", type=Path, metavar="FILE", help="text to translate")
    evaluate.add_argument("--reference", type=Path, metavar="FILE", help="its translation")
    evaluate.add_argument("--split", default=None, help="a test set of the recipe (default: test)")
    evaluate.add_argument("--metrics", nargs="+", default=["bleu"], choices=["bleu", "chrf", "ter"])
    evaluate.add_argument("--json", action="store_true", help="figures for programs")
    _add_checkpoint(evaluate)

    translate = add("translate", _translate, "Translate lines of text, one for one.")
    translate.add_argument("directory", type=Path, metavar="RUN", help="the run directory")
    translate.add_argument(
        "files", type=Path, nargs="*", metavar="FILE", help="text to translate (default: stdin)"
    )
    translate.add_argument("--output", type=Path, metavar="FILE", help="default: stdout")
    _add_checkpoint(translate)

    describe = add("describe", _describe, "Show a model's size and cost; nothing is allocated.")
    describe.add_argument("directory", type=Path, nargs="?", metavar="RUN", help="a run directory")
    _add_config(describe)
    describe.add_argument("--json", action="store_true", help="figures for programs")

    demo = add("demo", _demo, "Train, measure and use a small model on the embedded phrasebook.")
    _add_config(demo, default=Path("configs/demo.yaml"))
    return top


def _add_config(
    command: argparse.ArgumentParser, required: bool = False, default: Path | None = None
) -> None:
    text = "a recipe, such as configs/demo.yaml"
    command.add_argument(
        "--config", type=Path, metavar="RECIPE", help=text, required=required, default=default
    )


def _add_checkpoint(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--checkpoint", default="best", help="best, latest or a step (default: %(default)s)"
    )


def _overrides(words: Sequence[str], command: str) -> list[str]:
    """The words that are no options of a command: `--section.key=value`, or a mistake."""
    for position, word in enumerate(words):
        value_of_key = position > 0 and "=" not in words[position - 1]
        if not word.startswith("--") and not value_of_key:
            raise UserError(f"{word}: `seq2seq {command}` does not take this word")
        name = word.partition("=")[0].removeprefix("--")
        sections = ("run", "data", "vocabulary", "model", "training", "decoding")
        if word.startswith("--") and name.partition(".")[0] not in sections:
            options = "config run source reference split metrics json output checkpoint profile"
            hint = nearest(name, options.split())
            raise UserError(f"{word}: unknown option of `seq2seq {command}`{hint}")
    return list(words)


def _prepare(arguments: argparse.Namespace, overrides: list[str]) -> int:
    from seq2seq import recipes
    from seq2seq.data.prepare import prepare

    prepared = prepare(recipes.load(arguments.config, overrides))
    print("\n".join(prepared.report.lines()))  # noqa: T201
    print(f"prepared: {prepared.folder}")  # noqa: T201
    return 0


def _train(arguments: argparse.Namespace, overrides: list[str]) -> int:
    from seq2seq import recipes
    from seq2seq.commands import train

    config = recipes.load(arguments.config, overrides)
    return train(
        config, arguments.profile, arguments.distributed, again=_again(arguments, overrides)
    )


def _again(arguments: argparse.Namespace, overrides: list[str]) -> str:
    """The command that goes on with a run."""
    import shlex

    return shlex.join(["seq2seq", "train", "--config", str(arguments.config), *overrides])


def _evaluate(arguments: argparse.Namespace, overrides: list[str]) -> int:
    from seq2seq.commands import evaluate

    files = (arguments.source, arguments.reference)
    if (files[0] is None) != (files[1] is None):
        raise UserError("evaluate: expected --source and --reference together, found one of them")
    if files[0] is not None and arguments.split is not None:
        raise UserError("evaluate: expected --source and --reference or --split, found both")
    return evaluate(
        arguments.directory,
        None if files[0] is None else files,
        arguments.split,
        arguments.metrics,
        arguments.json,
        _checkpoint(arguments.checkpoint),
        overrides,
    )


def _translate(arguments: argparse.Namespace, overrides: list[str]) -> int:
    from seq2seq.commands import translate

    checkpoint = _checkpoint(arguments.checkpoint)
    return translate(arguments.directory, arguments.files, arguments.output, checkpoint, overrides)


def _describe(arguments: argparse.Namespace, overrides: list[str]) -> int:
    from seq2seq.commands import describe

    if (arguments.directory is None) == (arguments.config is None):
        raise UserError("describe: expected either a run directory or --config RECIPE")
    return describe(arguments.directory, arguments.config, overrides, arguments.json)


def _demo(arguments: argparse.Namespace, overrides: list[str]) -> int:
    from seq2seq.demo import demo

    return demo(arguments.config, overrides)


def _checkpoint(word: str) -> str | int:
    if word in ("best", "latest"):
        return word
    if not word.isdecimal():
        raise UserError(f"--checkpoint: expected best, latest or a step, found {word!r}")
    return int(word)
