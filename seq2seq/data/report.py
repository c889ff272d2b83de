"""What preparing a corpus found: for programs as a dataclass, for people as lines of text."""

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class CorpusReport:
    """Pairs of one corpus.

    Attributes:
        name: What the corpus is called.
        split: What it is for: train, or validation (then: its loss).
        read: Pairs read.
        kept: Pairs kept.
        dropped: Pairs dropped, by reason.
    """

    name: str
    split: str
    read: int
    kept: int
    dropped: dict[str, int]


@dataclass(frozen=True)
class SideReport:
    """One language of the training pairs that were kept.

    Attributes:
        language: Its code.
        vocabulary_size: Number of ids (V).
        tokens: Tokens, the end symbols counted.
        mean_length: Tokens of a sentence on average, the end symbol counted.
        coverage: Share of the tokens that are not the unknown symbol.
    """

    language: str
    vocabulary_size: int
    tokens: int
    mean_length: float
    coverage: float


@dataclass(frozen=True)
class PackingReport:
    """How the first epoch fits into rows.

    Attributes:
        source_row_length: Tokens that a source row holds (S).
        target_row_length: Tokens that a target row holds (T).
        rows_of_step: Rows of one step (B).
        weights: How often the epoch holds each corpus.
        rows: Rows of the epoch; the last step is filled up with empty ones.
        source_tokens: Source tokens of the epoch, end symbols counted.
        target_tokens: Target tokens of the epoch, end symbols counted.
    """

    source_row_length: int
    target_row_length: int
    rows_of_step: int
    weights: tuple[float, ...]
    rows: int
    source_tokens: int
    target_tokens: int

    @property
    def steps(self) -> int:
        """Steps of the epoch."""
        return -(-self.rows // self.rows_of_step)

    @property
    def efficiency(self) -> float:
        """Share of the cells of all steps that hold a real token."""
        cells = self.steps * self.rows_of_step * (self.source_row_length + self.target_row_length)
        return (self.source_tokens + self.target_tokens) / cells

    def describes(
        self, shape: tuple[int, int], rows_of_step: int, weights: tuple[float, ...]
    ) -> bool:
        """Whether this is about rows of that shape, so many in a step, with these weights."""
        own = (self.source_row_length, self.target_row_length)
        return (own, self.rows_of_step, self.weights) == (shape, rows_of_step, weights)


@dataclass(frozen=True)
class Report:
    """What preparing found.

    Attributes:
        corpora: One report for each training and each validation corpus.
        joint: Whether both languages share one vocabulary.
        source: The source side of the training pairs.
        target: The target side of the training pairs.
        packing: How they are packed.
    """

    corpora: tuple[CorpusReport, ...]
    joint: bool
    source: SideReport
    target: SideReport
    packing: PackingReport | None = None

    def to_json(self) -> str:
        """Returns the report as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Reads what `to_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        packing = fields["packing"]
        if packing:
            packing = PackingReport(**packing | {"weights": tuple(packing["weights"])})
        return cls(
            corpora=tuple(CorpusReport(**corpus) for corpus in fields["corpora"]),
            joint=fields["joint"],
            source=SideReport(**fields["source"]),
            target=SideReport(**fields["target"]),
            packing=packing,
        )

    def lines(self) -> list[str]:
        """Returns the report for people, in lines of at most 80 columns."""
        return [*_corpus_lines(self.corpora), "", *_side_lines(self), *_packing_lines(self.packing)]


_COLUMNS = {
    "undecodable": "undecodable",
    "empty": "empty",
    "duplicate": "duplicate",
    "too_long": "too long",
    "length_ratio": "ratio",
}
"""Heading of each reason for which pairs are dropped."""


def _corpus_lines(corpora: tuple[CorpusReport, ...]) -> list[str]:
    """Returns a table with a column for each reason that any pair was dropped for."""
    reasons = [key for key in _COLUMNS if any(corpus.dropped.get(key) for corpus in corpora)]
    heads = ["read", "kept", *(_COLUMNS[key] for key in reasons)]
    rows = [
        [corpus.read, corpus.kept, *(corpus.dropped.get(key, 0) for key in reasons)]
        for corpus in corpora
    ]
    cells = [heads, *([_count(number) for number in row] for row in rows)]
    widths = [2 + max(len(row[i]) for row in cells) for i in range(len(heads))]
    room = 80 - sum(widths)
    names = ["pairs", *(f"{corpus.split}: {corpus.name}" for corpus in corpora)]
    return [
        _fitted(name, room).ljust(room) + "".join(map(str.rjust, row, widths))
        for name, row in zip(names, cells, strict=True)
    ]


def _fitted(name: str, room: int) -> str:
    """Cuts a name that is too long in the middle: its two ends tell most."""
    if len(name) <= room:
        return name
    head = room // 3
    return f"{name[:head]}…{name[len(name) - (room - head - 1) :]}"


def _count(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _side_lines(report: Report) -> list[str]:
    sides = (("source", report.source), ("target", report.target))
    sizes = [_count(side.vocabulary_size) for _, side in sides]
    pieces = f"{sizes[0]} pieces, joint" if report.joint else " + ".join(sizes) + " pieces"
    tokens = [
        f"{title:12}{side.language}: {_count(side.tokens)} tokens, {side.mean_length:.1f} in a"
        f" sentence, {side.coverage:.2%} known"
        for title, side in sides
    ]
    return [*tokens, f"vocabulary  {pieces}"]


def _packing_lines(packing: PackingReport | None) -> list[str]:
    if packing is None:
        return []
    shape = f"{packing.source_row_length} + {packing.target_row_length}"
    rows = packing.steps * packing.rows_of_step
    source = packing.source_tokens / (rows * packing.source_row_length)
    target = packing.target_tokens / (rows * packing.target_row_length)
    return [
        f"packing     {packing.efficiency:.1%} real tokens in rows of {shape}"
        f" (source {source:.1%}, target {target:.1%})",
        f"epoch       {_count(packing.steps)} steps of {_count(packing.rows_of_step)} rows",
    ]
