"""Progress: a line an interval in a log file, a bar of at most 80 columns on a terminal."""

import io
import re
import sys
from typing import Any

import pytest
from rich.console import Console

from seq2seq import progress
from seq2seq.progress import Progress


class Clock:
    """A clock that is moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock)
    return clock


def log(*args: Any, **options: Any) -> tuple[Progress, io.StringIO]:
    stream = io.StringIO()
    return Progress(*args, console=Console(file=stream, width=80), **options), stream


def test_reports_with_figures_make_a_line(clock: Clock) -> None:
    bar, stream = log("training", 1000, 100, every=None)
    with bar:
        for done in range(101, 301):
            clock.now += 0.5
            loss = {"loss": 3.14159, "lr": 7.123e-4, "tokens/s": 11523.0}
            bar.update(done, loss if done % 100 == 0 else None)
    assert stream.getvalue().splitlines() == [
        "training: 200/1,000  11.5k tokens/s  loss 3.142  lr 7.12e-04  6:40 left",
        "training: 300/1,000  11.5k tokens/s  loss 3.142  lr 7.12e-04  5:50 left",
    ]


def test_work_without_figures_makes_a_line_now_and_then(clock: Clock) -> None:
    bar, stream = log("preparing", unit="pairs", every=10.0)
    with bar:
        for _ in range(25):
            clock.now += 1.0
            bar.advance(2000)
    assert stream.getvalue().splitlines() == [
        "preparing: 20,000  2,000 pairs/s",
        "preparing: 40,000  2,000 pairs/s",
        "preparing: 50,000  2,000 pairs/s",
    ]


def test_the_last_line_is_written_once(clock: Clock) -> None:
    bar, stream = log("translating", 3, unit="sentences", every=10.0)
    with bar:
        clock.now += 20.0
        bar.update(3)
    assert stream.getvalue().splitlines() == ["translating: 3/3  0.15 sentences/s  0:00 left"]


def test_short_work_can_end_without_a_line(clock: Clock) -> None:
    bar, stream = log("encoding", 100, unit="pairs", every=30.0, ending=False)
    with bar:
        clock.now += 29.0
        bar.advance(50)
    assert stream.getvalue() == ""
    with bar:
        for _ in range(2):
            clock.now += 20.0
            bar.advance(20)
    assert stream.getvalue() == "encoding: 90/100  1 pairs/s  0:10 left\n"


@pytest.mark.parametrize(("stdout", "stderr"), [(False, True), (True, False), (True, True)])
def test_a_bar_only_where_both_streams_are_terminals(
    stdout: bool, stderr: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`seq2seq prepare > file` leaves lines that can be kept as well."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: stdout)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: stderr)
    with Progress("encoding", 30, unit="pairs", every=0.0, ending=False) as bar:
        bar.advance(10)
    out, err = capsys.readouterr()
    assert out == ""
    assert ("\x1b" in err) == (stdout and stderr)
    assert ("encoding: 10/30" in err) != (stdout and stderr)


def test_the_time_left_forgets_a_slow_start(clock: Clock) -> None:
    bar, stream = log("training", 1000, every=None)
    with bar:
        clock.now += 100.0  # compilation
        for done in range(1, 51):
            clock.now += 1.0
            bar.update(done, {"loss": 1.0})
    assert stream.getvalue().splitlines()[-1].endswith("15:50 left")


def test_nothing_is_divided_by_nothing(clock: Clock) -> None:
    bar, stream = log("decoding", 5, unit="sentences")
    with bar:
        bar.update(0, {"loss": 1.0})
    assert stream.getvalue().startswith("decoding: 0/5  loss 1\n")
    assert clock.now == 1000.0


def on_terminal(width: int, figures: dict[str, float]) -> list[str]:
    """Every state of the bar, as it stands on the screen."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None)
    with Progress("training", 100_000, 14_000, console=console) as bar:
        bar.advance(200, figures)
        bar.note("validation: [bold] loss 3.2")
    return screen(stream)


def screen(stream: io.StringIO) -> list[str]:
    """What a terminal shows, line after line."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    return [line.strip() for line in re.split(r"[\r\n]+", plain) if line.strip()]


def test_the_bar_fits_80_columns(clock: Clock) -> None:
    assert clock.now
    figures = {"loss": 3.14159, "lr": 7.123e-4, "accuracy": 0.512345, "norm": 1.2345}
    lines = on_terminal(80, {**figures, "tokens/s": 123456.0})
    assert max(map(len, lines)) <= 80
    assert "validation: [bold] loss 3.2" in lines
    shown = lines[-1]
    for part in ("training", "14,200/100,000", "123.5k tokens/s", "loss 3.142", "lr 7.12e-04"):
        assert part in shown
    assert "norm" not in shown
    assert "norm 1.234" in on_terminal(160, {**figures, "tokens/s": 123456.0})[-1]


def test_nothing_that_matters_drops_out_of_80_columns(clock: Clock) -> None:
    """Once the time left is known, the bar is what gives way."""
    figures = {"loss": 2.34512, "lr": 7.123e-4, "tokens/s": 123456.0}
    stream = io.StringIO()
    console = Console(file=stream, width=80, force_terminal=True, color_system=None)
    with Progress("training", 100_000, 14_000, console=console) as bar:
        for _ in range(29):
            clock.now += 0.4
            bar.advance(1, figures)
    wanted = "training  14,029/100,000  123.5k tokens/s  loss 2.345  lr 7.12e-04  9:33:08"
    lines = screen(stream)
    assert max(map(len, lines)) <= 80
    assert re.sub("[ ━╺╸]{2,}", "  ", lines[-1]) == wanted


def test_the_bar_has_what_room_there_is(clock: Clock) -> None:
    assert clock.now
    figures = {"loss": 3.14159, "lr": 7.123e-4, "tokens/s": 123456.0}
    text = "14,200/100,000  123.5k tokens/s  loss 3.142  lr 7.12e-04"
    for width, bar in ((66, 0), (68, 0), (72, 6), (80, 14), (90, 20)):
        shown = on_terminal(width, figures)[-1]
        assert shown.endswith(text)
        assert len(shown) - len(text) == len("training") + 2 + bar
        assert bool(re.search("[━╺╸]", shown)) == (bar > 0)


def test_quiet_shows_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with Progress("training", 10, quiet=True) as bar:
        bar.advance(5, {"loss": 1.0})
        bar.note("note")
    assert capfd.readouterr() == ("", "")


def test_plain_lines_go_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with Progress("training", 10, every=None) as bar:
        bar.advance(5, {"loss": 1.0})
        bar.note("a long note " * 20)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines()[1] == ("a long note " * 20)
    assert err.startswith("training: 5/10")


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0, "0"), (3.14159, "3.142"), (0.00071, "7.10e-04"), (1234.5, "1,234"), (98765.0, "98.8k"),
     (2.1e6, "2.1M"), (float("inf"), "inf"), (-0.5, "-0.5"), ("a", "a")],
)  # fmt: skip
def test_numbers(number: float | str, text: str) -> None:
    assert progress._number(number) == text


def test_durations() -> None:
    seconds = (0.4, 65, 3600, 360_000, -5)
    assert [progress._duration(s) for s in seconds] == [
        "0:00",
        "1:05",
        "1:00:00",
        "100:00:00",
        "0:00",
    ]
