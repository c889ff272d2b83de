"""The report for people and for programs."""

from seq2seq.data.report import CorpusReport, PackingReport, Report, SideReport

DROPPED = {"undecodable": 0, "empty": 12, "duplicate": 1_234_567, "too_long": 3, "length_ratio": 0}
REPORT = Report(
    corpora=(
        CorpusReport("/a/long/path" * 6 + "/train.{lang}", "train", 9_999_999, 8_765_417, DROPPED),
        CorpusReport("valid.tsv", "validation", 1000, 1000, dict.fromkeys(DROPPED, 0)),
    ),
    joint=False,
    source=SideReport("en", 16_000, 123_456_789, 14.0842, 0.99987),
    target=SideReport("de", 24_000, 133_456_789, 15.2, 1.0),
    packing=PackingReport(64, 60, 400, (1.0, 0.5), 3_999, 230_000, 225_000),
)


def test_programs_read_what_was_written() -> None:
    assert Report.from_json(REPORT.to_json()) == REPORT


def test_people_see_what_was_dropped_and_why() -> None:
    lines = REPORT.lines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["pairs", "read", "kept", "empty", "duplicate", "too", "long"]
    assert lines[1].startswith("train: /a/")
    assert "train.{lang}" in lines[1]
    assert lines[1].endswith("9 999 999  8 765 417     12  1 234 567         3")
    assert lines[2].split() == ["validation:", "valid.tsv", "1", "000", "1", "000", "0", "0", "0"]
    assert "16 000 + 24 000 pieces" in lines[6]
    text = "\n".join(lines)
    for fact in (
        "en: 123 456 789 tokens, 14.1 in a sentence, 99.99% known",
        "10 steps of 400 rows",
    ):
        assert fact in text


def test_packing_counts_the_last_steps_padding() -> None:
    packing = REPORT.packing
    assert packing is not None
    assert packing.steps == 10
    assert packing.efficiency == 455_000 / (4000 * 124)
    assert packing.describes((64, 60), 400, (1.0, 0.5))
    assert not packing.describes((64, 60), 400, (1.0, 1.0))
    assert not packing.describes((64, 64), 400, (1.0, 0.5))
