"""Progress: now and then a line, or a bar on a terminal."""

import sys

import pytest

from seq2seq.data.progress import progress


def test_lines_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("encoding", 30, interval=0.0) as advance:
        advance(10)
        advance(20)
    with progress("reading", None, interval=0.0) as advance:
        advance(7)
    with progress("reading", None) as advance:
        advance(7)
    assert capsys.readouterr() == ("", "encoding: 10 of 30\nencoding: 30 of 30\nreading: 7\n")


def test_a_bar_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress("encoding", 30) as advance:
        advance(10)
    output, errors = capsys.readouterr()
    assert output == ""
    assert "encoding" in errors
    assert "10/30" in errors
