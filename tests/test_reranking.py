"""What a search finds, ranked by a second model that reads it back."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from seq2seq.errors import UserError
from seq2seq.reranking import RerankingTranslator
from seq2seq.translator import Translator

SOURCES = ["ada bea cleo dora", "kim", "", "max nia ole pia gus", "漢", "eva fay kim"]


@pytest.fixture(scope="module")
def reverse(trained, tmp_path_factory):
    """The same run with its languages exchanged: a sequence reversed twice is itself."""
    path = tmp_path_factory.mktemp("reverse") / "run"
    config = Path(shutil.copytree(trained.path, path)) / "config.yaml"
    text = config.read_text().replace("language: src", "language: x").replace(": tgt", ": src")
    config.write_text(text.replace("language: x", "language: tgt"))
    return path


@pytest.fixture(scope="module")
def model(trained, reverse):
    translator = RerankingTranslator.load(trained.path)
    translator.rank_by(reverse, 60)
    return translator


def decoding(model, **options):
    return dataclasses.replace(model.config.decoding, **options)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 20.0])
def test_the_order_is_that_of_the_sums(model, reverse, weight):
    model.weight = weight
    wide, back = decoding(model, beam_size=4, n_best=4), Translator.load(reverse, 60)
    plain = Translator(model.config, model.vocabularies, model.params)
    changed = 0
    for source, before in zip(SOURCES, plain.translate(SOURCES, wide), strict=True):
        for n in (1, 3):
            narrow = dataclasses.replace(wide, n_best=n)
            [result] = model.translate([source], narrow)
            if not before.tokens:
                assert result == before
                continue
            every = [before, *before.others]
            read = back.score([one.text for one in every], [source] * len(every))
            sums = [one.score + weight * x.score for one, x in zip(every, read, strict=True)]
            order = sorted(range(len(every)), key=lambda i: -sums[i])[:n]
            found = (result, *result.others)
            assert [one.text for one in found] == [every[i].text for i in order]
            assert [one.score for one in found] == pytest.approx([sums[i] for i in order], abs=1e-4)
            changed += order[0] != 0
    assert bool(changed) is (weight > 0)


def test_alternatives_and_draws_are_ranked_as_well(model):
    model.weight = 1.0
    for options in ({"alternatives": 3}, {"sampling": True, "n_best": 3, "temperature": 2.0}):
        for result in model.translate(SOURCES, decoding(model, **options)):
            scores = [one.score for one in (result, *result.others)]
            assert scores == sorted(scores, reverse=True)


def test_a_run_of_the_same_direction_is_refused(trained):
    match = f"^{trained.path}: expected a run from tgt to src, found one from src to tgt$"
    with pytest.raises(UserError, match=match):
        RerankingTranslator.load(trained.path).rank_by(trained.path)


def test_the_command(trained, reverse, model, call, tmp_path):
    text = tmp_path / "text"
    text.write_text("".join(f"{line}\n" for line in SOURCES))
    words = ("translate", trained.path, text)
    model.weight = 2.0
    wanted = [one.text for one in model.translate(SOURCES)]
    options = ("--rerank", f"{reverse}@60", "--rerank-weight", "2", "--split-sentences", "never")
    status, out, _ = call(*words, *options)
    assert (status, out.splitlines()) == (0, wanted)
    plain = call(*words)[1]
    assert call(*words, "--rerank", reverse, "--rerank-weight", "0")[1] == plain
    output = tmp_path / "out"
    assert call(*words, *options, "--resume", "--output", output)[0] == 0
    assert output.read_text() == out
    rows = call(*words, *options, "--format", "jsonl")[1].splitlines()
    assert [json.loads(row)["text"] for row in rows] == wanted
    for more, found in (
        (("--rerank-weight", "1"), "--rerank-weight: expected --rerank beside it, found it alone"),
        (("--rerank", reverse, "--rerank-weight=-1"), "expected a number from 0, found '-1'"),
        (("--rerank", reverse, "--decoding.mbr=3"), "without decoding.mbr, found both"),
        (("--rerank", trained.path), "expected a run from tgt to src, found one from src to tgt"),
        (("--rerank", tmp_path / "nothing"), "nothing"),
    ):
        status, _, err = call(*words, *more)
        assert status == 2
        assert found in err[-1]
