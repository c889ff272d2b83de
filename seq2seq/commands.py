"""What the subcommands do, once their words are parsed."""

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import jax

from seq2seq import evaluation, recipes, text_io
from seq2seq.config import Config, Corpus, DecodingConfig
from seq2seq.data import corpora
from seq2seq.data.cache import cache_folder
from seq2seq.data.prepare import prepare
from seq2seq.errors import UserError, nearest
from seq2seq.evaluation import MetricName, Score, looks_tokenised
from seq2seq.model import cost
from seq2seq.run_directory import RunDirectory
from seq2seq.training import loop
from seq2seq.training.loop import Outcome
from seq2seq.training.progress import Progress
from seq2seq.translator import Translation, Translator
from seq2seq.vocabulary import Vocabularies

_CHUNK_LINES = 10_000
"""Lines read before they are translated: enough to sort by length, few enough to hold."""


def say(text: str) -> None:
    """Writes a line for people, to stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def show(text: str) -> None:
    """Writes a result, to stdout."""
    print(text, flush=True)  # noqa: T201


def use_compilation_cache() -> None:
    """Keeps compiled programs on disk, so that a second start compiles nothing."""
    folder = cache_folder(Config().data) / "compiled"
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def train(config: Config, profile: bool, distributed: bool, again: str) -> int:
    """Prepares what is not prepared, and trains; returns the exit status."""
    if distributed:
        jax.distributed.initialize()
    use_compilation_cache()
    with RunDirectory.create(str(config.run), config) as directory, directory.lock():
        prepared = prepare(config)
        if jax.process_index() == 0:
            prepared.vocabularies.save(directory.vocabulary)
        say(
            f"run {directory.path}: {len(prepared.train[0]):,} pairs, {_size(config, prepared.vocabularies)}"
        )
        outcome = loop.train(directory, prepared, profile)
        best = directory.best_step()
    if jax.process_index() == 0:
        _tell(outcome, directory.path, best, again)
    return 0


def _size(config: Config, vocabularies: Vocabularies) -> str:
    sizes = (len(vocabularies.source), len(vocabularies.target))
    return f"{sum(cost.parameters(config.model, *sizes).values()):,} parameters"


def _tell(outcome: Outcome, path: Path, best: int | None, again: str) -> None:
    """Says how training ended: never silently."""
    steps = f"step {outcome.step:,} of {outcome.last:,}"
    if outcome.reason == "interrupted":
        say(f"{outcome.signal}: saved at {steps}; to go on: {again}")
        return
    if outcome.step == outcome.first:
        show(f"already at {steps}: nothing left to do in {path}")
    else:
        why = {"patience": ", out of patience", "epochs": ", all epochs done"}
        show(f"trained to {steps}{why.get(outcome.reason, '')}: {path}")
    if best is not None:
        show(f"best checkpoint: step {best:,}")
    show(f"next: seq2seq evaluate {path}  |  seq2seq translate {path} FILE")


def evaluate(
    directory: Path,
    files: tuple[Path, Path] | None,
    split: str | None,
    metrics: Sequence[MetricName],
    as_json: bool,
    checkpoint: str | int,
    overrides: Sequence[str],
) -> int:
    """Translates a test set and prints its scores; returns the exit status.

    The scores are also kept in the run's results.json.
    """
    use_compilation_cache()
    run = RunDirectory.open(directory)
    name, corpus = _test_set(run.config, files, split)
    sources, references = _read_pairs(corpus, run.config)
    translator = Translator.load(directory, checkpoint)
    results = _translate_all(translator, sources, _decoding(run, overrides))
    hypotheses = [result.text for result in results]
    if looks_tokenised(references):
        say("warning: the reference looks tokenised; scores compare only with detokenised text")
    scores = evaluation.evaluate(hypotheses, references, metrics)
    figures = {metric: dataclasses.asdict(score) for metric, score in scores.items()}
    run.add_results({name: figures})
    show(json.dumps(figures) if as_json else _table(scores, name, len(sources)))
    return 0


def _table(scores: Mapping[MetricName, Score], name: str, sentences: int) -> str:
    """Scores for people."""
    lines = [f"{name}: {sentences:,} sentences"]
    lines += [
        f"  {k.upper():5} {score.score:6.2f}   {score.signature}" for k, score in scores.items()
    ]
    return "\n".join(lines)


def _test_set(
    config: Config, files: tuple[Path, Path] | None, split: str | None
) -> tuple[str, Corpus]:
    """The corpus to score, and its name."""
    if files is not None:
        return str(files[0]), Corpus(source=str(files[0]), target=str(files[1]))
    named = {"validation": corpus for corpus in config.data.validation[:1]}
    named |= {"test": corpus for corpus in config.data.test[:1]}
    named |= {corpus.name: corpus for corpus in config.data.test if corpus.name}
    if not named:
        raise UserError("evaluate: this run has no test set: give --source and --reference")
    wanted = split or "test"
    if wanted not in named:
        choices = ", ".join(named)
        raise UserError(
            f"--split: expected one of {choices}, found {wanted!r}{nearest(wanted, named)}"
        )
    return wanted, named[wanted]


def _read_pairs(corpus: Corpus, config: Config) -> tuple[list[str], list[str]]:
    strict = dataclasses.replace(config.data, undecodable="error")
    sources, references = [], []
    for chunk in corpora.read(corpus, strict, "test"):
        sources += [source or "" for source in chunk.sources]
        references += [target or "" for target in chunk.targets]
    return sources, references


def _decoding(run: RunDirectory, overrides: Sequence[str]) -> DecodingConfig:
    """The run's search, with what the command line changes of it."""
    for word in overrides:
        if word.startswith("--") and not word.startswith("--decoding."):
            raise UserError(f"{word}: only decoding keys can be set for a trained run")
    return recipes.load(run.path / "config.yaml", overrides).decoding


def _translate_all(
    translator: Translator, sentences: Sequence[str], decoding: DecodingConfig
) -> list[Translation]:
    with Progress("translating", len(sentences), unit="sentences") as progress:
        return translator.translate(sentences, decoding, progress.advance)


def translate(
    directory: Path,
    files: Sequence[Path],
    target: Path | None,
    checkpoint: str | int,
    overrides: Sequence[str],
) -> int:
    """Translates files, or stdin, line by line; returns the exit status."""
    use_compilation_cache()
    decoding = _decoding(RunDirectory.open(directory), overrides)
    for file in files:
        if not file.is_file():
            raise UserError(f"{file}: expected a text file, found {_found(file)}")
    translator = Translator.load(directory, checkpoint)
    size = 1 if not files and sys.stdin.isatty() else _CHUNK_LINES
    with text_io.output(target) as out, Progress("translating", unit="sentences") as progress:
        inputs: list[Path | None] = [*files] or [None]
        for path in inputs:
            name, number = str(path or "stdin"), 0
            for lines in text_io.chunks(text_io.read_lines(path, progress.note), size):
                for result in translator.translate(lines, decoding, progress.advance):
                    number += 1
                    _warn(result, f"{name}:{number}", progress)
                    out.write(result.text + "\n")
                out.flush()
    return 0


def _found(path: Path) -> str:
    return "a folder" if path.is_dir() else "something else" if path.exists() else "nothing"


def _warn(result: Translation, place: str, progress: Progress) -> None:
    """Says where a line was cut or holds what the vocabulary does not know."""
    if result.cut:
        progress.note(f"{place}: warning: too long, the last {result.cut:,} tokens were cut")
    if result.copied:
        progress.note(f"{place}: warning: nothing but unknown characters, left as it is")
    elif result.unknown:
        progress.note(f"{place}: warning: {result.unknown} tokens of unknown characters")


def describe(
    directory: Path | None, config_file: Path | None, overrides: Sequence[str], as_json: bool
) -> int:
    """Prints the resolved config, the parameters, FLOPs and memory; returns the exit status."""
    if directory is not None:
        run = RunDirectory.open(directory)
        config = run.config
        known = Vocabularies.load(run.vocabulary) if run.vocabulary.is_dir() else None
    else:
        assert config_file is not None
        config, known = recipes.load(config_file, overrides), None
    size = config.vocabulary.size
    sizes = (size, size) if known is None else (len(known.source), len(known.target))
    description = cost.describe(config, *sizes)
    show(json.dumps(description) if as_json else cost.render(description))
    return 0
