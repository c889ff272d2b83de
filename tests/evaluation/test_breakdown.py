"""A breakdown's parts are the whole, and each is scored as sacreBLEU scores it alone."""

import random
from dataclasses import replace

import pytest
import sacrebleu

from seq2seq.config import Corpus, DataConfig
from seq2seq.errors import UserError
from seq2seq.evaluation import breakdown

TRAINING = ["The dog sleeps.", "A cat, a DOG and the tired bird", "Don't go – it's late!"]


@pytest.fixture(scope="module")
def texts():
    """Sources of every length from 0 to 80 words, with better and worse translations."""
    rng = random.Random(0)
    words = [f"w{number}" for number in range(50)]
    sources = [" ".join(rng.choices(words, k=length)) + "." for length in range(81)]
    references = [" ".join(rng.choices(words, k=8)) for _ in sources]
    hypotheses = [
        " ".join(w if rng.random() > 0.3 else "x" for w in text.split()) for text in references
    ]
    return sources, hypotheses, references


@pytest.fixture
def data(tmp_path):
    """A config that was trained on a few sentences."""
    for language in ("en", "de"):
        text = "".join(f"{line}\n" for line in TRAINING)
        (tmp_path / f"train.{language}").write_text(text, encoding="utf-8")
    return DataConfig(train=(Corpus(path=str(tmp_path / "train.{lang}")),))


def bleu_of(texts, chosen):
    _, hypotheses, references = texts
    ours, theirs = ([side[i] for i in chosen] for side in (hypotheses, references))
    return sacrebleu.corpus_bleu(ours, [theirs]).score


def test_lengths_make_up_the_whole(texts):
    parts = breakdown.by_length(*texts)
    assert sum(part.sentences for part in parts) == len(texts[0])
    ends = [*breakdown.LONGEST, 80]
    first = 0
    for part, last in zip(parts, ends, strict=True):
        chosen = range(first, last + 1)
        assert part.sentences == len(chosen)
        assert part.bleu == pytest.approx(bleu_of(texts, chosen), abs=1e-9)
        first = last + 1
    labels = [part.label for part in parts]
    assert labels[0] == "up to 5 words"
    assert labels[1] == "6 to 10 words"
    assert labels[-1] == "more than 60 words"


def test_lengths_without_sentences_are_left_out():
    sources = ["one two", "one"]
    parts = breakdown.by_length(sources, sources, sources)
    assert [(part.label, part.sentences) for part in parts] == [("up to 5 words", 2)]


def test_known_words_make_up_the_whole(texts):
    strange = {"w3", "w4"}
    parts = breakdown.by_words(*texts, strange)
    holds = [strange & set(source.rstrip(".").split()) for source in texts[0]]
    for part, chosen in zip(
        parts,
        ([i for i, s in enumerate(holds) if not s], [i for i, s in enumerate(holds) if s]),
        strict=True,
    ):
        assert part.sentences == len(chosen) > 5
        assert part.bleu == pytest.approx(bleu_of(texts, chosen), abs=1e-9)
    known, unknown = breakdown.by_words(*texts, set())
    assert (known.sentences, unknown) == (81, replace(unknown, sentences=0, bleu=None))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The „dog“, isn't (it)?", ["the", "dog", "isn", "t", "it"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("cafe\u0301 CAFÉ", ["café", "café"]),
        ("हिन्दी भाषा।", ["हिन्दी", "भाषा"]),
        ("3,50 € – …", ["3", "50"]),
        (" \u00a0 ", []),
    ],
)
def test_words_have_neither_case_nor_punctuation(text, words):
    assert breakdown.words(text) == words


def test_unseen_words_are_looked_for_in_the_training_text(data):
    sources = ["The cat sleeps, it's LATE.", "A tired elephant.", "Birds go"]
    counts = []
    assert breakdown.unseen_words(sources, data, counts.append) == {"elephant", "birds"}
    assert sum(counts) == len(TRAINING)
    assert breakdown.unseen_words(["dog"], data) == set()
    twice = replace(data, train=data.train * 2)
    assert breakdown.unseen_words(sources, twice) == {"elephant", "birds"}


def test_training_text_out_of_reach(data):
    gone = replace(data, train=(Corpus(path="gone.{lang}"),))
    with pytest.raises(UserError, match=r"gone\.en: no such file"):
        breakdown.unseen_words(["dog"], gone)


def test_what_people_see(texts):
    signature = "sig"
    parts = (breakdown.by_length(*texts), breakdown.by_words(*texts, set()))
    shown = breakdown.lines(breakdown.Breakdown(signature, *parts))
    assert len(shown) == 1 + len(parts[0]) + 2
    assert shown[-1].split()[-2:] == ["0", "-"]
    assert shown[1].split()[-2:] == ["6", f"{parts[0][0].bleu:.2f}"]
    shown = breakdown.lines(breakdown.Breakdown(signature, parts[0], None, "out of reach: x"))
    assert shown[-1].strip() == "by words seen in training: not known (out of reach: x)"
