"""Shortlists: a search among some pieces is the same as one among all of a smaller vocabulary."""

import dataclasses
import random

import jax
import numpy as np
import pytest

from seq2seq.decoding.forced import batches, decoder_states
from seq2seq.decoding.shortlist import Shortlist, places, room
from seq2seq.errors import UserError
from seq2seq.translator import Translator

SOURCES = ["ada bea cleo dora", "kim", "", "max nia ole pia gus", "ida eva uma", "漢"]


@pytest.fixture(scope="module")
def listed(model):
    """`listed(shortlist)`: the model with these lists."""

    def make(shortlist):
        return Translator(
            model.config, model.vocabularies, model.params, "float32", shortlist=shortlist
        )

    return make


def on(model, **options):
    return dataclasses.replace(model.config.decoding, shortlist=True, **options)


def everything(model):
    size = len(model.vocabularies.target)
    return Shortlist(np.arange(size, dtype=np.int32), np.full((size, 1), -1, np.int32))


def drawn(model, seed, frequent=4, best=3):
    """The symbols, some pieces for all, and some for each piece."""
    draw, size = np.random.default_rng(seed), len(model.vocabularies.target)
    usual = draw.choice(np.arange(4, size), frequent, replace=False)
    table = draw.integers(4, size, (size, best))
    return Shortlist(np.concatenate([np.arange(4), usual]).astype(np.int32), table.astype(np.int32))


def test_a_list_has_the_symbols_then_the_pieces_of_its_tokens():
    table = np.array([[-1, -1], [7, -1], [5, 9], [9, 3]], np.int32)
    lists = Shortlist(np.array([2, 0, 1, 3, 8], np.int32), table)
    assert lists.of([]) == [2, 0, 1, 3, 8]
    assert lists.of([1, 2]) == [2, 0, 1, 3, 5, 7, 8, 9]
    assert lists.of([3, 3, 0], also=[6, 8, 0]) == [2, 0, 1, 3, 6, 8, 9]


def test_places_and_room():
    assert places([2, 0, 9, 5], [[9, 5, 2], [9, 1], []]) == [[2, 3, 0], []]
    sizes = [([1], 1000), ([256], 1000), ([3, 257], 1000), ([900], 1000), ([30], 60)]
    assert [room([[0] * n for n in lengths], most) for lengths, most in sizes] == [
        256, 256, 512, 1000, 60,
    ]  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"beam_size": 1}, {"n_best": 2}, {"no_repeat_ngram": 2}])
def test_lists_of_all_pieces_change_nothing(model, listed, options):
    own = listed(everything(model))
    plain = dataclasses.replace(model.config.decoding, **options)
    found = own.translate(SOURCES, on(model, **options))
    for one, other in zip(found, own.translate(SOURCES, plain), strict=True):
        assert [each.text for each in (one, *one.others)] == [
            each.text for each in (other, *other.others)
        ]
        assert one.score == pytest.approx(other.score, abs=1e-5)


def test_translations_are_made_of_listed_pieces_whatever_the_batch(model, listed):
    lists = drawn(model, 0)
    own, target = listed(lists), model.vocabularies.target
    draw = random.Random(0)
    names = [["ada", "bea", "kim", "max", "nia", "ole"][draw.randrange(6)] for _ in range(90)]
    sources = [" ".join(names[3 * i : 3 * i + 1 + i % 3]) for i in range(30)]
    found = own.translate(sources, on(model, n_best=2))
    for source, result in zip(sources, found, strict=True):
        known = {*lists.of(model.vocabularies.source.encode([source])[0])}
        for one in (result, *result.others):
            assert known >= {*target.ids(one.tokens)}
        [alone] = own.translate([source], on(model, n_best=2))
        assert (alone.text, alone.tokens) == (result.text, result.tokens)
        assert alone.score == pytest.approx(result.score, abs=1e-5)
    assert found != own.translate(sources, model.config.decoding)


def test_scores_are_probabilities_among_listed_pieces(model, listed):
    """Beside the softmax over these logits alone, of the whole decoder."""
    lists = drawn(model, 5, frequent=10)
    own, both = listed(lists), model.vocabularies
    found = own.translate(SOURCES[:2], on(model, length_penalty=0.0))
    sources = both.source.encode(SOURCES[:2])
    tokens = [both.target.ids(one.tokens) for one in found]
    [(numbers, pairs)] = batches(sources, tokens, both, 2048)
    logits = np.asarray(jax.jit(forced_logits, static_argnums=0)(own.make, own.params, pairs))
    for row, number in enumerate(numbers):
        pieces = lists.of(sources[number])
        log_probs = np.asarray(jax.nn.log_softmax(logits[row][:, pieces], axis=-1))
        said = [*tokens[number], both.target.symbols.end]
        score = sum(log_probs[i, pieces.index(token)] for i, token in enumerate(said))
        assert found[number].score == pytest.approx(score, abs=1e-4)


def forced_logits(make, params, pairs):
    own = make(params)
    return own.logits(decoder_states(own, pairs))


def test_what_is_asked_for_is_listed(model, listed):
    lists = Shortlist(drawn(model, 1).frequent, np.full((60, 1), -1, np.int32))
    own = listed(lists)
    forced = own.translate(SOURCES[:2], on(model), forced=[["max", "ole"], []])
    assert all(word in forced[0].text.split() for word in ("max", "ole"))
    begun = own.translate(SOURCES[:2], on(model), prefixes=["nia", ""])
    assert begun[0].text.startswith("nia")


def test_what_is_banned_stays_banned(model, listed):
    own = listed(everything(model))
    usual = own.translate(SOURCES, on(model))
    word = usual[0].text.split()[0]
    for result in own.translate(SOURCES, on(model), banned=[word]):
        assert word not in result.text.split()


def test_draws_and_alternatives_go_with_it(model, listed):
    lists = drawn(model, 2, frequent=20)
    own, both = listed(lists), model.vocabularies
    for options in ({"sampling": True, "seed": 3}, {"mbr": 4}, {"alternatives": 3}):
        found = own.translate(SOURCES, on(model, **options))
        assert found == own.translate(SOURCES, on(model, **options))
        first = 1 if "alternatives" in options else 0  # the piece at which they part is any
        for source, result in zip(both.source.encode(SOURCES), found, strict=True):
            known = {*lists.of(source)}
            for one in (result, *result.others):
                assert known | {*both.target.ids(one.tokens[:first])} >= {
                    *both.target.ids(one.tokens)
                }


def test_it_is_kept_beside_the_run(model, tmp_path):
    lists = drawn(model, 3)
    assert Shortlist.load(tmp_path) is None
    lists.save(tmp_path)
    found = Shortlist.load(tmp_path)
    assert (found.frequent == lists.frequent).all()
    assert (found.best == lists.best).all()
    assert found.digest() == lists.digest() != drawn(model, 4).digest()
    whole = (tmp_path / "shortlist.npz").read_bytes()
    for damaged in (b"nothing", b"", whole[:300]):
        (tmp_path / "shortlist.npz").write_bytes(damaged)
        wanted = r"shortlist\.npz: expected what seq2seq shortlist writes"
        with pytest.raises(UserError, match=wanted):
            Shortlist.load(tmp_path)


def test_without_one_it_is_an_error(model):
    with pytest.raises(UserError, match=r"^decoding\.shortlist: expected a run that has one"):
        model.translate(SOURCES, on(model))
