"""Whether heads look from an ambiguous word at the word that decides how it is translated.

*Bank* is an Ufer because of the duck, so some head should look from "bank" at "duck". Measured is
how often the deciding word is among the two words that a head looks at most:

- in the **encoder**, from the ambiguous word (self-attention, any layer);
- in **cross-attention**, from the place where its translation is predicted, in the sentences whose
  translation holds the right sense, once.

Weights of a word's pieces are added up, rows of several pieces averaged. Punctuation and the end
symbol are no words; the ambiguous word itself is one, so it competes. With many heads, some head
looks at any word you like. Hence two comparisons: the same figure for a word of the same sentence
drawn at random (neither the ambiguous one nor the one that decides), and the figures of the one
head that finds the deciding word most often.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from seq2seq.attention_maps import SentenceAttention
from seq2seq.data.phrasebook import AmbiguousPair, sense_is_right

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_MOST = 2
"""How many words count as those that a head looks at."""


class Word(NamedTuple):
    """A word in lower case, and which pieces it is made of."""

    text: str
    pieces: list[int]


@dataclass(frozen=True)
class Looks:
    """In what share of sentences the deciding word is among the two most attended; in percent.

    Attributes:
        sentences: Number of sentences looked at.
        some_head: By at least one head of any layer.
        some_head_by_chance: The same of a word drawn at random.
        layer: Layer of the head that most often looks at the deciding word, from 1.
        head: Its number, from 1.
        best_head: By that head alone. It was chosen by this very figure.
        best_head_by_chance: The same of a word drawn at random.
    """

    sentences: int
    some_head: float
    some_head_by_chance: float
    layer: int
    head: int
    best_head: float
    best_head_by_chance: float


class _Found(NamedTuple):
    """Of one sentence: what looks at the deciding word, and the mean over the other words."""

    decider: Bool[np.ndarray, "L N"]
    others: Float[np.ndarray, "L N"]
    others_some_head: float


def measure(
    pairs: Sequence[AmbiguousPair], attentions: Sequence[SentenceAttention]
) -> dict[str, Looks]:
    """Measures how often heads look at the deciding word.

    Args:
        pairs: Sentences with an ambiguous word.
        attentions: The attention of each, with the model's own translation.

    Returns:
        The figures of `encoder` self-attention and of `cross` attention; one of them is missing if
        there is no sentence for it.
    """
    found: dict[str, list[_Found]] = {"encoder": [], "cross": []}
    for pair, attention in zip(pairs, attentions, strict=True):
        source = words(attention.source)
        looking = _one(source, pair.word)
        if looking is None or _one(source, pair.decider) is None:
            continue
        found["encoder"].append(_look(attention.encoder, looking, source, pair))
        sense = _one(words(attention.target), pair.sense)
        if sense is not None and sense_is_right(pair, attention.translation):
            found["cross"].append(_look(attention.cross, sense, source, pair))
    return {name: _summary(several) for name, several in found.items() if several}


def strongest(pair: AmbiguousPair, attention: SentenceAttention) -> float:
    """The largest weight with which a head of the encoder looks at the deciding word.

    It is 0 where that word stands beside the ambiguous one, since heads look at neighbours anyway,
    and where one of the two is not there exactly once.

    Args:
        pair: A sentence with an ambiguous word.
        attention: Its attention.
    """
    source = words(attention.source)
    looking, decider = _one(source, pair.word), _one(source, pair.decider)
    if looking is None or decider is None or abs(source.index(looking) - source.index(decider)) < 2:
        return 0.0
    rows = attention.encoder[:, :, looking.pieces].mean(axis=2)
    return float(rows[..., decider.pieces].sum(axis=-1).max())


def words(pieces: Sequence[str]) -> list[Word]:
    """The words that pieces spell, without punctuation and symbols; the last piece is the end."""
    parts = [piece.replace("\u2581", " ") for piece in pieces[:-1]]
    starts = np.cumsum([0, *map(len, parts)])
    found = []
    for match in _WORD.finditer("".join(parts)):
        first = int(np.searchsorted(starts, match.start(), side="right")) - 1
        last = int(np.searchsorted(starts, match.end(), side="left"))
        found.append(Word(match[0].lower(), list(range(first, last))))
    return found


def _one(several: Sequence[Word], text: str) -> Word | None:
    """The word of that text, if there is exactly one."""
    same = [word for word in several if word.text == text.lower()]
    return same[0] if len(same) == 1 else None


def _look(
    weights: Float[np.ndarray, "L N T S"],
    looking: Word,
    source: Sequence[Word],
    pair: AmbiguousPair,
) -> _Found:
    """Where the rows of a word look in the source."""
    rows = weights[:, :, looking.pieces].mean(axis=2)
    by_word = np.stack([rows[..., word.pieces].sum(axis=-1) for word in source], axis=-1)
    ranks = np.argsort(np.argsort(-by_word, axis=-1, kind="stable"), axis=-1)
    among = ranks < _MOST
    texts = [word.text for word in source]
    decides = texts.index(pair.decider.lower())
    spoken_of = (pair.decider.lower(), pair.word.lower())
    others = among[..., [i for i, text in enumerate(texts) if text not in spoken_of]]
    some = others.any(axis=(0, 1)).mean() if others.shape[-1] else 0.0
    share = others.mean(axis=-1) if others.shape[-1] else np.zeros(others.shape[:2])
    return _Found(among[..., decides], share, float(some))


def _summary(found: Sequence[_Found]) -> Looks:
    by_head = np.mean([one.decider for one in found], axis=0)
    by_chance = np.mean([one.others for one in found], axis=0)
    layer, head = np.unravel_index(by_head.argmax(), by_head.shape)
    return Looks(
        sentences=len(found),
        some_head=100 * float(np.mean([one.decider.any() for one in found])),
        some_head_by_chance=100 * float(np.mean([one.others_some_head for one in found])),
        layer=int(layer) + 1,
        head=int(head) + 1,
        best_head=100 * float(by_head[layer, head]),
        best_head_by_chance=100 * float(by_chance[layer, head]),
    )
