"""The `seq2seq` command: results on stdout, everything else on stderr.

A user's mistake is one line and exit status 2. What can be wrong with the words and the files they
name is looked at here, before anything that needs JAX is imported: mistakes are answered at once.
"""

import argparse
import errno
import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from seq2seq import inputs
from seq2seq.allocator import keep_freed_memory
from seq2seq.commands.companions import check_as_many
from seq2seq.commands.termination import raising_on_sigterm
from seq2seq.errors import UserError
from seq2seq.options import grammar, rules

if TYPE_CHECKING:
    from seq2seq.config import Config
    from seq2seq.run_directory import RunDirectory

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command and exits.

    The status is 0 if all went well, 2 after a user's mistake, 128 + n after signal n (Ctrl-C: 130)
    and 141 where nobody reads the output any longer.

    Args:
        arguments: Words of the command line; default those of this process.
    """
    try:
        with raising_on_sigterm():
            status = run(sys.argv[1:] if arguments is None else arguments)
            sys.stdout.flush()
    except UserError as error:
        status = _complain(str(error))
    except KeyboardInterrupt:
        status = _complain("interrupted", 128 + signal.SIGINT)
    except BrokenPipeError:
        status = 141
        _drop_output()
    except OSError as error:
        status = _complain(_trouble_with_files(error))
    sys.exit(status)


def run(words: Sequence[str]) -> int:
    """Parses the words and runs the command; returns the exit status."""
    arguments, overrides = grammar.parse(words)
    return _RUN[arguments.command](arguments, overrides)


def _complain(text: str, status: int = 2) -> int:
    print(f"seq2seq: {' '.join(text.splitlines())}", file=sys.stderr)  # noqa: T201
    return status


def _trouble_with_files(error: OSError) -> str:
    """What to say of a file that cannot be used; raises the error again where none is named."""
    if error.errno in _NO_ROOM:
        _drop_output()
        return f"{error.filename or 'stdout'}: no space left on the disk"
    if not isinstance(error.filename, str | bytes) or error.strerror is None:
        raise error
    return f"{os.fsdecode(error.filename)}: {error.strerror}"


def _drop_output() -> None:
    """Lets what is still to be written to stdout go nowhere, as it cannot be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _prepare(arguments: argparse.Namespace, overrides: list[str]) -> int:
    config = inputs.recipe(arguments.config, overrides)
    from seq2seq.data.cache import cache_folder, fingerprint
    from seq2seq.data.prepare import prepare

    done = (cache_folder(config.data) / fingerprint(config)).is_dir()
    prepared = prepare(config)
    print("\n".join(prepared.report.lines()))  # noqa: T201
    title = "prepared already, nothing had to be done" if done else "prepared"
    print(f"{title}: {prepared.folder}")  # noqa: T201
    return 0


def _train(arguments: argparse.Namespace, overrides: list[str]) -> int:
    keep_freed_memory()
    config = inputs.recipe(arguments.config, overrides)
    from seq2seq.commands.train import train

    flags = [f"--{name}" for name in ("distributed",) if getattr(arguments, name)]
    again = ["seq2seq", "train", "--config", str(arguments.config), *flags, *overrides]
    return train(config, arguments.profile, arguments.distributed, shlex.join(again))


def _evaluate(arguments: argparse.Namespace, overrides: list[str]) -> int:
    files = (arguments.source, arguments.reference)
    rules.check_evaluation(arguments, files)
    folders = arguments.directories
    runs = [inputs.trained(folder, arguments.checkpoint) for folder in folders]
    searches = [inputs.decoding(run, overrides) for run in runs]
    for other, which in arguments.ensemble:
        inputs.trained(other, which, f"--ensemble {other}")
    inputs.check_output(arguments.output, files)
    from seq2seq.evaluation.test_sets import read_common

    pairs = read_common(runs, files, arguments.split)
    from seq2seq.commands.evaluate import Wanted, evaluate

    return evaluate(
        list(zip(runs, searches, strict=True)),
        pairs,
        arguments.checkpoint,
        Wanted(
            arguments.metrics,
            arguments.paper_bleu,
            arguments.tokenised,
            arguments.breakdown,
            arguments.significance,
            arguments.trials,
        ),
        as_json=arguments.json,
        target=arguments.output,
        ensemble=arguments.ensemble,
    )


def _translate(arguments: argparse.Namespace, overrides: list[str]) -> int:
    from seq2seq import text_io

    run = inputs.trained(arguments.directory, arguments.checkpoint)
    for key in ("n_best", "alternatives"):
        if (count := getattr(arguments, key)) is not None:
            overrides = [*overrides, f"--decoding.{key}={count}"]
    decoding = inputs.decoding(run, overrides)
    for option, others in (("ensemble", arguments.ensemble), ("rerank", [arguments.rerank])):
        for other, which in filter(None, others):
            inputs.trained(other, which, f"--{option} {other}")
    files, companions = arguments.files or [text_io.STDIN], ("prefix", "ban", "force")
    beside = {name: getattr(arguments, name) for name in companions}
    inputs.check_companions(files, {name: path for name, path in beside.items() if path}, decoding)
    for path in filter(None, (arguments.prefix, arguments.force)):
        check_as_many(files, path)
    inputs.check_output(arguments.output, [*files, *beside.values()])
    rules.check_translation(arguments, decoding)
    if arguments.resume:
        inputs.check_resumable([*files, arguments.prefix, arguments.force], arguments.output)
    from seq2seq.commands.translate import Options, translate
    from seq2seq.commands.translation_output import Form

    options = Options(
        decoding,
        Form(arguments.format, arguments.alignment),
        arguments.checkpoint,
        arguments.ensemble,
        arguments.rerank,
        1.0 if arguments.rerank_weight is None else arguments.rerank_weight,
        split=arguments.split_sentences,
        keep_markup=arguments.keep_markup,
        **beside,
    )
    how = (arguments.resume, arguments.distributed)
    return translate(run, files, arguments.output, options, *how)


def _score(arguments: argparse.Namespace, overrides: list[str]) -> int:
    from seq2seq import text_io

    run = inputs.trained(arguments.directory, arguments.checkpoint)
    rules.check_scoring(overrides)
    decoding = inputs.decoding(run, overrides)
    for other, which in arguments.ensemble:
        inputs.trained(other, which, f"--ensemble {other}")
    files = (arguments.source, arguments.target)
    if files == (text_io.STDIN, text_io.STDIN):
        raise UserError("--source and --target: expected one of them from stdin, found both")
    for file in files:
        text_io.check_input(file)
    inputs.check_output(arguments.output, files)
    from seq2seq.commands.score import score

    models = (arguments.checkpoint, arguments.ensemble)
    return score(run, files, arguments.output, decoding, *models, as_json=arguments.json)


def _calibrate(arguments: argparse.Namespace, overrides: list[str]) -> int:
    run = inputs.trained(arguments.directory, arguments.checkpoint)
    inputs.refuse_keys(overrides)
    from seq2seq.commands.calibrate import calibrate
    from seq2seq.evaluation.test_sets import read

    return calibrate(run, read(run.config, split=arguments.split), arguments.checkpoint)


def _shortlist(arguments: argparse.Namespace, overrides: list[str]) -> int:
    run = inputs.trained(arguments.directory, "latest")
    inputs.refuse_keys(overrides)
    from seq2seq.commands.shortlist import shortlist

    return shortlist(run, arguments.best, arguments.frequent, arguments.pairs)


def _average(arguments: argparse.Namespace, overrides: list[str]) -> int:
    inputs.refuse_keys(overrides)
    run = inputs.trained(arguments.directory, "latest")
    from seq2seq.commands.average import average
    from seq2seq.training import averaging

    def choose(run: "RunDirectory") -> Sequence[int]:
        if arguments.steps is not None:
            return sorted(set(arguments.steps))
        take = averaging.last if arguments.best is None else averaging.best
        return take(run, arguments.last or arguments.best)

    return average(run, choose)


def _attention(arguments: argparse.Namespace, overrides: list[str]) -> int:
    for name, text in (("SENTENCE", arguments.sentence), ("--target", arguments.target)):
        if text is not None and not text.strip():
            raise UserError(f"{name}: expected words, found none")
    output = arguments.output
    if output.suffix.lower() not in (".png", ".html"):
        raise UserError(f"--output: expected a name that ends in .png or .html, found {output}")
    run = inputs.trained(arguments.directory, arguments.checkpoint)
    decoding = inputs.decoding(run, overrides)
    _check_heads(arguments, run.config)
    inputs.check_output(output)
    from seq2seq.commands.attention import attention
    from seq2seq.pictures.views import Choice

    choice = Choice(arguments.kind, arguments.layer, arguments.head)
    sentence, target = arguments.sentence, arguments.target
    return attention(run, sentence, target, output, choice, decoding, arguments.checkpoint)


def _check_heads(arguments: argparse.Namespace, config: "Config") -> None:
    """Raises `UserError` on a layer or a head that the model does not have."""
    model = config.model
    layers = [model.encoder_layers] * ("encoder" in arguments.kind)
    layers += [model.decoder_layers] * bool({"decoder", "cross"} & set(arguments.kind))
    for name, most in (("layer", max(layers)), ("head", model.heads)):
        for number in getattr(arguments, name) or ():
            if number > most:
                raise UserError(f"--{name}: expected numbers from 1 to {most}, found {number}")


def _describe(arguments: argparse.Namespace, overrides: list[str]) -> int:
    path = arguments.directory
    if path is not None and path.suffix in (".yaml", ".yml") and not path.is_dir():
        raise UserError(f"{path}: expected the folder of a run; of a recipe: --config {path}")
    if (path is None) == (arguments.config is None):
        found = "none" if arguments.config is None else "both"
        raise UserError(f"describe: expected RUN or --config RECIPE, found {found}")
    from seq2seq.commands.describe import describe

    how = (arguments.json, arguments.devices)
    if arguments.config is not None:
        return describe(inputs.recipe(arguments.config, overrides), None, *how)
    run = inputs.opened(path)
    config = inputs.recipe(run.path / "config.yaml", overrides)
    own = config.vocabulary == run.config.vocabulary and run.vocabulary.is_dir()
    return describe(config, run.vocabulary if own else None, *how)


def _demo(arguments: argparse.Namespace, overrides: list[str]) -> int:
    keep_freed_memory()
    inputs.recipe(arguments.config, overrides)
    from seq2seq.commands.demo import demo

    return demo(inputs.shipped(arguments.config), overrides)


def _reproduce(arguments: argparse.Namespace, overrides: list[str]) -> int:
    keep_freed_memory()
    if any(word.partition("=")[0] == "--run" for word in overrides):
        raise UserError("--run: expected --output DIR, as every row has a run of its own inside")
    if arguments.output.exists() and not arguments.output.is_dir():
        raise UserError(f"--output: expected a folder, found the file {arguments.output}")
    data, folder = arguments.data, inputs.shipped(arguments.configs)
    if data is not None:
        inputs.recipe(data, [])
        data = inputs.shipped(data)
    from seq2seq.reproduction import rows

    wanted = rows.chosen(folder, arguments.rows)
    changes = {"steps": arguments.steps, "data": data, "shrink": arguments.shrink or 1}
    everything = rows.load(folder, arguments.output, overrides, **changes, wanted=wanted)
    again = ["seq2seq", "reproduce", arguments.table]
    again += [] if arguments.rows is None else ["--rows", *arguments.rows]
    for name in ("steps", "shrink", "data", "configs", "output"):
        value = getattr(arguments, name)
        again += [] if value is None else [f"--{name}", str(value)]
    from seq2seq.reproduction.run import reproduce

    return reproduce(everything, wanted, arguments.output, shlex.join([*again, *overrides]))


_RUN: dict[str, Callable[[argparse.Namespace, list[str]], int]] = {
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
