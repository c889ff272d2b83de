"""Translations that part where a beginning ends: each goes on with another piece."""

import dataclasses

import numpy as np
import pytest

from seq2seq.decoding.forced import batches
from seq2seq.decoding.phrases import Bans
from seq2seq.decoding.work import Work
from seq2seq.errors import UserError

SOURCES = ["ada bea cleo dora", "kim", "", "max nia ole pia gus", "漢"]
PREFIXES = ["", "kim", "ada", "ada b", ""]


def decoding(model, **options):
    return dataclasses.replace(model.config.decoding, **options)


def test_next_pieces_are_the_most_probable_ones(model):
    """Beside the probability of every piece of the vocabulary, forced one by one."""
    both, wanted = model.vocabularies, decoding(model, alternatives=4)
    sources = both.source.encode(["ada bea", "kim gus hal"])
    prefixes = both.target.encode(["", "kim a"])
    found = model._next(model.params, Work(sources, prefixes), wanted, Bans((), model._writing))
    text = [i for i in range(len(both.target)) if i not in both.target.symbols]
    for source, prefix, pieces in zip(sources, prefixes, found, strict=True):
        log_probs = np.zeros(len(text))
        longer = [[*prefix, piece] for piece in text]
        for numbers, arrays in batches([source] * len(text), longer, both, 2048):
            rows = np.asarray(model._force(model.params, arrays))
            for row, number in zip(rows, numbers, strict=False):
                log_probs[number] = row[len(prefix)]
        best = np.argsort(-log_probs)[:4]
        assert pieces == [text[i] for i in best]


def test_alternatives_part_where_the_prefix_ends(model):
    wanted = decoding(model, alternatives=4)
    target = model.vocabularies.target
    found = model.translate(SOURCES, wanted, prefixes=PREFIXES)
    usual = model.translate(SOURCES, prefixes=PREFIXES)
    for source, prefix, result, one in zip(SOURCES, PREFIXES, found, usual, strict=True):
        every = (result, *result.others)
        if not one.tokens:
            assert every == (one,)
            continue
        begun = tuple(target.pieces[i] for i in target.encode([prefix])[0])
        assert 1 < len(every) <= 4
        assert all(way.tokens[: len(begun)] == begun for way in every)
        assert len({way.tokens[len(begun)] for way in every}) == len(every)
        assert len({way.text for way in every}) == len(every)
        assert [way.score for way in every] == sorted((way.score for way in every), reverse=True)
        if len(one.tokens) > len(begun):
            assert result.text == one.text
            assert result.score == pytest.approx(one.score, abs=1e-5)
        [alone] = model.translate([source], wanted, prefixes=[prefix])
        assert [way.text for way in (alone, *alone.others)] == [way.text for way in every]


def test_alternatives_keep_what_is_asked_of_translations(model):
    wanted = decoding(model, alternatives=3)
    sources = SOURCES[:1] * 2
    first = model.translate(sources[:1], wanted)[0]
    words = [one.text.split()[0] for one in (first, *first.others)]
    for banned in (["ada"], words):
        for result in model.translate(sources, wanted, banned=banned):
            every = (result, *result.others)
            assert len(every) > 1
            assert not any({*banned} & {*one.text.split()} for one in every)
    found = model.translate(sources, wanted, forced=[["max"], ["eva"]])
    held = [[one.text for one in (result, *result.others)] for result in found]
    assert all(len(texts) > 1 for texts in held)
    assert all("max" in text for text in held[0])
    assert all("eva" in text for text in held[1])


def test_where_no_piece_fits_any_more_the_translation_ends(model):
    wanted = decoding(model, alternatives=3, max_length=2, beam_size=2)
    target = model.vocabularies.target
    prefix = next(
        text for text in ("ada bea", "kim", "ada", "a") if len(target.encode([text])[0]) == 2
    )
    [result] = model.translate(["ada bea"], wanted, prefixes=[prefix])
    assert (result.text, result.others) == (prefix, ())


def test_progress_counts_sentences(model):
    counts = []
    model.translate(SOURCES, decoding(model, alternatives=3), counts.append)
    assert sum(counts) == len(SOURCES)


@pytest.mark.parametrize("options", [{"n_best": 2}, {"sampling": True}, {"mbr": 4}])
def test_alternatives_stand_alone(model, options):
    with pytest.raises(UserError, match=r"decoding.alternatives: expected 1 beside .* found 2"):
        decoding(model, alternatives=2, **options)


def test_the_command_writes_them_as_the_n_best(trained, call, tmp_path):
    text, prefix = tmp_path / "text", tmp_path / "prefix"
    text.write_text("ada bea\nkim\n")
    prefix.write_text("\nkim\n")
    words = ("translate", trained.path, text, "--prefix", prefix, "--alternatives", 3)
    status, out, _ = call(*words)
    lines = [line.split(" ||| ") for line in out.splitlines()]
    assert status == 0
    assert {line[0] for line in lines} == {"0", "1"}
    assert all(line[1].startswith("kim") for line in lines if line[0] == "1")
    assert len(lines) > 3
    status, _, [error] = call(*words, "--n-best", 2)
    assert (status, "decoding.alternatives: expected 1 beside" in error) == (2, True)
