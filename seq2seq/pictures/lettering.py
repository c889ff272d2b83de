"""Text as bitmaps: each distinct label is drawn once by matplotlib and stamped as often as needed.

A hundred panels name the same forty pieces again and again; stamping takes microseconds where
matplotlib takes milliseconds, and all labels of a row share one baseline.

matplotlib is imported when something is drawn, and only its Agg canvas: no window, no global state.
"""

import re
import unicodedata
import warnings
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

Color = tuple[int, int, int]

_FONTS = ("DejaVu Sans", "Noto Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Arial Unicode MS")
"""What is tried for each character, as far as it is installed; matplotlib brings the first one."""
_ABOVE, _BELOW = 1.4, 0.6
"""Room above and below the baseline, in multiples of the size."""
_MISSING = re.compile(r"Glyph (\d+)")


class Label(NamedTuple):
    """A text, where it stands and how.

    Attributes:
        text: One line.
        x: Pixels from the left to its anchor; of a turned text, to its baseline.
        y: Pixels from the top to its baseline; of a turned text, to where it begins.
        size: Size of the font in pixels.
        anchor: What of the text is at x: its left, center or right.
        turned: Whether it runs upwards.
        bold: Whether it is bold.
        color: Red, green and blue.
    """

    text: str
    x: float
    y: float
    size: int = 13
    anchor: str = "left"
    turned: bool = False
    bold: bool = False
    color: Color = (31, 31, 31)


def width(text: str, size: int) -> int:
    """About how many pixels a text takes; East Asian letters are as wide as high."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return round(size * (wide + 0.66 * (len(text) - wide)))


def stamp(canvas: UInt8[np.ndarray, "height width 3"], label: Label) -> str:
    """Puts a label onto a canvas; what lies beyond the edge is lost.

    Returns:
        Characters that no font has, and which stand there as boxes.
    """
    ink, missing = _ink(label.text, label.size, label.bold)
    above = round(_ABOVE * label.size)
    if label.turned:
        ink = np.rot90(ink)
        left, top = round(label.x) - above, round(label.y) - len(ink)
    else:
        shift = {"left": 0.0, "center": 0.5, "right": 1.0}[label.anchor]
        left, top = round(label.x - shift * ink.shape[1]), round(label.y) - above
    ink = ink[max(0, -top) :, max(0, -left) :]
    left, top = max(0, left), max(0, top)
    place = canvas[top : top + ink.shape[0], left : left + ink.shape[1]]
    cover = ink[: place.shape[0], : place.shape[1], None].astype(np.uint16)
    place[...] = (place * (255 - cover) + np.array(label.color, np.uint16) * cover) // 255
    return missing


@cache
def _ink(text: str, size: int, bold: bool) -> tuple[UInt8[np.ndarray, "height width"], str]:
    """How much each pixel is covered by a text, and the characters that no font has."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    room = (2 * width(text, size) + 2 * size, round(_ABOVE * size) + round(_BELOW * size))
    figure = Figure(figsize=(room[0] / 100, room[1] / 100), dpi=100)
    canvas = FigureCanvasAgg(figure)
    figure.text(
        0,
        round(_BELOW * size) / room[1],
        text,
        fontsize=0.72 * size,  # points of 1/72 inch, at 100 pixels an inch
        fontweight="bold" if bold else "normal",
        fontfamily=_installed(),
        parse_math=False,  # a sentence may hold dollar signs
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        canvas.draw()
    found = (_MISSING.match(str(warning.message)) for warning in caught)
    missing = "".join(dict.fromkeys(chr(int(match[1])) for match in found if match))
    cover = 255 - np.asarray(canvas.buffer_rgba())[..., 0]
    used = np.flatnonzero(cover.any(axis=0))
    return cover[:, : used[-1] + 1 if used.size else 0], missing


@cache
def _installed() -> list[str]:
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return [name for name in _FONTS if name in installed]
