"""YAML recipes in, `Config` out, and back again.

A recipe names only what differs from the defaults and may build on another one (`extends`); words
of the command line (`--training.steps=100`) have the last say. Every mistake becomes one line that
names the file and line, or the word, where it was made: keys are checked against the dataclasses
first, because only there is it known which other section holds the key that was meant; jsonargparse
then checks types, and the dataclasses themselves check values.
"""

import dataclasses
import difflib
import functools
import re
import types
from argparse import ArgumentError
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml
from jsonargparse import ArgumentParser

from seq2seq import recipe_text
from seq2seq.config import Config, Corpus
from seq2seq.errors import UserError, nearest
from seq2seq.recipe_text import RecipeText

_TABLES = (".tsv", ".jsonl", ".parquet")


def load(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Reads a recipe, applies words of the command line, and checks everything.

    Args:
        path: The recipe, a YAML file. `extends: other.yaml` is relative to it; every other path in
            it is relative to the current directory.
        overrides: Words such as `--training.steps=100` or `--model.heads 4` (two words). A value is
            YAML; a list may be given as its only element.

    Returns:
        The whole config; `run` is runs/NAME for a recipe NAME.yaml that does not say otherwise (a
        `run` in a recipe it extends does not count).

    Raises:
        UserError: In one line, with the file and line or the word: the recipe cannot be read or
            extends itself; an unknown key; a wrong type; a value or a combination that cannot be.
    """
    path = Path(path)
    recipe = RecipeText(str(path), {"run": str(Path("runs", path.stem))}, {})
    recipe = recipe.layered(recipe_text.read(path))
    recipe = recipe.layered(_command_line(overrides, recipe.file))
    config = _instantiate(Config, _shaped(Config, recipe.values, "", recipe), "", recipe)
    for key, wanted, found in _clashes(config):
        raise recipe.error(key, f"expected {wanted}, found {found!r}")
    return config


def dump(config: Config) -> str:
    """Returns the config as YAML, every key written out; `load` gives an equal config back."""
    return recipe_text.write(_plain(config))


def flatten(config: Config) -> dict[str, object]:
    """Returns every value under its dotted key, such as `data.train[0].path`; `()` for no list."""
    return dict(_leaves(_plain(config), ""))


def _plain(value: Any) -> Any:
    """Returns dicts and lists for dataclasses and tuples; a corpus without its defaults."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value
    pairs = [(f.name, getattr(value, f.name), f.default) for f in dataclasses.fields(value)]
    brief = isinstance(value, Corpus)
    return {name: _plain(item) for name, item, default in pairs if not brief or item != default}


def _leaves(value: Any, key: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, f"{key}.{name}" if key else name)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{key}[{index}]")
    else:
        yield key, () if value == [] else value


def _command_line(words: Sequence[str], file: str) -> RecipeText:
    """Returns the overrides as a recipe of their own."""
    recipe = RecipeText(file, {}, {})
    rest = list(words)
    while rest:
        word = rest.pop(0)
        key, equals, text = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not key:
            raise UserError(f"{word}: expected an override such as --training.steps=100")
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise UserError(f"--{key}: expected a value, found none")
            text = rest.pop(0)
        section, _, name = key.partition(".")
        value = _override_value(key, text)
        update = {section: {name: value} if name else value}
        recipe = recipe.layered(RecipeText(file, update, {key: f"--{key}"}))
    return recipe


def _override_value(key: str, text: str) -> Any:
    """Reads a value as YAML; a text stays as it was typed where the key wants a text."""
    hint = _keys().get(key)
    try:
        value = recipe_text.parse_value(text)
    except yaml.YAMLError:
        if get_origin(hint) is tuple and text.startswith("["):
            wanted = "a list in YAML, texts that hold { } or , in quotes"
            raise UserError(f"--{key}: expected {wanted}, found {text}") from None
        return text
    wants_text = str in _alternatives(hint)
    return text if wants_text and not isinstance(value, str | None) else value


def _keys(cls: Any = Config, section: str = "") -> dict[str, Any]:
    """Returns the type of every key that a recipe may hold, by dotted name."""
    found: dict[str, Any] = {}
    for name, hint in get_type_hints(cls).items():
        inner = f"{section}.{name}" if section else name
        found |= _keys(hint, inner) if dataclasses.is_dataclass(hint) else {inner: hint}
    return found


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _shaped(cls: Any, values: Any, key: str, recipe: RecipeText) -> dict[str, Any]:
    """Returns a section with lists for list-typed keys and corpora made; raises on unknown keys."""
    if not isinstance(values, Mapping):
        raise recipe.error(key, f"expected keys and values, found {values!r}")
    hints = get_type_hints(cls)
    shaped = {}
    for name, value in values.items():
        inner = f"{key}.{name}" if key else str(name)
        if name not in hints:
            near = nearest(str(name), hints) if cls is Corpus else _suggestion(key, str(name))
            raise recipe.error(inner, "unknown key" + (near or f" (known: {', '.join(hints)})"))
        shaped[name] = _shaped_value(hints[name], value, inner, recipe)
    return shaped


def _shaped_value(hint: Any, value: Any, key: str, recipe: RecipeText) -> Any:
    if get_origin(hint) is tuple:
        items = value if isinstance(value, list) else [value]
        each = get_args(hint)[0]
        return [_shaped_value(each, item, f"{key}[{i}]", recipe) for i, item in enumerate(items)]
    if hint is Corpus:
        fields = _corpus_fields(value, key, recipe) if isinstance(value, str) else value
        return _instantiate(Corpus, _shaped(Corpus, fields, key, recipe), key, recipe)
    if dataclasses.is_dataclass(hint):
        return _shaped(hint, {} if value is None else value, key, recipe)
    if value is None and type(None) not in _alternatives(hint):
        raise recipe.error(key, _mismatch(hint, value))
    return value


def _suggestion(section: str, name: str) -> str:
    """Returns which key may have been meant: one of this section, or else of another one."""
    everywhere = {key.rpartition(".")[2]: key for key in _keys()}
    here = {leaf: key for leaf, key in everywhere.items() if key == f"{section}.{leaf}"}
    if not section:
        here = {name: name for name in get_type_hints(Config)}
    for choices in (here, everywhere):
        close = difflib.get_close_matches(name, choices, n=1)
        if close:
            return f" (did you mean {choices[close[0]]!r}?)"
    return ""


def _corpus_fields(text: str, key: str, recipe: RecipeText) -> dict[str, str]:
    """Returns the fields of a corpus that is given as a string."""
    scheme, separator, rest = text.partition("://")
    if not separator and ("{lang}" in text or text.removesuffix(".gz").endswith(_TABLES)):
        return {"path": text}
    if separator and scheme in ("hub", "phrasebook") and rest:
        return {scheme: rest}
    wanted = (
        f"a path with {{lang}}, a file {' '.join(_TABLES)}, hub://owner/name or phrasebook://part"
    )
    close = nearest(scheme, ["hub", "phrasebook"]) if separator else ""
    raise recipe.error(key, f"expected {wanted}, found {text!r}{close}")


def _instantiate(cls: type, values: dict[str, Any], key: str, recipe: RecipeText) -> Any:
    """Makes a dataclass through jsonargparse, which checks the types."""
    parser = _parser(cls)
    try:
        return parser.instantiate(parser.parse_object({"root": values})).root
    except ArgumentError as error:
        match = re.search(r'Parser key "root\.([^"]*)"', str(error))
        name = match[1] if match else ""
        hint, value = _keys(cls).get(name), _lookup(values, name)
        raise recipe.error(f"{key}.{name}" if key else name, _mismatch(hint, value)) from None
    except UserError as error:
        name, _, text = str(error).partition(": ")
        inner = key + name.removeprefix("corpus") if cls is Corpus else name
        raise recipe.error(inner, text) from None


@functools.cache
def _parser(cls: type) -> ArgumentParser:
    """A class's parser, whose making takes as long as a parse: `reproduce` reads many recipes."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(cls, "root")
    return parser


def _lookup(values: Any, key: str) -> Any:
    for name in key.split("."):
        values = values.get(name) if isinstance(values, dict) else None
    return values


def _mismatch(hint: Any, value: Any) -> str:
    """Returns `expected int, found 'abc'`, with the nearest choice where there are choices."""
    choices = [str(choice) for part in _alternatives(hint) for choice in get_args(part)]
    close = nearest(value, choices) if isinstance(value, str) else ""
    shown = {None: "null", True: "true", False: "false"}
    plain = value is None or isinstance(value, bool)
    return f"expected {_wanted(hint)}, found {shown[value] if plain else repr(value)}{close}"


def _wanted(hint: Any) -> str:
    parts = _alternatives(hint)
    if len(parts) > 1:
        return " or ".join(_wanted(part) for part in parts)
    if get_origin(hint) is Literal:
        return " or ".join(get_args(hint))
    if get_origin(hint) is tuple:
        return f"a list of {_wanted(get_args(hint)[0])}"
    return {type(None): "null", bool: "true or false"}.get(hint) or str(hint.__name__)


def _clashes(config: Config) -> Iterator[tuple[str, str, object]]:
    """Yields (key, what was wanted, what was found) for sections that do not go together."""
    data, model, training = config.data, config.model, config.training
    if model.embeddings == "all" and not config.vocabulary.joint:
        wanted = "decoder or separate where vocabulary.joint is false"
        yield "model.embeddings", wanted, model.embeddings
    decoded = config.decoding.max_source_length + config.decoding.max_extra_tokens
    longest = max(data.max_length, decoded)
    if model.positions == "learned" and model.max_positions < longest:
        wanted = "data.max_length and decoding.max_source_length + max_extra_tokens"
        yield (
            "model.max_positions",
            f"at least {longest} ({wanted})",
            model.max_positions,
        )
    row = max(data.source_row_length, data.target_row_length) * training.accumulation
    if training.batch_tokens < row:
        wanted = f"at least {row}, one row for each part of an update"
        yield "training.batch_tokens", wanted, training.batch_tokens
    dropout = max(model.dropout, model.attention_dropout, model.activation_dropout)
    if training.r_drop and not dropout:
        wanted = "0 where there is no dropout: its two passes would be the same"
        yield "training.r_drop", wanted, training.r_drop
    if training.patience is not None and not data.validation:
        yield "training.patience", "none, where data.validation is empty", training.patience
    if training.decay != "inverse_sqrt" and training.warmup_steps > training.steps:
        wanted = f"at most training.steps ({training.steps}) where decay is {training.decay}"
        yield "training.warmup_steps", wanted, training.warmup_steps
