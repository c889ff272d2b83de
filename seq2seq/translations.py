"""What a translator gives: translations, and how probable given ones are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Translation:
    """One translated sentence.

    Attributes:
        text: The translation, detokenised, in one line; lower-cased where `data.lowercase` is set.
        score: Log-probability divided by the length penalty; 0 for an empty sentence.
        tokens: The pieces of the translation, without the end symbol.
        cut: Source tokens that were beyond `decoding.max_source_length` and not translated.
        unknown: Source tokens that the vocabulary does not know.
        copied: Whether the vocabulary knows nothing of the source, which then stays as it is.
        others: The next best translations, `decoding.n_best` with this one, or fewer where the
            search found no more.
        dropped: Control characters of the source, which say nothing and were left out.
        divided: Into how many parts sentences of a line were cut that were too long to be
            translated whole; 0 where none was.
        segments: Of a line that was cut, its segments and their translations.
    """

    text: str
    score: float = 0.0
    tokens: tuple[str, ...] = ()
    cut: int = 0
    unknown: int = 0
    copied: bool = False
    others: tuple["Translation", ...] = ()
    dropped: int = 0
    divided: int = 0
    segments: tuple[tuple[str, "Translation"], ...] = ()


@dataclass(frozen=True)
class TargetScore:
    """How probable a given translation is.

    Attributes:
        tokens: Its pieces, with the end symbol.
        log_probs: The log-probability of each, given the source and the pieces before, in nats.
        score: Their sum divided by the length penalty, as a search ranks it.
        too_long: Whether it is longer than `decoding.max_source_length` and `max_extra_tokens`
            allow: no search would find it, so its probability counts as 0.
        cut: Tokens at the end of the source that were left out, as it is too long.
    """

    tokens: tuple[str, ...]
    log_probs: tuple[float, ...]
    score: float
    too_long: bool = False
    cut: int = 0

    @property
    def log_prob(self) -> float:
        """The log-probability of the whole, in nats."""
        return math.fsum(self.log_probs) if not self.too_long else -math.inf

    @property
    def perplexity(self) -> float:
        """The exponential of minus the mean log-probability of a token; infinite where too long."""
        if self.too_long:
            return math.inf
        return math.exp(min(-self.log_prob / len(self.tokens), 700.0))


def distinct(ranked: Sequence[Translation]) -> list[Translation]:
    """Returns the translations without those that read as a better one does."""
    found: dict[str, Translation] = {}
    for one in ranked:
        found.setdefault(one.text, one)
    return list(found.values())
