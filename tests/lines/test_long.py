"""Lines of several sentences are what their sentences are, put together."""

import dataclasses
import itertools

import numpy as np
import pytest

from seq2seq.errors import LineError
from seq2seq.lines.long import _in_lines, explain_lines, longest, translate_lines

LINES = ["ada bea! Kim ole. max", "kim", "", "漢. 字! 漢", "max; nia", "  Gus hal.  Ida jo "]
PARTS = [
    ["ada bea!", "Kim ole.", "max"],
    ["kim"],
    [""],
    ["漢.", "字!", "漢"],
    ["max; nia"],
    ["Gus hal.", "Ida jo"],
]


def decoding(model, **options):
    return dataclasses.replace(model.config.decoding, **options)


def test_lines_are_their_sentences_put_together(model):
    found = translate_lines(model, LINES)
    for line, parts, result in zip(LINES, PARTS, found, strict=True):
        alone = model.translate(parts)
        gap = "  " if "  Ida" in line else " "
        assert result.text == gap.join(one.text for one in alone if one.text)
        assert result.tokens == tuple(token for one in alone for token in one.tokens)
        assert result.score == pytest.approx(sum(one.score for one in alone), abs=1e-4)
        assert result.unknown == sum(one.unknown for one in alone)
        assert (result.cut, result.divided) == (0, 0)
    assert [one.copied for one in found] == [
        all(p.copied for p in model.translate(x)) for x in PARTS
    ]


def test_a_line_does_not_depend_on_its_neighbours(model):
    for options in ({"n_best": 2}, {"sampling": True, "n_best": 3, "temperature": 2.0}):
        wanted = decoding(model, **options)
        together = translate_lines(model, LINES, wanted, first=5)
        for i, line in enumerate(LINES):
            [alone] = translate_lines(model, [line], wanted, first=5 + i)
            every = [(one.text, *(x.text for x in one.others)) for one in (alone, together[i])]
            assert every[0] == every[1]


def test_lines_that_are_not_cut_are_translated_whole(model):
    whole = model.translate(LINES)
    assert translate_lines(model, LINES, split="never") == whole
    assert translate_lines(model, LINES, split="long") == whole
    assert translate_lines(model, LINES)[0].text != whole[0].text


def test_lines_that_are_too_long_are_cut_and_lose_nothing(model):
    limit = longest(model.config, model.config.decoding)
    assert limit == 15
    long = " ".join(["ada bea cleo dora eva fay"] * 8)
    [result] = translate_lines(model, [long], split="long")
    assert result.cut == 0
    assert result.divided > 1
    assert " ".join(text for text, _ in result.segments) == long
    assert all(0 < n <= limit for n in model.source_lengths([x for x, _ in result.segments]))
    assert all(one.tokens for _, one in result.segments)
    [short, _] = translate_lines(model, ["kim", long], split="long")
    assert short.text == model.translate(["kim"])[0].text
    tight = decoding(model, max_source_length=5)
    assert translate_lines(model, [long], tight)[0].divided > 2 * result.divided
    [cut] = translate_lines(model, [long], tight, split="never")
    assert (cut.divided, cut.cut > 0) == (0, True)


def test_the_n_best_are_the_best_combinations(model):
    wanted = decoding(model, beam_size=3, n_best=3)
    [result] = translate_lines(model, [LINES[0]], wanted)
    choices = [(one, *one.others) for one in model.translate(PARTS[0], wanted)]
    combined = sorted(
        itertools.product(*choices), key=lambda parts: -sum(one.score for one in parts)
    )[:3]
    every = (result, *result.others)
    assert [one.score for one in every] == pytest.approx(
        [sum(part.score for part in parts) for parts in combined], abs=1e-4
    )
    texts = [" ".join(part.text for part in parts if part.text) for parts in combined]
    assert [one.text for one in every] == texts
    assert result.text == translate_lines(model, [LINES[0]], decoding(model, beam_size=3))[0].text


def test_draws_of_a_line_differ_between_its_sentences(model):
    wanted = decoding(model, sampling=True, n_best=8, temperature=3.0)
    [result] = translate_lines(model, ["Kim. " * 2], wanted)
    [alone] = model.translate(["Kim."], wanted)
    every = (result, *result.others)
    assert len(every) == 8
    assert [one.text for one in every] != [f"{x.text} {x.text}" for x in (alone, *alone.others)]
    assert len({one.text for one in every}) > 2


def test_draws_of_a_line_are_independent_of_one_another(model):
    """Draws of its first sentence are as good beside good ones of its second as beside bad ones."""
    wanted = decoding(model, sampling=True, n_best=200, temperature=3.0)
    [result] = translate_lines(model, ["Kim ada. Ole bea."], wanted)
    every = (result, *result.others)
    assert [one.score for one in every] == sorted((one.score for one in every), reverse=True)
    first, second = np.array([[part.score for _, part in one.segments] for one in every]).T
    assert np.ptp(first) > 5
    assert np.ptp(second) > 5
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(len(every))


def test_lines_with_a_prefix_are_translated_whole(model):
    lines = ["Ada bea. Kim ole."] * 3
    prefixes = ["max", "", "max"]
    found = translate_lines(model, lines, prefixes=prefixes)
    assert found[0].text == model.translate(lines[:1], prefixes=["max"])[0].text
    assert found[1].text == translate_lines(model, lines[:1])[0].text
    with pytest.raises(LineError, match=r"^prefix 13: expected characters") as error:
        translate_lines(model, lines, prefixes=["", "", "漢"], first=10)
    assert error.value.number == 13


def test_progress_counts_every_line(model):
    counts = []
    translate_lines(model, LINES, advance=counts.append)
    assert sum(counts) == len(LINES) < sum(map(len, PARTS))
    translate_lines(model, [], advance=counts.append)
    assert sum(counts) == len(LINES)


def test_lines_are_done_as_the_share_of_their_segments_is():
    told, done = [], 0
    advance = _in_lines(told.append, 5, 13)
    for count in (0, 2, 1, 5, 1, 3, 1):
        advance(count)
        done += count
        assert sum(told) == int(5 * done / 13)
    assert sum(told) == 5


def test_what_is_known_of_a_line_is_what_is_known_of_its_segments(model):
    results = translate_lines(model, LINES, decoding(model, n_best=2))
    for every in (results, [(*one.others, one)[0] for one in results]):
        found = explain_lines(model, LINES, every)
        assert [bool(one.segments) for one in every] == [len(parts) > 1 for parts in PARTS]
        for line, parts, result, known in zip(LINES, PARTS, every, found, strict=True):
            segments = [one for _, one in result.segments] or [result]
            alone = model.explain(parts, segments)
            assert known.source == sum((one.source for one in alone), ())
            assert known.target == sum((one.target for one in alone), ())
            assert known.log_probs == pytest.approx(sum((x.log_probs for x in alone), ()), abs=1e-5)
            wanted, words = [], [0, 0]
            for part, one, translated in zip(parts, alone, segments, strict=True):
                wanted += [(i + words[0], j + words[1]) for i, j in one.alignment]
                words = [words[0] + len(part.split()), words[1] + len(translated.text.split())]
            assert known.alignment == tuple(wanted)
            assert words == [len(line.split()), len(result.text.split())]
            maps = [one.attention for one in alone if one.attention is not None]
            if not maps:
                assert known.attention is None
                continue
            row = column = 0
            for one in maps:
                ends = (row + one.shape[0], column + one.shape[1])
                block = known.attention[row : ends[0], column : ends[1]]
                np.testing.assert_allclose(block, one, atol=1e-5)
                row, column = ends
            assert known.attention.shape == (row, column)
            assert known.attention.sum() == pytest.approx(sum(one.sum() for one in maps), abs=1e-4)


def test_bans_hold_in_every_segment_and_forced_phrases_keep_a_line_whole(model):
    lines = ["Ada bea. Kim ole."] * 3
    [usual, *_] = translate_lines(model, lines)
    banned = usual.text.split()[-1].strip(".")
    for result in translate_lines(model, lines, banned=[banned]):
        assert banned not in result.text.replace(".", " ").split()
        assert len(result.segments) == 2
    found = translate_lines(model, lines, forced=[["max"], [], ["max"]])
    assert [len(one.segments) for one in found] == [0, 2, 0]
    assert "max" in found[0].text
    assert found[0] == model.translate(lines[:1], forced=[["max"]])[0]
    [apart, *_] = translate_lines(model, lines, decoding(model, alternatives=3))
    assert len(apart.others) == 2
    assert not any(one.segments for one in (apart, *apart.others))
    with pytest.raises(LineError, match=r"^forced 12: expected characters") as error:
        translate_lines(model, lines, forced=[[], ["漢"], []], first=10)
    assert error.value.number == 12
