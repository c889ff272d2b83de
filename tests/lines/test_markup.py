"""Every item comes out exactly as often as it went in, whatever a model does in between."""

import random
import re
from collections import Counter

import pytest

from seq2seq.lines.markup import cleaned, items, take_out, words
from seq2seq.lines.reinsertion import Aligned, put_back


def back(line, target=None, pairs=None):
    """The line's markup in a translation; by default a model that repeats the source."""
    marked = take_out(line)
    target = marked.plain if target is None else cleaned(target)
    spans = words(marked.plain), words(target)
    if pairs is None:
        pairs = [(i, i) for i in range(min(map(len, spans)))]
    pairs = [(i, j) for i, j in pairs if i < len(spans[0]) and j < len(spans[1])]
    return put_back(marked, Aligned(target, *spans, pairs))


@pytest.mark.parametrize(
    ("line", "plain", "found"),
    [
        ("no markup: 50 % of 3 < 4 {", "no markup: 50 % of 3 < 4 {", []),
        ("Click <b>here</b>!", "Click here!", ["<b>", "</b>"]),
        ("<p>One.</p><p>Two.</p>", "One. Two.", ["<p>", "</p>", "<p>", "</p>"]),
        ("one<br/>two <!-- no --> three", "one two three", ["<br/>", "<!-- no -->"]),
        ("un<b>believ</b>able", "unbelievable", ["<b>", "</b>"]),
        ("I live in {city}.", "I live in.", ["{city}"]),
        ("{name}, how are you?", "how are you?", ["{name}"]),
        ("%d of %(all)s, {0}, ${x}, {{ y }} and 5%%", "of,,, and", None),
        ("see ({url}) or {n}'s file{i}.txt", "see or", ["{url}", "{n}", "{i}"]),
        (
            'Mail a.b@c.de, or <a href="http://x.y">see</a> https://x.y/a?b=c#d.',
            "Mail, or see.",
            ["a.b@c.de", '<a href="http://x.y">', "</a>", "https://x.y/a?b=c#d"],
        ),
    ],
)
def test_plain_text_reads_as_if_nothing_had_been_there(line, plain, found):
    assert take_out(line).plain == plain
    if found is not None:
        assert items(line) == found


@pytest.mark.parametrize(
    "line",
    [
        "Visit (https://a.b/c?x=1) or mail a.b@c.de.",
        "{name}, how are you?",
        "I live in {city}.",
        "a <i>b <b>c</i> d</b>",
        "50% off %s and %d%%",
        "see {{ x }}'s file {n}.txt",
        "<b>{name}</b> wins",
        "one<br/>two",
        'See <a href="https://x.y">the page</a> now.',
        "<b>Hello <i>big</i> world!</b> {x}",
        '"<i>Hi</i>", said {x}',
        "<p><b>{x} now</b></p>",
        " <b>{x}</b> <br/>",
        "",
    ],
)
def test_a_model_that_repeats_the_source_gives_the_line_back(line):
    assert back(line) == line


@pytest.mark.parametrize(
    ("line", "target", "pairs", "wanted"),
    [
        (
            "I have <b>seen</b> the <i>red house</i> of {name}.",
            "Ich habe das rote Haus von gesehen.",
            [(0, 0), (1, 1), (2, 6), (3, 2), (4, 3), (5, 4), (6, 5)],
            "Ich habe das <i>rote Haus</i> von {name} <b>gesehen</b>.",
        ),
        ("<b>a b</b> c", "C A x B", [(0, 1), (1, 3), (2, 0)], "C <b>A x B</b>"),
        ("<b>a</b> b c", "B A C A", [(0, 1), (0, 3), (1, 0), (2, 2)], "B <b>A</b> C A"),
        ("<p>a b.</p>", "A x B y.", [(0, 1)], "<p>A x B y.</p>"),
        ("a <b>b</b> c", "A C", [(0, 0), (2, 1)], "A <b></b> C"),
        ("a {x} <b>b</b>", "B A", [(0, 1), (1, 0)], "<b>B</b> A {x}"),
        ("a <b>b</b> c", "", [], "<b></b>"),
        ("{x} a", "A", [], "{x} A"),
    ],
)
def test_markup_follows_the_words_it_belongs_to(line, target, pairs, wanted):
    assert back(line, target, pairs) == wanted


def test_items_of_the_models_own_making_are_removed():
    assert cleaned("a <b>{x} www.y.de z") == "a z"
    assert cleaned("a  b <") == "a  b <"
    assert back("see {x}", "sieh {x} %s <b>nach</b>") == "sieh nach {x}"


def nested(line):
    """Whether each tag that closes has its partner, as far as tags are pairs."""
    waiting = []
    for name in re.findall(r"</?[biu]>", line):
        if not name.startswith("</"):
            waiting.append(name)
        elif not waiting or waiting.pop() != name.replace("/", ""):
            return False
    return not waiting


ITEMS = ["<br/>", "<p>", "{x}", "{{ y z }}", "%s", "%1$d", "%%", "www.a.de", "(a@b.de)", "{n}.txt"]
ITEMS += ["https://x.y/{n}?a=1,", "<a href='http://q.r'>", "</a>", "<!-- no -->"]
TEXT = [
    "ada",
    "bea,",
    "cleo.",
    "„dora“",
    "ev's",
    " ",
    "  ",
    "<",
    ">",
    "{",
    "}",
    "%",
    "@",
    "漢字",
    "-",
]


def some(draw, depth=3):
    """A line of words and items with tags that are well nested."""
    parts = []
    for _ in range(draw.randint(0, 5)):
        kind = draw.random()
        if kind < 0.3 and depth:
            name = draw.choice("biu")
            parts.append(f"<{name}>{some(draw, depth - 1)}</{name}>")
        else:
            parts.append(draw.choice(ITEMS if kind < 0.6 else TEXT))
        parts.append(draw.choice(["", " ", " "]))
    return "".join(parts)


@pytest.mark.parametrize("seed", range(40))
def test_each_item_is_there_exactly_as_often_whatever_the_model_does(seed):
    draw = random.Random(seed)
    for _ in range(100):
        line = some(draw)
        if draw.random() < 0.2:
            line = line.replace("</i>", draw.choice(["", "<i>", "</b>", "</p>"]))
        target = draw.choice([some(draw), " ".join(draw.choices(TEXT, k=draw.randint(0, 9)))])
        pairs = [(draw.randrange(9), draw.randrange(9)) for _ in range(draw.randint(0, 12))]
        found = back(line, target, pairs)
        assert Counter(items(found)) == Counter(items(line)), (line, target, found)
        assert nested(found) or not nested(line), (line, target, found)
