"""Preparing: the right pairs are kept, once, and nothing is left behind when it fails."""

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq.config import Config, Corpus, DataConfig
from seq2seq.data import build, cache, filters
from seq2seq.data.corpora import Chunk
from seq2seq.data.filters import Survey, Verdict, pair_hash
from seq2seq.data.prepare import Prepared, prepare
from seq2seq.errors import UserError

PREPARE_MODULE = sys.modules[prepare.__module__]


def with_data(config: Config, **changes: Any) -> Config:
    return replace(config, data=replace(config.data, **changes))


def cached(config: Config) -> list[str]:
    folder = Path(config.data.cache or "")
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def texts(prepared: Prepared) -> list[tuple[str, str]]:
    """Returns the training pairs as text again."""
    pairs = prepared.train[0]
    sources, targets = zip(*(pairs.pair(i) for i in range(len(pairs))), strict=True)
    sides = prepared.vocabularies.source, prepared.vocabularies.target
    return list(zip(sides[0].decode(sources), sides[1].decode(targets), strict=True))


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_text_comes_back(small: Config, tmp_path: Path) -> None:
    prepared = prepare(with_data(small, max_length_ratio=99.0))
    kept = texts(prepared)
    lines = zip(lines_of(tmp_path / "train.en"), lines_of(tmp_path / "train.de"), strict=True)
    in_order = iter(lines)
    assert all(pair in in_order for pair in kept)
    assert 200 < len(kept) < 300
    assert len(prepared.validation) > 10
    assert prepared.weights == (1.0,)
    assert prepared.vocabularies.joint


def test_a_second_call_finds_the_first_ones_work(
    small: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(small)
    monkeypatch.setattr(PREPARE_MODULE, "build", None)
    second = prepare(small)
    assert second.report == first.report
    assert texts(second) == texts(first)
    other = with_data(
        small, source_row_length=64, train=(replace(small.data.train[0], weight=2.0),)
    )
    third = prepare(other)
    assert third.folder == first.folder
    assert third.weights == (2.0,)
    assert third.report.packing is not None
    assert third.report.packing.source_row_length == 64


def test_whatever_matters_changes_the_fingerprint(small: Config, tmp_path: Path) -> None:
    sampled = replace(small, vocabulary=replace(small.vocabulary, sampling=0.1))
    variants = [
        small,
        with_data(small, max_length=39),
        with_data(small, max_length_ratio=8.0),
        with_data(small, drop_duplicates=False),
        with_data(small, undecodable="drop"),
        with_data(small, lowercase=True),
        with_data(small, normalize_punctuation=True),
        with_data(small, tokenizer="moses"),
        with_data(small, validation=()),
        with_data(small, train=small.data.train * 2),
        replace(small, vocabulary=replace(small.vocabulary, size=299)),
        sampled,
        replace(sampled, training=replace(small.training, seed=1)),
    ]
    prints = [cache.fingerprint(config) for config in variants]
    assert len({*prints}) == len(prints)
    unimportant = replace(small, training=replace(small.training, seed=1, batch_tokens=7))
    assert cache.fingerprint(unimportant) == prints[0]
    os.utime(tmp_path / "train.en", ns=(1, 1))
    assert cache.fingerprint(small) != prints[0]


def test_every_reason_is_counted(parallel: Callable[..., Path], small: Config) -> None:
    words = ["alpha", "beta", "gamma", "delta"]
    rows = [(f"{a} {b} {c}", f"{c} {b}") for a in words for b in words for c in words]
    bad = [
        ("", "empty"),
        (" \u00a0", "blank"),
        ("empty", ""),
        rows[3],
        rows[3],
        ("alpha " * 300, "beta " * 300),
        ("alpha " * 30, "b"),
    ]
    folder = parallel("mixed", *map(list, zip(*rows, *bad, strict=True)))
    with (folder / "mixed.en").open("ab") as source, (folder / "mixed.de").open("ab") as target:
        source.write(b"b\xfcse\n")
        target.write(b"evil\n")
    corpus = Corpus(path=str(folder / "mixed.{lang}"))
    config = with_data(small, train=(corpus,), validation=(), undecodable="drop")
    config = replace(config, vocabulary=replace(config.vocabulary, size=40))
    prepared = prepare(
        with_data(config, max_length=100, source_row_length=100, target_row_length=100)
    )
    report = prepared.report.corpora[0]
    assert report.dropped == {
        "undecodable": 1,
        "empty": 3,
        "duplicate": 2,
        "too_long": 1,
        "length_ratio": 1,
    }
    assert (report.read, report.kept) == (len(rows) + 8, len(rows))
    assert texts(prepared) == rows
    assert len(prepared.validation) == 0
    twice = prepare(with_data(config, drop_duplicates=False, max_length=40)).report.corpora[0]
    assert twice.dropped["duplicate"] == 0


def test_duplicates_are_found_across_corpora(small: Config) -> None:
    corpus = small.data.train[0]
    reports = prepare(
        with_data(small, train=(corpus, replace(corpus, name="again")))
    ).report.corpora
    assert reports[1].name == "again"
    assert reports[1].kept == 0
    assert reports[1].dropped["duplicate"] == reports[1].read == reports[0].read
    assert reports[0].kept > 0


def test_text_is_prepared_before_anything_else(
    small: Config, parallel: Callable[..., Path]
) -> None:
    """Vocabulary, duplicates and pairs are of the same text: what the model is to see."""
    rows = [
        (f"The {a} „{b}“, isn't it?", f"Das {b} „{a}“, ging’s?")
        for a in ("Alpha", "Beta", "Gamma")
        for b in ("Delta", "Epsilon", "Zeta")
    ]
    shouted = [tuple(side.upper() for side in row) for row in rows[:2]]
    folder = parallel("raw", *map(list, zip(*rows, *shouted, strict=True)))
    with (folder / "raw.en").open("ab") as source, (folder / "raw.de").open("ab") as target:
        source.write(b"b\xfcse\n")
        target.write(b"evil\n")
    corpus = Corpus(path=str(folder / "raw.{lang}"))
    options = {"lowercase": True, "normalize_punctuation": True, "tokenizer": "moses"}
    config = with_data(small, train=(corpus,), undecodable="drop", **options)
    prepared = prepare(replace(config, vocabulary=replace(config.vocabulary, size=50)))
    report = prepared.report.corpora[0]
    assert report.read == 12
    assert (report.dropped["duplicate"], report.dropped["undecodable"]) == (2, 1)
    assert texts(prepared) == [
        (
            f'the {a} " {b} , " isn \'t it ?',  # English puts the comma into the quotes
            f'das {b} " {a} " , ging \' s ?',
        )
        for a in ("alpha", "beta", "gamma")
        for b in ("delta", "epsilon", "zeta")
    ]
    pieces = "".join(prepared.vocabularies.source.pieces[4:])
    assert pieces == pieces.lower()
    assert not set("„“’") & set(pieces)


def test_report_agrees_with_the_pairs(small: Config) -> None:
    prepared = prepare(small)
    report, pairs = prepared.report, prepared.train[0]
    assert report.source.tokens == len(pairs.source_tokens) + len(pairs)
    assert report.target.mean_length == pytest.approx(report.target.tokens / len(pairs))
    assert report.source.vocabulary_size == small.vocabulary.size
    assert report.source.coverage == 1.0
    assert report.packing is not None
    assert report.packing.source_tokens == report.source.tokens
    assert 0.7 < report.packing.efficiency < 1
    assert max(map(len, report.lines())) <= 80


def test_sampling_keeps_the_same_pairs(small: Config) -> None:
    vocabulary = replace(small.vocabulary, sampling=0.2, segmentations=3)
    prepared = prepare(replace(small, vocabulary=vocabulary))
    assert len(prepared.train) == 3
    decoded = [texts(replace(prepared, train=(pairs,))) for pairs in prepared.train]
    assert decoded[0] == decoded[1] == decoded[2] == texts(prepare(small))
    lengths = [int(pairs.source_lengths.sum()) for pairs in prepared.train]
    assert len({*lengths}) == 3
    assert max(int(pairs.target_lengths.max()) for pairs in prepared.train) < small.data.max_length


def test_sampling_draws_anew_in_every_chunk(small: Config) -> None:
    vocabulary = replace(small.vocabulary, sampling=0.2, segmentations=1)
    data = replace(small.data, train=small.data.train * 2, drop_duplicates=False)
    pairs = prepare(replace(small, vocabulary=vocabulary, data=data)).train[0]
    first, second = (
        [pairs.pair(i) for i in range(start, start + len(pairs) // 2)]
        for start in (0, len(pairs) // 2)
    )
    assert first != second


def test_the_sample_is_fair_and_bounded() -> None:
    survey = Survey(1000, drop_duplicates=False)
    rows = [str(i) for i in range(6000)]
    for first, stop in ((0, 700), (700, 3100), (3100, 6000)):
        survey.add(Chunk(list(rows[first:stop]), list(rows[first:stop])))
    chosen = sorted(int(source) for source, _ in survey.sample)
    assert len({*chosen}) == 1000
    sixths = np.histogram(chosen, bins=6, range=(0, 6000))[0]
    assert np.abs(sixths - 1000 / 6).max() < 5 * np.sqrt(1000 / 6)
    few = Survey(1000, drop_duplicates=False)
    few.add(Chunk(list(rows[:9]), list(rows[:9])))
    assert [source for source, _ in few.sample] == rows[:9]


def test_pair_hashes_know_where_the_source_ends() -> None:
    assert pair_hash("ab", "c") != pair_hash("a", "bc") != pair_hash("", "abc")
    assert pair_hash("ab", "c") == pair_hash("ab", "c") < 2**64


def test_lengths_are_judged_with_the_end_symbol() -> None:
    source, target = np.array([9, 10, 0, 1, 3]), np.array([9, 1, 8, 8, 8])
    judged = filters.judge_lengths(source, target, max_length=10, max_ratio=4.5)
    kept, long, ratio = Verdict.KEPT, Verdict.TOO_LONG, Verdict.LENGTH_RATIO
    assert judged.tolist() == [kept, long, ratio, kept, kept]


def test_nothing_to_train_on(small: Config, parallel: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match=r"data\.train: expected at least one corpus, found none"):
        prepare(with_data(small, train=()))
    with pytest.raises(UserError, match=r"found none among 300 \(300 too_long\)"):
        prepare(with_data(small, max_length=2))
    folder = parallel("blank", [""] * 3, ["x"] * 3)
    with pytest.raises(UserError, match=r"data\.train: expected text to learn a vocabulary"):
        prepare(with_data(small, train=(Corpus(path=str(folder / "blank.{lang}")),)))
    with pytest.raises(UserError, match=r"vocabulary\.size: expected at most"):
        prepare(replace(small, vocabulary=replace(small.vocabulary, size=90_000)))
    assert cached(small) == []


@pytest.mark.parametrize(
    ("failure", "raised", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), UserError, "cache: no space left"),
        (OSError(errno.EIO, "broken"), OSError, "broken"),
        (KeyboardInterrupt("now"), KeyboardInterrupt, "now"),
    ],
)
def test_a_failure_leaves_nothing(
    small: Config,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
    raised: type[BaseException],
    message: str,
) -> None:
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(build.PairWriter, "append", fail)
    with pytest.raises(raised, match=message):
        prepare(small)
    assert cached(small) == []


def test_a_cache_that_cannot_be_made(small: Config, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"file/cache: cannot be written to: Not a directory"):
        prepare(with_data(small, cache=str(tmp_path / "file" / "cache")))
    with pytest.raises(UserError, match=r"file: cannot be written to: File exists"):
        prepare(with_data(small, cache=str(tmp_path / "file")))


def test_of_two_that_prepare_the_same_one_wins(
    small: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = build.build

    def overtaken(config: Config, folder: Path) -> Any:
        monkeypatch.setattr(PREPARE_MODULE, "build", real)
        prepare(config)
        return real(config, folder)

    monkeypatch.setattr(PREPARE_MODULE, "build", overtaken)
    assert len(texts(prepare(small))) > 200
    assert cached(small) == [cache.fingerprint(small)]


def test_two_processes_at_once(small: Config) -> None:
    code = "import sys; from seq2seq.config import *; from seq2seq.data import prepare\n"
    code += f"print(len(prepare({small!r}).train[0]))"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(2)
    ]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert outputs[0] == outputs[1] == f"{len(prepare(small).train[0])}\n".encode()
    assert cached(small) == [cache.fingerprint(small)]


def test_what_killed_processes_left_is_swept(tmp_path: Path) -> None:
    for name in ("dead", "young", "alive"):
        (tmp_path / f".{name}").mkdir()
        (tmp_path / f".{name}" / "unfinished").touch()
        if name != "young":
            os.utime(tmp_path / f".{name}" / "unfinished", (1, 1))
    (tmp_path / "whole").mkdir()
    with (tmp_path / ".alive" / "unfinished").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with cache.made_whole(tmp_path / "new"):
            pass
    assert cached(Config(data=DataConfig(cache=str(tmp_path)))) == [
        ".alive",
        ".young",
        "new",
        "whole",
    ]


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache.cache_folder(DataConfig(cache="here")) == Path("here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_folder(DataConfig()) == tmp_path / "seq2seq"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert cache.cache_folder(DataConfig()) == Path("/home/me/.cache/seq2seq")
