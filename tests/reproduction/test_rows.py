"""Choosing the rows, and what the command line changes in all of them."""

from pathlib import Path

import pytest

from seq2seq.errors import UserError
from seq2seq.reproduction import rows
from seq2seq.reproduction.table3 import ROWS

TABLE3 = Path(__file__).parent.parent.parent / "configs" / "table3"


def test_all_rows_come_in_the_tables_order() -> None:
    assert rows.chosen(TABLE3, None) == list(ROWS)


@pytest.mark.parametrize(
    ("patterns", "wanted"),
    [
        (["big", "base"], ["base", "big"]),
        (["a_*", "e_learned"], ["a_h1", "a_h4", "a_h16", "a_h32", "e_learned"]),
        (["c_n?", "c_n4"], ["c_n2", "c_n4", "c_n8"]),
    ],
)
def test_rows_by_name_and_pattern(patterns: list[str], wanted: list[str]) -> None:
    assert rows.chosen(TABLE3, patterns) == wanted


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("a_h2", "did you mean 'a_h"),
        ("e_learnd", "did you mean 'e_learned'"),
        ("x*", "known: base,"),
    ],
)
def test_an_unknown_row_is_one_line_with_the_nearest(pattern: str, hint: str) -> None:
    with pytest.raises(UserError, match=f"--rows: expected rows of .*found '.*{hint}") as caught:
        rows.chosen(TABLE3, ["base", pattern])
    assert "\n" not in str(caught.value)


def test_a_folder_without_recipes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--configs: expected a folder with the recipes"):
        rows.chosen(tmp_path / "none", None)


def test_rows_of_ones_own_follow_those_of_the_table(tmp_path: Path) -> None:
    for name in ("mine", "big", "base"):
        (tmp_path / f"{name}.yaml").touch()
    assert rows.names(tmp_path) == ["base", "big", "mine"]


def test_every_row_has_the_changes_and_a_run_of_its_own(tmp_path: Path) -> None:
    words = ["--training.batch_tokens=512", "--data.validation=phrasebook://validation"]
    loaded = rows.load(TABLE3, tmp_path, words, steps=7)
    assert [row.name for row in loaded] == list(ROWS)
    for row in loaded:
        assert row.run == tmp_path / row.name
        assert (row.config.training.steps, row.config.training.batch_tokens) == (7, 512)
        assert row.config.data.validation[0].phrasebook == "validation"
        assert row.config.data.train[0].hub == "wmt/wmt14"
    dropout = {row.name: row.config.model.dropout for row in loaded}
    others = {dropout[name] for name in ROWS.keys() - {"d_drop0", "d_drop02", "big"}}
    assert (dropout["d_drop0"], dropout["d_drop02"], dropout["big"], others) == (0, 0.2, 0.3, {0.1})


def test_corpora_and_vocabulary_of_another_recipe(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "data:\n  source_language: x\n  train: a.{lang}\n  max_length: 20\n"
        "  validation: [b.tsv, {path: c.tsv, weight: 2}]\n"
        "vocabulary: {size: 90}\ntraining: {steps: 3}\n"
    )
    words = ["--vocabulary.kind=unigram"]
    row = rows.load(TABLE3, tmp_path, words, data=tmp_path / "own.yaml")[-1]
    data, vocabulary = row.config.data, row.config.vocabulary
    assert (data.source_language, data.train[0].path, data.max_length) == ("x", "a.{lang}", 20)
    assert [(c.path, c.weight) for c in data.validation] == [("b.tsv", 1.0), ("c.tsv", 2.0)]
    assert (data.test, data.drop_duplicates, data.source_row_length) == ((), True, 128)
    assert (vocabulary.size, vocabulary.kind) == (90, "unigram")
    assert (row.config.training.steps, row.config.model.width) == (300_000, 1024)


def test_widths_shrink_by_a_factor_and_nothing_else_does(tmp_path: Path) -> None:
    as_they_are, small = (
        {row.name: row.config.model for row in rows.load(TABLE3, tmp_path, [], shrink=by)}
        for by in (1, 8)
    )
    for name, model in small.items():
        widths = ("width", "feed_forward_width", "head_key_width", "head_value_width")
        assert all(getattr(as_they_are[name], w) == 8 * getattr(model, w) for w in widths), name
    kept = {**vars(as_they_are["c_n8"]), "width": 64, "feed_forward_width": 256}
    assert vars(small["c_n8"]) == kept
    only = {"shrink": 8, "wanted": ["base"]}
    [base, *_] = rows.load(TABLE3, tmp_path, ["--model.width=32"], **only)
    assert base.config.model.width == 32


def test_a_factor_must_divide_every_width(tmp_path: Path) -> None:
    wanted = r"^--shrink: expected a divisor of 512, the model\.width of .*base\.yaml, found 5$"
    with pytest.raises(UserError, match=wanted):
        rows.load(TABLE3, tmp_path, [], shrink=5)


def test_a_factor_that_suits_the_rows_that_are_wanted_is_enough(tmp_path: Path) -> None:
    found = [row.name for row in rows.load(TABLE3, tmp_path, [], shrink=32, wanted=["base"])]
    assert "base" in found
    assert not {"a_h32", "b_dk16"} & set(found)  # with heads of half a number
    wanted = (
        r"^--shrink: 32 does not suit row a_h32: .*model\.heads: expected a divisor of .* \(16\)"
    )
    with pytest.raises(UserError, match=wanted):
        rows.load(TABLE3, tmp_path, [], shrink=32, wanted=["a_h32"])


@pytest.mark.parametrize(
    ("word", "row", "key"),
    [
        ("--model.dropout=0.3", "d_drop0", "model.dropout"),
        ("--model.encoder_layers=1", "c_n2", "model.encoder_layers"),
        ("--training.label_smoothing=0", "d_ls02", "training.label_smoothing"),
        ("--model={heads: 2}", "a_h16", "model.heads"),
    ],
)
def test_what_makes_a_row_is_not_changed(tmp_path: Path, word: str, row: str, key: str) -> None:
    option = word.partition("=")[0]
    text = f"{option}: expected a key that no row is made by, found {key}, which makes row {row}"
    with pytest.raises(UserError, match=f"^{text}$"):
        rows.load(TABLE3, tmp_path, [word], wanted=["base", row])
    others = rows.load(TABLE3, tmp_path, [word], wanted=["base"])
    assert row not in [other.name for other in others]


def test_a_row_must_have_something_to_be_measured_on(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"base: data\.validation: expected a corpus"):
        rows.load(TABLE3, tmp_path, ["--data.validation=[]"])
