"""The commands, as somebody at a terminal meets them."""

import gc
import gzip
import json
import math
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

import seq2seq
from seq2seq import recipes, text_io
from seq2seq.commands.evaluate import Results
from seq2seq.commands.translation_output import Form
from seq2seq.data.vocabulary_training import normalization_rules
from seq2seq.evaluation import paper_bleu, scores
from seq2seq.lines.markup import items
from seq2seq.model import functional
from seq2seq.preprocessing import CONTROL
from seq2seq.progress import Progress
from seq2seq.run_directory import RunDirectory
from seq2seq.translations import Translation

ROOT = Path(__file__).parent.parent
WEIRD = {
    "empty": b"",
    "blank": b" \t ",
    "control characters": b"\x01\x02\x1b[31m",
    "invalid UTF-8": b"ada \xff\xfe bea",
    "a line separator": "ada\u2028bea".encode(),
    "vertical tab": b"ada\x0bbea",
    "form feed": b"ada\x0cbea",
    "next line": "ada\x85bea".encode(),
    "record separator": b"ada\x1ebea",
    "carriage return": b"ada\rbea",
    "NUL": b"ada\0bea",
    "unknown characters": "漢 字\u2028漢".encode(),
    "unknown characters without spaces": "漢\0字".encode(),
    "CRLF": b"ada bea\r",
    "no final newline": b"ada bea",
}


def started(*words, **options):
    """Starts the command as a process of its own, on one device, where text is Latin-1."""
    flags = os.environ["XLA_FLAGS"].partition(" ")[2]
    env = os.environ | {"XLA_FLAGS": flags, "PYTHONIOENCODING": "latin-1"}
    env.pop("PYTHONUNBUFFERED", None)
    command = [sys.executable, "-m", "seq2seq", *map(str, words)]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, env=env, **pipes | options)


def test_help_lists_the_commands_and_starts_at_once(call):
    status, out, err = call("--help")
    assert (status, err) == (0, [])
    names = ("prepare", "train", "evaluate", "translate", "average", "attention", "describe")
    for name in (*names, "demo", "reproduce"):
        assert f"\n  {name} " in out
        assert call(name, "--help")[1].startswith(f"usage: seq2seq {name} ")
    assert call()[:2] == (0, out)
    assert call("--version")[:2] == (0, f"seq2seq {seq2seq.__version__}\n")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([sys.executable, "-m", "seq2seq", "--help"], check=True, capture_output=True)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 0.3


@pytest.mark.parametrize("name", ["train", "evaluate", "translate"])
def test_the_scripts_are_their_subcommands(name):
    script = [sys.executable, ROOT / f"{name}.py", "--help"]
    found = subprocess.run(script, check=True, capture_output=True, text=True)
    assert found.stdout.startswith(f"usage: seq2seq {name} ")


def test_prepare_reports_and_a_second_call_does_nothing(call, reversal, tmp_path):
    words = ("prepare", "--config", reversal / "reversal.yaml", f"--data.cache={tmp_path}")
    status, out, _ = call(*words)
    assert status == 0
    for part in ("read", "kept", "duplicate", "too long", "tokens", "known", "packing"):
        assert part in out
    folder = next(path for path in tmp_path.iterdir() if path.is_dir())
    assert out.splitlines()[-1] == f"prepared: {folder}"
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    status, again, _ = call(*words)
    assert status == 0
    assert again.splitlines()[-1] == f"prepared already, nothing had to be done: {folder}"
    assert again.splitlines()[:-1] == out.splitlines()[:-1]
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_train_says_how_it_ended(trained, call):
    assert trained.status == 0
    best = RunDirectory.open(trained.path).best_step()
    assert trained.out[0] == f"trained to step 120 of 120: {trained.path}"
    assert trained.out[1].startswith(f"best checkpoint: step {best} (validation BLEU ")
    assert trained.out[2:] == [
        f"next: seq2seq evaluate {trained.path}",
        f"      seq2seq translate {trained.path} FILE",
    ]
    assert trained.err[0].startswith(f"run {trained.path}: 2,195 pairs, 22,912 parameters, 8 CPU ")
    assert any("loss" in line and "tokens/s" in line for line in trained.err)
    status, out, _ = call(*trained.words)
    assert status == 0
    assert out.splitlines()[0] == (
        f"already at step 120 of 120: nothing left to do in {trained.path}"
    )


def test_only_the_first_host_prints(monkeypatch, capsys):
    from seq2seq.commands import console

    monkeypatch.setattr("jax.process_index", lambda: 1)
    console.show("result")
    console.say("message")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_saves_and_says_how_to_go_on(reversal, tmp_path, call, name):
    recipe, run = reversal / "reversal.yaml", tmp_path / "a run"
    words = ["train", "--config", recipe, f"--run={run}", "--training.validate_every=100000"]
    process = started(*words, "--training.steps=100000", text=True)
    for line in process.stderr:
        if line.startswith("training: "):
            process.send_signal(signal.Signals[name])
            break
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.Signals[name]
    assert out == ""
    step = RunDirectory.open(run).steps()[-1]
    saved = f"{name}: saved at step {step:,} of 100,000; to go on: seq2seq train --config {recipe}"
    assert err.splitlines()[-1].startswith(saved)
    assert f"'--run={run}'" in err.splitlines()[-1]
    if name == "SIGINT":
        status, out, _ = call(*words, f"--training.steps={step + 1}")
        assert (status, out.splitlines()[0]) == (
            0,
            f"trained to step {step + 1:,} of {step + 1:,}: {run}",
        )


LOST = """
import os, signal, time, weakref
from seq2seq import cli
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it

class Thing:
    pass

def run(words):
    thing = Thing()
    kept = weakref.ref(thing, lambda _: (os.kill(os.getpid(), signal.NAME), time.sleep(1)))
    del thing
    time.sleep(9)
    return 0

cli.run = run
cli.main([])
"""


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_in_a_finaliser_is_not_lost(name, status):
    """Python drops what is raised there, and would go on as if nobody had pressed Ctrl-C."""
    began = time.monotonic()
    command = [sys.executable, "-c", LOST.replace("NAME", name)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == status
    assert found.stderr == ("seq2seq: interrupted\n" if name == "SIGINT" else "")
    assert time.monotonic() - began < 5


UNAWAITED = """
import os, signal
from seq2seq import cli
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it

async def saving():
    pass

def run(words):
    waiting = saving()
    os.kill(os.getpid(), signal.NAME)

cli.run = run
cli.main([])
"""


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_leaves_no_warning_of_what_it_cut_short(name, status):
    command = [sys.executable, "-c", UNAWAITED.replace("NAME", name)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == status
    assert found.stderr == ("seq2seq: interrupted\n" if name == "SIGINT" else "")


def test_translate_gives_a_line_for_every_line(trained, call, tmp_path):
    text = tmp_path / "text"
    text.write_bytes(b"\n".join(WEIRD.values()))
    status, out, err = call("translate", trained.path, text)
    assert status == 0
    lines = dict(zip(WEIRD, out.split("\n")[:-1], strict=True))
    assert out.splitlines() == list(lines.values())
    assert [name for name, line in lines.items() if not line] == ["empty", "blank"]
    assert lines["unknown characters"] == "漢 字 漢"
    assert lines["unknown characters without spaces"] == "漢字"
    same = "CRLF", "no final newline", "form feed", "next line", "vertical tab", "a line separator"
    assert len({lines[name] for name in same}) == 1
    place = 1 + list(WEIRD).index("invalid UTF-8")
    assert f"{text}:{place}: warning: byte 0xff at column 5 is not UTF-8: replaced by \ufffd" in err
    assert f"{text}:{place}: warning: 1 token of unknown characters" in err
    place = 1 + list(WEIRD).index("unknown characters")
    assert f"{text}:{place}: warning: nothing but unknown characters: left as it is" in err
    left_out = {"control characters": 3, "record separator": 1, "NUL": 1}
    left_out["unknown characters without spaces"] = 1
    for place, name in enumerate(WEIRD, 1):
        found = [line for line in err if line.startswith(f"{text}:{place}: ") if "control" in line]
        number = left_out.get(name, 0)
        noun = "control character" if number == 1 else "control characters"
        assert found == ([f"{text}:{place}: warning: {number} {noun} left out"] if number else [])


def test_what_counts_as_left_out_is_what_normalisation_drops():
    rules = normalization_rules()
    for character in map(chr, range(1, sys.maxunicode + 1)):
        if unicodedata.category(character) == "Cc":
            assert (CONTROL.fullmatch(character) is not None) == (rules[character] == "")
        else:
            assert CONTROL.search(character) is None


def test_translate_cuts_a_very_long_line_and_says_so(trained, call, tmp_path):
    text = tmp_path / "long"
    text.write_text("ada bea\n" + "ada " * 25_000 + "\n" + "漢 " * 50_000 + "\nada bea\n")
    begin = time.monotonic()
    words = ("translate", trained.path, text, "--decoding.max_source_length=20")
    status, out, err = call(*words, "--split-sentences", "never")
    assert time.monotonic() - begin < 30
    assert (status, out.count("\n")) == (0, 4)
    assert out.split("\n")[0] == out.split("\n")[3]
    assert out.split("\n")[2] == " ".join("漢" * 50_000)
    warnings = [line for line in err if "warning" in line]
    assert warnings[0].startswith(f"{text}:2: warning: too long: cut, the last ")
    assert warnings[1:] == [f"{text}:3: warning: nothing but unknown characters: left as it is"]


def test_translate_gives_the_n_best_in_the_form_of_moses(trained, call, tmp_path):
    text = tmp_file(tmp_path, "ada bea cleo\n\nkim\n")
    words = ("translate", trained.path, text, "--n-best", 3, "--decoding.beam_size=3")
    status, out, _ = call(*words)
    rows = [line.split(" ||| ") for line in out.splitlines()]
    assert status == 0
    assert [row[0] for row in rows] == ["0"] * 3 + ["1"] + ["2"] * 3
    assert rows[3][1:] == ["", "0.0000"]
    best = call("translate", trained.path, text, "--decoding.beam_size=3")[1].splitlines()
    assert [rows[0][1], "", rows[4][1]] == best
    scores = [float(row[2]) for row in rows[:3]]
    assert scores == sorted(scores, reverse=True)
    status, _, [error] = call("translate", trained.path, text, "--n-best", 9)
    assert (status, error) == (
        2,
        "seq2seq: --decoding.n_best: expected at most decoding.beam_size (2), found 9",
    )


def test_translate_begins_as_a_file_says(trained, call, tmp_path):
    text, prefix = tmp_file(tmp_path, "ada bea\n\nkim\n"), tmp_path / "prefix"
    prefix.write_text("max\nmax\n\n")
    words = ("translate", trained.path, text, "--prefix", prefix)
    status, out, _ = call(*words)
    lines = out.split("\n")
    assert (status, len(lines)) == (0, 4)
    assert lines[0].startswith("max")
    assert lines[1:3] == ["", call("translate", trained.path, text)[1].split("\n")[2]]
    for content, problem in (
        ("max\n", ": expected a line for every line, found 1"),
        ("\n" * 4, ": expected 3 lines, as many as are translated, found more"),
        ("max\n\n漢\n", ":3: expected characters of the vocabulary, found '漢'"),
    ):
        prefix.write_text(content)
        status, _, err = call(*words, "--output", tmp_path / "out")
        assert (status, err[-1]) == (2, f"seq2seq: {prefix}{problem}")
        assert not (tmp_path / "out").exists()


def test_translate_says_all_it_knows_in_json(trained, call, tmp_path):
    text = tmp_file(tmp_path, "ada bea cleo\n\nkim\n漢\n")
    plain = call("translate", trained.path, text)[1].splitlines()
    status, out, _ = call("translate", trained.path, text, "--format", "jsonl")
    found = [json.loads(line) for line in out.splitlines()]
    assert (status, [one["text"] for one in found]) == (0, plain)
    assert [one["source"] for one in found] == ["ada bea cleo", "", "kim", "漢"]
    assert [one["flags"] for one in found] == [[], [], [], ["unknown", "copied"]]
    for one in found[::2]:
        assert len(one["tokens"]) == len(one["log_probs"]) == len(one["attention"])
        for row in one["attention"]:
            assert len(row) == len(one["source_tokens"])
            assert sum(row) == pytest.approx(1, abs=1e-3)
        assert one["confidence"] is None
    words = ("--format", "jsonl", "--n-best", 2, "--decoding.max_source_length=3")
    ranked = json.loads(call("translate", trained.path, text, *words)[1].splitlines()[0])
    assert "divided" in ranked["flags"]
    words = (*words, "--split-sentences", "never")
    ranked = json.loads(call("translate", trained.path, text, *words)[1].splitlines()[0])
    assert ranked["flags"] == ["truncated"]
    assert len(ranked["others"]) == 1
    assert ranked["others"][0]["score"] <= ranked["score"]


def test_translate_writes_which_word_goes_back_to_which(trained, call, tmp_path):
    text = tmp_file(tmp_path, "ada bea cleo\n\nkim\n")
    listed = call("translate", trained.path, text, "--format", "jsonl")[1].splitlines()
    pairs = [json.loads(line)["alignment"] for line in listed]
    wanted = [" ".join(f"{i}-{j}" for i, j in one) for one in pairs]
    lines = call("translate", trained.path, text, "--alignment")[1].splitlines()
    assert [line.split(" ||| ")[1] for line in lines] == wanted
    ranked = call("translate", trained.path, text, "--alignment", "--n-best", 2)[1].splitlines()
    assert ranked[0].split(" ||| ")[3] == wanted[0]
    status, _, err = call("translate", trained.path, text, "--alignment", LAYER_9)
    message = "expected a layer of the decoder, at most 1, found 9"
    assert (status, err[-1]) == (2, f"seq2seq: decoding.alignment_layer: {message}")
    status, _, [error] = call("translate", trained.path, text, "--format", "json")
    assert (status, "jsonl" in error) == (2, True)


def test_markup_comes_out_as_it_went_in(trained, call, tmp_path):
    draw, text = random.Random(0), tmp_path / "text"
    parts = ["ada", "bea", "kim.", "ole!", "<b>max</b>", "<br/>", "{name}", "www.a.de", "<i>nia"]
    lines = [" ".join(draw.choices(parts, k=draw.randint(1, 8))) for _ in range(60)]
    text.write_text("".join(f"{line}\n" for line in lines))
    words = ("translate", trained.path, text, "--keep-markup")
    for options in ((), ("--split-sentences", "never"), TWO):
        status, out, _ = call(*words, *options)
        assert status == 0
        found = [line.split(" ||| ") for line in out.splitlines()]
        found = [line if len(line) == 1 else line[1:2] for line in found]
        numbers = [int(line.split()[0]) for line in out.splitlines()] if options == TWO else None
        sources = lines if numbers is None else [lines[i] for i in numbers]
        for line, [translation] in zip(sources, found, strict=True):
            assert Counter(items(line)) == Counter(items(translation))
    for option in (("--alignment",), ("--format", "jsonl"), ("--prefix", text), ("--force", text)):
        status, _, [error] = call(*words, *option)
        name = " ".join(map(str, option)) if "jsonl" in option else option[0]
        wanted = f"seq2seq: --keep-markup: expected it without {name}, found both"
        assert (status, error) == (2, wanted)


def test_translate_by_several_models(trained, copied, call, tmp_path):
    text = tmp_file(tmp_path, "ada bea cleo\nkim\n")
    words = ("translate", trained.path, text)
    alone = call(*words)[1]
    status, out, _ = call(*words, "--ensemble", trained.path, f"{copied}@120")
    assert (status, out) == (0, alone)
    assert call(*words, "--ensemble", f"{trained.path}@60")[0] == 0
    table = copied / "vocabulary" / "pieces.json"
    table.write_text(table.read_text().replace('"ada"', '"adq"').replace('a"', 'q"', 1))
    status, _, err = call(*words, "--ensemble", copied)
    message = f"{copied}: expected the vocabulary of {trained.path}, found another"
    assert (status, err[-1]) == (2, f"seq2seq: {message}")
    status, _, [error] = call(*words, "--ensemble", f"{trained.path}@61")
    assert (status, "found 61" in error) == (2, True)


def test_evaluate_several_models_as_one(trained, copied, call):
    words = ("evaluate", copied, "--json", "--ensemble")
    usual = json.loads(call("evaluate", copied, "--json")[1])
    status, out, _ = call(*words, copied, f"{trained.path}@120")
    assert (status, json.loads(out)) == (0, usual)
    status, out, _ = call(*words, f"{trained.path}@60")
    mixed = json.loads(out)
    assert (status, mixed == usual) == (0, False)
    kept = RunDirectory.open(copied).read_results()["test"]
    assert kept[f"120 + {trained.path}@60"] == {"step": 120, **mixed}
    status, _, [error] = call(*words, trained.path, "--source", copied, "--reference", copied)
    assert status == 2
    status, _, [error] = call("evaluate", copied, trained.path, "--ensemble", trained.path)
    wanted = "seq2seq: --ensemble: expected a single run beside it, found 2"
    assert (status, error) == (2, wanted)


def test_calibrate_gives_translations_a_confidence(copied, call, tmp_path):
    status, _, err = call("calibrate", copied)
    assert (status, err[-2]) == (0, "calibrated on 40 sentences of validation")
    assert re.match(r"  mean chrF \d+\.\d, confidence of one half by the other: off by", err[-1])
    kept = json.loads((copied / "calibration.json").read_text())
    text = tmp_file(tmp_path, "ada bea cleo\nkim\n")
    out = call("translate", copied, text, "--format", "jsonl")[1].splitlines()
    for line in map(json.loads, out):
        assert kept["qualities"][0] <= line["confidence"] + 1e-3
        assert line["confidence"] <= kept["qualities"][-1] + 1e-3
    status, _, [error] = call("calibrate", copied, "--split", "validaton")
    assert (status, "did you mean 'validation'?" in error) == (2, True)


def test_shortlist_is_learnt_from_the_corpus_and_used(copied, call, tmp_path):
    text = tmp_file(tmp_path, "ada bea cleo\nkim\n")
    listed = ("translate", copied, text, "--decoding.shortlist=true")
    status, out, [error] = call(*listed)
    assert (status, out) == (2, "")
    assert error.startswith("seq2seq: decoding.shortlist: expected a run that has one")
    status, _, err = call("shortlist", copied, "--best", "40", "--frequent", "10", "--pairs", "300")
    assert (status, err[-2]) == (
        0,
        "shortlist: 40 pieces for each source piece, 10 pieces for all, from 300 pairs",
    )
    size, share = re.fullmatch(
        r"  validation set: (\d+) pieces a sentence, with ([\d.]+) % of its reference", err[-1]
    ).groups()
    assert 14 < int(size) < 60
    assert float(share) > 90
    assert call(*listed)[:2] == call("translate", copied, text)[:2]
    part = ("--resume", "--output", tmp_path / "out")
    assert call(*listed, *part)[0] == 0


def test_score_gives_a_line_for_every_pair_and_the_total(trained, call, tmp_path):
    source, target = tmp_file(tmp_path, "ada bea\n\nkim\n"), tmp_path / "target"
    target.write_text("bea ada\nkim\n\n")
    words = ("score", trained.path, "--source", source, "--target", target)
    status, out, err = call(*words)
    rows = [line.split("\t") for line in out.splitlines()]
    assert (status, len(rows)) == (0, 3)
    log_probs, tokens = [float(row[0]) for row in rows], [int(row[1]) for row in rows]
    assert err[-1].startswith(f"3 pairs, {sum(tokens)} tokens: log-probability ")
    assert f" {sum(log_probs):,.3f}"[:-1] in err[-1]
    for row in rows:
        assert float(row[2]) == pytest.approx(math.exp(-float(row[0]) / int(row[1])), rel=1e-3)
    listed = [json.loads(line) for line in call(*words, "--json")[1].splitlines()]
    assert [len(one["tokens"]) for one in listed] == tokens
    assert [sum(one["log_probs"]) for one in listed] == pytest.approx(log_probs, abs=1e-3)


def test_score_takes_a_length_penalty_and_other_models(trained, copied, call, tmp_path):
    source = tmp_file(tmp_path, "ada bea\nkim\n")
    words = ("score", trained.path, "--source", source, "--target", source)
    usual = [line.split("\t") for line in call(*words)[1].splitlines()]
    plain = [
        line.split("\t") for line in call(*words, "--decoding.length_penalty=0")[1].splitlines()
    ]
    assert [row[:3] for row in plain] == [row[:3] for row in usual]
    assert [row[3] for row in plain] == [row[0] for row in plain] != [row[3] for row in usual]
    alone, early, both = (
        [float(line.split("\t")[0]) for line in call(*words, *more)[1].splitlines()]
        for more in ((), ("--checkpoint", "60"), ("--ensemble", f"{copied}@60"))
    )
    for one, other, mean in zip(alone, early, both, strict=True):
        assert one != other
        assert min(one, other) - 1 < mean < max(one, other) + 1
        assert mean not in (one, other)
    status, _, [error] = call(*words, "--decoding.beam_size=2")
    wanted = "length_penalty, max_source_length, max_extra_tokens, batch_tokens"
    assert status == 2
    assert error == (
        f"seq2seq: --decoding.beam_size: expected one of decoding's {wanted}, "
        "as nothing is searched for"
    )


def test_what_no_search_could_find_has_no_number_in_json(trained, call, tmp_path):
    source, target = tmp_file(tmp_path, "ada\n"), tmp_path / "target"
    target.write_text("kim " * 5000 + "\n")
    words = ("score", trained.path, "--source", source, "--target", target, "--json")
    status, out, _ = call(*words)
    found = json.loads(out, parse_constant=lambda name: pytest.fail(f"JSON has no {name}"))
    assert (status, found["log_prob"], found["score"]) == (0, None, None)
    assert found["perplexity"] is None
    assert set(found["log_probs"]) == {None}
    assert len(found["log_probs"]) == len(found["tokens"]) > 5000


def test_the_total_is_of_all_but_what_is_too_long(trained, call, tmp_path):
    source, target = tmp_file(tmp_path, "ada\n"), tmp_path / "target"
    target.write_text("kim\n")
    words = ("score", trained.path, "--source", source, "--target", target)
    _, usual, [*_, total] = call(*words)
    source.write_text("ada\n" * 3)
    target.write_text("kim " * 5000 + "\nkim\n" + "kim " * 5000 + "\n")
    status, out, err = call(*words)
    rows = [line.split("\t") for line in out.splitlines()]
    assert (status, "\t".join(rows[1]) + "\n") == (0, usual)
    assert [row[:1] + row[2:] for row in rows[::2]] == [["-inf", "inf", "-inf"]] * 2
    assert err[-1] == f"{total} (2 pairs too long and left out)"
    target.write_text("kim " * 5000 + "\n")
    source.write_text("ada\n")
    wanted = "0 pairs, 0 tokens: log-probability 0.0000, perplexity nan (1 pair too long and left"
    assert call(*words)[2][-1].startswith(wanted)


def test_score_says_where_a_source_is_cut(trained, call, tmp_path):
    source, target = tmp_file(tmp_path, "ada\n" + "ada " * 5000 + "\n"), tmp_path / "target"
    target.write_text("ada\nada\n")
    status, out, err = call("score", trained.path, "--source", source, "--target", target)
    assert (status, len(out.splitlines())) == (0, 2)
    assert re.search(
        rf"{source}:2: warning: too long: cut, the last [\d,]+ tokens left out", err[0]
    )
    assert not any(f"{source}:1:" in line for line in err)


def test_score_wants_as_many_lines(trained, call, tmp_path):
    source, target = tmp_file(tmp_path, "ada\nbea\nkim\n"), tmp_path / "target"
    target.write_text("ada\n")
    words = ("score", trained.path, "--source", source, "--target", target)
    out_file = tmp_path / "scores"
    status, _, err = call(*words, "--output", out_file)
    wanted = f"seq2seq: {target}: expected as many lines as {source} has, found only 1"
    assert (status, err[-1]) == (2, wanted)
    assert not out_file.exists()
    status, _, [error] = call("score", trained.path, "--source", "-", "--target", "-")
    assert error == "seq2seq: --source and --target: expected one of them from stdin, found both"
    assert status == 2


def test_translate_puts_files_together_in_order(trained, call, tmp_path):
    lines = ["ada bea cleo", "kim", "max nia ole"]
    for number, line in enumerate(lines):
        (tmp_path / str(number)).write_text(line + "\n")
    (tmp_path / "nothing").touch()
    files = [tmp_path / name for name in ("0", "nothing", "1", "2")]
    whole = call("translate", trained.path, *files)[1]
    assert whole == "".join(call("translate", trained.path, file)[1] for file in files)
    assert whole.count("\n") == 3
    target = tmp_path / "out"
    words = (trained.path, files[0], "--output", target, *files[1:], "--checkpoint", "best")
    status, out, err = call("translate", *words)
    assert (status, out) == (0, "")
    assert re.fullmatch(r"translating: 3/3(  [\d.,]+k? lines/s  0:00 left)?", err[-1])
    assert target.read_text() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2", "nothing", "out"]


def test_progress_is_of_lines_however_many_sentences_they_hold(
    trained, call, tmp_path, monkeypatch
):
    monkeypatch.setattr("seq2seq.commands.translate._CHUNK_LINES", 4)
    monkeypatch.setattr("seq2seq.commands.translate.Progress", partial(Progress, every=0.0))
    lines = ["Ada bea. Kim ole. Max nia.", "", "Kim.", "Ole. Pia lea.", "Eva. Fay. Gus.", "Hal"]
    text, more = tmp_file(tmp_path, "\n".join(lines)), tmp_path / "more"
    more.write_bytes(gzip.compress(b"Jo. Kim.\n"))
    words = ("translate", trained.path, text, more, "--decoding.batch_tokens=8")
    status, out, err = call(*words, "--output", tmp_path / "out")
    assert (status, out) == (0, "")
    found = [line.split("  ")[0] for line in err if line.startswith("translating: ")]
    counts = [int(re.fullmatch(r"translating: (\d)/7", line)[1]) for line in found]
    assert (counts == sorted(counts), counts[-1]) == (True, 7)
    assert set(counts) >= {4, 6}  # where parts end


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"a", b"a\r\n\nb\n", b"a\rb\x0b\n" * 70_000 + b"a\n\nb"]
)
def test_lines_are_counted_as_they_are_read(tmp_path, content):
    path = tmp_path / "text"
    for written in (content, gzip.compress(content)):
        path.write_bytes(written)
        wanted = len(list(text_io.read_lines(path, [].append)))
        assert text_io.line_count([path]) == wanted
        assert text_io.line_count([path, path]) == 2 * wanted
        assert text_io.line_count([path, Path("-")]) is None
    path.write_bytes(written[:-9])
    assert text_io.line_count([path]) is None  # reading it says what is wrong
    path.unlink()
    os.mkfifo(path)
    assert text_io.line_count([path]) is None


def test_translate_holds_a_part_of_a_file_at_a_time(trained, call, tmp_path, monkeypatch):
    """When a part is written, no more than it has been read, and little else is still there."""
    size, parts, read, held = 30, 12, [], []
    monkeypatch.setattr("seq2seq.commands.translate._CHUNK_LINES", size)
    lines, written = text_io.read_lines, Form.written

    def counted(*arguments):
        for line in lines(*arguments):
            read.append(line)
            yield line

    def looked_at(self, translator, sentences, *rest):
        gc.collect()
        kept = sum(isinstance(thing, Translation) for thing in gc.get_objects())
        held.append((len(read), len(sentences), kept))
        return written(self, translator, sentences, *rest)

    monkeypatch.setattr("seq2seq.text_io.read_lines", counted)
    monkeypatch.setattr(Form, "written", looked_at)
    kept = sum(isinstance(thing, Translation) for thing in gc.get_objects())
    text = tmp_file(tmp_path, "kim ada\n" * (size * parts))
    assert call("translate", trained.path, text, "--output", tmp_path / "out")[0] == 0
    assert [found[:2] for found in held] == [(size * (i + 1), size) for i in range(parts)]
    assert max(found[2] for found in held) - kept <= 2 * size
    assert (tmp_path / "out").read_text().count("\n") == size * parts


def test_a_reader_that_leaves_ends_translate_quietly(trained, reversal):
    with started("translate", trained.path, reversal / "valid.src") as process:
        process.stdout.close()
        err = process.stderr.read().decode()
    assert process.returncode == 141
    assert "Traceback" not in err
    assert "Exception" not in err


def test_translate_answers_a_pipe_at_once(trained, call, tmp_path):
    lines = ["ada bea\n", "\n", "kim\n"]
    with started("translate", trained.path, stdin=subprocess.PIPE) as process:
        answers = []
        for line in lines:
            process.stdin.write(line.encode())
            process.stdin.flush()
            answers.append(process.stdout.readline().decode())
        process.stdin.close()
        assert process.stdout.read() == b""
    assert process.returncode == 0
    text = tmp_file(tmp_path, "".join(lines))
    assert "".join(answers) == call("translate", trained.path, text)[1]
    assert answers[1] == "\n"


def test_a_translation_that_is_ended_leaves_nothing_behind(trained, tmp_path):
    words = ("translate", trained.path, "--output", tmp_path / "out")
    with started(*words, stdin=subprocess.PIPE) as process:
        while not list(tmp_path.iterdir()) and process.poll() is None:
            time.sleep(0.05)
        process.terminate()
        process.wait(60)
    assert process.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_stdin_need_not_be_utf8_and_stdout_always_is(trained):
    process = started("translate", trained.path, "-", stdin=subprocess.PIPE, text=False)
    out, err = process.communicate(b"ada bea\n\xe9\n\xe6\xbc\xa2\n")
    assert process.returncode == 0
    assert out.decode().split("\n")[1:] == ["\ufffd", "漢", ""]
    assert "stdin:2: warning: byte 0xe9 at column 1 is not UTF-8" in err.decode()


def test_evaluate_prints_a_table_and_keeps_what_it_found(trained, call, tmp_path):
    target = tmp_path / "found"
    words = ("evaluate", trained.path, "--metrics", "bleu", "chrf", "--output", target)
    status, out, err = call(*words)
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "test: 40 sentences"
    assert lines[1].startswith("  BLEU ")
    assert "tok:13a" in lines[1]
    assert lines[2].startswith("  CHRF ")
    assert target.read_text().count("\n") == 40
    assert not [line for line in err if "warning" in line]
    kept = json.loads(RunDirectory.open(trained.path).results.read_text())
    step = RunDirectory.open(trained.path).best_step()
    assert kept["test"][str(step)]["step"] == step
    assert f"{kept['test'][str(step)]['bleu']['score']:6.2f}" in lines[1]


def test_a_validation_set_is_scored_by_its_name_as_well(copied, call):
    config = copied / "config.yaml"
    (copied / "results.json").unlink(missing_ok=True)
    plain = config.read_text()
    config.write_text(
        plain.replace("  validation:\n  - path:", "  validation:\n  - name: dev\n    path:")
    )
    assert config.read_text() != plain
    found = [call("evaluate", copied, "--split", name, "--json") for name in ("dev", "validation")]
    assert found[0][:2] == found[1][:2]
    assert found[0][0] == 0
    assert list(RunDirectory.open(copied).read_results()) == ["dev"]


def test_the_scores_are_those_of_sacrebleu_itself(trained, call, reversal, tmp_path):
    target, reference = tmp_path / "found", reversal / "valid.tgt"
    metrics = ("bleu", "chrf", "ter")
    words = ("--source", reversal / "valid.src", "--reference", reference)
    words += ("--json", "--metrics", *metrics, "--output", target)
    status, out, _ = call("evaluate", trained.path, *words)
    found = json.loads(out)
    assert (status, tuple(found)) == (0, metrics)
    assert all(set(value) == {"score", "signature"} for value in found.values())
    assert out.count("\n") == 1
    command = [
        sys.executable,
        "-m",
        "sacrebleu",
        reference,
        "-i",
        target,
        "-w",
        "9",
        "-m",
        *metrics,
    ]
    wanted = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert [round(found[name]["score"], 6) for name in metrics] == [
        round(value["score"], 6) for value in wanted
    ]
    assert found["bleu"]["score"] > 1
    assert [found[name]["signature"] for name in metrics] == [x["signature"] for x in wanted]


def test_other_bleus_stand_beside_sacrebleus_own(trained, call):
    words = ("evaluate", trained.path, "--metrics", "chrf", "--paper-bleu", "--tokenised")
    status, out, _ = call(*words, "--breakdown")
    assert status == 0
    shown = out.splitlines()
    starts = ["  BLEU ", "      compares with sacreBLEU", "  CHRF ", "  BLEU of lower-cased"]
    places = [next(i for i, line in enumerate(shown) if line.startswith(s)) for s in starts]
    assert places == sorted(places)
    for text in ("    tokenised ", "      compares with multi-bleu", "  BLEU by part"):
        assert any(line.startswith(text) for line in shown)
    assert "split" not in out  # the small task's target language is not German
    figures = json.loads(call(*words, "--breakdown", "--json")[1])
    assert list(figures) == ["bleu", "chrf", "paper_bleu", "tokenised_bleu", "breakdown"]
    names = [step["name"] for step in figures["paper_bleu"]["steps"]]
    assert names == ["tokenised"]
    assert figures["paper_bleu"]["signature"].startswith("paper-bleu|")
    parts = figures["breakdown"]
    assert parts["signature"] == figures["bleu"]["signature"]
    assert sum(part["sentences"] for part in parts["by_length"]) == 40
    assert [part["sentences"] for part in parts["by_words"]] == [40, 0]
    run = RunDirectory.open(trained.path)
    kept = run.read_results()["test"][str(run.best_step())]
    assert kept == {"step": run.best_step(), **figures}


@pytest.mark.parametrize(
    ("languages", "steps", "published"),
    [(("en", "de"), 3, "28.4 (big)"), (("en", "fr"), 1, "41.8 (big)")],
)
def test_published_figures_are_named_beside_their_test_set_only(languages, steps, published):
    texts = ["The E-Mail is here , he said ."] * 2
    given = (scores.evaluate(texts, texts), paper_bleu.paper_bleu(texts, texts, languages[1]))
    for name in ("newstest2014", "test"):
        shown = Results(name, languages, *given).lines()
        found = [line for line in shown if line.startswith("      compares with ")]
        assert len(found) == 1 + steps  # the first is sacreBLEU's
        assert (published in found[-1]) is (name == "newstest2014")


def test_a_breakdown_without_the_training_text(copied, call):
    config = copied / "config.yaml"
    config.write_text(config.read_text().replace("/train.{lang}", "/gone.{lang}"))
    status, out, _ = call("evaluate", copied, "--breakdown")
    assert status == 0
    assert "not known (the training text is out of reach: " in out.splitlines()[-1]
    assert out.splitlines()[-1].endswith("gone.src: no such file)")
    parts = json.loads(call("evaluate", copied, "--breakdown", "--json")[1])["breakdown"]
    assert parts["by_words"] is None
    assert "gone.src" in parts["missing"]


def test_several_runs_are_compared(trained, copied, call):
    config = copied / "config.yaml"
    config.write_text(config.read_text().replace("  beam_size: 2", "  beam_size: 1"))
    words = ("evaluate", trained.path, copied, "--significance", "--trials", "100")
    status, out, _ = call(*words)
    assert status == 0
    shown = out.splitlines()
    assert shown[0] == f"{trained.path}, test: 40 sentences"
    assert shown[2] == f"{copied}, test: 40 sentences"
    assert shown[4].startswith(f"paired bootstrap, 100 resamples, against {trained.path}")
    assert "p =" not in shown[6]
    assert "p =" in shown[7]
    randomised = (*words[:3], "--significance", "randomization", "--trials", "100", "--json")
    figures = json.loads(call(*randomised)[1])
    assert [run["run"] for run in figures["runs"]] == [str(trained.path), str(copied)]
    assert figures["significance"]["test"] == "randomization"
    for figure, run in zip(figures["runs"], map(RunDirectory.open, words[1:3]), strict=True):
        kept = run.read_results()["test"][str(run.best_step())]
        assert kept["bleu"] == figure["bleu"]


def test_a_run_of_prepared_text_takes_and_gives_raw_text(trained, call, reversal, tmp_path):
    """Capitals and full stops are for people; the model sees the small task's words."""
    for file in ("train.src", "train.tgt", "valid.src", "valid.tgt"):
        lines = (reversal / file).read_text().splitlines()
        (tmp_path / file).write_text("".join(f"{line.title()}.\n" for line in lines))
    words = ["train", "--config", reversal / "reversal.yaml", f"--run={tmp_path / 'run'}"]
    words += ["--data.lowercase=true", "--data.tokenizer=moses", f"--data.cache={tmp_path}"]
    words += [f"--data.{key}={tmp_path}/valid.{{lang}}" for key in ("validation", "test")]
    words += [f"--data.train={tmp_path}/train.{{lang}}", *trained.words[4:]]
    assert call(*words)[0] == 0
    status, out, err = call("evaluate", tmp_path / "run", "--tokenised", "--json")
    assert status == 0
    assert any("this run writes no capitals" in line for line in err)
    figures = json.loads(out)
    assert figures["tokenised_bleu"]["score"] > figures["bleu"]["score"]
    (tmp_path / "in").write_text("Ada Bea.\n")
    out = call("translate", tmp_path / "run", tmp_path / "in")[1]
    assert out == out.lower()
    assert " ." not in out
    assert out.endswith(".\n")
    page = tmp_path / "page.html"
    words_of = ("attention", tmp_path / "run", "Ada Bea.", "--output", page)
    assert call(*words_of)[1] == f"{out}{page}\n"
    assert call(*words_of, "--target", "Bea, Ada.")[1] == f"bea, ada.\n{page}\n"
    shown = page.read_text("utf-8")
    assert '"sentence":"ada bea.","translation":"bea, ada."' in shown
    assert '"\u2581."' in shown
    status, _, err = call(*words, "--data.lowercase=false")
    assert status == 2
    assert "data.lowercase is True in this run, False in the config" in err[-1]


def test_evaluate_warns_of_tokenised_text(trained, call, tmp_path):
    (tmp_path / "a").write_text("ada bea\n" * 3)
    (tmp_path / "b").write_text("bea ada .\n" * 3)
    words = ("--source", tmp_path / "a", "--reference", tmp_path / "b", "--json")
    status, out, err = call("evaluate", trained.path, *words)
    assert status == 0
    assert list(json.loads(out)) == ["bleu"]
    assert any("the reference looks tokenised" in line for line in err)
    assert not any("the translations look tokenised" in line for line in err)


def test_evaluate_warns_of_translations_that_look_tokenised(trained, call, tmp_path):
    """What the vocabulary does not know at all is left as it is, so here it is the translation."""
    (tmp_path / "a").write_text("漢 .\n" * 3)
    (tmp_path / "b").write_text("漢.\n" * 3)
    words = ("--source", tmp_path / "a", "--reference", tmp_path / "b", "--json")
    status, _, err = call("evaluate", trained.path, *words)
    assert status == 0
    [warning] = [line for line in err if "tokenised" in line]
    assert warning.endswith(
        ": the translations look tokenised; scores compare only on detokenised text"
    )


def test_attention_writes_pictures_and_pages(trained, call, tmp_path):
    words = ("attention", trained.path, "ada bea cleo")
    picture, page = tmp_path / "a.png", tmp_path / "a.HTML"
    translation = call("translate", trained.path, tmp_file(tmp_path, "ada bea cleo\n"))[1]
    assert call(*words, "--output", picture)[:2] == (0, f"{translation}{picture}\n")
    assert picture.read_bytes().startswith(b"\x89PNG")
    forced = ("--target", "kim kim", "--kind", "cross", "--layer", "1", "--head", "2")
    assert call(*words, *forced, "--output", page)[:2] == (0, f"kim kim\n{page}\n")
    text = page.read_text("utf-8")
    assert '"sentence":"ada bea cleo","translation":"kim kim"' in text
    assert '"kind":"cross","layer":1,"heads":[2]' in text
    assert '"kind":"encoder","layer"' not in text
    _, out, err = call("attention", trained.path, "ada 漢", "--output", picture)
    assert out.splitlines()[1:] == [str(picture)]
    assert f"warning: {picture}: no font here has 漢: boxes stand for it; try .html" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.HTML", "a.png", "text"]


TWO = ("--decoding.n_best=2",)
LAYER_9 = "--decoding.alignment_layer=9"


def tmp_file(folder, text):
    (folder / "text").write_text(text)
    return folder / "text"


def test_describe_shows_the_config_and_what_it_costs(trained, call):
    status, out, err = call("describe", trained.path)
    assert (status, err) == (0, [])
    config, _, figures = out.partition("\n\n")
    assert config + "\n" == recipes.dump(RunDirectory.open(trained.path).config)
    assert figures.startswith("Parameters                                    22,912\n")
    assert "FLOPs per target token" in figures
    assert "Memory per device" in figures


def test_describe_as_json_allocates_and_writes_nothing(reversal, tmp_path):
    words = ["--config", reversal / "reversal.yaml", "--model.width=64", "--json"]
    code = "import sys; from seq2seq.cli import run; run(sys.argv[1:]); print('jax' in sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", code, "describe", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    text, jax_is_there = process.stdout.splitlines()
    found = json.loads(text)
    assert found["config"]["model"]["width"] == 64
    assert found["config"]["training"]["epsilon"] == 1e-9
    parts = dict(found["parameters"])
    assert parts.pop("total") == sum(parts.values())
    assert jax_is_there == "False"
    assert list(tmp_path.iterdir()) == []


def test_describe_for_several_devices(trained, call):
    """Parameters are on every device, rows are shared."""
    one, four = (
        json.loads(call("describe", trained.path, "--json", f"--devices={n}")[1]) for n in (1, 4)
    )
    before, after = one["memory_per_device"], four["memory_per_device"]
    assert (before["devices"], after["devices"]) == (1, 4)
    for part in ("parameters", "gradients", "optimizer"):
        assert after[part] == before[part]
    assert before["activations"] / 4 < after["activations"] < before["activations"] / 2
    out = call("describe", trained.path, "--devices=4")[1]
    assert "4 devices, float32" in out


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [
        ("fma avx512f amx_bf16 amx_tile", "bfloat16"),
        ("fma avx512f avx512_bf16 avx512_vnni", "bfloat16"),
        ("fma avx512f amx_int8 avx512_vnni", "float32"),
        (None, "float32"),
    ],
)
def test_describe_says_what_auto_is_here(trained, call, monkeypatch, tmp_path, flags, dtype):
    """It hangs on what Linux says of the CPU; elsewhere there is no such file."""
    about = tmp_path / "cpuinfo"
    if flags:
        about.write_text(f"processor\t: 0\nflags\t\t: {flags}\n\nprocessor\t: 1\n")
    monkeypatch.setattr(functional, "_CPU", about)
    words = ("describe", trained.path, "--json")
    found = json.loads(call(*words, "--training.compute_dtype=auto")[1])
    assert found["config"]["training"]["compute_dtype"] == "auto"
    assert found["memory_per_device"]["dtype"] == dtype
    same = json.loads(call(*words, f"--training.compute_dtype={dtype}")[1])
    assert same["memory_per_device"] == found["memory_per_device"]


def test_describe_takes_keys_for_a_run_too(trained, call):
    out = call("describe", trained.path, "--json", "--training.batch_tokens=1024")[1]
    before = json.loads(call("describe", trained.path, "--json")[1])
    after = json.loads(out)
    larger = json.loads(call("describe", trained.path, "--json", "--vocabulary.size=90")[1])
    assert larger["parameters"]["embeddings"] == 90 * 32
    assert before["parameters"]["embeddings"] == 60 * 32
    assert after["config"]["training"]["batch_tokens"] == 1024
    memory = "memory_per_device"
    assert after[memory]["activations"] > before[memory]["activations"]


def test_the_public_names(trained):
    for name in seq2seq.__all__:
        assert getattr(seq2seq, name).__name__ in (name, "load", "train_model")
    assert set(seq2seq.__all__) <= set(dir(seq2seq))
    result = seq2seq.Translator.load(trained.path).translate(["ada bea"])[0]
    assert isinstance(result, seq2seq.Translation)
    assert seq2seq.train(seq2seq.load_recipe(trained.path / "config.yaml")).step == 120
    with pytest.raises(AttributeError, match="no attribute 'Translater'"):
        seq2seq.Translater  # noqa: B018
