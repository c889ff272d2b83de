"""Nothing is lost when text is cut, and parts are no longer than they may be."""

import random

import pytest

from seq2seq.lines.splitting import Segment, fitting, joined, sentences

LETTERS = "aBz. . !?\"()\t '…。！éß—«»“”„’漢字\u2028\u200b\x00<>/,;:1МИ\u0301😀\xa0"


def whole(segments):
    return "".join(f"{segment.gap}{segment.text}" for segment in segments)


@pytest.mark.parametrize("language", ["en", "de", "fr-CA", "zh_Hans", "src", ""])
def test_sentences_put_together_are_the_text(language):
    draw = random.Random(language)
    for _ in range(2000):
        text = "".join(draw.choices(LETTERS, k=draw.randint(0, 50)))
        found = sentences(text, language)
        assert whole(found) == text.strip()
        assert all(one.text and one.text == one.text.strip() for one in found)


@pytest.mark.parametrize(
    ("language", "text", "wanted"),
    [
        ("en", "Mr. Smith left.  He was ill!", ["Mr. Smith left.", "He was ill!"]),
        ("en", " It costs $3.50 at e.g. Joe's.", ["It costs $3.50 at e.g. Joe's."]),
        ("de", "Er kam am 3. Mai an. Ja!", ["Er kam am 3. Mai an.", "Ja!"]),
        ("zh", "你好。我很好！", ["你好。", "我很好！"]),
        ("en", " \t ", []),
    ],
)
def test_sentences_end_by_the_rules_of_the_language(language, text, wanted):
    assert [one.text for one in sentences(text, language)] == wanted


def test_what_stood_between_sentences_is_known():
    assert [one.gap for one in sentences("One.  Two.\tThree.", "en")] == ["", "  ", "\t"]
    assert [one.gap for one in sentences("你好。我很好！", "zh")] == ["", ""]


def words(texts):
    return [len(text.split()) for text in texts]


def characters(texts):
    return [len(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "limit", "wanted"),
    [
        ("a b c", 3, ["a b c"]),
        ("a, b; c d, e f", 4, ["a, b;", "c d, e f"]),
        ("a b, c d, e f, g h", 5, ["a b, c d,", "e f, g h"]),
        ("a b c d e f g", 6, ["a b c d", "e f g"]),
        ("a b c d e f g, h", 6, ["a b c d", "e f g,", "h"]),
        ("a, b c d e f g h i j", 4, ["a,", "b c d", "e f g", "h i j"]),
    ],
)
def test_long_sentences_are_cut_at_the_best_places(text, limit, wanted):
    found = fitting(Segment(text, "  "), words, limit)
    assert [one.text for one in found] == wanted
    assert {one.cut for one in found} == {len(wanted) > 1}
    assert whole(found) == f"  {text}"


@pytest.mark.parametrize("seed", range(200))
def test_parts_fit_and_hold_everything(seed):
    draw = random.Random(seed)
    text = "".join(draw.choices(LETTERS, k=draw.randint(1, 300))).strip() or "a"
    limit = draw.randint(1, 40)
    found = fitting(Segment(text, ""), characters, limit)
    assert whole(found) == text
    assert max(len(one.text) for one in found) <= limit


def test_translations_are_joined_as_their_language_has_it():
    segments = [Segment("a", ""), Segment("b", "  "), Segment("c", "\u2028"), Segment("d", "")]
    assert joined("ABCD", segments, "de") == "A  B C D"
    assert joined("ABCD", segments, "zh_Hans") == "ABCD"
    assert joined(["A", "", "", "D"], segments, "de") == "A D"
    assert joined([""] * 4, segments, "de") == ""
