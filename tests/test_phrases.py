"""Banned and forced words of translations: held in every text, whatever the batch."""

import dataclasses
import random
import re

import pytest

from seq2seq.config import DataConfig, VocabularyConfig
from seq2seq.data.vocabulary_training import train_vocabularies
from seq2seq.decoding import phrases
from seq2seq.decoding.phrases import Bans, Writing
from seq2seq.decoding.work import Work
from seq2seq.errors import UserError
from seq2seq.preprocessing import sides
from seq2seq.translations import Translation

WORDS = "ada bea cleo dora eva fay gus hal ida jo kim lea max nia ole pia"
NAMES = WORDS.split(" ")


@pytest.fixture
def turns(model, monkeypatch):
    """The numbers of sentences of every search, as lists."""
    found, search = [], model._search

    def counted(params, work, *rest):
        found.append(sum(map(bool, work.sources)))
        return search(params, work, *rest)

    monkeypatch.setattr(model, "_search", counted)
    return found


def sentences(count, seed):
    generator = random.Random(seed)
    return [" ".join(generator.choices(NAMES, k=generator.randint(1, 6))) for _ in range(count)]


def decoding(model, **options):
    return dataclasses.replace(model.config.decoding, **options)


def words(result):
    return re.findall(r"\w+", result.text)


def every(results):
    return [one for result in results for one in (result, *result.others)]


def test_a_thousand_bans_hold_in_the_text(model, shapes, turns):
    sources = sentences(50, 0)
    usual = model.translate(sources)
    kept = broken = 0
    for seed in range(20):
        banned = random.Random(seed).sample(NAMES, 1 + seed % 3)
        for result, free in zip(model.translate(sources, banned=banned), usual, strict=True):
            assert not set(words(result)) & set(banned)
            broken += bool(set(words(free)) & set(banned))
            kept += dataclasses.replace(result, score=0) == dataclasses.replace(free, score=0)
    assert broken > 200
    assert kept > 200
    assert any(again for again in turns if again < 50), "no word was spelt in other pieces"
    assert 0 < len(shapes) < 20


def test_phrases_of_several_words_are_banned_as_a_whole(model):
    sources = sentences(40, 1)
    usual = model.translate(sources)
    pairs = [
        pair for result in usual for pair in zip(words(result), words(result)[1:], strict=False)
    ]
    banned = [" ".join(pair) for pair in pairs[:20]]
    found = model.translate(sources, banned=[*banned, "", "  "])
    for result in found:
        assert not any(re.search(rf"\b{phrase}\b", result.text) for phrase in banned)
    said = {word for result in found for word in words(result)}
    assert said & {word for phrase in banned for word in phrase.split()}


def test_where_spellings_do_not_end_a_letter_is_left_out(model, turns, monkeypatch):
    monkeypatch.setattr(phrases, "_TURNS", 0)
    for seed in range(20):
        banned = random.Random(seed).sample(NAMES, 3)
        for result in every(model.translate(sentences(50, 0), banned=banned)):
            assert not set(words(result)) & set(banned)
    assert turns.count(50) == 20
    assert any(0 < again < 50 for again in turns), "no word was spelt in other pieces"


def test_bans_hold_in_all_of_the_n_best_and_in_draws(model):
    sources = sentences(20, 3)
    for options in (
        {"beam_size": 4, "n_best": 4},
        {"sampling": True, "n_best": 4, "temperature": 2.0},
        {"mbr": 8, "n_best": 2, "temperature": 2.0},
    ):
        wanted = decoding(model, **options)
        results = model.translate(sources, wanted, banned=["kim", "ole", "ada"])
        assert not {"kim", "ole", "ada"} & {w for one in every(results) for w in words(one)}
        if wanted.draws:
            part = model.translate(sources[7:12], wanted, first=7, banned=["kim", "ole", "ada"])
            assert [one.text for one in every(part)] == [one.text for one in every(results[7:12])]


def test_forced_phrases_hold(model, shapes):
    generator = random.Random(0)
    sources = sentences(240, 4)
    forced = [
        [" ".join(generator.choices(NAMES, k=generator.randint(1, 2))) for _ in range(i % 4)]
        for i in range(len(sources))
    ]
    wanted = decoding(model, max_extra_tokens=25)
    usual = model.translate(sources, wanted)
    missing = 0
    for phrases_, result, free in zip(
        forced, model.translate(sources, wanted, forced=forced), usual, strict=True
    ):
        for phrase, ids in zip(phrases_, model.vocabularies.target.encode(phrases_), strict=True):
            pieces = "".join(f"<{model.vocabularies.target.pieces[i]}>" for i in ids)
            assert pieces in "".join(f"<{piece}>" for piece in result.tokens)
            assert phrase in result.text
            missing += phrase not in free.text
        if not phrases_:
            assert dataclasses.replace(result, score=0) == dataclasses.replace(free, score=0)
    assert missing > 100
    assert 0 < len(shapes) < 20


def test_phrases_do_not_hang_on_the_batch(model):
    sources = sentences(60, 5)
    forced = [[NAMES[i % 16]] * (i % 3 > 0) for i in range(60)]
    asked = {"decoding": decoding(model, max_extra_tokens=12), "banned": ["hal ada", "kim ole"]}
    together = model.translate(sources, forced=forced, **asked)
    for first in range(0, 60, 20):
        part = slice(first, first + 20)
        for one, other in zip(
            model.translate(sources[part], forced=forced[part], **asked),
            together[part],
            strict=True,
        ):
            assert dataclasses.replace(one, score=0) == dataclasses.replace(other, score=0)
            assert one.score == pytest.approx(other.score, abs=1e-4)


def test_prefixes_bans_and_forced_words_hold_together(model):
    sources = sentences(64, 6)
    prefixes = [name if i % 2 else "" for i, name in enumerate(NAMES * 4)]
    asked = {"decoding": decoding(model, max_extra_tokens=20), "prefixes": prefixes}
    banned = ["hal hal", "pia kim"]
    for result, prefix in zip(
        model.translate(sources, **asked, banned=banned, forced=[["pia", "kim"]] * 64),
        prefixes,
        strict=True,
    ):
        assert result.text.startswith(prefix)
        assert {"pia", "kim"} <= set(words(result))
        assert not any(re.search(rf"\b{phrase}\b", result.text) for phrase in banned)


def test_nothing_is_forced_upon_an_empty_line_and_nothing_banned_is_copied(model):
    assert model.translate(["", "漢"], forced=[["kim"], ["kim"]]) == [
        Translation(""),
        Translation("漢", unknown=1, copied=True),
    ]
    other = Writing(
        train_vocabularies(["漢 字"] * 9, ["漢 字"] * 9, TINY).target, sides(DataConfig())[1]
    )
    assert model._untranslated("漢", [3], Bans(["漢"], other)).text == ""


TINY = VocabularyConfig(size=8, byte_fallback=False)


def test_phrases_must_be_possible(model):
    short, tight = decoding(model, max_length=3), decoding(model, max_extra_tokens=0)
    for options, problem in (
        ({"banned": ["kim", "", "漢"]}, r"^banned 3: expected characters of .*, found '漢'$"),
        ({"forced": [[], ["漢"]]}, r"^forced 2: expected characters of .*, found '漢'$"),
        (
            {"forced": [["ada bea cleo dora"], []], "decoding": short},
            r"^forced 1: expected at most 3 tokens, by decoding.max_length, found \d+$",
        ),
        (
            {"forced": [["ada bea cleo dora eva fay gus hal"], []], "decoding": tight},
            r"^forced 1: expected at most (\d+) tokens, as its source has \1, found \d+$",
        ),
        (
            {"forced": [["kim"], ["ole kim"]], "banned": ["ole"]},
            r"^forced 2: expected nothing banned, found 'ole kim'$",
        ),
        (
            {"prefixes": ["", "ole kim"], "banned": ["kim"]},
            r"^prefix 2: expected nothing banned, found 'kim'$",
        ),
        (
            {"forced": [[], []], "decoding": decoding(model, sampling=True)},
            r"^forced phrases: expected a beam search, found decoding.sampling or mbr$",
        ),
        (
            {"prefixes": ["", "ada"], "forced": [[], ["bea cleo dora"]], "decoding": short},
            r"^forced 2: expected at most \d tokens, by decoding.max_length and its prefix \d, f",
        ),
    ):
        with pytest.raises(UserError, match=problem):
            model.translate(["kim", "kim"], **options)
    with pytest.raises(ValueError, match="1 lists of phrases do not match 2 sentences"):
        model.translate(["kim", "ada"], forced=[["kim"]])
    with pytest.raises(TypeError, match="forced: expected a list of phrases for each"):
        model.translate(["kim"], forced=["kim"])
    with pytest.raises(TypeError, match="banned: expected a list of phrases, found a string"):
        model.translate(["kim"], banned="kim")


def test_where_nothing_but_a_banned_text_is_left(model):
    """What begins with kim and holds ole, and has no token more, is `kim ole`."""
    count = len(model.vocabularies.target.encode(["kim ole"])[0])
    asked = {"prefixes": ["", "kim"], "forced": [[], ["ole"]]}
    tight = decoding(model, max_length=count)
    assert model.translate(["kim", "ada"], tight, **asked)[1].text == "kim ole"
    problem = "^forced 2: expected a translation with these phrases, found none that is not banned$"
    with pytest.raises(UserError, match=problem):
        model.translate(["kim", "ada"], tight, **asked, banned=["kim ole"])


def test_a_banned_word_that_comes_without_its_letters(model):
    """As where text preparation makes it; the search is given up after as many turns."""
    writing = Writing(model.vocabularies.target, sides(DataConfig())[1])
    [spelt] = model.vocabularies.target.encode(["kim"])
    turns = []

    def find(work, *_):
        turns.append(work)
        yield 0, [(spelt, 0.0)]

    problem = "^sentence 8: expected a translation without the banned 'kim', found none$"
    with pytest.raises(UserError, match=problem):
        list(Bans(["kim"], writing).search(find, Work([[5]], (), [7]), decoding(model)))
    assert len(turns) == phrases._TURNS + 2


def test_what_stands_as_whole_words():
    texts = ["Die Bank, das Ufer (am Fluss): 5 € für U.S. Äpfel."] * 9
    vocabulary = train_vocabularies(texts, texts, VocabularyConfig(size=60)).target
    writing = Writing(vocabulary, sides(DataConfig())[1])
    bans = Bans(["Bank", "am Ufer", "€", "U.S.", "Äpfel"], writing)
    for text, held in {
        "Die Bank.": "Bank",
        "(Bank)": "Bank",
        "Die Banken": None,
        "Flussbank und Bankier": None,
        "bank": None,
        "am Ufer": "am Ufer",
        "am Ufers": None,
        "5€": "€",
        "in U.S. am": "U.S.",
        "A\u0308pfel": "Äpfel",
        "": None,
    }.items():
        assert bans.held(text) == held, text


def test_a_letter_that_is_left_out_is_that_of_fewest_pieces_and_of_no_symbol(model):
    bans = Bans(["kim"], Writing(model.vocabularies.target, sides(DataConfig())[1]))
    left_out = [model.vocabularies.target.pieces[i] for [i] in bans._pieces_with_a_letter_of("kim")]
    text = [p for p in model.vocabularies.target.pieces[4:] if not p.startswith("<")]
    assert left_out == min(([p for p in text if c in p] for c in "kim"), key=len)
    ends = bans._pieces_with_a_letter_of("s")
    assert [model.vocabularies.target.symbols.end] not in ends


def test_translate_keeps_out_and_in_what_files_say(trained, call, tmp_path):
    files = {name: tmp_path / name for name in ("text", "ban", "force")}
    files["text"].write_text("ada bea\n\nkim\n")
    files["ban"].write_text("bea\n\n  \nada ada\n")
    files["force"].write_text("ole\tmax kim\n\n\n")
    longer = "--decoding.max_extra_tokens=20"
    base = ("translate", trained.path, files["text"], longer)
    free = call(*base)[1].split("\n")
    assert "bea" in free[0].split()
    status, out, _ = call(*base, "--ban", files["ban"], "--force", files["force"])
    lines = out.split("\n")
    assert (status, lines[1:]) == (0, free[1:])
    assert "bea" not in lines[0].split()
    assert "ole" in lines[0].split()
    assert "max kim" in lines[0]


@pytest.mark.parametrize(
    ("option", "content", "more", "problem"),
    [
        ("ban", "ada\n\n漢\n", [], "{file}:3: expected characters of the vocabulary, found '漢'"),
        (
            "force",
            "\n\n漢\tada\n",
            [],
            "{file}:3: expected characters of the vocabulary, found '漢'",
        ),
        ("force", "ada\n", [], "{file}: expected a line for every line, found 1"),
        ("force", "\n" * 4, [], "{file}: expected 3 lines, as many as are translated, found more"),
        (
            "force",
            "a\n\n\n",
            ["--decoding.sampling=true"],
            "--force: expected a beam search, found decoding.sampling",
        ),
        (
            "force",
            "a\n\n\n",
            ["--decoding.mbr=4"],
            "--force: expected a beam search, found decoding.mbr",
        ),
        (
            "force",
            "ada bea\n\nada bea cleo dora\n",
            ["--decoding.max_extra_tokens=2"],
            "{file}:3: expected at most 3 tokens, as its source has 1, found 4",
        ),
        (
            "prefix",
            "\n\nada bea cleo dora\n",
            ["--decoding.max_length=3"],
            "{file}:3: expected at most 3 tokens, by decoding.max_length, found 4",
        ),
        (
            "prefix",
            "\n\n\n",
            ["--decoding.min_length=9", "--decoding.max_extra_tokens=7"],
            "{text}:3: expected at least 9 tokens by decoding.min_length, "
            "found at most 8, as its source has 1",
        ),
        (
            "prefix",
            "\n\n\n",
            ["--decoding.min_length=9", "--decoding.max_length=8"],
            "--decoding.min_length: expected at most decoding.max_length (8), found 9",
        ),
        (
            "prefix",
            "\n\n\n",
            ["--n-best=5", "--decoding.beam_size=4"],
            "--decoding.n_best: expected at most decoding.beam_size (4), found 5",
        ),
    ],
)
def test_files_of_phrases_must_be_possible(trained, call, tmp_path, option, content, more, problem):
    """One line, status 2 and no output; for what goes with phrases as well."""
    text, file = tmp_path / "text", tmp_path / "phrases"
    text.write_text("ada bea\n\nkim\n")
    file.write_text(content)
    output = tmp_path / "out"
    words = ("translate", trained.path, text, f"--{option}", file, "--output", output, *more)
    status, _, err = call(*words)
    assert (status, err[-1]) == (2, "seq2seq: " + problem.format(file=file, text=text))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["phrases", "text"]


@pytest.mark.parametrize("option", ["FILE", "--prefix", "--ban", "--force"])
def test_no_input_is_overwritten(trained, call, tmp_path, option):
    text, file = tmp_path / "text", tmp_path / "phrases"
    text.write_text("ada bea\nkim\n")
    file.write_text("ada\n\n")
    same, more = (text, []) if option == "FILE" else (file, [option, file])
    (tmp_path / "link").symlink_to(same)
    for output in (same, tmp_path / "link"):
        words = ("translate", trained.path, text, *more, "--output", output)
        wanted = f"seq2seq: --output: expected a file of its own, found the input {output}"
        assert call(*words)[::2] == (2, [wanted])
    assert (text.read_text(), file.read_text()) == ("ada bea\nkim\n", "ada\n\n")


def test_stdin_is_read_once(trained, call):
    status, _, [error] = call("translate", trained.path, "--ban", "-")
    wanted = "seq2seq: --ban: expected a file, as stdin is what is translated, found -"
    assert (status, error) == (2, wanted)
    words = ("translate", trained.path, __file__, "--ban", "-", "--force", "-")
    status, _, [error] = call(*words)
    assert (status, error) == (2, "seq2seq: --force: expected a file, as stdin is --ban, found -")
