"""Ctrl-C and SIGTERM as a wish to stop after the current update, so that nothing is lost."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether the user or the system has asked training to stop.

    Attributes:
        signal: Name of the signal that asked, or None.
    """

    def __init__(self) -> None:
        self.signal: str | None = None

    @contextmanager
    def watch(self) -> Iterator["Interruption"]:
        """Notes SIGINT and SIGTERM instead of dying from them; a second one kills as usual."""
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
            self.signal = signal.Signals(number).name
            for each, handler in before.items():
                signal.signal(each, handler)

        for number in before:
            signal.signal(number, note)
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
