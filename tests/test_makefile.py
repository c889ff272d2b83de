"""The Makefile refuses a Python that pyproject.toml does not allow, before it installs anything."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Answers as another version of Python would, and cannot make an environment.
PYTHON = f"""#!/bin/sh
case "$1" in
    --version) echo "Python VERSION" ;;
    -c) {shlex.quote(sys.executable)} -c "import sys; sys.version_info = (VERSION)
$2" ;;
    *) echo "asked for an environment"; exit 9 ;;
esac
"""


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@pytest.mark.parametrize(
    ("version", "fits"),
    [("2, 7", False), ("3, 10", False), ("3, 11", True), ("3, 13", True), ("3, 14", False)],
)
def test_versions_of_python(version: str, fits: bool, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(PYTHON.replace("VERSION", f"{version}, 1"))
    python.chmod(0o755)
    words = ["make", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}", "demo"]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 2
    assert ("asked for an environment" in found.stdout) is fits
    wanted = f"seq2seq needs Python >=3.11,<3.14; {python} is Python {version}"
    assert (wanted in found.stderr) is not fits
