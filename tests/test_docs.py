"""The documentation says what the program does: links, commands, recipes and the reference."""

import dataclasses
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from seq2seq import recipes
from seq2seq.config import DecodingConfig
from seq2seq.options import grammar
from seq2seq.options.commands import COMMANDS, PARSERS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
COMMAND = re.compile(rf"seq2seq ((?:{'|'.join(COMMANDS)}) [^`|<>]*)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def commands() -> Iterator[tuple[str, str]]:
    """Every command quoted in a page or in a recipe's opening comment, with where it stands."""
    for path in [*PAGES, *(ROOT / "configs").rglob("*.yaml")]:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".yaml":
            text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
        joined = re.sub(r"\\\n\s*", "", text)
        code = "\n".join(body for _, body in BLOCK.findall(joined))
        inline = "\n".join(re.findall(r"`([^`\n]+)`", BLOCK.sub("", joined)))
        for line in (joined if path.suffix == ".yaml" else f"{code}\n{inline}").splitlines():
            for words in COMMAND.findall(line.partition("  #")[0]):
                yield name(path), re.split(r", then|\)", words)[0].strip()


def slugs(page: str) -> set[str]:
    """The anchors that a page's headings get."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_recipe_reference_is_what_the_docstrings_say():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate_recipes.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    stale = "docs/recipes.md is stale: python docs/generate_recipes.py"
    assert generate.FILE.read_text(encoding="utf-8") == generate.text(), stale


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_resolve(path):
    page = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", page)):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        linked = path.parent / file if file else path
        assert linked.exists(), f"{name(path)} links to {target}"
        if anchor:
            assert anchor in slugs(linked.read_text(encoding="utf-8")), f"no heading for {target}"


@pytest.mark.parametrize("words", sorted({words for _, words in commands()}))
def test_commands_parse(words):
    _, overrides = grammar.parse(shlex.split(words))
    recipes.load(ROOT / "configs/demo.yaml", overrides)


def test_commands_are_found():
    found = [words.split()[0] for _, words in commands()]
    assert set(found) >= {"prepare", "train", "evaluate", "translate", "describe"}


@pytest.mark.parametrize("command", ["translate", "score", "calibrate", "shortlist"])
def test_translate_page_shows_every_option(command):
    page = (ROOT / "docs/translate.md").read_text(encoding="utf-8")
    options = {s for action in PARSERS[command]()._actions for s in action.option_strings}
    assert {one for one in options if not re.search(rf"{one}\b", page)} <= {"-h", "--help"}


def test_translate_page_shows_every_key_of_decoding_with_a_value():
    page = (ROOT / "docs/translate.md").read_text(encoding="utf-8")
    keys = {field.name for field in dataclasses.fields(DecodingConfig)}
    shown = set(re.findall(r"--decoding\.(\w+)=\S", page))
    assert keys - shown == {"n_best", "alternatives"}  # which have options of their own


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_examples_are_well_formed(path, tmp_path):
    for number, (language, body) in enumerate(BLOCK.findall(path.read_text(encoding="utf-8"))):
        if language == "python":
            compile(body, f"{path}, block {number}", "exec")
        if language == "yaml":
            recipe = tmp_path / f"{number}.yaml"
            recipe.write_text(body, encoding="utf-8")
            assert recipes.load(recipe).data.train


def test_make_targets_exist():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        quoted = re.findall(r"(?:^|`)make (\w+)", text, re.MULTILINE)
        assert set(quoted) <= set(targets), f"{name(path)} quotes a target that does not exist"


def test_figure_names_modules_that_exist():
    figure = (ROOT / "docs/data_flow.svg").read_text(encoding="utf-8")
    modules = re.findall(r'class="module"[^>]*>([^<]+)<', figure)
    assert len(modules) > 10
    assert [module for module in modules if not (ROOT / "seq2seq" / module).exists()] == []
