"""The demonstration's output, after one update of a tiny model and with translations put in."""

import io
import json
import shlex
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from seq2seq.cli import main
from seq2seq.commands import demo
from seq2seq.data.phrasebook import PhrasePair, ambiguous
from seq2seq.options import grammar
from seq2seq.run_directory import RunDirectory

RECIPE = Path(__file__).parent.parent / "configs/demo.yaml"
TINY = (
    "--vocabulary.size=200",
    "--model.encoder_layers=1",
    "--model.decoder_layers=1",
    "--model.width=8",
    "--model.heads=2",
    "--model.feed_forward_width=8",
    "--training.steps=1",
    "--training.warmup_steps=1",
    "--training.validation_sentences=0",
    "--training.best_metric=loss",
    "--training.compute_dtype=float32",
    "--data.max_length=80",
    "--data.source_row_length=80",
    "--data.target_row_length=80",
)
TEST = [PhrasePair("The dog sleeps now.", "Der Hund schläft jetzt.")] * 3


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What the demonstration prints, its run, and the ambiguous sentences; the first one is wrong.

    The sentences of the minimal pairs shown are all that is trained on, translated and drawn.
    """
    folder, every = tmp_path_factory.mktemp("demo"), dict.fromkeys(ambiguous(), 0.0)
    pairs = [pair for word in demo._SHOWN for pair in demo._minimal_pair(word, every)]
    for language, texts in (("en", [x.source for x in pairs]), ("de", [x.target for x in pairs])):
        (folder / f"text.{language}").write_text("".join(f"{x}\n" for x in texts), "utf-8")
    answers = {pair.source: pair.target for pair in (*pairs, *TEST)} | {pairs[0].source: "Nichts."}
    run, text = folder / "run", folder / "text.{lang}"
    data = [f"--data.{key}={text}" for key in ("train", "validation", "test")]
    words = ("demo", "--config", str(RECIPE), f"--run={run}", f"--data.cache={folder / 'cache'}")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out:
        patch.setattr(demo, "ambiguous", lambda: pairs)
        patch.setattr(demo, "split", lambda name: {"test": TEST}[name])
        patch.setattr(demo, "translated", lambda _, sources: [answers[x] for x in sources])
        with pytest.raises(SystemExit) as end:
            main([*words, *data, *TINY])
    assert end.value.code == 0
    return out.getvalue().splitlines(), run, pairs


def test_the_demonstration_shows_scores_samples_and_what_to_do_next(shown):
    lines, run, pairs = shown
    right, count = len(pairs) - 1, len(pairs)
    assert lines[0] == f"trained to step 1 of 1: {run}"
    [scores] = [line for line in lines if line.startswith("test set, ")]
    assert scores.startswith("test set, 3 unseen sentences: BLEU 100.0 (nrefs:1|case:mixed|")
    share = f"{right} of {count} ({100 * right / count:.1f} %)"
    assert f"ambiguous words in the right sense: {share}" in lines
    for number, pair in enumerate(pairs):
        place = lines.index(f"    {pair.source}")
        mark, text = ("ok", pair.target) if number else (f"wrong, not {pair.sense}", "Nichts.")
        assert lines[place - 1] == f"  {pair.word} + {pair.decider}: {mark}"
        assert lines[place + 1] == f"    {text}"
    assert {pair.word for pair in pairs} == set(demo._SHOWN)
    kept = json.loads(RunDirectory.open(run).results.read_text())
    assert kept["ambiguous words"] == {"right": pytest.approx(100 * right / count)}
    assert kept["test"]["1"]["bleu"]["score"] == pytest.approx(100)
    assert kept["deciding words"]["encoder"]["sentences"] == count


@pytest.mark.parametrize("word", demo._DRAWN)
def test_what_is_drawn_shows_best_in_its_weaker_sentence(word):
    every = [p for p in ambiguous() if p.word == word and demo._SHOWN[word] in p.source]
    first, second, third = list(dict.fromkeys(pair.group for pair in every))[:3]
    weights = dict.fromkeys(ambiguous(), 0.0)
    for group, values in ((first, (1.0, 0.1)), (second, (0.4, 0.3)), (third, (0.2, 0.9))):
        members = [pair for pair in weights if pair.group == group]
        weights |= zip(members, [*values, *[1.0] * 9], strict=False)
    assert {pair.group for pair in demo._minimal_pair(word, weights)} == {second}


def test_the_demonstration_ends_with_its_files_and_with_commands_that_exist(shown):
    lines, run, _ = shown
    end = lines[lines.index("Try next:") - 2 :]
    assert end[0] == f"The run lies in {run}; learning curve: {run / 'learning_curve.png'}"
    assert (run / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    for word in demo._DRAWN:
        assert f"attention_{word}" in end[1]
        assert (run / f"attention_{word}.png").read_bytes().startswith(b"\x89PNG")
        assert '"sentence":"' in (run / f"attention_{word}.html").read_text("utf-8")
    commands = [line.rpartition("| ")[2].strip() for line in end if "seq2seq " in line]
    parsed = [grammar.parse(shlex.split(command)[1:]) for command in commands]
    names = [arguments.command for arguments, _ in parsed]
    assert names == ["translate", "attention", "evaluate", "describe"]
    assert all(str(run) in command for command in commands)
    assert "docs/quick_start.md" in end[-1]
