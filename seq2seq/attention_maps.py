"""What every head looks at while a sentence is translated: the weights of all attention.

Rows are those who look, columns what they look at. A row of the decoder is named after the piece
that it *predicts*, because that is what it looks for; what it reads at that place is the piece
before, at first the start symbol. So the last column that a row of decoder self-attention can see,
on the diagonal, bears the name of the piece before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Float32, Int, Int32

from seq2seq.errors import UserError
from seq2seq.model.functional import Make
from seq2seq.model.observation import observing
from seq2seq.model.transformer import Transformer
from seq2seq.types import Params
from seq2seq.vocabulary import Vocabularies, Vocabulary

_SPACE = "\u2581"  # the piece that SentencePiece writes for a space by itself
_STEP = 16
"""Lengths are padded to multiples of it, so that few shapes are compiled."""
_CELLS = 1 << 14
"""Rows times columns of all maps of one head and one batch."""


class AttentionMaps(NamedTuple):
    """Attention weights of a batch, float32; each row adds up to 1."""

    encoder: Float[Array, "L B N S S"]
    """Source positions look at source positions."""
    decoder: Float[Array, "M B N T T"]
    """Target positions look at target positions up to themselves; M decoder layers."""
    cross: Float[Array, "M B N T S"]
    """Target positions look at the encoder's output."""


@dataclass(frozen=True)
class SentenceAttention:
    """The attention weights of one sentence and its translation, with names for both axes.

    Attributes:
        sentence: The source as text; as people write it where `Translator.attention` gave it.
        translation: The target likewise: what the search found, or what was forced.
        source: The S pieces that the encoder reads, the end symbol last.
        target: The T pieces that the decoder predicts, the end symbol last: its rows.
        read: The T pieces that it reads for that: the start symbol, then the target up to the piece
            before. They are the columns of its self-attention.
        encoder: Weights of encoder self-attention, by layer, head, row and column.
        decoder: Weights of decoder self-attention; 0 above the diagonal.
        cross: Weights of cross-attention.
    """

    sentence: str
    translation: str
    source: tuple[str, ...]
    target: tuple[str, ...]
    read: tuple[str, ...]
    encoder: Float32[np.ndarray, "L N S S"]
    decoder: Float32[np.ndarray, "M N T T"]
    cross: Float32[np.ndarray, "M N T S"]


class Sentence(NamedTuple):
    """A text with its pieces, as the vocabulary cut it, and their ids; without symbols."""

    text: str
    pieces: tuple[str, ...]
    ids: tuple[int, ...]

    @classmethod
    def of(cls, text: str, vocabulary: Vocabulary) -> "Sentence":
        """A text, cut by the vocabulary; pieces that it does not know stay as they are written."""
        text = text.replace("\0", "").encode("utf-8", "replace").decode()
        return cls(text, tuple(vocabulary.cut(text)), tuple(vocabulary.encode([text])[0]))

    @classmethod
    def of_ids(cls, ids: Sequence[int], vocabulary: Vocabulary) -> "Sentence":
        """What a search found."""
        pieces = tuple(vocabulary.pieces[i] for i in ids)
        return cls(" ".join(vocabulary.decode([ids])[0].splitlines()), pieces, tuple(ids))

    def first(self, count: int) -> "Sentence":
        """Its first pieces, if it has more than `count`; the text stays whole."""
        return self._replace(pieces=self.pieces[:count], ids=self.ids[:count])

    def check(self, name: str, vocabulary: Vocabulary, longest: int) -> None:
        """Raises `UserError` where there is nothing to look at, or too much.

        Args:
            name: What the message calls the text.
            vocabulary: Its vocabulary.
            longest: How many pieces it may have.
        """
        known = {i for i in self.ids if vocabulary.pieces[i] != _SPACE}
        if not known:
            raise UserError(f"{name}: expected words, found none")
        if known == {vocabulary.symbols.unknown}:
            raise UserError(f"{name}: expected words of the vocabulary, found none that it knows")
        if len(self.ids) > longest:
            raise UserError(f"{name}: expected at most {longest:,} pieces, found {len(self.ids):,}")


Observe = Callable[[Params, Sequence[Sentence], Sequence[Sentence]], list[SentenceAttention]]
"""`observe(params, sources, targets)`: the attention of each source, each target being forced."""


def attention_maps(
    model: Transformer,
    source: Int[Array, "B S"],
    source_segments: Int[Array, "B S"],
    target_inputs: Int[Array, "B T"],
    target_segments: Int[Array, "B T"],
) -> AttentionMaps:
    """The weights of every attention while the decoder reads `target_inputs`; a pure function.

    Args:
        model: The model.
        source: Token ids with the end symbol.
        source_segments: 1 for the sentence, 0 for padding.
        target_inputs: The start symbol, then the target without its end symbol.
        target_segments: 1 for the target, 0 for padding.
    """
    places = [
        jax.lax.broadcasted_iota(np.int32, tokens.shape, 1) for tokens in (source, target_inputs)
    ]
    with observing() as encoder:
        memory = model.encode(source, source_segments, places[0])
    with observing() as decoder:
        model.decode(target_inputs, target_segments, places[1], memory, source_segments)
    return AttentionMaps(*encoder, *decoder)


def observer(make: Make, vocabularies: Vocabularies) -> Observe:
    """The compiled observation of sentences, in batches of few static shapes.

    Args:
        make: Makes the model, which is no ensemble, from its parameters.
        vocabularies: Source and target vocabulary.
    """

    @jax.jit
    def run(params: Params, *arrays: Int[Array, "B _"]) -> AttentionMaps:
        model = make(params)
        if not isinstance(model, Transformer):
            raise UserError("attention: expected a single model, found an ensemble")
        return attention_maps(model, *arrays)

    def observe(
        params: Params, sources: Sequence[Sentence], targets: Sequence[Sentence]
    ) -> list[SentenceAttention]:
        end, start = vocabularies.source.symbols.end, vocabularies.target.symbols.start
        rows = [[*sentence.ids, end] for sentence in sources]
        inputs = [[start, *sentence.ids] for sentence in targets]
        found: list[SentenceAttention] = []
        for part, arrays in _batches(rows, inputs):
            maps = jax.device_get(run(params, *arrays))
            pairs = zip(sources[part], targets[part], strict=True)
            found += [_named(maps, i, *pair, vocabularies) for i, pair in enumerate(pairs)]
        return found

    return observe


def _batches(
    sources: Sequence[Sequence[int]], inputs: Sequence[Sequence[int]]
) -> Iterator[tuple[slice, list[Int32[np.ndarray, "B _"]]]]:
    """Which sentences a batch holds, and its arrays: source, its segments, inputs, their segments.

    All have one shape; rows that the last batch has to spare are padding.
    """
    lengths = [max(map(len, side), default=0) for side in (sources, inputs)]
    lengths = [-(-length // _STEP) * _STEP for length in lengths]
    rows = max(1, min(len(sources), _CELLS // max(1, max(lengths) ** 2)))
    for first in range(0, len(sources), rows):
        part, arrays = slice(first, first + rows), []
        for side, length in zip((sources, inputs), lengths, strict=True):
            tokens, segments = np.zeros((2, rows, length), np.int32)
            for i, ids in enumerate(side[part]):
                tokens[i, : len(ids)], segments[i, : len(ids)] = ids, 1
            arrays += [tokens, segments]
        yield part, arrays


def _named(
    maps: AttentionMaps, row: int, source: Sentence, target: Sentence, vocabularies: Vocabularies
) -> SentenceAttention:
    """One sentence's part of a batch, without padding, and the names of its axes."""
    length, width = len(target.ids) + 1, len(source.ids) + 1
    ends = (vocabularies.source.symbols.end, vocabularies.target.symbols.end)
    start = vocabularies.target.symbols.start
    return SentenceAttention(
        source.text,
        target.text,
        source=(*source.pieces, vocabularies.source.pieces[ends[0]]),
        target=(*target.pieces, vocabularies.target.pieces[ends[1]]),
        read=(vocabularies.target.pieces[start], *target.pieces),
        encoder=np.array(maps.encoder[:, row, :, :width, :width]),
        decoder=np.array(maps.decoder[:, row, :, :length, :length]),
        cross=np.array(maps.cross[:, row, :, :length, :width]),
    )
