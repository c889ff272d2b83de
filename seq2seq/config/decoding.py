"""The decoding part of a recipe: how translations are searched for."""

from dataclasses import dataclass
from typing import Literal

from seq2seq.config.checks import at_least


@dataclass(frozen=True)
class DecodingConfig:
    """How translations are searched for; the defaults are the paper's (section 6.1).

    Attributes:
        beam_size: Hypotheses kept at each step (K); 1 is greedy search.
        length_penalty: α of the length penalty ((5 + length) / 6)^α; 0 is none.
        max_extra_tokens: A translation may be this many tokens longer than its source.
        max_source_length: Longest source in tokens; what is beyond is cut, with a warning.
        endings: Which extensions of a step may end a translation: the K best, or all 2 K that are
            looked at (tensor2tensor).
        batch_tokens: Source tokens of one decoded batch, padding counted, beams not.
    """

    beam_size: int = 4
    length_penalty: float = 0.6
    max_extra_tokens: int = 50
    max_source_length: int = 512
    endings: Literal["beam", "candidates"] = "beam"
    batch_tokens: int = 2048

    def __post_init__(self) -> None:
        for key in ("beam_size", "max_source_length", "batch_tokens"):
            at_least(f"decoding.{key}", getattr(self, key), 1)
        for key in ("length_penalty", "max_extra_tokens"):
            at_least(f"decoding.{key}", getattr(self, key), 0)
