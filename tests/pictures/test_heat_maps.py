"""The PNG is read back: each cell has the color of its weight, each axis its pieces."""

from collections import Counter

import numpy as np
import pytest
from matplotlib.image import imread

from seq2seq.errors import UserError
from seq2seq.pictures.heat_maps import draw, layout
from seq2seq.pictures.lettering import Label, stamp
from seq2seq.pictures.views import Choice, views

WHITE_TO_BLUE = ((255, 255, 255), (198, 219, 239), (107, 174, 214), (33, 113, 181), (8, 48, 107))


def read(path):
    return (imread(path)[..., :3] * 255).round().astype(int)


def color(weight):
    place = 4 * np.sqrt(float(weight))
    low = min(3, int(place))
    pair = np.array(WHITE_TO_BLUE[low : low + 2], float)
    return pair[0] + (place - low) * (pair[1] - pair[0])


def test_cells_have_the_color_of_their_weight(duck, tmp_path):
    assert draw([duck], tmp_path / "duck.png") == ""
    assert [path.name for path in tmp_path.iterdir()] == ["duck.png"]
    picture, sheet = read(tmp_path / "duck.png"), layout([duck], Choice())
    assert picture.shape == (sheet.height, sheet.width, 3)
    shown = [weights for view in views(duck, Choice()) for weights in view.weights]
    panels = sheet.panels[1:]  # the first one is the scale
    assert len(panels) == len(shown) == (2 + 3 + 3) * 4
    for panel, weights in zip(panels, shown, strict=True):
        np.testing.assert_array_equal(panel.weights, weights)
        for (i, j), weight in np.ndenumerate(weights):
            cell = picture[panel.y + i * panel.cell + 5, panel.x + j * panel.cell + 5]
            wanted = (240, 240, 240) if panel.masked and j > i else color(weight)
            np.testing.assert_allclose(cell, wanted, atol=1)


@pytest.mark.parametrize("length", [2, 12, 40])
@pytest.mark.parametrize("heads", [1, 8])
def test_both_axes_of_every_panel_are_named(make, length, heads):
    source = [f"\u2581w{i}" for i in range(length)]
    attention = make(source, source[: length // 2], layers=(1, 1), heads=heads)
    sheet = layout([attention], Choice())
    counts = Counter((label.text, label.turned) for label in sheet.labels)
    first, last = ("·w0", f"·w{length - 1}")
    assert counts[first, False] == 3 * heads
    assert counts[first, True] == 3 * heads
    assert (counts[last, False], counts[last, True]) == (heads, 2 * heads)
    assert counts["head 1", False] == 3
    boxes = [(p.x, p.y, p.cell * p.weights.shape[1], p.cell * len(p.weights)) for p in sheet.panels]
    for i, (x, y, width, height) in enumerate(boxes):
        assert x >= 0
        assert x + width < sheet.width <= 4_500
        assert y + height < sheet.height
        for left, top, across, down in boxes[:i]:
            apart = x >= left + across or left >= x + width or y >= top + down or top >= y + height
            assert apart, "panels overlap"
    assert min(panel.cell for panel in sheet.panels) >= 16


def test_labels_stand_in_their_own_rows_and_columns(make):
    attention = make([f"\u2581{c}" * 3 for c in "abcdefghijklmnopqrstuvwxyz"], ["x"], (1, 1), 1)
    sheet = layout([attention], Choice(kinds=("encoder",)))
    panel = sheet.panels[1]
    for side, turned in (("y", False), ("x", True)):
        names = [piece.replace("\u2581", "·") for piece in attention.source]
        places = {
            label.text: getattr(label, side)
            for label in sheet.labels
            if label.turned == turned and label.text in names
        }
        start = getattr(panel, side)
        rows = [int((places[name] - start) // panel.cell) for name in names]
        assert rows == list(range(27))


def test_the_word_is_marked(duck):
    plain, marked = (layout([duck], Choice(), word).labels for word in (None, "bank"))
    changed = [new for old, new in zip(plain, marked, strict=True) if old != new]
    assert {label.text for label in changed} == {"·bank"}
    assert len(changed) == 2 * 4
    assert all(label.bold and not label.turned for label in changed)


def test_sentences_stand_one_below_the_other(duck, make):
    other = make(["\u2581Hi"], ["\u2581Hallo"])
    sheet = layout([duck, other], Choice())
    texts = [label.text for label in sheet.labels]
    assert texts.index("The duck waited at the bank.") < texts.index("Hi")
    assert len(sheet.panels) == 1 + 2 * 32
    assert sheet.height > layout([duck], Choice()).height


def test_any_characters_can_be_drawn(make, tmp_path):
    strange = make(["\u2581$x_1$", "\\frac{", "漢", "\u2581" + "w" * 300], ["%", "&<b>"])
    assert draw([strange], tmp_path / "strange.png") == "漢"
    texts = [label.text for label in layout([strange], Choice()).labels]
    assert "·" + "w" * 22 + "…" in texts


def test_dollars_are_dollars():
    inks = []
    for text in ("$l$", "l"):
        stamp(canvas := np.full((40, 99, 3), 255, np.uint8), Label(text, 10, 30, 20))
        inks.append(int((255 - canvas.astype(int)).sum()))
    assert inks[0] > 3 * inks[1]


def test_a_picture_that_would_be_too_large(make, tmp_path):
    long = make(["a"] * 200, ["b"] * 200, layers=(2, 2), heads=8)
    match = r"long.png: expected at most 100, found \d+ million pixels: choose by --kind"
    with pytest.raises(UserError, match=match):
        draw([long], tmp_path / "long.png")
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_may_not_be_written(duck, tmp_path):
    with pytest.raises(FileNotFoundError):
        draw([duck], tmp_path / "no" / "duck.png", Choice(kinds=("cross",)))


@pytest.mark.parametrize("anchor", ["left", "center", "right"])
def test_labels_stand_at_their_anchor(anchor):
    canvas = np.full((60, 200, 3), 255, np.uint8)
    assert stamp(canvas, Label("Hill", 100, 40, 20, anchor)) == ""
    rows, columns = np.nonzero(canvas[..., 0] < 128)
    assert 22 <= rows.min() <= 27
    assert rows.max() == 39
    edges = {"left": columns.min(), "center": columns[[0, -1]].mean(), "right": columns.max()}
    middle = (columns.min() + columns.max()) / 2
    assert abs((middle if anchor == "center" else edges[anchor]) - 100) < 5


def test_turned_labels_run_upwards():
    canvas = np.full((100, 60, 3), 255, np.uint8)
    stamp(canvas, Label("Hill", 30, 90, 20, turned=True))
    rows, columns = np.nonzero(canvas[..., 0] < 128)
    assert columns.max() == 29
    assert 85 <= rows.max() <= 90
    assert rows.max() - rows.min() > columns.max() - columns.min()


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("place", [(-10, 5), (55, 5), (20, 110), (20, -50), (300, 300), (30, 50)])
def test_what_is_beyond_the_edge_is_lost(place, turned):
    small, large = np.full((100, 60, 3), 255, np.uint8), np.full((500, 500, 3), 255, np.uint8)
    stamp(small, Label("Hill", *place, 20, turned=turned))
    stamp(large, Label("Hill", place[0] + 100, place[1] + 100, 20, turned=turned))
    np.testing.assert_array_equal(small, large[100:200, 100:160])
