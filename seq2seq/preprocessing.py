"""What is done to raw text before it is cut into pieces, and undone in what comes out.

By default nothing: SentencePiece takes text as people write it. Settings that were published on
lower-cased or tokenised text need the same of theirs (`data.lowercase`,
`data.normalize_punctuation`, `data.tokenizer`), in training, validation and translation alike. The
order is that of the scripts they were prepared with: lower-case, normalise, tokenise.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seq2seq import moses
from seq2seq.config import DataConfig
from seq2seq.errors import UserError

CONTROL = re.compile("[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
"""Control characters that a vocabulary's normalisation drops; the others are white space."""


@dataclass(frozen=True)
class Preprocessing:
    """The preparation of one side's text.

    Attributes:
        language: Language code, whose rules Moses applies.
        lowercase: Whether text is lower-cased.
        normalize_punctuation: Whether quotes and the like become those of ASCII.
        tokenizer: What sets spaces between words and punctuation, if anything.
    """

    language: str
    lowercase: bool = False
    normalize_punctuation: bool = False
    tokenizer: Literal["none", "moses"] = "none"

    def apply(self, texts: Sequence[str]) -> list[str]:
        """Returns raw texts as the vocabulary and the model are to see them, one line each."""
        plain = self.comparable(texts)
        return plain if self.tokenizer == "none" else moses.tokenise(plain, self.language)

    def comparable(self, texts: Iterable[str]) -> list[str]:
        """Returns references as the model could have written them: not tokenised, or no longer."""
        result = [text.lower() for text in texts] if self.lowercase else list(texts)
        if not self.normalize_punctuation:
            return result
        return moses.normalise_punctuation(result, self.language)

    def undo(self, texts: Sequence[str]) -> list[str]:
        """Returns what the model wrote, detokenised; case stays as it is."""
        if self.tokenizer == "none":
            return list(texts)
        return moses.detokenise(texts, self.language)


def sides(data: DataConfig) -> tuple[Preprocessing, Preprocessing]:
    """Returns the preparation of source and target text."""
    options = (data.lowercase, data.normalize_punctuation, data.tokenizer)
    return (
        Preprocessing(data.source_language, *options),
        Preprocessing(data.target_language, *options),
    )


def check_direction(run: str | Path, data: DataConfig, wanted: tuple[str, str]) -> None:
    """Raises `UserError` unless a run translates from the one language to the other."""
    found = (data.source_language, data.target_language)
    if found != wanted:
        ways = [" to ".join(pair) for pair in (wanted, found)]
        raise UserError(f"{run}: expected a run from {ways[0]}, found one from {ways[1]}")


def check_alike(run: str | Path, data: DataConfig, other: DataConfig) -> None:
    """Raises `UserError` unless a run takes and gives text as another one does."""
    check_direction(run, data, (other.source_language, other.target_language))
    for key in ("lowercase", "normalize_punctuation", "tokenizer"):
        wanted, found = getattr(other, key), getattr(data, key)
        if found != wanted:
            raise UserError(f"{run}: expected a run with data.{key} {wanted}, found {found}")


def identity(data: DataConfig) -> dict[str, object]:
    """Returns all that prepared text depends on, for a fingerprint; nothing where all is off."""
    if sides(data)[0] == Preprocessing(data.source_language):
        return {}
    by_moses = data.normalize_punctuation or data.tokenizer == "moses"
    return {
        "lowercase": data.lowercase,
        "normalize_punctuation": data.normalize_punctuation,
        "tokenizer": data.tokenizer,
        "sacremoses": moses.sacremoses_version() if by_moses else None,
    }


def encodable(text: str) -> str:
    """The text as SentencePiece can take it: no halves of surrogate pairs, no NUL."""
    return text.encode("utf-8", errors="replace").decode("utf-8").replace("\0", "")


def printable(text: str) -> str:
    """The text in one line, without control characters."""
    spaced = " ".join(encodable(text).split())
    return "".join(c for c in spaced if unicodedata.category(c) != "Cc")
