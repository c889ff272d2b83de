"""What a search is told: how to choose, and when it has found what it looks for."""

from dataclasses import dataclass
from typing import Literal, TypeVar

from jaxtyping import Array, Float

from seq2seq.config import DecodingConfig
from seq2seq.decoding.sampling import Draw
from seq2seq.vocabulary import Symbols

_Length = TypeVar("_Length", float, Float[Array, "..."])


def length_penalty(length: _Length, alpha: float) -> _Length:
    """((5 + length) / 6)^α, the end symbol counted (Wu et al., 2016)."""
    return ((5.0 + length) / 6.0) ** alpha


@dataclass(frozen=True)
class SearchOptions:
    """How a search chooses, and when it has found what it looks for.

    Attributes:
        beam_size: Hypotheses kept at each step (K); 1 is greedy search.
        results: How many of the K best that have ended are given back.
        alpha: α of the length penalty.
        start_id: What the decoder reads first.
        end_id: The end symbol.
        banned: Tokens that no translation may hold: padding, the unknown symbol.
        endings: Whether a hypothesis may end only among the K best extensions of a step, or among
            all 2K that are looked at; greedy search looks at one.
        stopping: When a sentence is through: `final`, as soon as its results cannot change any
            more, which is much earlier for one than for all; `full`, as soon as K hypotheses have
            ended; `limit`, not before the longest translation that is allowed.
        diversity: What the second best extension of a hypothesis loses against its best when
            extensions are chosen, the third twice that, and so on, in nats; scores stay as they are
            (Li et al., 2016, A simple, fast diverse decoding algorithm).
        draw: If set, nothing is searched: each of the K hypotheses is drawn by itself.
    """

    beam_size: int
    results: int
    alpha: float
    start_id: int
    end_id: int
    banned: tuple[int, ...] = ()
    endings: Literal["beam", "candidates"] = "beam"
    stopping: Literal["final", "full", "limit"] = "final"
    diversity: float = 0.0
    draw: Draw | None = None

    @classmethod
    def of(cls, decoding: DecodingConfig, symbols: Symbols) -> "SearchOptions":
        """The options that a config says.

        Args:
            decoding: The config.
            symbols: Ids of the target vocabulary's symbols.
        """
        drawing = (decoding.temperature, decoding.top_k, decoding.top_p, decoding.min_p)
        return cls(
            beam_size=decoding.hypotheses,
            results=decoding.results,
            alpha=decoding.length_penalty,
            start_id=symbols.start,
            end_id=symbols.end,
            banned=(symbols.pad, symbols.start, symbols.unknown),
            endings=decoding.endings,
            stopping=decoding.stopping,
            diversity=decoding.diversity,
            draw=Draw(decoding.seed, *drawing) if decoding.draws else None,
        )

    @property
    def may_end(self) -> int:
        """Among how many of the best extensions of a step a hypothesis may end."""
        every = self.endings == "candidates" and self.beam_size > 1
        return 2 * self.beam_size if every else self.beam_size
