"""What a config says in full, and what its model will cost: by arithmetic, before anything runs."""

import json
from pathlib import Path

from seq2seq import recipe_text, recipes
from seq2seq.config import Config
from seq2seq.model import cost
from seq2seq.vocabulary import Vocabularies


def describe(config: Config, vocabulary: Path | None, as_json: bool, devices: int = 1) -> int:
    """Prints the resolved config, parameters, FLOPs and memory; returns the exit status.

    Args:
        config: What to describe.
        vocabulary: Folder of the vocabularies that are there already, whose sizes are exact.
        as_json: Whether to print the figures of `cost.describe`, with the config as `config`.
        devices: Devices that share an update: each has all parameters and a part of the rows.
    """
    known = None if vocabulary is None else Vocabularies.load(vocabulary)
    size = config.vocabulary.size
    sizes = (size, size) if known is None else (len(known.source), len(known.target))
    figures = cost.describe(config, *sizes, devices, _dtype(config.training.compute_dtype))
    text = recipes.dump(config)
    if as_json:
        shown = json.dumps({"config": recipe_text.parse_value(text), **figures}, ensure_ascii=False)
    else:
        shown = f"{text}\n{cost.render(figures)}"
    print(shown)  # noqa: T201
    return 0


def _dtype(name: str) -> str:
    """The type of the computation; JAX is asked for its devices only where that decides."""
    if name != "auto":
        return name
    from seq2seq.model.functional import compute_dtype

    return str(compute_dtype(name))
