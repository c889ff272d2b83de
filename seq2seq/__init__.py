"""Machine translation in JAX: train, measure and run encoder-decoder Transformers.

    from seq2seq import Translator
    Translator.load("runs/demo").translate(["The tired animal sat by the river bank."])[0].text

The names below are imported when they are first used: importing the package itself costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2seq.attention_maps import SentenceAttention
    from seq2seq.commands.train import train_model as train
    from seq2seq.config import Config, Corpus
    from seq2seq.data.prepare import Prepared, prepare
    from seq2seq.errors import UserError
    from seq2seq.evaluation.scores import Score, evaluate
    from seq2seq.recipes import load as load_recipe
    from seq2seq.run_directory import RunDirectory
    from seq2seq.training.loop import Outcome
    from seq2seq.translations import Translation
    from seq2seq.translator import Translator
    from seq2seq.vocabulary import Vocabularies

__version__ = "0.1.0"

__all__ = [
    "Config",
    "Corpus",
    "Outcome",
    "Prepared",
    "RunDirectory",
    "Score",
    "SentenceAttention",
    "Translation",
    "Translator",
    "UserError",
    "Vocabularies",
    "evaluate",
    "load_recipe",
    "prepare",
    "train",
]

_PLACES = {
    "Config": "config.Config",
    "Corpus": "config.Corpus",
    "Outcome": "training.loop.Outcome",
    "Prepared": "data.prepare.Prepared",
    "RunDirectory": "run_directory.RunDirectory",
    "Score": "evaluation.scores.Score",
    "SentenceAttention": "attention_maps.SentenceAttention",
    "Translation": "translations.Translation",
    "Translator": "translator.Translator",
    "UserError": "errors.UserError",
    "Vocabularies": "vocabulary.Vocabularies",
    "evaluate": "evaluation.scores.evaluate",
    "load_recipe": "recipes.load",
    "prepare": "data.prepare.prepare",
    "train": "commands.train.train_model",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used (PEP 562)."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PLACES[name].rpartition(".")
    value = getattr(import_module(f"{__name__}.{module}"), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Names for completion."""
    return sorted({*globals(), *__all__})
