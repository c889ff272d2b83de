"""Whether heads look at the deciding word: weights made by hand, where the answer is known."""

import dataclasses

import numpy as np
import pytest

from seq2seq.attention_maps import SentenceAttention
from seq2seq.data.phrasebook import AmbiguousPair, ambiguous
from seq2seq.data.phrasebook.ambiguity import words_of
from seq2seq.deciding_words import Looks, measure, strongest, words

SOURCE = (
    "\u2581The",
    "\u2581duck",
    "\u2581sat",
    "\u2581at",
    "\u2581the",
    "\u2581ban",
    "k",
    ".",
    "</s>",
)
TARGET = ("\u2581Die", "\u2581Ente", "\u2581saß", "\u2581am", "\u2581U", "fer", ".", "</s>")
PAIR = AmbiguousPair("The duck sat at the bank.", "", "bank", "Ufer", ("Bank",), "duck", 0)


def attention(encoder, cross, translation="Die Ente saß am Ufer.", target=TARGET):
    """A sentence in which the rows of "bank" and of "Ufer" look as given, by head; all else at ."""
    width, height = len(SOURCE), len(target)
    looks = np.zeros((1, len(encoder), width, width), np.float32)
    across = np.zeros((1, len(cross), height, width), np.float32)
    looks[..., 7] = across[..., 7] = 1
    looks[0, :, [5, 6]] = np.swapaxes(encoder, 0, 1)
    across[0, :, [4, 5]] = np.swapaxes(cross, 0, 1)
    nothing = np.zeros((1, 1, height, height), np.float32)
    sentence = "The duck sat at the bank."
    read = ("<s>", *target[:-1])
    return SentenceAttention(sentence, translation, SOURCE, target, read, looks, nothing, across)


def both(*weights):
    """The two rows of a head, looking alike."""
    return [weights, weights]


#         The   duck  sat   at    the   ban   k     .     </s>
DUCK = (0.00, 0.20, 0.30, 0.00, 0.00, 0.05, 0.05, 0.40, 0.00)
BANK = (0.00, 0.20, 0.19, 0.00, 0.00, 0.20, 0.11, 0.30, 0.00)
NEVER = (0.00, 0.10, 0.15, 0.20, 0.00, 0.00, 0.00, 0.30, 0.25)


def test_the_two_most_attended_words_count():
    found = measure([PAIR], [attention([both(*NEVER), both(*DUCK)], [both(*BANK), both(*NEVER)])])
    # Others are The, sat, at, the. In the encoder head 1 looks at sat and at, head 2 at sat.
    assert found["encoder"] == Looks(1, 100, 50, 1, 2, 100, 25)
    # Across, head 1 looks at bank and duck: "ban" and "k" are one word.
    assert found["cross"] == Looks(1, 100, 50, 1, 1, 100, 0)


def test_the_strongest_look_is_the_largest_of_all_heads():
    heads = np.zeros((2, 2, len(SOURCE)), np.float32)
    heads[0, :, 1], heads[1, :, 1] = (0.2, 0.4), (0.9, 0.1)  # from the two pieces of "bank"
    found = attention(heads, np.zeros((1, 2, len(SOURCE)), np.float32))
    assert strongest(PAIR, found) == pytest.approx(0.5)
    assert strongest(dataclasses.replace(PAIR, decider="the"), found) == 0  # there twice
    assert strongest(dataclasses.replace(PAIR, decider="swan"), found) == 0
    beside = dataclasses.replace(PAIR, word="duck", decider="sat")
    assert strongest(beside, found) == 0


def test_rows_of_several_pieces_are_averaged():
    # Neither half has the duck among its two, the mean of both has.
    halves = [(0, 0.1, 0, 0.6, 0.3, 0, 0, 0, 0), (0.35, 0.31, 0.34, 0, 0, 0, 0, 0, 0)]
    found = measure([PAIR], [attention([halves], [both(*NEVER)])])
    assert found["encoder"].some_head == 100
    assert found["cross"].some_head == 0


def test_shares_are_of_all_sentences_and_the_best_head_is_one():
    first = attention([both(*DUCK), both(*NEVER)], [both(*NEVER)])
    second = attention([both(*NEVER), both(*DUCK)], [both(*NEVER)])
    found = measure([PAIR] * 4, [first, first, first, second])["encoder"]
    assert (found.sentences, found.some_head) == (4, 100)
    assert (found.layer, found.head, found.best_head) == (1, 1, 75)


@pytest.mark.parametrize(
    ("translation", "target"),
    [
        ("Die Ente saß an der Bank.", ("\u2581Bank", ".", "</s>")),
        ("Ufer Ufer.", ("\u2581Ufer", "\u2581Ufer", "\u2581a", "\u2581b", ".", "</s>")),
        ("Die Ente.", TARGET),
    ],
)
def test_cross_attention_needs_the_right_sense_once(translation, target):
    target = target if len(target) > 5 else TARGET
    found = measure([PAIR], [attention([both(*DUCK)], [both(*DUCK)], translation, target)])
    assert list(found) == ["encoder"]


def test_words_are_those_of_the_sentence():
    for pair in ambiguous()[::7]:
        pieces = [f"\u2581{word}" for word in pair.source[:-1].split(" ")]
        split = [part for piece in pieces for part in (piece[:3], piece[3:]) if part]
        found = words([*split, pair.source[-1], "</s>"])
        joined = " ".join(word.text.replace("'", " ") for word in found)
        assert joined.split() == words_of(pair.source)
        spelt = ["".join(split[i] for i in word.pieces) for word in found]
        assert [text.strip("\u2581,").lower() for text in spelt] == [word.text for word in found]


def test_heads_that_look_at_random_find_it_as_often_as_any_word():
    draw, pairs = np.random.default_rng(0), [PAIR] * 2_000
    rows = draw.dirichlet(np.ones(9), (2_000, 3, 2))
    found = measure(pairs, [attention(row, row) for row in rows])["encoder"]
    assert found.best_head == pytest.approx(found.best_head_by_chance, abs=5)
    assert found.some_head == pytest.approx(found.some_head_by_chance, abs=5)
    assert 20 < found.best_head < 50
