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
