"""Attention as heat maps in a PNG: a panel for each head, in which rows look at columns.

Everything is placed by hand in whole pixels, so that all cells are alike and a piece stands right
beside its row; a layout engine takes minutes for a hundred panels.
"""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from seq2seq.attention_maps import SentenceAttention
from seq2seq.checkpoints import storage_errors
from seq2seq.errors import UserError
from seq2seq.pictures.lettering import Color, Label, stamp, width
from seq2seq.pictures.views import COLUMNS, ROWS, TITLES, Choice, View, views
from seq2seq.text_io import replacing

_COLORS = ((255, 255, 255), (198, 219, 239), (107, 174, 214), (33, 113, 181), (8, 48, 107))
"""From weight 0 to weight 1, even in its square root: a weight of 0.03 can still be seen."""
_HIDDEN, _GRID = 240, 225
"""Greys: of what the mask hides, and of the lines between cells."""
_INK, _FAINT, _MARKED = (31, 31, 31), (102, 102, 102), (180, 83, 9)
_TICKS = (0.0, 0.05, 0.2, 0.5, 1.0)
_MARGIN, _GAP, _LINE, _BAR = 24, 30, 22, 16
_NARROWEST, _WIDEST = 720, 4_400
"""Pixels: of any picture, and where the heads of a layer begin another row."""
_MOST = 100_000_000
"""Pixels of the largest picture: half a gigabyte while it is drawn."""
_LONGEST_PIECE = 24
_SIZES = ((14, 26, 13), (26, 20, 12))
"""Up to how many pieces a cell has which size, and its labels; in pixels."""
_SMALLEST = (16, 11)


class Panel(NamedTuple):
    """A head's weights, and the upper left corner of its cells."""

    x: int
    y: int
    cell: int
    weights: Float32[np.ndarray, "T S"]
    masked: bool


@dataclass
class Sheet:
    """What a picture is made of, in pixels from its upper left corner."""

    width: int = _NARROWEST
    height: int = _MARGIN
    labels: list[Label] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)


def draw(
    attentions: Sequence[SentenceAttention],
    path: Path,
    choice: Choice | None = None,
    word: str | None = None,
) -> str:
    """Draws the heads of one or more sentences, one below the other, and writes a PNG in one go.

    Args:
        attentions: The weights of each sentence.
        path: The .png to write.
        choice: What to draw; default everything.
        word: A word whose rows are marked.

    Returns:
        Characters that no font has, and which stand there as boxes.

    Raises:
        UserError: The picture would be too large, or cannot be written.
    """
    from matplotlib.image import imsave

    sheet = layout(attentions, choice or Choice(), word)
    if sheet.width * sheet.height > _MOST:
        size = f"{sheet.width * sheet.height / 1e6:,.0f} million pixels"
        hint = "choose by --kind, --layer or --head, or write .html"
        raise UserError(f"{path}: expected at most {_MOST / 1e6:,.0f}, found {size}: {hint}")
    canvas = _painted(sheet)
    missing = "".join(dict.fromkeys("".join(stamp(canvas, label) for label in sheet.labels)))
    imsave(picture := BytesIO(), canvas, format="png")
    with storage_errors(path), replacing(path) as draft:
        draft.write_bytes(picture.getbuffer())
    return missing


def layout(
    attentions: Sequence[SentenceAttention], choice: Choice, word: str | None = None
) -> Sheet:
    """Where everything stands. Its size grows with the number of pieces."""
    chosen = [views(attention, choice) for attention in attentions]
    together = [view for some in chosen for view in some]
    longest = max(max(len(view.rows), len(view.columns)) for view in together)
    sizes = next((sizes for most, *sizes in _SIZES if longest <= most), _SMALLEST)
    sheet = Sheet(max([_NARROWEST, *(_Grid(view, *sizes).width for view in together)]))
    _legend(sheet)
    for attention, some in zip(attentions, chosen, strict=True):
        _write(sheet, attention.sentence, 17, bold=True)
        _write(sheet, attention.translation, 17)
        for view in some:
            _view(sheet, view, _Grid(view, *sizes), word)
        sheet.height += _GAP
    return sheet


class _Grid:
    """The measures of a layer's panels: cells, labels, how many panels stand side by side."""

    def __init__(self, view: View, cell: int, size: int) -> None:
        self.cell, self.size = cell, size
        self.left = 8 + max(width(_short(piece), self.size) for piece in view.rows)
        self.top = 8 + max(width(_short(piece), self.size) for piece in view.columns) + _LINE
        self.panel = self.left + self.cell * len(view.columns) + _GAP
        rows = -(-len(view.heads) // max(1, (_WIDEST - 2 * _MARGIN) // self.panel))
        self.across = -(-len(view.heads) // rows)
        self.width = 2 * _MARGIN + self.across * self.panel - _GAP


def _view(sheet: Sheet, view: View, grid: _Grid, word: str | None) -> None:
    """Adds the panels of one layer below what is there."""
    sheet.height += _GAP // 2
    _write(sheet, f"{TITLES[view.kind]}, layer {view.layer}", 14, bold=True)
    _write(sheet, f"rows: {ROWS[view.kind]}; columns: {COLUMNS[view.kind]}", 12, color=_FAINT)
    for i, (head, weights) in enumerate(zip(view.heads, view.weights, strict=True)):
        x = _MARGIN + i % grid.across * grid.panel + grid.left
        y = sheet.height + grid.top
        panel = Panel(x, y, grid.cell, weights, view.kind == "decoder")
        sheet.panels.append(panel)
        sheet.labels.append(Label(f"head {head}", x, y - grid.top + 14, bold=True))
        sheet.labels += _names(view, panel, grid.size, view.row_of(word))
        if i % grid.across == grid.across - 1 or i == len(view.heads) - 1:
            sheet.height = y + len(view.rows) * grid.cell + _GAP


def _names(view: View, panel: Panel, size: int, marked: int | None) -> Iterator[Label]:
    """The pieces on both axes of a panel."""
    middle = 0.5 * panel.cell + 0.36 * size  # half a capital letter below the middle of a cell
    for i, piece in enumerate(view.rows):
        y = panel.y + i * panel.cell + middle
        color = _MARKED if i == marked else _INK
        yield Label(_short(piece), panel.x - 5, y, size, "right", bold=i == marked, color=color)
    for i, piece in enumerate(view.columns):
        x = panel.x + i * panel.cell + middle
        yield Label(_short(piece), x, panel.y - 5, size, turned=True)


def _write(sheet: Sheet, text: str, size: int, bold: bool = False, color: Color = _INK) -> None:
    """Adds lines of text below what is there."""
    room = int((sheet.width - 2 * _MARGIN) / (0.66 * size))
    for line in textwrap.wrap(text, room):
        sheet.height += round(1.5 * size)
        sheet.labels.append(Label(line, _MARGIN, sheet.height, size, bold=bold, color=color))
    sheet.height += size // 2


def _legend(sheet: Sheet) -> None:
    """Adds the scale of colors and what a row is."""
    steps = np.linspace(0, 1, 17, dtype=np.float32)[None] ** 2
    sheet.panels.append(Panel(_MARGIN, sheet.height, _BAR, steps, masked=False))
    for tick in _TICKS:
        x = _MARGIN + (16 * tick**0.5 + 0.5) * _BAR
        sheet.labels.append(Label(f"{tick:g}", x, sheet.height + _BAR + 13, 11, "center"))
    text = "A row shows where a piece looks; its weights add up to 1."
    x = _MARGIN + 18 * _BAR
    sheet.labels.append(Label(text, x, sheet.height + 13, 12, color=_FAINT))
    sheet.labels.append(
        Label("A dot is the space before a word.", x, sheet.height + 30, 12, color=_FAINT)
    )
    sheet.height += _BAR + _LINE


def _short(piece: str) -> str:
    """A piece as it is shown: the space before a word is a dot, and what is very long is cut."""
    shown = piece.replace("\u2581", "·")
    return shown if len(shown) <= _LONGEST_PIECE else shown[: _LONGEST_PIECE - 1] + "…"


def _painted(sheet: Sheet) -> UInt8[np.ndarray, "height width 3"]:
    """The cells of all panels on white."""
    canvas = np.full((sheet.height, sheet.width, 3), 255, np.uint8)
    for x, y, cell, weights, masked in sheet.panels:
        colors = _colored(weights)
        if masked:
            colors[np.triu_indices(len(weights), 1)] = _HIDDEN
        cells = colors.repeat(cell, axis=0).repeat(cell, axis=1)
        frame = canvas[y : y + cells.shape[0] + 1, x : x + cells.shape[1] + 1]
        frame[:-1, :-1] = cells
        frame[::cell] = frame[::cell] // 2 + _GRID // 2
        frame[:, ::cell] = frame[:, ::cell] // 2 + _GRID // 2
    return canvas


def _colored(weights: Float32[np.ndarray, "T S"]) -> UInt8[np.ndarray, "T S 3"]:
    places = np.linspace(0, 1, len(_COLORS))
    mixed = [np.interp(np.sqrt(weights), places, part) for part in zip(*_COLORS, strict=True)]
    return np.stack(mixed, axis=-1).round().astype(np.uint8)
