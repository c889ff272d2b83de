"""The learning curve as a picture: loss and BLEU above, the learning rate below.

matplotlib is imported when a picture is drawn, and only its Agg canvas: no window, no global state.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.checkpoints import storage_errors
from seq2seq.text_io import replacing
from seq2seq.training.metrics import read

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TRAIN, _VALIDATION, _BLEU, _RATE = "#8da9c4", "#13315c", "#c8553d", "#5f6f52"
_INK, _GRID = "#333333", "#e6e6e6"
_SMOOTHED_ABOVE = 60
"""Number of points from which the training loss is drawn as a moving average over a faint line."""

Series = tuple[list[int], list[float]]
"""Steps and values."""


def draw(metrics: Path, picture: Path, title: str = "") -> bool:
    """Draws the figures of a run as a PNG of 1600 × 1000 pixels.

    Args:
        metrics: The run's metrics.jsonl.
        picture: The .png to write, in one go.
        title: What stands above it, such as the name of the run.

    Returns:
        Whether there was anything to draw; nothing is written otherwise.

    Raises:
        UserError: No space is left, or the picture may not be written.
    """
    lines = read(metrics)
    if not any(_series(lines, kind, "loss")[0] for kind in ("train", "validation")):
        return False
    with storage_errors(picture), replacing(picture) as draft:
        _figure(lines, title).savefig(draft, format="png")
    return True


def _figure(lines: list[dict[str, Any]], title: str) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), dpi=200, layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, sharex=True, height_ratios=[4, 1])
    _draw_losses(upper, *(_series(lines, kind, "loss") for kind in ("train", "validation")))
    _draw_bleu(upper, _series(lines, "validation", "bleu"))
    _draw_rate(lower, _series(lines, "train", "learning_rate"))
    upper.set_title(title, loc="left", color=_INK, fontsize=11, fontweight="bold", pad=24)
    return figure


def _series(lines: list[dict[str, Any]], kind: str, name: str) -> Series:
    points = [(x["step"], x[name]) for x in lines if x.get("kind") == kind and name in x]
    points = [(step, value) for step, value in points if value is not None]
    return [step for step, _ in points], [value for _, value in points]


def _smoothed(values: list[float], window: int) -> list[float]:
    """Returns the mean of each value and up to `window // 2` neighbours on either side."""
    reach = [min(window // 2, i, len(values) - 1 - i) for i in range(len(values))]
    spans = [values[i - n : i + n + 1] for i, n in enumerate(reach)]
    return [math.fsum(span) / len(span) for span in spans]


def _plain(axes: "Axes", label: str, color: str = _INK) -> None:
    axes.set_ylabel(label, color=color, fontsize=9)
    axes.tick_params(colors=_INK, labelsize=8, length=0)
    axes.grid(True, color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def _draw_losses(axes: "Axes", train: Series, validation: Series) -> None:
    _plain(axes, "loss (nats per token)")
    if len(train[0]) > _SMOOTHED_ABOVE:
        axes.plot(*train, color=_TRAIN, linewidth=0.8, alpha=0.35)
        train = (train[0], _smoothed(train[1], len(train[0]) // 30))
    if train[0]:
        axes.plot(*train, color=_TRAIN, linewidth=1.8, label="training loss")
    if validation[0]:
        best = min(range(len(validation[1])), key=validation[1].__getitem__)
        label = f"validation loss (best {validation[1][best]:.3f} at {validation[0][best]:,})"
        axes.plot(*validation, color=_VALIDATION, linewidth=1.6, marker="o", ms=3, label=label)
    _limit(axes, train[1] + validation[1])


def _limit(axes: "Axes", values: list[float]) -> None:
    """Lets the first few, very high losses run out of the picture: they would flatten the rest."""
    ordered = sorted(values)
    low, high = ordered[0], ordered[int(0.97 * (len(ordered) - 1))]
    if len(ordered) > 20 and ordered[-1] - low > 1.5 * (high - low) > 0:
        margin = 0.15 * (high - low)
        axes.set_ylim(low - margin, high + 2 * margin)


def _draw_bleu(axes: "Axes", bleu: Series) -> None:
    lines, labels = axes.get_legend_handles_labels()
    if bleu[0]:
        second = axes.twinx()
        _plain(second, "BLEU", _BLEU)
        second.grid(False)
        best = max(range(len(bleu[1])), key=bleu[1].__getitem__)
        label = f"validation BLEU (best {bleu[1][best]:.1f} at {bleu[0][best]:,})"
        lines += second.plot(*bleu, color=_BLEU, linewidth=1.6, marker="s", ms=3, label=label)
        labels.append(label)
        second.set_ylim(0, max(1.0, bleu[1][best]) * 1.08)
    place: dict[str, Any] = {
        "loc": "lower left",
        "bbox_to_anchor": (0, 1),
        "borderaxespad": 0.4,
        "borderpad": 0,
    }
    axes.legend(lines, labels, **place, ncols=3, frameon=False, fontsize=8)


def _draw_rate(axes: "Axes", rate: Series) -> None:
    _plain(axes, "learning rate")
    axes.plot(*rate, color=_RATE, linewidth=1.4)
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    axes.yaxis.get_offset_text().set_fontsize(8)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlabel("updates", color=_INK, fontsize=9)
    axes.set_xlim(left=0)
