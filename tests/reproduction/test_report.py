"""The report: figures beside the paper's, and what they rest on."""

import re
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq.config import Config, Corpus, DataConfig
from seq2seq.reproduction import report
from seq2seq.reproduction.report import Measured
from seq2seq.reproduction.result import Result
from seq2seq.reproduction.rows import Row

RESULT = Result(
    steps=3000,
    parameters=12_340_000,
    pieces=8000,
    perplexity=8.0,
    bleu=36.04,
    signature="nrefs:1|tok:13a",
    sentences=1014,
    seconds=3725.4,
    flops=1.234e17,
    devices="1 × H200",
)
COMMAND = "seq2seq reproduce table3 --steps 3000"
DATA = DataConfig(
    train=(Corpus(path="train.{lang}"),), validation=(Corpus(path="v.tsv", name="dev"),)
)


def measured(name: str, **changes: object) -> Measured:
    return Measured(Row(name, Config(run=name, data=DATA)), replace(RESULT, **changes))


def cells(text: str, row: str) -> list[str]:
    line = re.search(rf"^\| {row} \|.*$", text, re.MULTILINE)
    assert line is not None
    return [cell.strip() for cell in line[0].strip("|").split("|")][1:]


def test_the_papers_figures_stand_beside_ours() -> None:
    rows = [measured("base"), measured("b_dk16", bleu=35.36, perplexity=9.0, seconds=59)]
    text = report.markdown(rows, COMMAND)
    assert cells(text, "base") == [
        *("N = 6, d_model = 512, d_ff = 2048, h = 8", "65 M", "12.3 M", "4.92 (×1.00)"),
        *("8.00 (×1.00)", "25.8 (+0.0)", "36.0 (+0.0)", "3,000", "1:02:05 h", "1.2e+17"),
    ]
    assert cells(text, "b_dk16") == [
        *("d_k = 16", "58 M", "12.3 M", "5.16 (×1.05)", "9.00 (×1.12)"),
        *("25.1 (−0.7)", "35.4 (−0.6)", "3,000", "0:59 min", "1.2e+17"),
    ]
    assert f"\n\n    {COMMAND}\n\n" in text
    assert "trained on train.{lang} (en to de), measured on dev: 1,014 sentences" in text
    assert "ours of 8,000 pieces" in text
    assert "`nrefs:1|tok:13a`" in text
    assert "on 1 × H200" in text


def test_without_the_base_model_figures_stand_alone() -> None:
    row = cells(report.markdown([measured("a_h1", perplexity=None)], COMMAND), "a_h1")
    assert row[1:7] == ["", "12.3 M", "5.29 (×1.08)", "unknown", "24.9 (−0.9)", "36.0"]


def test_rows_that_the_paper_does_not_have() -> None:
    row = cells(report.markdown([measured("base"), measured("mine")], COMMAND), "mine")
    assert row[:6] == ["", "", "12.3 M", "", "8.00 (×1.00)", ""]


def test_what_differs_between_rows_is_named_once_each() -> None:
    rows = [measured("base"), measured("a_h1"), measured("big", pieces=9000, devices="8 × P100")]
    text = report.markdown(rows, COMMAND)
    assert "ours of 8,000 or 9,000 pieces" in text
    assert "on 1 × H200 or 8 × P100." in text


@pytest.mark.parametrize("names", [["base", "a_h1", "mine"], ["a_h1"]])
def test_report_and_picture_are_written(tmp_path: Path, names: list[str]) -> None:
    rows = [measured(name, perplexity=None if name == "mine" else 8.0) for name in names]
    markdown, picture = report.write(rows, tmp_path / "deep" / "folder", COMMAND)
    assert markdown.read_text(encoding="utf-8") == report.markdown(rows, COMMAND)
    assert "(table3.png)" in markdown.read_text(encoding="utf-8")
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:])
    assert width == 1600
    assert height > 200
    assert sorted(p.name for p in markdown.parent.iterdir()) == ["table3.md", "table3.png"]


def test_the_picture_shows_differences_where_there_is_a_base() -> None:
    points = [
        report.point(measured("base")),
        report.point(measured("a_h1", bleu=35.04, perplexity=8.8)),
    ]
    series = report.picture.series(points)
    assert list(series) == [
        "BLEU less the base model's",
        "perplexity over the base model's",
        "parameters, millions",
    ]
    (bleu, perplexity, millions) = (pairs[1] for pairs in series.values())
    assert bleu == pytest.approx((-0.9, -1.0))
    assert perplexity == pytest.approx((5.29 / 4.92, 1.1))
    assert millions == (None, 12.34)
    alone = report.picture.series(points[1:])
    assert next(iter(alone)) == "BLEU"
    assert alone["BLEU"] == [(24.9, 35.04)]
