"""Moses's tokens, against lines that its own script gave; what is put together again is text."""

import pytest

from seq2seq import moses

# As tokenizer.perl of 2017 cuts them, with its escapes taken back.
GERMAN = {
    "„Kommst du mit?“, fragte die 12-jährige Anna.": (
        "„ Kommst du mit ? “ , fragte die 12-jährige Anna ."
    ),
    "Das E-Mail-Programm kostet z.B. 3,50 €.": "Das E-Mail-Programm kostet z.B. 3,50 € .",
    "Am 3. Mai geht's los: Hurra!": "Am 3. Mai geht ' s los : Hurra !",
    "Er sah Dr. Müller  (sehr müde) um 12:30 Uhr ...": (
        "Er sah Dr. Müller ( sehr müde ) um 12 : 30 Uhr ..."
    ),
    "": "",
}


@pytest.mark.parametrize(("text", "tokens"), GERMAN.items())
def test_german_tokens(text, tokens):
    assert moses.tokenise([text], "de") == [tokens]


@pytest.mark.parametrize(
    ("language", "tokens"),
    [
        ("en", "the dog 's l 'eau"),
        ("fr", "the dog' s l' eau"),
        ("de", "the dog ' s l ' eau"),
        ("tlh", "the dog 's l 'eau"),
    ],
)
def test_apostrophes_follow_the_language(language, tokens):
    assert moses.tokenise(["the dog's l'eau"], language) == [tokens]


@pytest.mark.parametrize(
    ("language", "rules"),
    [("de", "de"), ("de-AT", "de"), ("pt_BR", "pt"), ("ZH", "zh"), ("ja", "ja"), ("src", "en")],
)
def test_rules_are_those_of_the_language_or_of_english(language, rules):
    assert moses.rules(language) == rules


def test_one_line_for_one_line_whatever_it_holds():
    texts = ["", " \t", "a\u2028b", "a\nb", "\x01\x02", "\ud800", "&quot; [x] a|b <i>"]
    tokens = moses.tokenise(texts, "de")
    assert len(tokens) == len(texts)
    assert all(len(line.splitlines()) <= 1 for line in tokens)
    assert tokens[-1] == "& quot ; [ x ] a | b < i >"
    assert moses.detokenise(tokens, "de")[:2] == ["", ""]


@pytest.mark.parametrize("text", [text for text in GERMAN if "'" not in text and "..." not in text])
def test_detokenising_gives_the_text_back(text):
    assert moses.detokenise(moses.tokenise([text], "de"), "de") == [text]


def test_punctuation_becomes_plain():
    texts = ["„Kommst du mit?“ – fragte sie …", "O’Neill sagt « ja »"]
    found = moses.normalise_punctuation(texts, "de")
    assert found == ['"Kommst du mit?" - fragte sie ...', 'O\'Neill sagt " ja "']
