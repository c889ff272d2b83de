"""Recipes: what they make, what the command line changes, and one line for every mistake."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq import recipes
from seq2seq.config import Config, Corpus, DataConfig, ModelConfig, VocabularyConfig
from seq2seq.errors import UserError

Recipe = Callable[..., Config]


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """Writes a recipe as x.yaml in the current directory and loads it."""
    monkeypatch.chdir(tmp_path)

    def load(text: str = "", *overrides: str) -> Config:
        Path("x.yaml").write_text(text, encoding="utf-8")
        return recipes.load(Path("x.yaml"), overrides)

    return load


def failure(recipe: Recipe, text: str = "", *overrides: str) -> str:
    """Returns the error's text, which must be a single line."""
    with pytest.raises(UserError) as caught:
        recipe(text, *overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_empty_recipe_is_the_default_config(recipe: Recipe) -> None:
    assert recipe() == Config(run="runs/x")


def test_values_are_read_by_type(recipe: Recipe) -> None:
    config = recipe(
        "data: {source_language: no, train: [a.tsv]}\n"
        "model: {heads: 4, key_width: null}\n"
        "training: {epsilon: 1e-9, learning_rate: 1, remat: true}\n"
    )
    assert config.data == DataConfig(source_language="no", train=(Corpus(path="a.tsv"),))
    assert config.model == ModelConfig(heads=4)
    assert (config.training.epsilon, config.training.learning_rate) == (1e-9, 1.0)
    assert isinstance(config.training.learning_rate, float)
    assert config.training.remat is True


def test_corpora_in_short(recipe: Recipe) -> None:
    config = recipe(
        "data:\n"
        "  train: [hub://wmt/wmt14, {hub: x/y, hub_config: de-en, weight: 2}]\n"
        "  validation: phrasebook://validation\n"
        "  test: ../t.{lang}.gz\n"
    )
    weighted = Corpus(hub="x/y", hub_config="de-en", weight=2.0)
    assert config.data.train == (Corpus(hub="wmt/wmt14"), weighted)
    assert config.data.validation == (Corpus(phrasebook="validation"),)
    assert config.data.test == (Corpus(path="../t.{lang}.gz"),)


def test_the_command_line_has_the_last_say(recipe: Recipe) -> None:
    words = "--training.steps=100 --model.heads 4 --run=7 --data.train=../x/train.{lang}.gz"
    config = recipe("training: {steps: 5, seed: 3}\ndata: {train: [a.tsv, b.tsv]}", *words.split())
    assert (config.training.steps, config.training.seed) == (100, 3)
    assert (config.model.heads, config.run) == (4, "7")
    assert config.data.train == (Corpus(path="../x/train.{lang}.gz"),)


def test_overrides_of_lists_and_sections(recipe: Recipe) -> None:
    lists = recipe(
        "", "--data.test=[a.tsv, {path: b.tsv, name: b}]", "--data.source_language", "no"
    )
    assert lists.data.test == (Corpus(path="a.tsv"), Corpus(path="b.tsv", name="b"))
    assert lists.data.source_language == "no"
    section = recipe("model: {width: 64}", '--model={"heads": 4}')
    assert (section.model.width, section.model.heads) == (64, 4)
    symbols = recipe("", "--vocabulary.user_defined_symbols=<tag>")
    assert symbols.vocabulary.user_defined_symbols == ("<tag>",)


def test_extends_merges_sections_and_replaces_lists(recipe: Recipe) -> None:
    Path("base").mkdir()
    Path("base/b.yaml").write_text("model: {heads: 4, width: 64}\ndata: {train: [a.tsv, b.tsv]}")
    Path("base/a.yaml").write_text("extends: b.yaml\nrun: runs/of-a\ntraining: {seed: 9}")
    config = recipe("extends: base/a.yaml\nmodel: {heads: 2}\ndata: {train: c.tsv}")
    assert (config.model.heads, config.model.width, config.training.seed) == (2, 64, 9)
    assert config.data.train == (Corpus(path="c.tsv"),)
    assert config.run == "runs/x"


def test_a_circle_of_recipes_is_an_error(recipe: Recipe) -> None:
    Path("y.yaml").write_text("extends: x.yaml")
    assert "extends itself: x.yaml → y.yaml → x.yaml" in failure(recipe, "extends: y.yaml")


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(run="1e-9"),
        Config(
            run="runs/ä b",
            data=DataConfig(
                source_language="no",
                train=(Corpus(path="{lang}.gz"), Corpus(hub="a/b", weight=0.5)),
                test=(Corpus(phrasebook="ambiguous", name="true"),),
            ),
            vocabulary=VocabularyConfig(user_defined_symbols=("<a>", "1", "null", "1_0", "~")),
            model=ModelConfig(norm_epsilon=1e-12, key_width=7),
        ),
    ],
)
def test_dump_gives_an_equal_config_back(tmp_path: Path, config: Config) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(recipes.dump(config), encoding="utf-8")
    assert recipes.load(path) == config


def test_flatten_names_every_leaf() -> None:
    config = replace(Config(), data=DataConfig(train=(Corpus(path="a"), Corpus(path="b"))))
    flat = recipes.flatten(config)
    assert (flat["data.train[1].path"], flat["data.test"], flat["run"]) == ("b", (), None)


MISTAKES = [
    ("training:\n  steps: abc", "x.yaml:2: training.steps: expected int, found 'abc'"),
    ("training:\n  steps: 1.5", "x.yaml:2: training.steps: expected int, found 1.5"),
    ("training:\n  steps: true", "x.yaml:2: training.steps: expected int, found true"),
    ("training:\n  steps:", "x.yaml:2: training.steps: expected int, found null"),
    ("training: {remat: 1}", "training.remat: expected true or false, found 1"),
    ("run: 5", "x.yaml:1: run: expected str or null, found 5"),
    ("model: {norm: prep}", "expected post or pre, found 'prep' (did you mean 'pre'?)"),
    ("model: {heads: 3}", "x.yaml:1: model.heads: expected a divisor of model.width (512)"),
    ("\ntraining:\n  stesp: 3",
     "x.yaml:3: training.stesp: unknown key (did you mean 'training.steps'?"),
    ("training: {beam_size: 3}", "unknown key (did you mean 'decoding.beam_size'?)"),
    ("decoding: {max_extra: 3}", "unknown key (did you mean 'decoding.max_extra_tokens'?)"),
    ("trainig: {steps: 3}", "x.yaml:1: trainig: unknown key (did you mean 'training'?)"),
    ("steps: 3", "unknown key (did you mean 'training.steps'?)"),
    ("decoding: {zzz: 3}", "unknown key (known: beam_size, n_best, length_penalty"),
    ("training: 5", "x.yaml:1: training: expected keys and values, found 5"),
    ("- a", "x.yaml: expected sections and keys, found ['a']"),
    ("a: [1,\nb: 3}", "x.yaml:2: not valid YAML: "),
    ("model: {heads: 2}\nmodel: {heads: 4}", "x.yaml:2: model: written twice, first in x.yaml:1"),
    ("data:\n  train:\n  - a.tsv\n  - pth: b", "x.yaml:4: data.train[1].pth: unknown key (did"),
    ("data:\n  train:\n  - {path: a, hub: b}", "x.yaml:3: data.train[0]: expected one of path"),
    ("data: {train: [{phrasebook: tran}]}", "data.train[0].phrasebook: expected train or"),
    ("data: {train: hubb://x}", "found 'hubb://x' (did you mean 'hub'?)"),
    ("data: {train: foo.txt}", "data.train[0]: expected a path with {lang}"),
    ("vocabulary: {joint: false}", "model.embeddings: expected decoder or separate"),
    ("model: {positions: learned, max_positions: 99}", "max_positions: expected at least 562"),
    ("training: {patience: 2}", "training.patience: expected none, where data.validation is empty"),
    ("training: {r_drop: 5}\nmodel: {dropout: 0}",
     "x.yaml:1: training.r_drop: expected 0 where there is no dropout"),
    ("training: {r_drop: -1}", "x.yaml:1: training.r_drop: expected at least 0, found -1"),
    ("training: {batch_tokens: 9}", "training.batch_tokens: expected at least 128, one row"),
    ("training: {decay: linear, steps: 9}",
     "training.warmup_steps: expected at most training.steps"),
    ("decoding: {min_length: 5, max_length: 3}",
     "x.yaml:1: decoding.min_length: expected at most decoding.max_length (3), found 5"),
    ("decoding: {length_penalty: .inf}",
     "x.yaml:1: decoding.length_penalty: expected a finite number, found inf"),
    ("extends: y.yaml", "y.yaml: no such recipe (did you mean 'x.yaml'?)"),
    ("extends: [a]", "x.yaml:1: extends: expected the path of a recipe, found ['a']"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_mistakes_in_a_file(recipe: Recipe, text: str, message: str) -> None:
    assert message in failure(recipe, text)


WORDS = [
    (["--training.steps=abc"], "--training.steps: expected int, found 'abc'"),
    (["--training.steps", "1e3"], "--training.steps: expected int, found 1000.0"),
    (["--training.beam_size=3"], "--training.beam_size: unknown key (did you mean 'deco"),
    (["--model.heads=5"], "--model.heads: expected a divisor of model.width (512)"),
    (["--model.width=510"], "x.yaml: model.heads: expected a divisor of model.width (510)"),
    (["--model.heads"], "--model.heads: expected a value, found none"),
    (["--model.heads", "--run=x"], "--model.heads: expected a value, found none"),
    (["steps=3"], "steps=3: expected an override such as --training.steps=100"),
    (["--data.train.path=a"], "--data.train.path: unknown key (did you mean 'data.train'?)"),
    (["--data.train=[a.tsv, {hub: b, path: c}]"], "--data.train: data.train[1]: expected one"),
    (["--data.train=[a.{lang}, b.tsv]"], "--data.train: expected a list in YAML, texts that hold"),
    (["--data.train=[a.tsv, b.tsv"], "--data.train: expected a list in YAML, texts that hold"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "message"), WORDS)
def test_mistakes_on_the_command_line(recipe: Recipe, words: list[str], message: str) -> None:
    assert failure(recipe, "data:\n  train: [a.tsv, b.tsv]", *words).startswith(message)


def test_files_that_are_no_recipes(tmp_path: Path) -> None:
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe")
    for path, message in ((binary, "UTF-8"), (tmp_path, "cannot be read: Is a directory")):
        with pytest.raises(UserError, match=message):
            recipes.load(path)


def test_importing_needs_no_jax() -> None:
    code = "import sys, seq2seq.recipes; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
