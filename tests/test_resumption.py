"""A translation that was interrupted anywhere ends as one that was not, byte for byte."""

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from functools import partial

import pytest

from seq2seq.commands import resumption
from seq2seq.confidence import Calibration
from seq2seq.errors import UserError
from seq2seq.model import functional
from seq2seq.progress import Progress
from seq2seq.translations import Translation
from seq2seq.translator import Translator

CHUNKS = [["one", "two"], ["three", "fo\u00df", ""], ["five"]]
WHOLE = "".join(f"{line.upper()}\n" for chunk in CHUNKS for line in chunk).encode()
IDENTITY = {"model": "m", "beam_size": 4, "stopping": "final", "max_length": None}


class Killed(BaseException):
    """The end of a process that has no time for anything."""


def translated(path, chunks=CHUNKS, identity=IDENTITY, worked=None):
    """Writes the chunks in capitals, as the command writes translations."""
    with resumption.resumable(path, identity) as out:
        for chunk in chunks:
            if not out.passes(chunk):
                if worked is not None:
                    worked.append(chunk)
                out.write((f"{line.upper()}\n" for line in chunk), chunk)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def killed_at(number, path, monkeypatch, **options):
    """Kills the writing of `path` at one of the moments at which it waits for the disk."""
    moments = iter(range(number + 1))

    def fsync(_):
        if next(moments) == number:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(resumption.os, "fsync", fsync)
        patched.setattr(resumption.PartialOutput, "close", lambda self: self._file.close())
        with pytest.raises(Killed):
            translated(path, **options)


@pytest.mark.parametrize("number", range(8))
def test_killed_at_any_moment_it_ends_as_if_it_had_not_been(number, tmp_path, monkeypatch):
    """The record, then lines and record of each of three chunks, then the whole."""
    path, worked = tmp_path / "out", []
    killed_at(number, path, monkeypatch)
    assert not path.exists()
    if number:  # before that there is no record, and nothing is written
        with (tmp_path / "out.part").open("ab") as file:
            file.write("half a lin\u00e9".encode()[:-1])  # written, but not yet counted
    translated(path, worked=worked)
    assert path.read_bytes() == WHOLE
    assert names(tmp_path) == ["out"]
    assert worked == CHUNKS[(max(number - 1, 0)) // 2 :]


def test_it_may_be_killed_again_and_again(tmp_path, monkeypatch):
    path = tmp_path / "out"
    for number in (2, 1, 2, 1, 2, 0):
        killed_at(number, path, monkeypatch)
    translated(path)
    assert path.read_bytes() == WHOLE


def test_without_interruption_nothing_else_is_left(tmp_path):
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to("real")
    translated(tmp_path / "link")
    assert (tmp_path / "real").read_bytes() == WHOLE
    translated(tmp_path / "nothing", chunks=[])
    assert (tmp_path / "nothing").read_bytes() == b""
    assert names(tmp_path) == ["link", "nothing", "real"]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"identity": IDENTITY | {"model": "n"}}, "a translation by this model, found that of an"),
        ({"identity": IDENTITY | {"beam_size": 5}}, "a translation with beam_size 5, found 4"),
        ({"identity": IDENTITY | {"stopping": "x"}}, 'stopping "x", found "final"'),
        ({"identity": IDENTITY | {"new": True}}, "a translation with new true, found null"),
        ({"chunks": [["One", "two"], *CHUNKS[1:]]}, "of this input, found that of another"),
        ({"chunks": [["one", "two", "three"], *CHUNKS[1:]]}, "of this input, found that of ano"),
        ({"chunks": CHUNKS[:1]}, "of this input, found that of a longer one"),
        ({"chunks": []}, "of this input, found that of a longer one"),
    ],
)
def test_what_belongs_to_something_else_is_refused_and_left_alone(
    options, match, tmp_path, monkeypatch
):
    killed_at(5, tmp_path / "out", monkeypatch)
    before = contents(tmp_path)
    with pytest.raises(UserError, match=match) as error:
        translated(tmp_path / "out", **options)
    assert str(error.value).startswith(f"{tmp_path / 'out.part.json'}: expected ")
    assert str(error.value).endswith("(to begin anew, remove it and out.part)")
    assert contents(tmp_path) == before
    translated(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == WHOLE


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("out.part.json", b"{", "expected a translation to go on with, found damage"),
        ("out.part.json", b"[]", "expected a translation to go on with, found damage"),
        ("out.part.json", None, r"part: expected no file, .*, found one without out.part.json"),
        ("out.part", b"ONE\nTWO\n", r"part: expected the \d+ bytes that were written, found oth"),
        ("out.part", WHOLE.lower(), r"part: expected the \d+ bytes that were written, found oth"),
    ],
)
def test_damage_is_told_and_left_alone(name, content, match, tmp_path, monkeypatch):
    killed_at(5, tmp_path / "out", monkeypatch)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    before = contents(tmp_path)
    with pytest.raises(UserError, match=match):
        translated(tmp_path / "out")
    assert contents(tmp_path) == before


def test_another_format_is_refused(tmp_path, monkeypatch):
    killed_at(5, tmp_path / "out", monkeypatch)
    record = json.loads((tmp_path / "out.part.json").read_text())
    (tmp_path / "out.part.json").write_text(json.dumps(record | {"format": 9}))
    with pytest.raises(UserError, match="expected a translation in format 1, found format 9"):
        translated(tmp_path / "out")


def test_two_processes_do_not_write_the_same(tmp_path):
    with resumption.resumable(tmp_path / "out", IDENTITY) as out:
        out.write(["ONE\n"], ["one"])
        with pytest.raises(UserError, match="expected no other process that writes it, found one"):
            translated(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "ONE\n"


def test_the_digest_of_a_model_is_of_all_its_parts(trained):
    model = Translator.load(trained.path)
    digest = resumption.model_digest(model)
    assert digest == resumption.model_digest(Translator.load(trained.path))
    assert digest != resumption.model_digest(Translator.load(trained.path, 60))
    assert len(digest) == 64


LINES = [
    "ada bea cleo",
    "kim",
    "",
    "max nia ole pia",
    "\u6f22",
    "gus hal",
    "ida jo kim",
    "lea",
    "eva",
]
NBEST = ("--n-best", "2")


@pytest.fixture
def text(tmp_path, monkeypatch):
    """A file that is read two lines at a time."""
    monkeypatch.setattr("seq2seq.commands.translate._KEPT_LINES", 2)
    monkeypatch.setattr("seq2seq.commands.translate._CHUNK_LINES", 2)
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "text").write_text("".join(f"{line}\n" for line in LINES))
    return folder / "text"


@pytest.mark.parametrize("options", [(), NBEST], ids=["best", "n-best"])
@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143)], ids=str
)
def test_an_interrupted_call_says_how_to_go_on(
    trained, call, text, monkeypatch, options, error, status
):
    """Interrupted in each chunk in turn, and once at the end."""
    whole = call("translate", trained.path, text, *options)[1]
    out, translate = text.with_name("out"), Translator.translate
    words = ("translate", trained.path, text, "--output", out, "--resume", *options)
    done = 0

    def stop(self, sentences, *rest):
        if translate_again:
            translate_again.pop()
            return translate(self, sentences, *rest)
        raise error

    for turn in range(5):
        translate_again = [None] * (turn > 0)
        with monkeypatch.context() as patched:
            patched.setattr(Translator, "translate", stop)
            found = call(*words)
        done += 2 * (turn > 0)
        assert found[0] == status
        kept = [line for line in found[2] if "kept" in line]
        said = f"{out}.part: {done} lines done and kept: the same command goes on from there"
        assert kept == ([said] if turn else [])
        assert names(text.parent) == (["out.part", "out.part.json", "text"] if turn else ["text"])
    assert call(*words)[0] == 0
    assert out.read_text() == whole
    assert names(text.parent) == ["out", "text"]


def test_a_call_that_goes_on_warns_of_no_line_twice(trained, call, text, monkeypatch):
    text.write_bytes(b"ada\nbea \xff\nkim \xff\n")
    out = text.with_name("out")
    words = ("translate", trained.path, text, "--output", out, "--resume")
    translate = Translator.translate

    def once(self, sentences, *rest):
        if sentences[0] == "ada":
            return translate(self, sentences, *rest)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Translator, "translate", once)
        assert any(f"{text}:2: warning" in line for line in call(*words)[2])
    status, _, err = call(*words)
    assert status == 0
    assert {line.split(": ")[0] for line in err if "warning" in line} == {f"{text}:3"}


def test_what_differs_is_told_in_one_line(trained, call, text, monkeypatch):
    out, prefix = text.with_name("out"), text.with_name("prefix")
    prefix.write_text("max\n" * len(LINES))
    words = ("translate", trained.path, text, "--output", out, "--resume")

    write = resumption.PartialOutput.write

    def stop(self, lines, *columns):
        if columns[0] != LINES[:2]:
            raise KeyboardInterrupt
        write(self, lines, *columns)

    with monkeypatch.context() as patched:
        patched.setattr(resumption.PartialOutput, "write", stop)
        assert call(*words)[0] == 130
    before = contents(text.parent)
    for changed, match in (
        (("--checkpoint", "60"), "expected a translation by this model, found that of another"),
        (("--decoding.beam_size=3",), "expected a translation with beam_size 3, found 2"),
        (("--prefix", prefix), "expected a translation of this input, found that of another"),
    ):
        status, _, err = call(*words, *changed)
        assert status == 2
        assert match in err[-1]
        assert not [line for line in err if "goes on from there" in line]
        assert contents(text.parent) == before
    whole = text.read_bytes()
    text.write_bytes(whole.replace(b"ada", b"max", 1))
    status, _, err = call(*words)
    assert (status, text.read_bytes() == whole) == (2, False)
    assert "expected a translation of this input, found that of another" in err[-1]
    text.write_bytes(whole)
    assert contents(text.parent) == before


def test_what_has_changed_in_the_runs_is_told_too(trained, copied, call, text, monkeypatch):
    """A calibration, how a second run ranks, and the machine, where a run leaves the type to it."""
    reverse, config, cpu = copied.with_name("reverse"), copied / "config.yaml", text.parent / "cpu"
    monkeypatch.setattr(functional, "_CPU", cpu)
    config.write_text(config.read_text().replace("compute_dtype: float32", "compute_dtype: auto"))
    shutil.copytree(trained.path, reverse)
    back = (reverse / "config.yaml").read_text().replace("language: src", "language: x")
    back = back.replace("language: tgt", "language: src").replace("language: x", "language: tgt")
    (reverse / "config.yaml").write_text(back)
    out = text.with_name("out")
    words = ("translate", copied, text, "--output", out, "--rerank", reverse, "--resume")
    words += ("--format", "jsonl")
    write = resumption.PartialOutput.write

    def stop(self, lines, *columns):
        write(self, lines, *columns)
        raise KeyboardInterrupt

    def copy(_, lines, **__):
        return [Translation(line) for line in lines]

    with monkeypatch.context() as patched:
        patched.setattr(resumption.PartialOutput, "write", stop)
        patched.setattr("seq2seq.commands.translate.translate_lines", copy)
        assert call(*words)[0] == 130
    before = contents(text.parent)

    def refused(match):
        status, _, err = call(*words)
        assert (status, contents(text.parent)) == (2, before)
        assert re.search(f"expected a translation with {match} [(]to begin anew", err[-1])

    Calibration((-1.0, 0.0), (0.2, 0.9), 2).save(copied)
    refused('calibration "[0-9a-f]{64}", found null')
    (copied / "calibration.json").unlink()
    changed = back.replace("length_penalty: 0.6", "length_penalty: 1.5")
    (reverse / "config.yaml").write_text(changed)
    refused("rerank.length_penalty 1.5, found 0.6")
    (reverse / "config.yaml").write_text(back)
    functional._multiplies_bfloat16.cache_clear()
    cpu.write_text("flags : amx_bf16\n")
    before = contents(text.parent)
    refused('compute_dtype "bfloat16, float32", found "float32, float32"')


def test_bad_input_ends_it_and_what_is_done_is_kept(trained, call, text, monkeypatch):
    monkeypatch.setattr("seq2seq.commands.translate.Progress", partial(Progress, every=0.0))
    whole, packed = call("translate", trained.path, text)[1], gzip.compress(text.read_bytes())
    text.write_bytes(packed[:-4])
    out = text.with_name("out")
    words = ("translate", trained.path, text, "--output", out, "--resume")
    status, _, err = call(*words)
    kept = f"{out}.part: 8 lines done and kept: the same command goes on from there"
    assert (status, err[-2]) == (2, kept)
    assert err[-1].startswith(f"seq2seq: {text}: expected a whole gzip file, found damage")
    text.write_bytes(packed)
    status, _, err = call(*words)
    assert (status, out.read_text()) == (0, whole)
    assert [line.split("  ")[0] for line in err] == ["translating: 8/9", "translating: 9/9"]


def test_resume_needs_files(trained, call, text):
    for words, match in (
        ((text,), "--resume: expected --output FILE beside it, found none"),
        (
            (text, "--output", "/dev/null"),
            "expected --output FILE beside it, found the device /dev",
        ),
        (("--output", text.with_name("out")), "--resume: expected files, as stdin cannot be read"),
    ):
        status, _, [error] = call("translate", trained.path, "--resume", *words)
        assert status == 2
        assert match in error
    assert names(text.parent) == ["text"]


KILLED = """
import os, signal, sys
from seq2seq.commands import resumption, translate
translate._KEPT_LINES, fsync, moments = 2, os.fsync, iter(range(5))
def kill(descriptor):
    next(moments, None) is None and os.kill(os.getpid(), signal.SIGKILL)
    fsync(descriptor)
os.fsync = kill
from seq2seq.cli import main
main(sys.argv[1:])
"""


def test_a_process_that_is_killed_in_the_middle_of_a_write(trained, call, text):
    out = text.with_name("out")
    words = ("translate", trained.path, text, "--output", out, "--resume", *NBEST)
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", KILLED, *map(str, words)]
    found = subprocess.run(command, env=env, stderr=subprocess.PIPE)
    assert found.returncode == -signal.SIGKILL
    kept = json.loads(out.with_name("out.part.json").read_text())["kept"]
    assert kept["lines"] == 4
    assert out.with_name("out.part").stat().st_size > kept["bytes"]
    copied = shutil.copytree(text.parent, text.parent.parent / "copied")
    assert call(*words)[0] == 0
    assert out.read_text() == call("translate", trained.path, text, *NBEST)[1]
    other = ("translate", trained.path, copied / "text", "--output", copied / "out", "--resume")
    assert call(*other)[0] == 2
