"""The one exception that a user's mistake raises.

The command line prints its text as a single line and exits with status 2; anything else that is
raised is a defect of ours and keeps its traceback.
"""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in the input: its text names the file, line or key, what was wanted and found."""


class LineError(UserError):
    """A mistake in one of many texts, for whoever knows what file they come from."""

    def __init__(self, what: str, number: int, reason: str) -> None:
        """Makes the error, with a text that does without a file.

        Args:
            what: The kind of text, such as `prefix`.
            number: Which of them, from 1.
            reason: What was wanted and what was found.
        """
        super().__init__(f"{what} {number:,}: {reason}")
        self.what = what
        self.number = number
        self.reason = reason


def nearest(word: str, choices: Iterable[str]) -> str:
    """Returns `" (did you mean 'x'?)"` for the choice closest to `word`, or the empty string."""
    close = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""
