"""The report: the paper's figures beside ours, as Markdown and as a picture.

Figures of different corpora and vocabularies compare only as differences, so a row's BLEU is also
given less the base model's, and its perplexity over the base model's, the paper's by the paper's
base and ours by ours.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from seq2seq.checkpoints import storage_errors
from seq2seq.data import corpora
from seq2seq.reproduction import picture
from seq2seq.reproduction.picture import Point
from seq2seq.reproduction.result import Result
from seq2seq.reproduction.rows import Row
from seq2seq.reproduction.table3 import ROWS
from seq2seq.text_io import replacing

_HEAD = (
    "row",
    "change",
    "parameters, paper",
    "ours",
    "perplexity, paper",
    "ours",
    "BLEU, paper",
    "ours",
    "updates",
    "time",
    "FLOPs",
)


class Measured(NamedTuple):
    """A row and what it came to."""

    row: Row
    result: Result


def write(measured: Sequence[Measured], output: Path, command: str) -> tuple[Path, Path]:
    """Writes the report; returns its two files.

    Args:
        measured: The rows that are measured, in the table's order; at least one.
        output: The folder.
        command: What made it, which says what all rows have been given.

    Raises:
        UserError: There is no room, or the folder may not be written.
    """
    files = output / "table3.md", output / "table3.png"
    with storage_errors(output):
        output.mkdir(parents=True, exist_ok=True)
        with replacing(files[0]) as draft:
            draft.write_text(markdown(measured, command), encoding="utf-8")
        picture.draw([point(each) for each in measured], files[1])
    return files


def markdown(measured: Sequence[Measured], command: str) -> str:
    """Returns the whole report, for `write`'s arguments."""
    return f"""\
# Table 3 of *Attention Is All You Need*, and the same rows here

![Effect of each change on BLEU and perplexity, in the paper and here](table3.png)

{table(measured)}

    {command}

{_notes(measured)}
"""


def table(measured: Sequence[Measured]) -> str:
    """Returns the table alone, in Markdown: in brackets, the difference to the base model."""
    paper_base = ROWS["base"]
    own_base = next((m.result for m in measured if m.row.name == "base"), None)
    bases = (None, None) if own_base is None else (own_base.perplexity, own_base.bleu)
    lines = [f"| {' | '.join(_HEAD)} |", f"|---|---|{'---:|' * (len(_HEAD) - 2)}"]
    for row, result in measured:
        paper = ROWS.get(row.name)
        cells = (
            row.name,
            "" if paper is None else paper.change,
            "" if paper is None or paper.millions is None else f"{paper.millions} M",
            f"{result.parameters / 1e6:.1f} M",
            "" if paper is None else _ratio(paper.perplexity, paper_base.perplexity),
            _ratio(result.perplexity, bases[0]),
            "" if paper is None else _difference(paper.bleu, paper_base.bleu),
            _difference(result.bleu, bases[1]),
            f"{result.steps:,}",
            _duration(result.seconds),
            f"{result.flops:.2g}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _ratio(value: float | None, base: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:.2f}" if base is None else f"{value:.2f} (×{value / base:.2f})"


def _difference(value: float, base: float | None) -> str:
    text = f"{value:.1f}"
    if base is None:
        return text
    return f"{text} ({round(value, 1) - round(base, 1):+.1f})".replace("-", "−")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def _notes(measured: Sequence[Measured]) -> str:
    """What the figures rest on."""
    config = measured[0].row.config
    train = ", ".join(map(corpora.describe, config.data.train))
    validation = ", ".join(map(corpora.describe, config.data.validation))
    languages = f"{config.data.source_language} to {config.data.target_language}"
    pieces = _alternatives([f"{m.result.pieces:,}" for m in measured])
    sentences = _alternatives([f"{m.result.sentences:,}" for m in measured])
    signatures = _alternatives([f"`{m.result.signature}`" for m in measured])
    devices = _alternatives([m.result.devices for m in measured])
    notes = (
        "The command above made this: it says what all rows were given. Changes are in the paper's"
        " symbols, and sizes among them those of the paper's base model.",
        "The paper trained on WMT 2014, English to German, and measured on newstest2013, without"
        " averaging of checkpoints. Here: trained on "
        f"{train} ({languages}), measured on {validation}: {sentences} sentences; the last"
        " checkpoint of each run, not averaged.",
        "Perplexity is per piece of the target, the end symbols included: exp of the mean"
        " cross-entropy without label smoothing. The paper's is per piece of its own vocabulary,"
        f" ours of {pieces} pieces: it compares neither with the paper's nor between rows of"
        " different vocabularies. In brackets: over the base model's.",
        f"BLEU here is sacreBLEU on detokenised text, {signatures}; the paper's is of tokens, with"
        " compounds split. In brackets: less the base model's.",
        f"Time is that of the updates, compilation included, on {devices}. FLOPs are of all updates"
        " by arithmetic: the products of matrices, forward and backward.",
    )
    return "\n".join(f"- {note}" for note in notes)


def _alternatives(texts: Sequence[str]) -> str:
    return " or ".join(dict.fromkeys(texts))


def point(measured: Measured) -> Point:
    """Returns what the picture shows of a row."""
    name, result = measured.row.name, measured.result
    return Point(name, ROWS.get(name), result.bleu, result.perplexity, result.parameters)
