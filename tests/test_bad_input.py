"""Every mistake is one line that says what and where, status 2, and nothing is half-written."""

import errno
import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from seq2seq.cli import main
from seq2seq.commands.console import use_compilation_cache
from seq2seq.run_directory import RunDirectory


@pytest.fixture
def fails(capsys):
    """Runs a command that must fail; checks its status and its one line, and returns the line."""

    def run(*words, match, lines=1):
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert end.value.code == 2, err
        assert out == ""
        *before, last = err.splitlines()
        assert len(before) < lines or lines == 0, err
        assert last.startswith("seq2seq: ")
        assert re.search(match, last), last
        return last

    return run


@pytest.fixture
def recipe(reversal, tmp_path):
    """The words that train the small task in a run that is not there yet."""
    return ["train", "--config", reversal / "reversal.yaml", f"--run={tmp_path / 'run'}"]


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("trian", r"trian: unknown command \(did you mean 'train'\?\).*seq2seq --help"),
        ("--hlep", r"--hlep: unknown option of seq2seq \(did you mean '--help'\?\)"),
        ("train", r"expected --config RECIPE, found none \(see seq2seq train --help\)"),
        ("train --confg x", r"--confg: unknown option of seq2seq train \(did you mean '--config'"),
        ("train --config", r"--config: expected one argument"),
        ("train --config {recipe} more", r"more: seq2seq train takes no such word"),
        ("train --config {folder}/revesal.yaml", r"nothing \(did you mean '.*/reversal.yaml'\?\)"),
        ("train --config confgs/demo.yaml", r"found nothing \(did you mean 'configs/demo.yaml'"),
        ("train --config demoo", r"demoo: expected a recipe, found nothing.*'configs/demo.yaml'"),
        ("train --config {folder}", r"cannot be read: Is a directory"),
        ("train --config {folder}/train.src", r"train.src.*: (not valid YAML|expected sections)"),
        ("describe", r"expected RUN or --config RECIPE, found none"),
        ("describe {run} --config {recipe}", r"expected RUN or --config RECIPE, found both"),
        ("describe {recipe}", r"expected the folder of a run; of a recipe: --config .*reversal"),
        ("reproduce table3 --output {recipe}", r"--output: expected a folder, found the file .*l"),
        ("evaluate {run} --metrics blue", r"--metrics: .*bleu, chrf, ter, found 'blue' \(did you"),
        ("evaluate {run} --mertics bleu", r"--mertics: unknown option.*did you mean '--metrics'"),
        ("evaluate {run} --split tset", r"--split: .*'tset' \(did you mean 'test'\?\)"),
        ("evaluate {run} --source x", r"--source: expected --source and --reference together"),
        ("evaluate {run} --split test --source x --reference y", r"--split: .*found both"),
        ("evaluate {run} --output no/where", r"no/where: .*expected a folder .*/no, found nothing"),
        ("evaluate", r"expected RUN, found none \(see seq2seq evaluate --help\)"),
        ("evaluate {run} {run}x", r"runx: expected a run directory.*found nothing \(did you mean"),
        ("evaluate {run} --significance", r"--significance: expected two runs or more, found one"),
        (
            "evaluate {run} {run} --significance bootstrp",
            r"--significance: .*bootstrap, randomization, found 'bootstrp' \(did you mean 'boot",
        ),
        ("evaluate {run} {run} --trials 9", r"--trials: expected --significance beside it"),
        (
            "evaluate {run} {run} --significance --trials 0",
            r"--trials: expected a whole number from 1, found '0'",
        ),
        (
            "evaluate {run} {run} --output x",
            r"--output: expected a single run beside it, found 2",
        ),
        ("evaluate {run} --tokenized", r"--tokenized: unknown .*did you mean '--tokenised'"),
        ("translate", r"expected RUN, found none \(see seq2seq translate --help\)"),
        (
            "translate {run}s",
            r"runs: expected a run directory.*found nothing \(did you mean '.*run'",
        ),
        ("translate {folder}", r"expected a run directory.*found another folder"),
        ("translate {recipe}", r"expected a run directory.*found a file"),
        ("translate {run} nofile", r"nofile: expected a text file, found nothing"),
        ("translate {run} {folder}", r"expected a text file, found a folder"),
        ("translate {run} --output {folder}", r"expected a file to write, found a folder"),
        ("translate {run} --checkpoint 7", r"best, latest, averaged or one of 60, 120, found 7"),
        ("translate {run} --checkpoint bets", r"--checkpoint: .*'bets' \(did you mean 'best'\?\)"),
        ("translate {run} --decoding.beamsize=2", r"--decoding.beamsize: .*'decoding.beam_size'"),
        ("translate {run} --decoding.beam_size=0", r"--decoding.beam_size: .*at least 1, found 0"),
        ("translate {run} --training.steps=2", r"--training.steps: expected a key of decoding"),
        ("translate {run} --beam 8", r"--beam: unknown .*\(did you mean '--decoding.beam_size'\?"),
        ("translate {run} --seed 3", r"--seed: unknown .*\(did you mean '--decoding.seed'\?\)"),
        ("translate {run} --n_best 3", r"--n_best: unknown .*\(did you mean '--n-best'\?\)"),
        ("train --config x --steps 3", r"--steps: unknown .*\(did you mean '--training.steps'\?"),
        ("average {run} --seed 3", r"--seed: unknown option of seq2seq average"),
        ("translate {run} --ensemble {run}@7", r"--ensemble .*run: expected best, .*120, found 7"),
        ("translate {run} --rerank {run}@7", r"--rerank .*run: expected best, .*120, found 7"),
        ("translate {run} --ban Ada", r"--ban: Ada: expected a text file, found nothing"),
        ("translate {run} --output {folder}/x.gz", r"x.gz: expected a name without .gz"),
        (
            "translate {run} --decoding.top_k=2",
            r"decoding.top_k: expected decoding.sampling or mbr",
        ),
        ("translate {run} --decoding.min_p=0.1", r"--decoding.min_p: .*beside it, found 0.1"),
        (
            "translate {run} --decoding.sampling=true --decoding.diversity=1",
            r"--decoding.diversity: expected 0 beside decoding.sampling or mbr, found 1",
        ),
        (
            "translate {run} --decoding.seed=4294967296",
            r"--decoding.seed: expected a whole number from 0 to 4294967295, found 4294967296",
        ),
        ("train --config {recipe} --training.seed=-1", r"--training.seed: .*from 0 to 42949"),
        (
            "translate {run} --decoding.min_length_ratio=.inf",
            r"--decoding.min_length_ratio: expected a finite number, found inf",
        ),
        (
            "translate {run} --decoding.max_length_ratio=0",
            r"--decoding.max_length_ratio: expected a number above 0, found 0",
        ),
        (
            "translate {run} --decoding.max_length_ratio=0.5 --decoding.min_length_ratio=0.6",
            r"min_length_ratio: expected at most decoding.max_length_ratio \(0.5\), found 0.6",
        ),
        (
            "translate {run} --rerank {run} --decoding.beam_size=1",
            r"--rerank: expected decoding.beam_size of 2 or more to choose from, found 1",
        ),
        (
            "translate {run} --rerank {run} --decoding.sampling=true",
            r"--rerank: expected decoding.n_best of 2 or more to choose from, found 1",
        ),
        (
            "translate {run} --decoding.max_source_length=1",
            r"--decoding.max_source_length: expected at least 2, found 1",
        ),
        (
            "score {run} --source x --target y --decoding.lenght_penalty=1",
            r"--decoding.lenght_penalty: .*\(did you mean 'length_penalty'\?\)",
        ),
        ("attention {run} --output x.png", r"expected SENTENCE, found none \(see seq2seq attent"),
        ("attention {run} ada", r"expected --output FILE, found none"),
        ("attention {run} ada bea --output x.png", r"bea: seq2seq attention takes no such word"),
        ("attention {run} ada --output x.jpg", r"--output: .*ends in .png or .html, found x.jpg"),
        ("attention {run} ada --output x", r"--output: .*ends in .png or .html, found x"),
        ("attention {run} ada --output no/x.png", r"no/x.png: cannot be written: .*found nothing"),
        ("attention {run} ada --output x.png --layer 2", r"--layer: .*from 1 to 1, found 2"),
        ("attention {run} ada --output x.png --head 1 3", r"--head: .*from 1 to 2, found 3"),
        (
            "attention {run} ada --output x.png --head 0",
            r"--head: expected a whole number from 1.*'0'",
        ),
        ("attention {run} ada --output x.png --kind crss", r"--kind: .*did you mean 'cross'\?"),
        ("attention {run}s ada --output x.png", r"runs: expected a run directory"),
    ],
)
def test_words(fails, trained, reversal, words, match, monkeypatch):
    """Mistakes in the words are answered before anything is computed."""
    monkeypatch.chdir(Path(__file__).parent.parent)
    monkeypatch.setattr("seq2seq.commands.console.cache_folder", None)
    places = {"run": trained.path, "folder": reversal, "recipe": reversal / "reversal.yaml"}
    fails(*(word.format(**places) for word in words.split()), match=match)


@pytest.mark.parametrize(
    ("word", "match"),
    [
        (
            "--training.stpes=5",
            r"--training.stpes: unknown key \(did you mean 'training.steps'\?\)",
        ),
        ("--trainng.steps=5", r"--trainng.steps: unknown section \(did you mean 'training'\?\)"),
        ("--training.width=5", r"--training.width: unknown key \(did you mean 'model.width'\?\)"),
        ("--training.steps", r"--training.steps: expected a value, found none"),
        ("--training.steps=many", r"--training.steps: expected int, found 'many'"),
        ("--model.heads=3", r"--model.heads: expected a divisor of model.width \(32\).*found 3"),
        ("--model.norm=psot", r"--model.norm: expected post or pre, found 'psot' \(did you mean"),
        ("--data.max_length=99", r"data.source_row_length: expected at least .*99.*found 32"),
        ("--vocabulary.size=5000", r"vocabulary.size: expected at most \d+, .*found 5000"),
        ("--vocabulary.size=12", r"vocabulary.size: expected at least \d+, .*found 12"),
        ("--data.train=no.{lang}", r"no.src: no such file"),
        ("--data.train={tmp}/uneven.{lang}", r"found 2 in .*uneven.src and 3 in .*uneven.tgt"),
        ("--data.train={tmp}/empty.{lang}", r"empty.src: expected lines of text, found an empty"),
        ("--data.train={tmp}/binary.{lang}", r"binary.src: expected UTF-8 text, found a binary"),
        ("--data.train={tmp}/latin.{lang}", r"latin.src:2: expected UTF-8, found byte 0xe9"),
        ("--data.train={tmp}/cut.{lang}.gz", r"cut.src.gz: expected a whole gzip file"),
    ],
)
def test_configs_and_corpora(fails, recipe, tmp_path, word, match):
    files = {"uneven": (b"a\nb\n", b"a\nb\nc\n"), "empty": (b"", b"a\n")}
    files |= {"binary": (b"\x7fELF\0\1\n", b"a\n"), "latin": (b"a\n\xe9t\xe9\n", b"a\nb\n")}
    for name, contents in files.items():
        for language, content in zip(("src", "tgt"), contents, strict=True):
            (tmp_path / f"{name}.{language}").write_bytes(content)
    for language in ("src", "tgt"):
        (tmp_path / f"cut.{language}.gz").write_bytes(b"\x1f\x8b\x08\0\0\0")
    before = sorted(tmp_path.iterdir())
    fails(*recipe, f"--data.cache={tmp_path}", word.replace("{tmp}", str(tmp_path)), match=match)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("texts", "match"),
    [
        (("",), r"SENTENCE: expected words, found none"),
        (("ada", "--target", " "), r"--target: expected words, found none"),
        (("ada " * 600,), r"the sentence: expected at most 511 pieces, found 6\d\d"),
        (("漢",), r"the sentence: expected words of the vocabulary, found none that it knows"),
    ],
)
def test_sentences_of_which_there_is_no_picture(fails, trained, tmp_path, texts, match):
    for name in ("a.png", "a.html"):
        words = ("attention", trained.path, *texts, "--output", tmp_path / name)
        fails(*words, match=match, lines=0)
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_in_a_recipe_is_told_with_its_line(fails, tmp_path):
    (tmp_path / "my.yaml").write_text("model:\n  width: 64\n  haeds: 4\n")
    where = re.escape(str(tmp_path / "my.yaml"))
    match = rf"{where}:3: model.haeds: unknown key \(did you mean 'model.heads'\?\)"
    fails("train", "--config", tmp_path / "my.yaml", match=match)


def test_evaluate_needs_as_many_references_as_sources(fails, trained, tmp_path):
    (tmp_path / "a").write_text("ada\n" * 3)
    (tmp_path / "b").write_text("ada\n" * 2)
    words = (
        "--source",
        tmp_path / "a",
        "--reference",
        tmp_path / "b",
        "--output",
        tmp_path / "out",
    )
    fails("evaluate", trained.path, *words, match=r"found 3 in .*/a and 2 in .*/b")
    assert not (tmp_path / "out").exists()


def test_runs_are_compared_on_the_same_sentences(fails, trained, copied):
    config = copied / "config.yaml"
    text = config.read_text()
    before, key, after = text.partition("  test:\n")
    config.write_text(before + key + after.replace("valid.{lang}", "train.{lang}", 1))
    match = r"copy: expected the 'test' sentences of .*run, found others: .*--source and --ref"
    fails("evaluate", trained.path, copied, match=match)
    config.write_text(before + "  test: []\n" + after.partition("\n")[2])
    fails("evaluate", trained.path, copied, match=r"--split: expected one of validation, or ")


def test_a_seed_for_significance(fails, trained, copied, monkeypatch):
    monkeypatch.setenv("SACREBLEU_SEED", "many")
    words = ("evaluate", trained.path, copied, "--significance")
    match = r"SACREBLEU_SEED: expected a whole number from 1, or none, found 'many'"
    fails(*words, match=match)


def test_a_run_without_a_checkpoint(fails, copied):
    shutil.rmtree(copied / "checkpoints")
    for command in ("translate", "evaluate"):
        fails(command, copied, match=r"copy: expected a trained run, found no checkpoint yet")


def test_a_run_that_another_process_uses(fails, trained):
    code = f"""if True:
        import fcntl, os, sys
        file = open({str(trained.path / ".lock")!r}, "a+")
        fcntl.flock(file, fcntl.LOCK_EX)
        os.write(file.fileno(), b"process 123 on elsewhere")
        print(flush=True)
        sys.stdin.read()
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as other:
        other.stdout.readline()
        match = r"run: in use by process 123 on elsewhere: wait until it ends$"
        fails(*trained.words, match=match)
        other.stdin.close()
    with (trained.path / ".lock").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.truncate(0)


def test_a_run_keeps_its_config(fails, trained):
    match = r"run: model.heads is 2 in this run, 4 in the config: go on with the same config"
    fails(*trained.words, "--model.heads=4", match=match)


def test_a_run_keeps_its_vocabulary(fails, copied, reversal, tmp_path):
    """The same recipe over other text would give each piece another meaning, silently."""
    config = copied / "config.yaml"
    for language in ("src", "tgt"):
        text = (reversal / f"train.{language}").read_text()
        (tmp_path / f"train.{language}").write_text(text.replace("ada", "zoe"))
    config.write_text(config.read_text().replace(str(reversal / "train"), str(tmp_path / "train")))
    before = (copied / "vocabulary" / "pieces.json").read_bytes()
    words = ("--config", config, f"--run={copied}", f"--data.cache={tmp_path / 'cache'}")
    match = "expected the training text that this run began with, found another one"
    fails("train", *words, match=match)
    assert (copied / "vocabulary" / "pieces.json").read_bytes() == before


def test_a_checkpoint_of_another_shape(fails, copied):
    config = copied / "config.yaml"
    config.write_text(config.read_text().replace("\n  width: 32", "\n  width: 64"))
    match = r"checkpoint of another shape: \S+ is \(.*\) in the checkpoint, \(.*\) in the model"
    fails("translate", copied, match=match)


def test_a_damaged_checkpoint_gives_way_to_the_one_before(fails, copied, capsys, tmp_path):
    def damage(step):
        files = [
            path for path in (copied / "checkpoints" / step / "params").rglob("*") if path.is_file()
        ]
        largest = max(files, key=lambda path: path.stat().st_size)
        largest.write_bytes(largest.read_bytes()[:-1] + b"?")

    (tmp_path / "text").write_text("ada bea\n")
    damage("120")
    with pytest.raises(SystemExit) as end:
        main(["translate", str(copied), str(tmp_path / "text"), "--checkpoint", "latest"])
    out, err = capsys.readouterr()
    assert (end.value.code, out.count("\n")) == (0, 1)
    assert re.search(r"warning: .*/120/.*: damaged.*; going back to checkpoint 60", err)
    damage("60")
    words = ("translate", copied, tmp_path / "text", "--output", tmp_path / "out")
    fails(*words, match="every checkpoint is damaged", lines=2)
    assert not (tmp_path / "out").exists()


def test_a_damaged_vocabulary(fails, copied):
    (copied / "vocabulary" / "pieces.json").write_text('{"symbols": {')
    fails("translate", copied, match=r"vocabulary: expected a vocabulary, found damage")
    (copied / "vocabulary" / "pieces.json").unlink()
    fails("translate", copied, match=r"pieces.json: expected a vocabulary, found no file")


LONG = "x" * 300
"""A name that no file can have."""


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("train --config {long}.yaml", r"x.yaml: File name too long"),
        ("train --config {recipe} --run={long}", r"xx: .*File name too long"),
        ("train --config {recipe} --run=/proc/none/run", r"/proc/none: No such file"),
        (
            "train --config {recipe} --run=x --data.train={long}.{{lang}}",
            r"x.src: cannot be read: Fi",
        ),
        (
            "train --config {recipe} --run=x --data.train={file}/y.{{lang}}",
            r"y.src: cannot be read: N",
        ),
        (
            "train --config {recipe} --run=x --data.train={file}/y.tsv",
            r"y.tsv: cannot be read: Not a",
        ),
        (
            "train --config {recipe} --run=x --data.train={loop}.{{lang}}",
            r"p.src: cannot be read: Too",
        ),
        ("train --config {recipe} --run=x --data.cache={long}", r"xx/\w+: File name too long"),
        (
            "prepare --config {recipe} --data.cache={file}/a/b/c",
            r"/a/b/c: cannot be written to: Not a",
        ),
        ("translate {long}", r"x.*: File name too long"),
        ("translate {run} {long}", r"xx: .*File name too long"),
        ("translate {run} {text} --output {long}", r"xx: .*File name too long"),
        ("translate {run} {text} --output {file}/x", r"file/x: .*expected a folder .*found a file"),
        ("translate {run} {text} --prefix {long}", r"xx: .*File name too long"),
        ("score {run} --source {text} --target {long}", r"xx: .*File name too long"),
        ("evaluate {run} --output {long}", r"xx: .*File name too long"),
        ("evaluate {run} --source {long} --reference {text}", r"xx: .*File name too long"),
        ("attention {run} ada --output {long}.png", r"xx.png: .*File name too long"),
        ("average {long} --last 2", r"x.*: File name too long"),
        ("describe {long}", r"x.*: File name too long"),
        ("demo --config {long}", r"xx: File name too long"),
        ("reproduce table3 --configs {long}", r"xx: .*File name too long"),
        ("reproduce table3 --configs {recipe} --data {long}", r"xx: File name too long"),
    ],
)
def test_files_that_cannot_be(fails, trained, reversal, tmp_path, monkeypatch, words, match):
    """What the system says of a file is told in one line, whatever command meets it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way\n")
    for language in ("src", "tgt"):
        (tmp_path / f"loop.{language}").symlink_to(f"loop.{language}")
    places = {"run": trained.path, "recipe": reversal / "reversal.yaml", "long": LONG}
    places |= {"text": reversal / "valid.src", "file": tmp_path / "file", "loop": "loop"}
    before = sorted(tmp_path.iterdir())
    fails(*(word.format(**places) for word in words.split()), match=match)
    assert sorted(tmp_path.iterdir()) == before


def test_a_home_that_cannot_be_made(fails, recipe, tmp_path, monkeypatch):
    """No corpus can be kept there, but programs are compiled just as well."""
    (tmp_path / "file").write_text("ada bea\n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "home" / ".cache"))
    match = r"/file/home/.cache/seq2seq: cannot be written to: Not a directory \(data.cache\)"
    fails(*recipe, "--data.cache=null", match=match)
    assert not (tmp_path / "run").exists()
    before = jax.config.jax_compilation_cache_dir
    use_compilation_cache()
    assert jax.config.jax_compilation_cache_dir == before


def forbidding(monkeypatch, method, folder):
    """Lets the system refuse what is below a folder: root itself is refused nothing."""
    allowed = getattr(os, method)

    def refuse(path, *rest, **options):
        if not isinstance(path, int) and Path(os.fsdecode(path)).is_relative_to(folder):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return allowed(path, *rest, **options)

    monkeypatch.setattr(os, method, refuse)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("train --config {closed}/x.yaml", r"x.yaml: Permission denied"),
        ("train --config {recipe} --run={closed}/run", r"closed/run.*: Permission denied"),
        (
            "train --config {recipe} --data.train={closed}/x.{{lang}}",
            r"x.src: cannot be read: Perm",
        ),
        ("translate {closed}/run", r"closed/run.*: Permission denied"),
        ("translate {run} {closed}/x", r"closed/x: Permission denied"),
        ("translate {run} {text} --output {closed}/x", r"closed/x: Permission denied"),
    ],
)
def test_folders_that_are_closed(fails, trained, reversal, tmp_path, monkeypatch, words, match):
    (tmp_path / "closed").mkdir()
    places = {"run": trained.path, "recipe": reversal / "reversal.yaml"}
    places |= {"text": reversal / "valid.src", "closed": tmp_path / "closed"}
    forbidding(monkeypatch, "stat", tmp_path / "closed")
    fails(*(word.format(**places) for word in words.split()), match=match)


def test_checkpoints_that_are_closed(fails, copied, monkeypatch):
    forbidding(monkeypatch, "listdir", copied / "checkpoints")
    for command in ("translate", "evaluate"):
        fails(command, copied, match=r"checkpoints: cannot be read: Permission denied")


@pytest.mark.parametrize("name", ["pieces.json", "sentencepiece.model"])
def test_a_vocabulary_that_cannot_be_read(fails, copied, name):
    (copied / "vocabulary" / name).unlink()
    (copied / "vocabulary" / name).mkdir()
    fails("translate", copied, match=rf"vocabulary/{name}: cannot be read: Is a directory")


def test_an_output_may_have_the_longest_name(trained, call, tmp_path):
    (tmp_path / "text").write_text("ada bea\n")
    target = tmp_path / ("x" * 255)
    assert call("translate", trained.path, tmp_path / "text", "--output", target)[0] == 0
    assert target.read_text().count("\n") == 1


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("function", "match"),
    [
        ("seq2seq.data.storage.PairWriter.append", r"no space left on this disk \(data.cache\)"),
        ("seq2seq.vocabulary.Vocabulary.save", r"no space left on this disk \(data.cache\)"),
        ("seq2seq.run_directory.RunDirectory._write_config", r"run: no space left on the disk"),
        ("orbax.checkpoint.CheckpointManager.save", r"checkpoints: no space left on the disk"),
    ],
)
def test_no_space_left(fails, recipe, tmp_path, monkeypatch, function, match):
    cache = tmp_path / "cache"
    monkeypatch.setattr(function, full)
    words = (f"--data.cache={cache}", "--training.validation_sentences=0")
    fails(*recipe, *words, "--training.best_metric=loss", match=match, lines=0)
    assert all(not path.name.startswith(".") for path in cache.iterdir())
    assert (
        not (tmp_path / "run" / "config.yaml").exists()
        or RunDirectory.open(tmp_path / "run").steps() == []
    )


def test_no_space_left_for_translations(fails, trained, tmp_path, monkeypatch):
    (tmp_path / "text").write_text("ada bea\n")
    fails(
        "translate",
        trained.path,
        tmp_path / "text",
        "--output",
        "/dev/full",
        match="No space",
        lines=0,
    )
    monkeypatch.setattr("pathlib.Path.replace", full)
    words = ("translate", trained.path, tmp_path / "text", "--output", tmp_path / "out")
    fails(*words, match=r"out: cannot be written: No space left on device", lines=0)
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_no_space_left_on_stdout(trained, tmp_path):
    (tmp_path / "text").write_text("ada bea\n")
    env = os.environ | {"XLA_FLAGS": os.environ["XLA_FLAGS"].partition(" ")[2]}
    env.pop("PYTHONUNBUFFERED", None)
    command = [sys.executable, "-m", "seq2seq", "translate", trained.path, tmp_path / "text"]
    with Path("/dev/full").open("wb") as out:
        found = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, env=env, text=True)
    assert found.returncode == 2
    assert found.stderr.splitlines()[-1] == "seq2seq: stdout: no space left on the disk"


def test_results_that_cannot_be_kept_are_printed_all_the_same(copied, capsys):
    (copied / "results.json").write_text("[]")
    with pytest.raises(SystemExit) as end:
        main(["evaluate", str(copied), "--json"])
    out, err = capsys.readouterr()
    assert end.value.code == 0
    assert out.startswith('{"bleu": {"score": ')
    assert re.search(r"warning: scores not kept: .*results.json: expected a JSON object", err)


def test_hosts_that_cannot_be_found(fails, recipe, monkeypatch):
    def initialize(**_):
        raise ValueError("coordinator_address should be defined.")

    monkeypatch.setattr("jax.distributed.initialize", initialize)
    fails(*recipe, "--distributed", match=r"--distributed: expected a cluster that JAX knows")
