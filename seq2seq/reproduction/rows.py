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
) -> list[Row]:
    """Reads the recipes of all rows.

    Args:
        folder: Where the recipes are.
        output: Where the rows' run directories are to be.
        overrides: Words that set keys in every row, such as `--training.batch_tokens=2048`.
        steps: Updates of every row; default what each recipe says.
        data: A recipe whose corpora and vocabulary take the place of the rows' own.

    Raises:
        UserError: There is no recipe, a word cannot be, or a row would have nothing to be measured
            on.
    """
    words = [] if data is None else _corpora_of(data)
    words += [] if steps is None else [f"--training.steps={steps}"]
    words += overrides
    rows = []
    for name in names(folder):
        run = f"--run={output / name}"
        row = Row(name, recipes.load(folder / f"{name}.yaml", [*words, run]))
        if not row.config.data.validation:
            wanted = "a corpus, on which the rows are measured"
            raise UserError(f"{name}: data.validation: expected {wanted}, found none")
        rows.append(row)
    return rows


def _corpora_of(path: Path) -> list[str]:
    """The words that give a recipe the `data` and `vocabulary` sections of another one."""
    values = recipe_text.parse_value(recipes.dump(recipes.load(path)))
    return [f"--{name}={json.dumps(values[name])}" for name in ("data", "vocabulary")]
