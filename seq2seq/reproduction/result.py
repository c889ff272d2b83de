"""What a trained row comes to, measured once and kept in its run's results.json."""

import dataclasses
import sys
from typing import Any

import jax

from seq2seq.config import Config
from seq2seq.data.epochs import rows_of_step
from seq2seq.evaluation import scores
from seq2seq.model import cost
from seq2seq.progress import Progress
from seq2seq.reproduction.rows import Row
from seq2seq.run_directory import RunDirectory
from seq2seq.training import metrics
from seq2seq.training.validation import read_text
from seq2seq.translator import Translator
from seq2seq.vocabulary import Vocabularies

_KEY = "table3"


@dataclasses.dataclass(frozen=True)
class Result:
    """The figures of a row.

    Attributes:
        steps: Updates done.
        parameters: Parameters of the model.
        pieces: Size of the target vocabulary.
        perplexity: exp of the mean cross-entropy per piece of the validation targets, end symbols
            included, without label smoothing; None if the run's metrics do not hold it.
        bleu: sacreBLEU of the validation set.
        signature: Its signature.
        sentences: Sentences of the validation set.
        seconds: Time of the updates, and of waiting for data; not of validation and saving.
        flops: FLOPs of all updates, by arithmetic (see `seq2seq.model.cost`).
        devices: What the last part of it was trained on.
    """

    steps: int
    parameters: int
    pieces: int
    perplexity: float | None
    bleu: float
    signature: str
    sentences: int
    seconds: float
    flops: float
    devices: str


def kept(row: Row) -> Result | None:
    """Returns what was measured before, if it is of this row as it is to be trained now.

    Raises:
        UserError: The run was trained with another config, or its results.json is no JSON.
    """
    if not (row.run / "config.yaml").is_file():
        return None
    with RunDirectory.create(row.run, row.config) as directory:
        found = directory.read_results().get(_KEY)
    if found is None or found.get("plan") != _plan(row.config):
        return None
    fields = {field.name for field in dataclasses.fields(Result)}
    values = {name: value for name, value in found.items() if name in fields}
    return Result(**values) if values.keys() == fields else None


def measure(row: Row) -> Result:
    """Measures a row's last checkpoint on its validation set, and keeps the result in its run."""
    with RunDirectory.open(row.run) as directory:
        step = directory.steps()[-1]
        vocabularies = Vocabularies.load(directory.vocabulary)
    sizes = (len(vocabularies.source), len(vocabularies.target))
    lines = metrics.read(directory.metrics)
    sources, references = read_text(row.config.data, sys.maxsize)
    with Progress(f"translating for {row.name}", len(sources), unit="sentences") as progress:
        translator = Translator.load(row.run, step)
        hypotheses = [x.text for x in translator.translate(sources, None, progress.advance)]
    score = scores.evaluate(hypotheses, references)["bleu"]
    height = rows_of_step(row.config.training.batch_tokens, row.config.data.target_row_length)
    result = Result(
        steps=step,
        parameters=sum(cost.parameters(row.config.model, *sizes).values()),
        pieces=sizes[1],
        perplexity=_perplexity(lines, step),
        bleu=score.score,
        signature=score.signature,
        sentences=len(sources),
        seconds=_seconds(lines),
        flops=step * height * cost.training_flops(row.config, sizes[1]),
        devices=f"{jax.device_count()} × {jax.devices()[0].device_kind}",
    )
    directory.add_results({_KEY: {"plan": _plan(row.config), **dataclasses.asdict(result)}})
    return result


def _plan(config: Config) -> dict[str, Any]:
    """What decides when a row is done and how it is decoded: it may change from call to call."""
    training = config.training
    return {
        "steps": training.steps,
        "epochs": training.epochs,
        "patience": training.patience,
        "decoding": dataclasses.asdict(config.decoding),
    }


def _perplexity(lines: list[dict[str, Any]], step: int) -> float | None:
    """The validation perplexity that training noted at a step."""
    found = [line for line in lines if (line["kind"], line["step"]) == ("validation", step)]
    return found[-1].get("perplexity") if found else None


def _seconds(lines: list[dict[str, Any]]) -> float:
    parts = ("seconds_step", "seconds_data")
    return sum(line.get(p) or 0.0 for line in lines if line["kind"] == "train" for p in parts)
