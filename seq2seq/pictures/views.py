"""What is drawn of the attention of a sentence: kinds, layers and heads, each with its words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32

from seq2seq.attention_maps import SentenceAttention

Kind = Literal["encoder", "decoder", "cross"]
KINDS: tuple[Kind, ...] = ("encoder", "decoder", "cross")

TITLES: dict[Kind, str] = {
    "encoder": "Encoder self-attention",
    "decoder": "Decoder self-attention, masked",
    "cross": "Cross-attention",
}
ROWS: dict[Kind, str] = {
    "encoder": "pieces of the source",
    "decoder": "pieces of the translation, where they are predicted",
    "cross": "pieces of the translation, where they are predicted",
}
"""Who looks."""
COLUMNS: dict[Kind, str] = {
    "encoder": "pieces of the source",
    "decoder": "pieces read so far",
    "cross": "pieces of the source",
}
"""What they look at."""


@dataclass(frozen=True)
class Choice:
    """What to draw.

    Attributes:
        kinds: Kinds of attention.
        layers: Numbers of layers, from 1; None is all. Encoder and decoder may differ in theirs.
        heads: Numbers of heads, from 1; None is all.
    """

    kinds: Sequence[Kind] = KINDS
    layers: Sequence[int] | None = None
    heads: Sequence[int] | None = None


@dataclass(frozen=True)
class View:
    """One kind of attention in one layer.

    Attributes:
        kind: The kind.
        layer: The layer's number, from 1.
        heads: The heads' numbers, from 1.
        rows: The T pieces that look.
        columns: The S pieces that are looked at.
        weights: By head, row and column.
    """

    kind: Kind
    layer: int
    heads: tuple[int, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    weights: Float32[np.ndarray, "N T S"]

    def row_of(self, word: str | None) -> int | None:
        """The row of a word that is a piece by itself, whatever its case; None if there is none."""
        plain = [piece.removeprefix("\u2581").lower() for piece in self.rows]
        return plain.index(word.lower()) if word and word.lower() in plain else None


def views(attention: SentenceAttention, choice: Choice) -> list[View]:
    """What is chosen of a sentence's attention, by kind and layer, as far as it exists.

    Raises:
        ValueError: Nothing of what is chosen exists.
    """
    names = {
        "encoder": (attention.encoder, attention.source, attention.source),
        "decoder": (attention.decoder, attention.target, attention.read),
        "cross": (attention.cross, attention.target, attention.source),
    }
    found = []
    for kind in KINDS:
        weights, rows, columns = names[kind]
        heads = _chosen(weights.shape[1], choice.heads)
        for layer in _chosen(len(weights), choice.layers) if kind in choice.kinds else ():
            picked = weights[layer - 1, [head - 1 for head in heads]]
            found.append(View(kind, layer, heads, rows, columns, picked))
    if not found or not heads:
        raise ValueError(f"expected layers and heads of the model, found {choice}")
    return found


def _chosen(count: int, wanted: Sequence[int] | None) -> tuple[int, ...]:
    """The numbers from 1 to `count` that are wanted."""
    return tuple(n for n in range(1, count + 1) if wanted is None or n in wanted)
