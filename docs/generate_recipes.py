"""Writes docs/recipes.md, the reference of all recipe keys, from `seq2seq.config`.

    python docs/generate_recipes.py

A key's meaning is taken from its dataclass's docstring, its type and default from the field, so
that the reference says what the code does. A test compares the file with what this gives.
"""

import dataclasses
import inspect
import json
import re
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from seq2seq.config import Config, Corpus

FILE = Path(__file__).with_name("recipes.md")

_OPENING = """\
# Recipe reference

<!-- Written by docs/generate_recipes.py from the docstrings of the dataclasses: change those. -->

A recipe is a YAML file with the sections below, such as [configs/demo.yaml](../configs/demo.yaml).
It names only what differs from the defaults, which are the base model of *Attention Is All You
Need*.

- `extends: other.yaml` starts from another recipe; its path is relative to the recipe. Sections
  merge key by key, values and lists are replaced.
- Every key can be set on the command line, which has the last say: `--training.steps=100`,
  `--data.train=text/train.{lang}`. A value is YAML.
- Where a list is wanted, its only element may stand alone.
- Paths in a recipe are relative to the folder from which the command is run.
- `seq2seq describe --config RECIPE` shows what a recipe amounts to; a run's `config.yaml` holds
  every key as resolved.

Once a run has a checkpoint, going on with it may change only how long it trains and how often it
logs and saves (`steps`, `epochs`, `patience`, `log_every`, `validate_every`, `checkpoint_every`,
`keep_latest`, `keep_best`, `average_last`, `validation_sentences`), `data.test`, `data.cache` and
`decoding`.
"""


def text() -> str:
    """Returns the whole reference as Markdown."""
    hints = get_type_hints(Config)
    sections = [name for name, hint in hints.items() if dataclasses.is_dataclass(hint)]
    parts = [_OPENING, _section("Top level", Config, skip=sections)]
    for name in sections:
        parts.append(_section(f"`{name}`", hints[name], prefix=f"{name}."))
        if name == "data":
            parts.append(_section("A corpus", Corpus, level=3))
    return "\n".join(parts)


def _section(
    title: str, cls: Any, prefix: str = "", skip: list[str] | None = None, level: int = 2
) -> str:
    """Returns a heading, what the dataclass's docstring says before its attributes, and a table."""
    prose, meanings = documented(cls)
    hints = get_type_hints(cls)
    lines = [f"{'#' * level} {title}", "", prose, ""] if cls is not Config else [f"## {title}", ""]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    for field in dataclasses.fields(cls):
        if field.name not in (skip or []):
            kind, default = _kind(hints[field.name]), _default(field)
            cells = (f"`{prefix}{field.name}`", kind, default, meanings[field.name])
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def documented(cls: type) -> tuple[str, dict[str, str]]:
    """Returns a docstring's prose, and the meaning of each of its attributes.

    Raises:
        ValueError: The attributes of the docstring are not the fields of the dataclass.
    """
    prose, _, attributes = (inspect.getdoc(cls) or "").partition("\nAttributes:\n")
    found = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", attributes, re.MULTILINE)
    meanings = {name: " ".join(meaning.split()) for name, meaning in found}
    names = [field.name for field in dataclasses.fields(cls)]
    if list(meanings) != names:
        raise ValueError(f"{cls.__name__}: the docstring tells of {list(meanings)}, not of {names}")
    return prose.strip(), meanings


def _kind(hint: Any) -> str:
    """Returns a type in the words of YAML."""
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(_kind(part) for part in get_args(hint))
    if get_origin(hint) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(hint))
    if get_origin(hint) is tuple:
        return f"list of {_plural(get_args(hint)[0])}"
    names = {int: "integer", float: "number", bool: "`true` or `false`", str: "text"}
    return names.get(hint) or ("`null`" if hint is type(None) else hint.__name__)


def _plural(hint: Any) -> str:
    return "[corpora](#a-corpus)" if hint is Corpus else "texts"


def _default(field: dataclasses.Field) -> str:
    """Returns a default as it would stand in a recipe."""
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
