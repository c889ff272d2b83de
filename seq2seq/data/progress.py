"""A progress bar on a terminal, and now and then a line where stderr is none."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_INTERVAL = 30.0
"""Seconds between two lines."""


@contextmanager
def progress(
    title: str, total: int | None, interval: float = _INTERVAL
) -> Iterator[Callable[[int], None]]:
    """Shows how far a piece of work has come, on stderr.

    Args:
        title: What is being done, such as "reading pairs".
        total: How much there is to do, if that is known.
        interval: Seconds between two lines where stderr is not a terminal.

    Yields:
        A function that is told how much more has been done.
    """
    if not sys.stderr.isatty():
        yield _Lines(title, total, interval).advance
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.advance(task, count)


class _Rate(ProgressColumn):
    """How much is done in a second."""

    def render(self, task: Task) -> Text:
        """Returns the rate of late."""
        return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s")


class _Lines:
    """Prints a line when enough time has passed since the last."""

    def __init__(self, title: str, total: int | None, interval: float) -> None:
        self._title = title
        self._of = "" if total is None else f" of {total}"
        self._interval = interval
        self._done = 0
        self._last = time.monotonic()

    def advance(self, count: int) -> None:
        """Adds to what has been done."""
        self._done += count
        if time.monotonic() - self._last >= self._interval:
            self._last = time.monotonic()
            sys.stderr.write(f"{self._title}: {self._done}{self._of}\n")
