"""Paired tests are sacreBLEU's own, the same at every call, and sane for equal systems."""

import json
import random
import subprocess
import sys

import pytest

from seq2seq.errors import UserError
from seq2seq.evaluation import significance

SENTENCE = "der Hund und die Katze sitzen auf einem Dach , weil es am Abend noch warm ist ."
WORDS = SENTENCE.split()


def noisy(lines, share, seed):
    """Replaces a share of the words."""
    rng = random.Random(seed)
    return [" ".join(w if rng.random() > share else "ja" for w in line.split()) for line in lines]


@pytest.fixture(scope="module")
def references():
    rng = random.Random(0)
    return [" ".join(rng.choices(WORDS, k=rng.randint(5, 20))) for _ in range(60)]


@pytest.fixture(scope="module")
def systems(references):
    shares = {"first": 0.3, "near": 0.29, "better": 0.1}
    return [(name, noisy(references, share, name)) for name, share in shares.items()]


@pytest.mark.parametrize(
    ("test", "flag", "metrics"),
    [
        ("bootstrap", "bs", {"bleu": "BLEU"}),  # the command cannot write chrF's interval
        ("randomization", "ar", {"bleu": "BLEU", "chrf": "chrF2"}),
    ],
)
def test_figures_are_those_of_the_sacrebleu_command(
    test, flag, metrics, references, systems, tmp_path
):
    for name, lines in [("ref", references), *systems]:
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    words = ["ref", "-i", *(name for name, _ in systems), "-m", *metrics, "-w", "6"]
    words += [f"--paired-{flag}", f"--paired-{flag}-n", "200", "--format", "json"]
    command = [sys.executable, "-m", "sacrebleu", *words]
    process = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    wanted = json.loads(process.stdout)
    found = significance.compare(systems, references, list(metrics), test, 200)
    assert found.systems == ("first", "near", "better")
    assert found.trials == 200
    for metric, key in metrics.items():
        for theirs, ours in zip(wanted, found.results[metric], strict=True):
            assert ours.score == pytest.approx(theirs[key]["score"], abs=1e-5)
            assert ours.p_value == pytest.approx(theirs[key]["p_value"], abs=1e-5)
    values = [result.p_value for result in found.results["bleu"]]
    assert values[0] is None
    assert values[1] > 0.05 > values[2]


@pytest.mark.parametrize("test", ["bootstrap", "randomization"])
def test_the_seed_decides(test, references, systems, monkeypatch):
    def p_value():
        found = significance.compare(systems[:2], references, ["bleu"], test, 100)
        return found.results["bleu"][1].p_value, found.signatures["bleu"]

    first = p_value()
    assert p_value() == first
    assert "seed:12345" in first[1]
    monkeypatch.setenv("SACREBLEU_SEED", "7")
    other = p_value()
    assert "seed:7" in other[1]
    assert other[0] != first[0]


@pytest.mark.parametrize("test", ["bootstrap", "randomization"])
def test_a_system_does_not_differ_from_itself(test, references, systems):
    twice = [systems[0], ("again", systems[0][1])]
    found = significance.compare(twice, references, ["bleu"], test, 100)
    assert found.results["bleu"][1].p_value == 1.0


@pytest.mark.parametrize("seed", ["0", "-1", "x", ""])
def test_a_seed_that_is_none(seed, references, systems, monkeypatch):
    monkeypatch.setenv("SACREBLEU_SEED", seed)
    with pytest.raises(UserError, match=f"SACREBLEU_SEED: expected a whole .*, found '{seed}'"):
        significance.compare(systems[:2], references, ["bleu"])


def test_the_table_marks_what_differs(references, systems):
    found = significance.compare(systems, references, ["bleu"], "bootstrap", 100)
    title, metric, first, near, better = significance.lines(found)
    assert title == "paired bootstrap, 100 resamples, against first; * marks p < 0.05"
    assert metric.startswith("  BLEU   nrefs:1|bs:100|seed:12345|")
    assert first.split()[0] == "first"
    assert "p =" not in first
    assert "±" in first
    assert near.split()[0] == "near"
    assert not near.endswith("*")
    assert better.endswith("*")
    shown = json.loads(json.dumps(significance.as_json(found)))
    assert (shown["test"], shown["trials"], shown["baseline"]) == ("bootstrap", 100, "first")
    rows = shown["metrics"]["bleu"]["runs"]
    assert [row["run"] for row in rows] == ["first", "near", "better"]
    assert rows[2]["p_value"] == found.results["bleu"][2].p_value
