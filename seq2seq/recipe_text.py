"""What a recipe says and where it says it, before anybody asks what it means.

YAML is read by the rules of YAML 1.2 where 1.1 surprises: `1e-9` is a number, and `no` is
Norwegian, not false. Every key keeps its file and line, so that a mistake that is only found later
can be told where it was made.
"""

import dataclasses
import re
from pathlib import Path
from typing import Any

import yaml

from seq2seq.errors import UserError, nearest


class _Loader(yaml.SafeLoader):
    """YAML with the core schema of version 1.2: null, true/false, decimal integers, floats."""


class _Dumper(yaml.SafeDumper):
    """Quotes every string that YAML 1.1 or `_Loader` would read as something else."""


def _add_resolvers() -> None:
    _Loader.yaml_implicit_resolvers = {}
    number = list("-+0123456789")
    point = r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
    rules = [
        ("null", r"~|null|", ["~", "n", ""]),
        ("bool", r"true|false", ["t", "f"]),
        ("int", r"[-+]?(?:0|[1-9][0-9_]*)", number),
        ("float", rf"{point}|[-+]?[0-9]+[eE][-+]?[0-9]+", [*number, "."]),
        ("merge", r"<<", ["<"]),
    ]
    for kind, pattern, first in rules:
        for reader in (_Loader, _Dumper):
            tag = f"tag:yaml.org,2002:{kind}"
            reader.add_implicit_resolver(tag, re.compile(f"(?:{pattern})$"), first)


_add_resolvers()


@dataclasses.dataclass(frozen=True)
class RecipeText:
    """Keys and values as they were written, and where each was written.

    Attributes:
        file: Where keys that were written nowhere are said to be.
        values: Sections and their keys, unchecked.
        origins: The `file:line`, or the word of the command line, of each dotted key.
    """

    file: str
    values: dict[str, Any]
    origins: dict[str, str]

    def error(self, key: str, text: str) -> UserError:
        """Returns the error to raise for a dotted key: `file:line: key: text`, or `--key: text`."""
        known = key
        while known and known not in self.origins:
            known = re.sub(r"\[\d+\]$|(^|\.)[^.\[]*$", "", known)
        origin = self.origins.get(known, self.file)
        return UserError(
            f"{origin}: {text}" if origin == f"--{key}" else f"{origin}: {key}: {text}"
        )

    def layered(self, above: "RecipeText") -> "RecipeText":
        """Returns this recipe with another one's keys on top; sections merge, values do not."""
        values = dict(self.values)
        for key, value in above.values.items():
            both = isinstance(value, dict) and isinstance(values.get(key), dict)
            values[key] = values[key] | value if both else value
        lists = tuple(f"{key}[" for key in above.origins)
        kept = {key: place for key, place in self.origins.items() if not key.startswith(lists)}
        return RecipeText(above.file, values, kept | above.origins)


def read(path: Path) -> RecipeText:
    """Reads a recipe, on top of the recipe that it `extends`, if any.

    Args:
        path: A YAML file. `extends: other.yaml` in it is relative to it; a `run` in the recipe that
            is extended does not count.

    Raises:
        UserError: It cannot be read, is not YAML, writes a key twice, or extends itself.
    """
    return _read(path, ())


def parse_value(text: str) -> Any:
    """Reads one value as it stands in a recipe; raises `yaml.YAMLError` on broken YAML."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a SafeLoader


def write(values: dict[str, Any]) -> str:
    """Returns nested dicts, lists and plain values as YAML that `read` gives back unchanged."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _read(path: Path, below: tuple[Path, ...]) -> RecipeText:
    """Reads a recipe and those it extends; `below` are the recipes that led here."""
    here = (*below, path.resolve())
    if path.resolve() in below:
        raise UserError(f"{path}: extends itself: {' → '.join(step.name for step in here)}")
    recipe = _parse(path, _text(path))
    base = recipe.values.pop("extends", None)
    if base is None:
        return recipe
    if not isinstance(base, str):
        raise recipe.error("extends", f"expected the path of a recipe, found {base!r}")
    lower = _read(path.parent / base, here)
    lower.values.pop("run", None)
    return lower.layered(recipe)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        others = [str(other) for other in path.parent.glob("*.y*ml")]
        raise UserError(f"{path}: no such recipe{nearest(str(path), others)}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: expected a YAML recipe in UTF-8, found other bytes") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def _parse(path: Path, text: str) -> RecipeText:
    origins: dict[str, str] = {}
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is not None:
            _locate(node, "", str(path), origins)
        values = {} if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected sections and keys, found {values!r}")
    return RecipeText(str(path), values, origins)


def _locate(node: yaml.Node, key: str, file: str, origins: dict[str, str]) -> None:
    """Notes the line of every key and list element; raises on a key that is written twice."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            origins[f"{key}[{index}]"] = f"{file}:{item.start_mark.line + 1}"
            _locate(item, f"{key}[{index}]", file, origins)
    elif isinstance(node, yaml.MappingNode):
        for name, item in node.value:
            inner = f"{key}.{name.value}" if key else str(name.value)
            place = f"{file}:{name.start_mark.line + 1}"
            if inner in origins:
                raise UserError(f"{place}: {inner}: written twice, first in {origins[inner]}")
            origins[inner] = place
            _locate(item, inner, file, origins)
