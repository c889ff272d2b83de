"""Progress of long work, on stderr: a bar on a terminal, a plain line per interval elsewhere.

A line a log file can keep, and a bar a person can watch, show the same parts: what is going on, how
far it is, the rate, figures such as the loss, and the time that is left. On a narrow terminal the
bar gives way to them, and then the last of the figures.
"""

import math
import sys
import time
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, SupportsFloat

from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import ProgressColumn, Task, TextColumn
from rich.progress_bar import ProgressBar
from rich.text import Text

Figures = Mapping[str, SupportsFloat | str]
"""What is shown beside the progress: `{"loss": 3.21, "lr": 7e-4, "tokens/s": 11500.0}`."""

_WIDEST, _NARROWEST = 20, 3
"""Columns of the bar, where there is room for them; where there is less, there is no bar."""

_WINDOW = 20
"""Number of reports over which speed is measured: the first one includes compilation."""


class Progress:
    """Shows how far a piece of work is. Use it in a `with` block; nothing is shown before.

    Attributes:
        done: Units done so far.
    """

    def __init__(
        self,
        title: str,
        total: int | None = None,
        done: int = 0,
        unit: str = "steps",
        every: float | int | None = 10.0,
        console: Console | None = None,
        quiet: bool = False,
        ending: bool = True,
    ) -> None:
        """Shows nothing yet.

        Args:
            title: What is going on, in a word: `training`.
            total: Units of work in all; None if unknown.
            done: Units that are done already, as after a restart.
            unit: What is counted, for the rate: `steps`, `sentences`.
            every: Seconds between two plain lines; None: only reports with figures make a line.
            console: Where to write; default stderr, as a bar if stdout and stderr are terminals.
            quiet: Whether nothing is shown at all, as on all hosts but the first.
            ending: Whether a plain line tells of the end, however short the work was.
        """
        self.done = done
        self._title, self._total, self._unit, self._every = title, total, unit, every
        self._ending = ending and every is not None
        terminal = sys.stderr.isatty() and sys.stdout.isatty()
        shown = console or Console(stderr=True, force_terminal=terminal)
        self._console = Console(quiet=True, force_terminal=False) if quiet else shown
        self._column = _Bar()
        self._bar = self._new_bar() if self._console.is_terminal else None
        self._task = None if self._bar is None else self._bar.add_task(title, total=total, text="")
        self._history = deque([(time.monotonic(), done)], maxlen=_WINDOW)
        self._figures: Figures = {}
        self._last_line = 0.0
        self._told = -1

    def __enter__(self) -> "Progress":
        self._last_line = time.monotonic()
        self._history.clear()
        self._history.append((self._last_line, self.done))
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif error is None and self._ending and self._told != self.done:
            self._line()

    def advance(self, count: int = 1, figures: Figures | None = None) -> None:
        """Counts `count` more units as done; `figures` replace those shown before."""
        self.update(self.done + count, figures)

    def update(self, done: int, figures: Figures | None = None) -> None:
        """Sets the units done; `figures`, if given, replace those shown before.

        A figure whose name ends in `/s` stands in the place of the rate of units.
        """
        self.done = done
        if figures is not None:
            self._figures = figures
        now = time.monotonic()
        due = self._every is not None and now - self._last_line >= self._every
        if figures is not None or now - self._history[-1][0] >= 1.0:
            self._history.append((now, done))
        if self._bar is not None:
            text = self._fitted(self._console.width - len(self._title) - 2)
            self._bar.update(self._task, completed=done, text=text)  # type: ignore[arg-type]
        elif due or figures is not None:
            self._line()

    def note(self, text: str) -> None:
        """Writes a line of its own, above the bar if there is one."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _fitted(self, room: int) -> str:
        """Returns what stands right of the bar, and gives the bar what is left of the room."""
        left = self._left()
        parts = [self._text(room - len(left) - 2 * bool(left)), left]
        text = "  ".join(part for part in parts if part)
        self._column.width = min(room - len(text), _WIDEST)
        return text

    def _new_bar(self) -> RichProgress:
        text = TextColumn("{task.fields[text]}", markup=False)
        columns = (TextColumn("{task.description}"), self._column, text)
        return RichProgress(*columns, console=self._console, transient=True)

    def _line(self) -> None:
        self._last_line, self._told = time.monotonic(), self.done
        left = self._left()
        self.note(
            "  ".join([f"{self._title}: {self._text()}", *([f"{left} left"] if left else [])])
        )

    def _text(self, width: int | None = None) -> str:
        """Returns count, rate and figures, or as many of them, in this order, as fit the width."""
        parts = [self._count(), self._rate(), *(f"{k} {_number(v)}" for k, v in self._loose())]
        parts = [part for part in parts if part]
        while width is not None and len(parts) > 1 and len("  ".join(parts)) > width:
            parts.pop()
        return "  ".join(parts)

    def _count(self) -> str:
        return f"{self.done:,}" if self._total is None else f"{self.done:,}/{self._total:,}"

    def _loose(self) -> list[tuple[str, Any]]:
        return [(name, value) for name, value in self._figures.items() if not name.endswith("/s")]

    def _speed(self) -> float | None:
        """Returns units a second over the last reports, None if there is nothing to go by."""
        (start, first), (end, last) = self._history[0], self._history[-1]
        return (last - first) / (end - start) if last > first and end > start else None

    def _rate(self) -> str:
        given = [(name, value) for name, value in self._figures.items() if name.endswith("/s")]
        if given:
            return "  ".join(f"{_number(value)} {name}" for name, value in given)
        speed = self._speed()
        return "" if speed is None else f"{_number(speed)} {self._unit}/s"

    def _left(self) -> str:
        speed = self._speed()
        if self._total is None or speed is None:
            return ""
        return _duration((self._total - self.done) / speed)


class _Bar(ProgressColumn):
    """A bar of changing width, in columns; none at all where it would be too narrow to read."""

    width = _WIDEST

    def render(self, task: Task) -> ProgressBar | Text:
        """Returns the bar; it pulses while nobody knows how much there is to do."""
        if self.width < _NARROWEST:
            return Text()
        pulse = task.total is None
        return ProgressBar(task.total, task.completed, self.width, pulse=pulse)


def _number(value: SupportsFloat | str) -> str:
    """Returns about three significant digits: `3.123`, `7.12e-04`, `153`, `11.5k`, `2.1M`."""
    if isinstance(value, str):
        return value
    number = float(value)
    size = abs(number)
    for least, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if least <= size < math.inf:
            scale = {"G": 1e9, "M": 1e6, "k": 1e3}[unit]
            return f"{number / scale:.1f}{unit}"
    return f"{number:.2e}" if 0 < size < 0.01 else f"{number:,.4g}"


def _duration(seconds: float | int) -> str:
    """Returns `4:05` or `1:04:05`; days are counted as hours."""
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
