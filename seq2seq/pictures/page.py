"""Attention as a page to hover over: one HTML file that needs nothing else and no network.

The page itself is `page.html`; here its data are put in. Text goes into it as JSON in which no
character can end the script, and the page's script writes it as text only.
"""

import json
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq import text_io
from seq2seq.attention_maps import SentenceAttention
from seq2seq.pictures.views import COLUMNS, KINDS, ROWS, TITLES, Choice, View, views

_ESCAPED = str.maketrans({letter: f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"})
_PARTS = 1000
"""Weights are written in thousandths."""


def write(
    attentions: Sequence[SentenceAttention],
    path: Path,
    choice: Choice | None = None,
    word: str | None = None,
) -> None:
    """Writes the page in one go.

    Args:
        attentions: The weights of each sentence, which stand one below the other.
        path: The .html to write.
        choice: What it can show; default everything.
        word: A word that is pointed at when the page opens, in each sentence that holds it.

    Raises:
        UserError: The file cannot be written.
    """
    with text_io.output(path) as out:
        out.write(page(attentions, choice or Choice(), word))


def page(attentions: Sequence[SentenceAttention], choice: Choice, word: str | None = None) -> str:
    """The page as text."""
    sentences = [
        {
            "sentence": attention.sentence,
            "translation": attention.translation,
            "views": [_view(view, word) for view in views(attention, choice)],
        }
        for attention in attentions
    ]
    axes = {k: {"title": TITLES[k], "rows": ROWS[k], "columns": COLUMNS[k]} for k in KINDS}
    first = views(attentions[0], choice)[0]
    data = {"kind": first.kind, "kinds": axes, "sentences": sentences}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPED)
    template = resources.files("seq2seq.pictures").joinpath("page.html").read_text("utf-8")
    title = escape(" / ".join(attention.sentence for attention in attentions))
    before, after = template.split("{{data}}")
    return before.replace("{{title}}", title) + text + after


def _view(view: View, word: str | None) -> dict[str, Any]:
    """One layer for the page; `first` is the row of the word."""
    return {
        "kind": view.kind,
        "layer": view.layer,
        "heads": view.heads,
        "rows": view.rows,
        "columns": view.columns,
        "first": view.row_of(word),
        "weights": np.rint(_PARTS * view.weights).astype(int).tolist(),
    }
