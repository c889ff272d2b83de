"""The picture of the report: for each row, the paper's figure and ours on one line.

matplotlib is imported when a picture is drawn, and only its Agg canvas: no window, no global state.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq.reproduction.table3 import ROWS, PaperRow
from seq2seq.text_io import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PAPER, _OURS, _INK, _GRID = "#8da9c4", "#c8553d", "#333333", "#e6e6e6"


class Point(NamedTuple):
    """A row's name, what the paper prints of it, and our figures."""

    name: str
    paper: PaperRow | None
    bleu: float
    perplexity: float | None
    parameters: int


Pair = tuple[float | None, float | None]
"""The paper's figure and ours, where there are such."""


def draw(points: Sequence[Point], file: Path) -> None:
    """Draws BLEU, perplexity and parameters of rows as a PNG, in one go.

    Where the base model is among the rows, BLEU is shown less its own and perplexity over its own,
    in the paper and here, as figures of different corpora compare in no other way.

    Args:
        points: The rows, from top to bottom.
        file: The .png to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 1.3 + 0.28 * len(points)), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 3, sharey=True)
    for axes, (title, pairs) in zip(panels, series(points).items(), strict=True):
        _panel(axes, title, pairs)
    panels[-1].set_xlim(left=0)
    panels[0].set_yticks(range(len(points)), [point.name for point in points])
    panels[0].set_ylim(len(points) - 0.5, -0.5)
    handles, labels = panels[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    with replacing(file) as draft:
        figure.savefig(draft, format="png")


def series(points: Sequence[Point]) -> dict[str, list[Pair]]:
    """Returns the pairs of each panel by its title."""
    base = next((point for point in points if point.name == "base"), None)
    bleu: list[Pair] = []
    perplexity: list[Pair] = []
    millions: list[Pair] = []
    for point in points:
        paper = point.paper
        bleu.append((None if paper is None else paper.bleu, point.bleu))
        perplexity.append((None if paper is None else paper.perplexity, point.perplexity))
        millions.append((None if paper is None else paper.millions, point.parameters / 1e6))
    if base is None or base.perplexity is None:
        return {"BLEU": bleu, "perplexity": perplexity, "parameters, millions": millions}
    zero, one = ROWS["base"].bleu, ROWS["base"].perplexity
    return {
        "BLEU less the base model's": [
            (_less(theirs, zero), _less(ours, base.bleu)) for theirs, ours in bleu
        ],
        "perplexity over the base model's": [
            (_over(theirs, one), _over(ours, base.perplexity)) for theirs, ours in perplexity
        ],
        "parameters, millions": millions,
    }


def _less(value: float | None, base: float) -> float | None:
    return None if value is None else value - base


def _over(value: float | None, base: float) -> float | None:
    return None if value is None else value / base


def _panel(axes: "Axes", title: str, pairs: Sequence[Pair]) -> None:
    axes.set_title(title, loc="left", color=_INK, fontsize=10)
    axes.tick_params(colors=_INK, labelsize=8, length=0)
    axes.locator_params(axis="x", nbins=6)
    axes.grid(True, color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    for place, (paper, ours) in enumerate(pairs):
        if paper is not None and ours is not None:
            axes.plot([paper, ours], [place, place], color=_GRID, linewidth=2.5)
    for side, (label, fill, edge) in enumerate(
        (("the paper", "white", _PAPER), ("here", _OURS, _OURS))
    ):
        shown = [(pair[side], place) for place, pair in enumerate(pairs)]
        values = [value for value, _ in shown if value is not None]
        places = [place for value, place in shown if value is not None]
        look: dict[str, Any] = {"mfc": fill, "mec": edge, "mew": 2.0 - side, "ms": 7.0 - side}
        axes.plot(values, places, "o", label=label, **look)
