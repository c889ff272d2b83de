"""The decoding part of a recipe: how translations are searched for."""

import math
from dataclasses import dataclass
from typing import Literal

from seq2seq.config.checks import at_least, fraction, require, seed

_OF_DRAWS = ("temperature", "top_k", "top_p", "min_p")
"""Keys that say how to draw; their defaults change nothing."""
SCORING = ("length_penalty", "max_source_length", "max_extra_tokens", "batch_tokens")
"""Keys that scoring given translations makes use of: the score, what is too long, and how much at a
time."""


@dataclass(frozen=True)
class DecodingConfig:
    """How translations are searched for; the defaults are the paper's (section 6.1).

    Attributes:
        beam_size: Hypotheses kept at each step (K); 1 is greedy search.
        n_best: Translations given for each sentence, the best first; at most `beam_size`, of draws
            as many as one likes.
        length_penalty: α of the length penalty ((5 + length) / 6)^α; 0 is none.
        min_length: Fewest tokens of a translation.
        min_length_ratio: The same, as a multiple of the source's tokens; the larger of both holds.
        max_length: Most tokens of a translation; default what `max_extra_tokens` allows.
        max_length_ratio: The same, as a multiple of the source's tokens; the smallest of all three
            limits holds.
        max_extra_tokens: A translation may be this many tokens longer than its source.
        max_source_length: Longest source in tokens, its end symbol counted; what is beyond is cut,
            with a warning.
        endings: Which extensions of a step may end a translation: the K best, or all 2 K that are
            looked at (tensor2tensor).
        stopping: When a sentence is through: `final`, as soon as what is found cannot change any
            more; `full`, as soon as `beam_size` translations have ended; `limit`, not before the
            longest translation that is allowed.
        diversity: For translations that differ more: what each extension of a hypothesis loses for
            every better one of the same, in nats (Li et al., 2016); scores stay as they are.
        no_repeat_ngram: No n tokens in a row occur twice in a translation; 0 is off.
        repetition_penalty: Factor on the log-probability of tokens that the translation holds
            already, above 1 to avoid them; 1 is off. Scores hold it.
        sampling: Whether translations are drawn from the model's distribution instead of searched
            for: `n_best` of them for each sentence, independent of one another.
        mbr: So many translations are drawn, and the one that is most like the others by chrF is
            taken (minimum Bayes risk); 0 is off.
        temperature: For draws: what logits are divided by.
        top_k: For draws: only the k most probable pieces; default all.
        top_p: For draws: only the most probable pieces that together have this probability.
        min_p: For draws: only pieces with this share of the most probable one's probability.
        seed: For draws: the same seed gives the same translations.
        alternatives: So many translations are given for each sentence that differ in the piece
            after its prefix, each the best that goes on so; fewer where they read the same; 1 is
            off.
        shortlist: Whether a translation is made of those pieces alone that the run's shortlist,
            which `seq2seq shortlist` makes, has for its source.
        alignment_layer: The decoder layer whose cross-attention aligns words, from 1; default the
            last but one.
        batch_tokens: Source tokens of the sentences that are searched at a time, padding counted,
            beams not; where 16 hypotheses or more are followed, proportionally fewer.
    """

    beam_size: int = 4
    n_best: int = 1
    length_penalty: float = 0.6
    min_length: int = 0
    min_length_ratio: float = 0.0
    max_length: int | None = None
    max_length_ratio: float | None = None
    max_extra_tokens: int = 50
    max_source_length: int = 512
    endings: Literal["beam", "candidates"] = "beam"
    stopping: Literal["final", "full", "limit"] = "final"
    diversity: float = 0.0
    no_repeat_ngram: int = 0
    repetition_penalty: float = 1.0
    sampling: bool = False
    mbr: int = 0
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int = 0
    alternatives: int = 1
    shortlist: bool = False
    alignment_layer: int | None = None
    batch_tokens: int = 2048

    def __post_init__(self) -> None:
        sizes = ("beam_size", "n_best", "alternatives", "batch_tokens")
        for key in (*sizes, "max_length", "top_k", "alignment_layer"):
            if getattr(self, key) is not None:
                at_least(f"decoding.{key}", getattr(self, key), 1)
        at_least("decoding.max_source_length", self.max_source_length, 2)
        lengths = ("max_extra_tokens", "min_length", "min_length_ratio")
        for key in ("length_penalty", *lengths, "diversity", "no_repeat_ngram", "mbr"):
            at_least(f"decoding.{key}", getattr(self, key), 0)
        for key in ("length_penalty", "min_length_ratio", "diversity"):
            value = getattr(self, key)
            require(value < math.inf, f"decoding.{key}", "a finite number", value)
        for key in ("repetition_penalty", "temperature", "max_length_ratio"):
            value = getattr(self, key)
            require(
                value is None or 0 < value < math.inf, f"decoding.{key}", "a number above 0", value
            )
        seed("decoding.seed", self.seed)
        require(0 < self.top_p <= 1, "decoding.top_p", "a share in (0, 1]", self.top_p)
        fraction("decoding.min_p", self.min_p)
        for key in _OF_DRAWS:
            value = getattr(self, key)
            fitting = self.draws or value == getattr(DecodingConfig, key)
            require(fitting, f"decoding.{key}", "decoding.sampling or mbr beside it", value)
        searched = self.diversity == 0 or not self.draws
        require(searched, "decoding.diversity", "0 beside decoding.sampling or mbr", self.diversity)
        name = "mbr" if self.mbr else "beam_size"
        most = getattr(self, name)
        enough = self.n_best <= most or (self.sampling and not self.mbr)
        require(enough, "decoding.n_best", f"at most decoding.{name} ({most})", self.n_best)
        single = self.alternatives == 1 or (self.n_best == 1 and not self.draws)
        wanted = "1 beside decoding.n_best, sampling or mbr"
        require(single, "decoding.alternatives", wanted, self.alternatives)
        wanted = f"at most decoding.max_length ({self.max_length})"
        possible = self.max_length is None or self.min_length <= self.max_length
        require(possible, "decoding.min_length", wanted, self.min_length)
        most = self.max_length_ratio or math.inf
        wanted = f"at most decoding.max_length_ratio ({most})"
        possible = self.min_length_ratio <= most
        require(possible, "decoding.min_length_ratio", wanted, self.min_length_ratio)

    @property
    def draws(self) -> bool:
        """Whether translations are drawn, not searched for."""
        return self.sampling or self.mbr > 0

    @property
    def several(self) -> bool:
        """Whether there may be more than one translation of a sentence."""
        return self.n_best > 1 or self.alternatives > 1

    @property
    def results(self) -> int:
        """How many translations of a sentence the search has to give."""
        return self.mbr or self.n_best

    @property
    def hypotheses(self) -> int:
        """How many hypotheses of a sentence are followed at a time (K)."""
        return self.results if self.draws else self.beam_size
