"""Why a translation reads as it does: its tokens' probabilities, what they look at, what is odd."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from seq2seq import parallel
from seq2seq.attention_maps import Sentence
from seq2seq.confidence import Calibration
from seq2seq.decoding.alignment import Reading, word_alignment
from seq2seq.decoding.forced import Pairs, batches
from seq2seq.vocabulary import Vocabularies

_LOOP = 3
"""What stands so many times in a row is taken for a loop."""


@dataclass(frozen=True)
class Explanation:
    """What is known of a translation besides its text.

    Attributes:
        source: The S pieces that the model read, the end symbol last.
        target: The T pieces of the translation, the end symbol last.
        log_probs: The log-probability of each of these, in nats, given the source and those before.
        attention: What each looks at in the source, a row for each: cross-attention of
            `decoding.alignment_layer`, the mean of its heads.
        alignment: Pairs of a source word and a target word that goes back to it, from 0.
        confidence: The quality to be expected, from 0 to 1: chrF of the sentence; None for a run
            that `seq2seq calibrate` has not been called for.
    """

    source: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    log_probs: tuple[float, ...] = ()
    attention: Float32[np.ndarray, "T S"] | None = None
    alignment: tuple[tuple[int, int], ...] = ()
    confidence: float | None = None

    @property
    def log_prob(self) -> float:
        """The mean log-probability of a token, in nats; 0 for an empty translation."""
        return float(np.mean(self.log_probs)) if self.log_probs else 0.0

    @property
    def repeated(self) -> bool:
        """Whether the same pieces stand three times in a row, as when a model is in a loop."""
        pieces = self.target[:-1]
        return any(
            pieces[first : first + n] * _LOOP == pieces[first : first + n * _LOOP]
            for n in range(1, len(pieces) // _LOOP + 1)
            for first in range(len(pieces) - n * _LOOP + 1)
        )


def explained(
    read: Callable[[Pairs], Reading],
    pairs: Sequence[tuple[Sentence, Sequence[int]]],
    texts: Sequence[tuple[str, str]],
    vocabularies: Vocabularies,
    budget: int,
    calibration: Calibration | None,
) -> Iterator[tuple[int, Explanation]]:
    """Yields the explanation of each translation, with its number, in any order.

    Args:
        read: Gives the probabilities and the attention of a batch.
        pairs: Sources as the model reads them, and token ids of their translations.
        texts: Sources and translations, whose words are aligned.
        vocabularies: Source and target vocabulary.
        budget: Tokens of a batch on either side, padding counted.
        calibration: For the confidence.
    """
    ends = [v.pieces[v.symbols.end] for v in (vocabularies.source, vocabularies.target)]
    sides = ([list(source.ids) for source, _ in pairs], [list(ids) for _, ids in pairs])
    for numbers, arrays in batches(*sides, vocabularies, budget):
        found = parallel.fetch(read(arrays))
        for row, number in enumerate(numbers):
            source, ids = pairs[number]
            target = tuple(vocabularies.target.pieces[i] for i in ids)
            attention = found.attention[row, : len(ids) + 1, : len(source.ids) + 1]
            log_probs = tuple(found.log_probs[row, : len(ids) + 1].tolist())
            explanation = Explanation(
                (*source.pieces, ends[0]),
                (*target, ends[1]),
                log_probs,
                np.array(attention, np.float32),
                word_alignment(attention[:-1], source.pieces, target, texts[number]),
                _confidence(log_probs, calibration),
            )
            yield number, explanation


def together(
    parts: Sequence[Explanation],
    begins: Sequence[tuple[int, int]],
    calibration: Calibration | None,
) -> Explanation:
    """The explanation of a text, of those of its parts, one behind the other.

    Args:
        parts: They look at nothing of each other: attention is 0 between them.
        begins: The number of the first word of each, in the source and in its translation.
        calibration: For the confidence.
    """
    from scipy.linalg import block_diag  # a quarter of a second that short texts need not

    maps = [part.attention for part in parts if part.attention is not None]
    log_probs = tuple(x for part in parts for x in part.log_probs)
    return Explanation(
        tuple(piece for part in parts for piece in part.source),
        tuple(piece for part in parts for piece in part.target),
        log_probs,
        block_diag(*maps) if maps else None,
        tuple(
            (a + i, b + j)
            for (a, b), part in zip(begins, parts, strict=True)
            for i, j in part.alignment
        ),
        _confidence(log_probs, calibration),
    )


def _confidence(log_probs: Sequence[float], calibration: Calibration | None) -> float | None:
    if calibration is None or not log_probs:
        return None
    return calibration(float(np.mean(log_probs)))
