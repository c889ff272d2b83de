"""The order of the modules is read from the code, and kept."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "seq2seq"
RANKS = (
    ("errors", "types", "allocator"),
    ("config",),
    ("recipe_text", "recipes"),
    (
        "vocabulary",
        "parallel",
        "checkpoints",
        "confidence",
        "text_io",
        "moses",
        "preprocessing",
        "progress",
    ),
    ("run_directory", "data", "model"),
    ("attention_maps", "decoding"),
    ("translator", "translations", "explanation", "reranking"),
    ("evaluation", "interop", "pictures", "deciding_words", "lines"),
    ("training", "serving"),
    ("commands", "inputs", "options"),
    ("reproduction",),
    ("cli", "__main__"),
)
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}
ROOT_NAMES = {"__version__"}
"""All that a module may take from the package itself: its public names are for others."""


def module_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = sorted(FILES.keys() - {"seq2seq"})


@cache
def tree(module):
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


@cache
def imported(module):
    """Modules of ours that a module imports, anywhere in its code."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in FILES else node.module for name in inner}
            taken = {alias.name for alias in node.names} if node.module == "seq2seq" else set()
            strange = {name for name in taken - ROOT_NAMES if f"seq2seq.{name}" not in FILES}
            assert not strange, f"{module} takes {strange} from seq2seq itself"
    return {name for name in found if name in FILES} - {"seq2seq", module}


def part(module):
    """The first name below the package: what has a rank."""
    return module.split(".")[1]


@pytest.mark.parametrize("module", MODULES)
def test_modules_import_lower_ranks_or_siblings(module):
    assert part(module) in RANK, f"{module} has no rank: give it one in {Path(__file__).name}"
    for other in imported(module):
        lower = RANK[part(other)] < RANK[part(module)]
        sibling = RANK[part(other)] == RANK[part(module)]
        same_package = part(other) == part(module)
        alone = module.count(".") == other.count(".") == 1
        assert lower or same_package or (sibling and alone), f"{module} imports {other}"


def test_there_are_no_import_cycles():
    try:
        list(TopologicalSorter({name: imported(name) for name in MODULES}).static_order())
    except CycleError as error:
        pytest.fail(f"cycle: {' → '.join(error.args[1])}")


@pytest.mark.parametrize("module", sorted(FILES))
def test_files_and_functions_stay_short(module):
    assert len(FILES[module].read_text(encoding="utf-8").splitlines()) <= 350
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= 60, f"{module}.{node.name} has {length} lines"


def test_the_command_line_starts_without_what_is_slow():
    slow = {"jax", "datasets", "numpy", "sacrebleu", "sentencepiece", "jsonargparse", "yaml"}
    code = f"import sys, seq2seq, seq2seq.cli; print(sorted({slow} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
