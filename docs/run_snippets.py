"""Runs the Python examples of a page and writes what they print into it.

    python docs/run_snippets.py docs/concepts.md README.md

All ```python blocks of a page are run in order, in one namespace, from the current folder; a
```text block that follows one directly is replaced by what it printed. The examples need the run of
`make demo`.
"""

import contextlib
import io
import re
import sys
from pathlib import Path
from typing import Any

_BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n(?P<output>\n```text\n.*?```\n)?", re.DOTALL)


def refreshed(page: str) -> str:
    """Returns a page with the output of its examples as it is now."""
    namespace: dict[str, Any] = {"__name__": "snippets"}

    def run(block: re.Match[str]) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(block["code"], namespace)  # the examples are ours
        output = f"\n```text\n{printed.getvalue().rstrip()}\n```\n" if block["output"] else ""
        return f"```python\n{block['code']}```\n{output}"

    return _BLOCK.sub(run, page)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(refreshed(path.read_text(encoding="utf-8")), encoding="utf-8")
