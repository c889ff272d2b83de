"""Signals that end a command: as exceptions, and without noise from what they cut short."""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_AGAIN = 0.05
"""Seconds after which a signal that was lost is sent again."""


@contextmanager
def raising_on_sigterm() -> Iterator[None]:
    """Lets SIGTERM end the process as Ctrl-C does, by an exception, so that drafts are removed.

    Outside the main thread, where Python lets nobody watch signals, nothing changes.

    Raises:
        SystemExit: With status 143, at SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, hook = signal.signal(signal.SIGTERM, _leave), sys.unraisablehook

    def lost(unraisable: "sys.UnraisableHookArgs") -> None:
        """A signal whose exception was raised where Python drops it, as in a finaliser, again."""
        error = unraisable.exc_value
        if isinstance(error, KeyboardInterrupt | SystemExit):
            number = signal.SIGINT if isinstance(error, KeyboardInterrupt) else signal.SIGTERM
            threading.Timer(_AGAIN, os.kill, (os.getpid(), number)).start()
        else:
            hook(unraisable)

    sys.unraisablehook = lost
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        # A coroutine of Orbax's that was cut short before its first step is no news to a user.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
        sys.unraisablehook = hook


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    sys.exit(128 + number)
