"""Which words of a translation come from which words of its source, by cross-attention.

Each target piece belongs to the source piece that the heads of the last but one layer look at most
while it is predicted (Garg et al., 2019, Jointly learning to align and translate with Transformer
models: of all layers, that one aligns best without being trained to).
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

import numpy as np

from seq2seq.attention_maps import SentenceAttention
from seq2seq.errors import UserError
from seq2seq.translator import Translator

Pairs = list[tuple[int, int]]
"""Numbers of words that belong together, from 0: source, target."""

Align = Callable[[Sequence[str], Sequence[str]], list[Pairs]]
"""`align(sources, targets)`: the pairs of each sentence; words are what is between spaces."""

_SPACE = "\u2581"  # as SentencePiece writes a space


def attention_alignment(translator: Translator) -> Align:
    """Alignment by a model's own attention; the diagonal for texts that it cannot read."""

    def align(sources: Sequence[str], targets: Sequence[str]) -> list[Pairs]:
        return [_aligned(translator, *pair) for pair in zip(sources, targets, strict=True)]

    return align


def _aligned(translator: Translator, source: str, target: str) -> Pairs:
    try:
        maps = translator.attention(source, target)
    except UserError:  # nothing in it that the model knows, or too much
        counts = (len(source.split()), len(target.split()))
        return [(i, i) for i in range(min(counts))]
    return word_pairs(maps, source, target)


def word_pairs(maps: SentenceAttention, source: str, target: str) -> Pairs:
    """The pairs of words of a sentence.

    Args:
        maps: Its attention; pieces may spell the texts in another way, such as lower-cased.
        source: The source, as its words are counted.
        target: The target.
    """
    layer = max(0, len(maps.cross) - 2)
    weights = maps.cross[layer].mean(axis=0)[:-1, :-1]
    best = weights.argmax(axis=1) if weights.size else np.zeros(0, np.int64)
    words = (_words(maps.source[:-1], source), _words(maps.target[:-1], target))
    return sorted({(words[0][column], words[1][row]) for row, column in enumerate(best)})


def _words(pieces: Sequence[str], text: str) -> list[int]:
    """The word of each piece: where its middle is in the text, spaces not counted."""
    lengths = [len(piece.replace(_SPACE, "")) for piece in pieces]
    ends = list(accumulate(len(word) for word in text.split()))
    if not ends or not sum(lengths):
        return [0] * len(pieces)
    scale = ends[-1] / sum(lengths)  # 1 but where pieces spell the text in another way
    starts = accumulate(lengths, initial=0)
    middles = (scale * (start + length / 2) for start, length in zip(starts, lengths, strict=False))
    return [min(bisect_right(ends, middle), len(ends) - 1) for middle in middles]
