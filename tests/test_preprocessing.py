"""Text on its way into a model and out again: in the scripts' order, and untouched by default."""

import pytest

from seq2seq import moses, preprocessing
from seq2seq.config import DataConfig
from seq2seq.preprocessing import Preprocessing

RAW = ["„Kommst DU mit?“, fragte sie.", "  Ein   Mann.\tEin Hund", "", "Straße & Ö"]


def test_by_default_nothing_is_touched(monkeypatch):
    monkeypatch.setattr(moses, "_tool", None)
    for side in preprocessing.sides(DataConfig()):
        for function in (side.apply, side.comparable, side.undo):
            assert function(RAW) == RAW
    assert preprocessing.identity(DataConfig()) == {}


def test_the_sides_differ_in_language_only():
    data = DataConfig("en", "fr", lowercase=True, tokenizer="moses")
    source, target = preprocessing.sides(data)
    assert source == Preprocessing("en", True, False, "moses")
    assert target == Preprocessing("fr", True, False, "moses")
    assert source.apply(["The dog's"]) == ["the dog 's"]
    assert target.apply(["L'eau"]) == ["l' eau"]


def test_the_order_is_that_of_the_scripts():
    """A full stop before a small letter stays in its word, so case has to go first."""
    form = Preprocessing("de", True, True, "moses")
    assert form.apply(RAW) == [
        '" kommst du mit ? " , fragte sie .',
        "ein mann. ein hund",
        "",
        "straße & ö",
    ]
    assert Preprocessing("de", tokenizer="moses").apply(RAW)[1] == "Ein Mann . Ein Hund"


def test_references_stay_text():
    form = Preprocessing("de", True, True, "moses")
    assert form.comparable(RAW[:1]) == ['"kommst du mit?", fragte sie.']
    assert Preprocessing("de", lowercase=True).comparable(RAW[:1]) == [RAW[0].lower()]
    assert Preprocessing("de", tokenizer="moses").comparable(RAW) == RAW


def test_what_was_applied_is_undone_but_for_case():
    form = Preprocessing("de", True, False, "moses")
    text = ["Der Hund schläft nicht (oder doch), weil er „müde“ ist."]
    assert form.undo(form.apply(text)) == [text[0].lower()]
    lower = Preprocessing("de", lowercase=True)
    assert lower.undo(lower.apply(text)) == [text[0].lower()]


@pytest.mark.parametrize(
    "options",
    [{"lowercase": True}, {"normalize_punctuation": True}, {"tokenizer": "moses"}],
)
def test_what_text_depends_on_is_told(options, monkeypatch):
    data = DataConfig(**options)
    before = preprocessing.identity(data)
    assert before.items() >= options.items()
    monkeypatch.setattr(moses, "sacremoses_version", lambda: "0.0")
    assert (preprocessing.identity(data) == before) == (options == {"lowercase": True})
