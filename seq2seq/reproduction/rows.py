"""The rows to train: recipes of a folder, chosen by name, all with the same changes."""

import dataclasses
import fnmatch
import json
from collections.abc import Sequence
from pathlib import Path

from seq2seq import recipe_text, recipes
from seq2seq.config import Config
from seq2seq.errors import UserError, nearest
from seq2seq.reproduction.table3 import ROWS

_PACE = {"training.steps", "training.validate_every", "training.checkpoint_every"}
"""What a row's recipe may say that does not make the row."""


@dataclasses.dataclass(frozen=True)
class Row:
    """A row to train.

    Attributes:
        name: The name of its recipe.
        config: The recipe with what the command line changes; `config.run` is the row's own folder.
    """

    name: str
    config: Config

    @property
    def run(self) -> Path:
        """The run directory."""
        return Path(str(self.config.run))


def names(folder: Path) -> list[str]:
    """Returns the rows of a folder: the table's in its order, then those of the user's own.

    Raises:
        UserError: There is no recipe.
    """
    found = {path.stem for path in folder.glob("*.yaml")}
    if not found:
        wanted = "a folder with the recipes of the rows"
        raise UserError(f"--configs: expected {wanted}, found none in {folder}")
    return [*(name for name in ROWS if name in found), *sorted(found - ROWS.keys())]


def chosen(folder: Path, patterns: Sequence[str] | None) -> list[str]:
    """Returns the rows that were asked for, in the table's order.

    Args:
        folder: Where the recipes are.
        patterns: Names, or patterns such as `a_*`; None for all rows.

    Raises:
        UserError: A name or pattern fits no row.
    """
    known = names(folder)
    for pattern in patterns or ():
        if not fnmatch.filter(known, pattern):
            hint = nearest(pattern, known) or f" (known: {', '.join(known)})"
            raise UserError(f"--rows: expected rows of {folder}, found {pattern!r}{hint}")
    wanted = patterns or ["*"]
    return [name for name in known if any(fnmatch.fnmatch(name, w) for w in wanted)]


def load(
    folder: Path,
    output: Path,
    overrides: Sequence[str],
    *,
    steps: int | None = None,
    data: Path | None = None,
    shrink: int = 1,
    wanted: Sequence[str] | None = None,
) -> list[Row]:
    """Reads the recipes of rows.

    Args:
        folder: Where the recipes are.
        output: Where the rows' run directories are to be.
        overrides: Words that set keys in every row, such as `--training.batch_tokens=2048`.
        steps: Updates of every row; default what each recipe says.
        data: A recipe whose corpora and vocabulary take the place of the rows' own.
        shrink: What every width of every row is divided by, so that the rows differ from the base
            model by the same factors in a size that a small corpus can train. Layers and heads stay
            as many.
        wanted: Names of the rows; default all. Those that are not wanted are read where they can
            be, for the report.

    Raises:
        UserError: There is no recipe, a word cannot be or would undo what makes a row, a width
            cannot be divided, or a row would have nothing to be measured on.
    """
    words = [] if data is None else _corpora_of(data)
    words += [] if steps is None else [f"--training.steps={steps}"]
    words += overrides
    rows = []
    for name in names(folder):
        recipe, own = folder / f"{name}.yaml", [*words, f"--run={output / name}"]
        try:
            _check_kept(name, recipe, overrides)
            row = Row(
                name, recipes.load(recipe, own) if shrink == 1 else _shrunk(recipe, own, shrink)
            )
        except UserError:
            if wanted is None or name in wanted:
                raise
            continue
        if not row.config.data.validation:
            what = "a corpus, on which the rows are measured"
            raise UserError(f"{name}: data.validation: expected {what}, found none")
        rows.append(row)
    return rows


def _check_kept(name: str, recipe: Path, overrides: Sequence[str]) -> None:
    """Raises where a word sets what makes a row.

    How long a row is trained, and with what vocabulary, may be said for all rows.
    """
    made_by = _own_keys(recipe)
    for word in overrides:
        key = word.removeprefix("--").partition("=")[0]
        found = next((own for own in made_by if own == key or own.startswith(f"{key}.")), None)
        if found:
            what = f"a key that no row is made by, found {found}, which makes row {name}"
            raise UserError(f"--{key}: expected {what}")


def _own_keys(recipe: Path) -> list[str]:
    """The keys of model and training that a recipe sets on top of another one of its folder."""
    origins = {
        key: Path(place.rpartition(":")[0])
        for key, place in recipe_text.read(recipe).origins.items()
    }
    if not any(file.parent == recipe.parent for file in origins.values() if file != recipe):
        return []
    mine = {key for key, file in origins.items() if file == recipe}
    return sorted(key for key in mine - _PACE if key.startswith(("model.", "training.")))


def _shrunk(recipe: Path, words: Sequence[str], by: int) -> Config:
    """The recipe with every width divided, before the words change it."""
    model = recipes.load(recipe).model
    sizes = []
    for key in ("width", "feed_forward_width", "key_width", "value_width"):
        size = getattr(model, key)
        if size is None:
            continue
        if size % by:
            wanted = f"a divisor of {size}, the model.{key} of {recipe}"
            raise UserError(f"--shrink: expected {wanted}, found {by}")
        sizes.append(f"--model.{key}={size // by}")
    try:
        return recipes.load(recipe, [*sizes, *words])
    except UserError as error:
        if "model." in str(error):
            raise UserError(f"--shrink: {by} does not suit row {recipe.stem}: {error}") from None
        raise


def _corpora_of(path: Path) -> list[str]:
    """The words that give a recipe the `data` and `vocabulary` sections of another one."""
    values = recipe_text.parse_value(recipes.dump(recipes.load(path)))
    return [f"--{name}={json.dumps(values[name])}" for name in ("data", "vocabulary")]
