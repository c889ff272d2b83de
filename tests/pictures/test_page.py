"""The page is parsed: what it holds, that nothing in a sentence breaks it, that it stands alone."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from seq2seq.errors import UserError
from seq2seq.pictures.page import page, write
from seq2seq.pictures.views import Choice, views


class Page(HTMLParser):
    """The texts of title and scripts, and all tags with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.texts.append([tag, ""])

    def handle_data(self, data):
        if self.texts:
            self.texts[-1][1] += data

    def text(self, tag):
        return [text.strip("\n") for name, text in self.texts if name == tag]

    @property
    def data(self):
        return json.loads(self.text("script")[0])


def test_it_holds_the_pieces_and_the_weights(duck):
    data = Page(page([duck], Choice(), "bank")).data
    [sentence] = data["sentences"]
    assert sentence["sentence"] == duck.sentence
    assert sentence["translation"] == duck.translation
    for found, view in zip(sentence["views"], views(duck, Choice()), strict=True):
        assert (found["kind"], found["layer"]) == (view.kind, view.layer)
        assert found["heads"] == list(view.heads)
        assert (found["rows"], found["columns"]) == (list(view.rows), list(view.columns))
        np.testing.assert_allclose(np.array(found["weights"]) / 1000, view.weights, atol=5.1e-4)
        assert found["first"] == (6 if view.kind == "encoder" else None)
    assert data["kind"] == "encoder"


def test_it_shows_what_is_chosen(duck, make):
    other = make(["\u2581Hi"], ["\u2581Hallo"])
    data = Page(page([duck, other], Choice(("cross",), (2,), (3,)))).data
    assert data["kind"] == "cross"
    assert [len(sentence["views"]) for sentence in data["sentences"]] == [1, 1]
    view = data["sentences"][1]["views"][0]
    assert (view["layer"], view["heads"], np.shape(view["weights"])) == (2, [3], (1, 2, 2))


HOSTILE = (
    "</script><img src=x onerror=alert(1)> <!-- & \"quoted\" 'too' {{data}} {{title}} \u2028 ]]>"
)


def test_no_sentence_breaks_it(make):
    attention = make(HOSTILE.split(" "), ["\u2581<script>", "</title>", "-->"])
    found = Page(page([attention], Choice()))
    assert found.data["sentences"][0]["sentence"] == "".join(HOSTILE.split(" "))
    assert found.data["sentences"][0]["views"][0]["rows"] == [*HOSTILE.split(" "), "</s>"]
    assert found.text("title") == ["".join(HOSTILE.split(" "))]
    plain = Page(page([make(["a"], ["b"])], Choice()))
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in plain.tags]
    assert found.text("script")[1] == plain.text("script")[1]


def test_it_needs_no_network_and_no_other_file(duck):
    text = page([duck], Choice())
    found = Page(text)
    for tag, attributes in found.tags:
        assert not {"src", "href", "srcset", "action"} & attributes.keys(), tag
        assert tag not in ("link", "iframe", "object", "base")
    assert re.findall(r"url\(|@import|fetch\(|XMLHttp|import\(", text) == []
    assert set(re.findall(r"https?://[\w./]+", text)) == {"http://www.w3.org/2000/svg"}
    policies = [a["content"] for tag, a in found.tags if "http-equiv" in a]
    assert policies[0].startswith("default-src 'none'")
    assert "innerHTML" not in text


def test_light_and_dark_define_the_same_colors(duck):
    styles = Page(page([duck], Choice())).text("style")[0]
    light, dark = (re.findall(r"(--[\w-]+): (#\w+)", part) for part in styles.split("@media"))
    assert [name for name, _ in light] == [name for name, _ in dark]

    def luminance(value):
        parts = [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return np.dot([0.2126, 0.7152, 0.0722], linear)

    for colors in (dict(light), dict(dark)):
        for front, back in (
            ("ink", "paper"),
            ("ink", "shade"),
            ("ink", "picked"),
            ("faint", "paper"),
        ):
            both = sorted(luminance(colors[f"--{name}"]) for name in (front, back))
            assert (both[1] + 0.05) / (both[0] + 0.05) >= 4.5, f"{front} on {back}"


def test_it_is_written_in_one_go_or_not_at_all(duck, tmp_path):
    write([duck], tmp_path / "duck.html", word="duck")
    assert [path.name for path in tmp_path.iterdir()] == ["duck.html"]
    assert (tmp_path / "duck.html").read_text("utf-8") == page([duck], Choice(), "duck")
    with pytest.raises(UserError, match=r"cannot be written"):
        write([duck], tmp_path / "no" / "duck.html")


@pytest.fixture
def hovered(duck, tmp_path):
    """What the page shows while a mouse points at each word, by kind, layer, side and word."""
    if (node := shutil.which("node")) is None:
        pytest.skip("needs node to run the page's script")
    write([duck], tmp_path / "duck.html")
    words = [node, Path(__file__).with_name("hover.js"), tmp_path / "duck.html"]
    found = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    places = ("kind", "layer", "side", "index")
    return {tuple(shown[name] for name in places): shown for shown in found}


def percent(thousandths):
    """A weight as it is printed; halves go up."""
    return (int(thousandths) + 5) // 10


def test_pointing_at_a_word_shows_its_weights_in_every_head(duck, hovered):
    wanted = 0
    for view in views(duck, Choice()):
        weights = np.rint(1000 * view.weights)
        for side, axis, others in (("from", 1, view.columns), ("to", 2, view.rows)):
            for index in range(weights.shape[axis]):
                shown = hovered[view.kind, view.layer, side, index]
                along = weights.take(index, axis)
                assert shown["percents"] == [
                    [percent(w) if w >= 10 else "" for w in head] for head in along
                ]
                assert shown["best"] == [
                    f"{others[head.argmax()].lstrip(chr(0x2581))} {percent(head.max())} %"
                    for head in along
                ]
                assert {text for head in shown["own"] for text in head} == {""}
                assert {text for side in shown["left"] for head in side for text in head} == {""}
                wanted += 1
    assert len(hovered) == wanted > 80
