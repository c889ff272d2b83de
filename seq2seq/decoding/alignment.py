"""Which words of a source the words of its translation go back to, read off cross-attention.

What a target position looks at while its token is chosen is a soft alignment (Bahdanau et al.,
2015). Of a Transformer's layers the last but one aligns best, its heads averaged (Garg et al.,
2019, Jointly learning to align and translate with Transformer models, section 4).
"""

import bisect
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float

from seq2seq import parallel
from seq2seq.config.checks import decoder_layer
from seq2seq.decoding.forced import Pairs, token_log_probs
from seq2seq.model.ensemble import Model
from seq2seq.model.functional import Make
from seq2seq.model.observation import observing
from seq2seq.parallel import Backend
from seq2seq.types import Params

_SPACE = "\u2581"  # what SentencePiece writes for a space, and before a text's first word
_NOTHING = 0.5
"""A word more than this share of whose weight lies on the end symbol goes back to no word."""


class Reading(NamedTuple):
    """What a model does while it is made to write given translations."""

    log_probs: Float[Array, "B T"]
    """log p(y_t | y_<t, x) of every output, in nats."""
    attention: Float[Array, "B T S"]
    """What it looks at for that: cross-attention of one layer, the mean of its heads."""


Read = Callable[[Params, Pairs, int | None], Reading]
"""`read(params, pairs, layer)`: the reading of each pair, over all devices."""


def read_function(make: Make, backend: Backend) -> Read:
    """The compiled reading.

    Args:
        make: Makes the model from its parameters.
        backend: How devices share the work.
    """

    @functools.cache
    def compiled(layer: int | None) -> Callable[[Params, Pairs], Reading]:
        def one_device(params: Params, pairs: Pairs) -> Reading:
            return reading(make(params), pairs, layer)

        return parallel.data_parallel(one_device, backend, outputs="cut")

    return lambda params, pairs, layer: compiled(layer)(params, pairs)


def reading(model: Model, pairs: Pairs, layer: int | None = None) -> Reading:
    """Probabilities and attention at once; a pure function.

    Args:
        model: The model; of an ensemble, the mean of its members' attention.
        pairs: Sources and their translations.
        layer: Of the decoder, from 1; default the last but one.

    Raises:
        UserError: The decoder has no such layer.
    """
    with observing() as seen:
        log_probs = token_log_probs(model, pairs)
    # Encoder self-attention of each member, then decoder self- and cross-attention of each in turn:
    # [L, B, N, T, S] each.
    members = len(seen) // 3
    crosses = seen[members + 1 :: 2]
    chosen = [cross[_index(layer, len(cross))].mean(axis=1) for cross in crosses]
    return Reading(log_probs, sum(chosen[1:], chosen[0]) / members)


def _index(wanted: int | None, layers: int) -> int:
    """The layer whose cross-attention aligns, from 0."""
    if wanted is None:
        return max(0, layers - 2)
    decoder_layer("decoding.alignment_layer", wanted, layers)
    return wanted - 1


def word_alignment(
    attention: Float[np.ndarray, "T S"],
    source: Sequence[str],
    target: Sequence[str],
    texts: tuple[str, str],
) -> tuple[tuple[int, int], ...]:
    """Pairs of a source word and the target word that goes back to it, by number from 0.

    Words are what spaces separate. A target word goes back to the source word on which most of its
    weight lies, or to none where most of it lies on the end symbol.

    Args:
        attention: A row for each piece of the target, the end symbol's left out; a column for each
            piece of the source, that of the end symbol the last.
        source: Its pieces, without the end symbol.
        target: Its pieces, without the end symbol.
        texts: Source and target whose words are meant: the pieces may spell them in another way,
            as Moses tokens do.

    Returns:
        Sorted by the target word.
    """
    words = [_words(*side) for side in zip((source, target), texts, strict=True)]
    if not words[0] or not words[1]:
        return ()
    columns = _summed(attention[:, :-1].T, words[0]).T
    weights = _summed(columns, words[1])
    ends = _summed(attention[:, -1:], words[1])[:, 0]
    sums = weights.sum(axis=1)
    known = (sums > 0) & (ends <= _NOTHING * (sums + ends))
    return tuple((int(i), j) for j, i in enumerate(weights.argmax(axis=1)) if known[j])


def _words(pieces: Sequence[str], text: str) -> list[int]:
    """The number of the word of a text that each piece belongs to; empty if there is no word.

    Where the pieces begin as many words as the text has, these are its words. Otherwise a piece
    belongs to the word in which its middle lies, by the count of characters that are no spaces.
    """
    ends = list(itertools.accumulate(len(word) for word in text.split()))
    lengths = [len(piece.replace(_SPACE, "")) for piece in pieces]
    if not ends or not sum(lengths):
        return []
    begins = np.array([piece.startswith(_SPACE) for piece in pieces])
    begins[0] = True
    words: list[int] = (np.cumsum(begins) - 1).tolist()
    if words[-1] + 1 == len(ends):
        return words
    scale, starts = ends[-1] / sum(lengths), itertools.accumulate(lengths, initial=0)
    middles = (scale * (start + length / 2) for start, length in zip(starts, lengths, strict=False))
    return [min(bisect.bisect_right(ends, middle), len(ends) - 1) for middle in middles]


def _summed(rows: Float[np.ndarray, "P C"], words: Sequence[int]) -> Float[np.ndarray, "W C"]:
    """The sum of each word's rows."""
    sums = np.zeros((words[-1] + 1, rows.shape[1]))
    np.add.at(sums, words, rows)
    return sums
