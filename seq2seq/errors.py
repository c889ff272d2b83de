"""The one exception that a user's mistake raises.

The command line prints its text as a single line and exits with status 2; anything else that is
raised is a defect of ours and keeps its traceback.
"""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in the input: its text names the file, line or key, what was wanted and found."""


def nearest(word: str, choices: Iterable[str]) -> str:
    """Returns `" (did you mean 'x'?)"` for the choice closest to `word`, or the empty string."""
    close = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def require(holds: bool, key: str, wanted: str, found: object) -> None:
    """Raises a `UserError` that names the key unless the condition holds."""
    if not holds:
        raise UserError(f"{key}: expected {wanted}, found {found!r}")


def require_fraction(key: str, value: float) -> None:
    """Raises a `UserError` that names the key unless the value is in [0, 1)."""
    require(0.0 <= value < 1.0, key, "a number from 0 up to but not including 1", value)


def require_at_least(key: str, value: float, least: float) -> None:
    """Raises a `UserError` that names the key unless the value is at least `least`."""
    require(value >= least, key, f"at least {least:g}", value)
