"""Pairs of strings out of every kind of corpus, and one clear line for every fault."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from seq2seq import recipes
from seq2seq.config import Corpus, DataConfig
from seq2seq.data import corpora
from seq2seq.data.corpora import read_texts
from seq2seq.errors import UserError

CONFIGS = Path(__file__).parent.parent.parent / "configs"
PAIRS = [("A bank.", "Ein Ufer."), ("", "leer"), ("Two\u2028lines", "Zwei\u0085Zeilen"), ("x", "ü")]
SOURCES, TARGETS = ([pair[side] for pair in PAIRS] for side in (0, 1))
DATA = DataConfig()
DROP = DataConfig(undecodable="drop")


def pairs(corpus: Corpus, data: DataConfig = DATA) -> list[tuple[str | None, str | None]]:
    chunks = list(corpora.read(corpus, data))
    return [pair for chunk in chunks for pair in zip(*chunk, strict=True)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_parallel_text(
    tmp_path: Path, pack: Callable[[bytes], bytes], end: bytes, mark: bytes
) -> None:
    source = mark + b"".join(line.encode() + end for line in SOURCES)
    target = b"\n".join(line.encode() for line in TARGETS)
    (tmp_path / "train.en").write_bytes(pack(source))
    (tmp_path / "train.de").write_bytes(target)
    assert pairs(Corpus(path=str(tmp_path / "train.{lang}"))) == PAIRS
    names = {"source": str(tmp_path / "train.en"), "target": str(tmp_path / "train.de")}
    assert pairs(Corpus(**names)) == PAIRS


def test_chunks_keep_order_and_size(
    parallel: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpora, "CHUNK", 3)
    lines = [str(number) for number in range(8)]
    path = parallel("train", lines, lines[::-1]) / "train.{lang}"
    chunks = list(corpora.read(Corpus(path=str(path)), DATA))
    assert [len(chunk.sources) for chunk in chunks] == [3, 3, 2]
    assert pairs(Corpus(path=str(path))) == list(zip(lines, lines[::-1], strict=True))


def test_line_counts_that_differ(
    parallel: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpora, "CHUNK", 2)
    for count in (5, 6, 12):
        folder = parallel("train", ["a"] * 7, ["b"] * count)
        found = rf"found 7 in .*train\.en and {count} in .*train\.de"
        with pytest.raises(UserError, match=f"as many source lines as target lines, {found}"):
            pairs(Corpus(path=str(folder / "train.{lang}")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"train\.en: expected lines of text, found an empty file"),
        (b"\xef\xbb\xbf", "empty file"),
        (b"\x89PNG\r\n\0\0", "expected UTF-8 text, found a binary file"),
        ("a\n".encode("utf-16"), r"binary file \(or UTF-16\)"),
        (gzip.compress(b"a\n" * 9999, mtime=0)[:-12], "expected a whole gzip file, found damage"),
        (gzip.compress(b"", mtime=0)[:2] + b"nonsense", "expected a whole gzip file, found damage"),
        (b"fine\nb\xe4d\n", r"train\.en:2: expected UTF-8, found byte 0xe4 at column 2"),
    ],
)
def test_files_that_are_no_text(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "train.en").write_bytes(content)
    (tmp_path / "train.de").write_bytes(b"a\n" * 2)
    with pytest.raises(UserError, match=message) as raised:
        pairs(Corpus(path=str(tmp_path / "train.{lang}")))
    assert "\n" not in str(raised.value)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.en: no such file"):
        pairs(Corpus(path=str(tmp_path / "none.{lang}")))
    with pytest.raises(UserError, match=r"none\.parquet: no such file"):
        pairs(Corpus(path=str(tmp_path / "none.parquet")))
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        pairs(Corpus(source=str(tmp_path), target=str(tmp_path)))
    with pytest.raises(UserError, match=r"ending in \.tsv, \.jsonl or \.parquet, found 'a\.csv'"):
        pairs(Corpus(path="a.csv"))


def test_invalid_utf8_can_be_dropped(tmp_path: Path) -> None:
    (tmp_path / "train.en").write_bytes(b"a\nb\xff\nc\n")
    (tmp_path / "train.de").write_bytes(b"A\nB\nC\xc3\n")
    corpus = Corpus(path=str(tmp_path / "train.{lang}"))
    assert pairs(corpus, DROP) == [("a", "A"), (None, "B"), ("c", None)]
    with pytest.raises(UserError, match=r"train\.en:2"):
        read_texts(corpus, DROP)


def test_lines_are_counted_over_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "CHUNK", 2)
    good, bad = b"a\tb\n" * 7, b"a\tb\n" * 4 + b"a\t\xff\n" + b"a\tb\n" * 2
    for source, target, name in ((good, bad, "de"), (bad, good, "en")):
        (tmp_path / "x.en").write_bytes(source)
        (tmp_path / "x.de").write_bytes(target)
        with pytest.raises(UserError, match=rf"x\.{name}:5: expected UTF-8"):
            pairs(Corpus(path=str(tmp_path / "x.{lang}")))
    (tmp_path / "x.tsv").write_bytes(bad)
    with pytest.raises(UserError, match=r"x\.tsv:5: expected UTF-8"):
        pairs(Corpus(path=str(tmp_path / "x.tsv")))


def write(path: Path, *lines: str | bytes) -> str:
    path.write_bytes(b"\n".join(x if isinstance(x, bytes) else x.encode() for x in lines) + b"\n")
    return str(path)


def test_tsv(tmp_path: Path) -> None:
    rows = [f"{source}\t{target}\textra" for source, target in PAIRS]
    plain = write(tmp_path / "plain.tsv", *rows)
    assert pairs(Corpus(path=plain)) == PAIRS
    headed = write(tmp_path / "headed.tsv", "id\tde\ten", "1\tEin\tOne")
    assert pairs(Corpus(path=headed)) == [("One", "Ein")]
    named = Corpus(path=headed, source_column="id", target_column="en")
    assert pairs(named) == [("1", "One")]
    numbered = Corpus(path=plain, source_column="3", target_column="1")
    assert pairs(numbered)[0] == ("extra", "A bank.")
    (tmp_path / "packed.tsv.gz").write_bytes(gzip.compress(b"a\tb\r\n"))
    assert pairs(Corpus(path=str(tmp_path / "packed.tsv.gz"))) == [("a", "b")]


def test_malformed_tsv(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.tsv", "a\tb", "a")
    with pytest.raises(UserError, match=r"bad\.tsv:2: expected 2 columns parted by tabs, found 1"):
        pairs(Corpus(path=path))
    headed = write(tmp_path / "headed.tsv", "english\tgerman", "a\tb")
    with pytest.raises(UserError, match=r"headed\.tsv:1: .*'englsh'.*did you mean 'english'"):
        pairs(Corpus(path=headed, source_column="englsh", target_column="german"))
    broken = write(tmp_path / "broken.tsv", "a\tb", b"\xff\tb", "c\td")
    assert pairs(Corpus(path=broken), DROP) == [("a", "b"), (None, None), ("c", "d")]


def test_jsonl(tmp_path: Path) -> None:
    rows = [json.dumps({"en": source, "de": target}) for source, target in PAIRS]
    assert pairs(Corpus(path=write(tmp_path / "a.jsonl", *rows, "", "  "))) == PAIRS
    nested = json.dumps({"translation": {"en": "a", "de": "b"}})
    assert pairs(Corpus(path=write(tmp_path / "b.jsonl", nested))) == [("a", "b")]
    named = Corpus(path=str(tmp_path / "a.jsonl"), source_column="de", target_column="en")
    assert pairs(named)[0] == ("Ein Ufer.", "A bank.")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{'en': 1}", r"bad\.jsonl:2: expected a JSON object, found Expecting property name"),
        ("[1]", r"bad\.jsonl:2: expected a JSON object, found list"),
        ('{"en": "a", "dee": "b"}', r"2: expected a column 'de', found 'en', 'dee' \(did you mean"),
        ('{"en": "a", "de": null}', r"2: expected text in 'de', found null"),
    ],
)
def test_malformed_jsonl(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path / "bad.jsonl", '{"en": "a", "de": "b"}', line)
    with pytest.raises(UserError, match=message):
        pairs(Corpus(path=path))


def table(path: Path, columns: dict[str, Any]) -> str:
    path.parent.mkdir(exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return str(path)


def test_parquet(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", {"en": SOURCES, "de": TARGETS, "n": [1, 2, 3, 4]})
    assert pairs(Corpus(path=path)) == PAIRS
    none = table(tmp_path / "none.parquet", {"en": ["a", None], "de": ["b", "c"]})
    assert pairs(Corpus(path=none)) == [("a", "b"), ("", "c")]
    with pytest.raises(UserError, match=r"expected text in 'n', found int64"):
        pairs(Corpus(path=path, source_column="n"))
    with pytest.raises(UserError, match=r"a\.parquet: expected a column 'dee', .*mean 'de'"):
        pairs(Corpus(path=path, target_column="dee"))
    with pytest.raises(UserError, match="cannot be read as a Parquet file"):
        pairs(Corpus(path=write(tmp_path / "bad.parquet", "nonsense")))
    empty = table(tmp_path / "empty.parquet", {"en": pyarrow.array([], "string"), "de": []})
    with pytest.raises(UserError, match="expected rows, found none"):
        pairs(Corpus(path=empty))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Returns a folder that is laid out as WMT is on the hub."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    rows = [{"en": source, "de": target} for source, target in PAIRS]
    table(tmp_path / "wmt" / "train-00000-of-00001.parquet", {"translation": rows})
    table(tmp_path / "wmt" / "validation-00000-of-00001.parquet", {"translation": rows[:1]})
    return str(tmp_path / "wmt")


def test_hub(hub: str) -> None:
    assert pairs(Corpus(hub=hub)) == PAIRS
    assert pairs(Corpus(hub=hub, split="validation")) == PAIRS[:1]
    assert read_texts(Corpus(hub=hub), DATA, "validation") == (["A bank."], ["Ein Ufer."])
    swapped = Corpus(hub=hub, source_column="de", target_column="en")
    assert pairs(swapped)[0] == ("Ein Ufer.", "A bank.")


def test_wmt_as_the_hub_lays_it_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configurations are named in the card; both languages stand in a column of a type of its own.

    The recipes of WMT 2014 are read from such a folder with no other change than its name.
    """
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    wmt, card = tmp_path / "wmt14", ["---", "configs:"]
    for other in ("de", "fr"):
        card += [f"- config_name: {other}-en", "  data_files:"]
        for split in ("train", "validation", "test"):
            card += [f"  - split: {split}", f"    path: {other}-en/{split}-*"]
            pair = {other: f"{split} {other}", "en": f"{split} en"}
            languages = datasets.Features({"translation": datasets.Translation(sorted(pair))})
            made = datasets.Dataset.from_dict({"translation": [pair] * 2}, features=languages)
            (wmt / f"{other}-en").mkdir(parents=True, exist_ok=True)
            made.to_parquet(wmt / f"{other}-en" / f"{split}-00000-of-00001.parquet")
    (wmt / "README.md").write_text("\n".join([*card, "---", ""]))
    for name, other in (("wmt14_ende_base", "de"), ("wmt14_enfr_big", "fr")):
        data = recipes.load(CONFIGS / f"{name}.yaml").data
        for split in ("train", "validation", "test"):
            corpus = replace(getattr(data, split)[0], hub=str(wmt))
            wanted = ([f"{split} en"] * 2, [f"{split} {other}"] * 2)
            assert read_texts(corpus, data, split) == wanted


def test_multi30k_as_the_hub_lays_it_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON Lines whose files are named after the splits, `val` for short; no card, one column each.

    The recipe is read from such a folder with no other change than its name.
    """
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "multi30k"
    folder.mkdir()
    for split in ("train", "val", "test"):
        rows = [json.dumps({"en": f"{split} {x} en", "de": f"{split} {x} ü"}) for x in range(3)]
        write(folder / f"{split}.jsonl", *rows)
    data = recipes.load(CONFIGS / "multi30k.yaml").data
    for split, name in (("train", "train"), ("validation", "val"), ("test", "test")):
        [corpus] = getattr(data, split)
        assert (corpus.hub, corpus.split) == ("bentrevett/multi30k", split)
        wanted = [(f"{name} {x} en", f"{name} {x} ü") for x in range(3)]
        assert pairs(replace(corpus, hub=str(folder)), data) == wanted


def test_hub_mistakes(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r'hub://.*Unknown split "dev"'):
        pairs(Corpus(hub=hub, split="dev"))
    with pytest.raises(UserError, match=r"hub://.*BuilderConfig 'fr-en' not found"):
        pairs(Corpus(hub=hub, hub_config="fr-en"))
    with pytest.raises(UserError, match="expected a column 'fr', found 'en', 'de'"):
        pairs(Corpus(hub=hub, source_column="fr"))

    def unreachable(**_: object) -> None:
        raise ConnectionError("Couldn't reach 'wmt/wmt14'\non the Hub")

    monkeypatch.setattr("datasets.load_dataset", unreachable)
    with pytest.raises(UserError, match=r"hub://wmt/wmt14: cannot be read .* reach 'wmt/wmt14' on"):
        pairs(Corpus(hub="wmt/wmt14", hub_config="de-en"))


def test_names_for_people() -> None:
    named = [
        (Corpus(path="a.{lang}"), "a.{lang}"),
        (Corpus(source="a", target="b"), "a + b"),
        (Corpus(hub="wmt/wmt14", hub_config="de-en"), "hub://wmt/wmt14 (de-en)"),
        (Corpus(phrasebook="test"), "phrasebook://test"),
        (Corpus(path="a.tsv", name="mine"), "mine"),
    ]
    for corpus, name in named:
        assert corpora.describe(corpus) == name
