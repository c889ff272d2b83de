"""Several models that decide together: at every step, the mean of their probabilities.

An ensemble has what searching and scoring need of a `Transformer`, with a tuple of the members'
values where a model has one value.
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


@runtime_checkable
class Model(Protocol):
    """What searching and scoring need of a model: see `Transformer`."""

    def encode(
        self, tokens: Int[Array, "B S"], segments: Int[Array, "B S"], positions: Int[Array, "B S"]
    ) -> Any:
        """The encoder's output."""

    def decode(
        self,
        tokens: Int[Array, "B T"],
        segments: Int[Array, "B T"],
        positions: Int[Array, "B T"],
        memory: Any,
        memory_segments: Int[Array, "B S"],
    ) -> Any:
        """The decoder's states, given the encoder's output."""

    def output_columns(self) -> Any:
        """What `logits` multiplies, made once for a loop."""

    def logits(self, states: Any, columns: Any = None) -> Float[Array, "... V"]:
        """Scores of every target piece for the decoder's states."""

    def output_rows(self, pieces: Int[Array, "B C"]) -> Any:
        """What the logits of each sentence's own pieces are made from."""

    def listed_logits(self, states: Any, rows: Any) -> Float[Array, "B K C"]:
        """Scores of these pieces alone."""

    def memory(self, encoded: Any) -> tuple[Any, ...]:
        """What a step needs of the encoder's output."""

    def empty_cache(self, batch: int, beams: int, length: int) -> tuple[Any, ...]:
        """The cache before the first step."""

    def step(
        self,
        tokens: Int[Array, "B K"],
        cache: tuple[Any, ...],
        memory: tuple[Any, ...],
        memory_segments: Int[Array, "B S"],
        positions: Int[Array, " B"],
        slot: Int[Array, ""],
        origins: Int[Array, "B K T"],
    ) -> tuple[Any, tuple[Any, ...]]:
        """The decoder's states for one token more, and the cache after it."""


class Ensemble:
    """Models of any sizes with the same vocabularies.

    Attributes:
        members: The models.
    """

    def __init__(self, members: Sequence[Model]) -> None:
        self.members = tuple(members)

    def encode(
        self, tokens: Int[Array, "B S"], segments: Int[Array, "B S"], positions: Int[Array, "B S"]
    ) -> tuple[Float[Array, "B S _"], ...]:
        """Each encoder's output."""
        return tuple(member.encode(tokens, segments, positions) for member in self.members)

    def decode(
        self,
        tokens: Int[Array, "B T"],
        segments: Int[Array, "B T"],
        positions: Int[Array, "B T"],
        memory: tuple[Float[Array, "B S _"], ...],
        memory_segments: Int[Array, "B S"],
    ) -> tuple[Float[Array, "B T _"], ...]:
        """Each decoder's states for target tokens."""
        target = (tokens, segments, positions)
        pairs = zip(self.members, memory, strict=True)
        return tuple(member.decode(*target, own, memory_segments) for member, own in pairs)

    def output_columns(self) -> tuple[Any, ...]:
        """What each member's `logits` multiplies."""
        return tuple(member.output_columns() for member in self.members)

    def logits(
        self, states: tuple[Float[Array, "... _"], ...], columns: tuple[Any, ...] | None = None
    ) -> Float[Array, "... V"]:
        """The logarithm of the mean of the members' probabilities, in float32."""
        parts = zip(self.members, states, columns or [None] * len(self.members), strict=True)
        return _mean([member.logits(*own) for member, *own in parts])

    def output_rows(self, pieces: Int[Array, "B C"]) -> tuple[Any, ...]:
        """What each member's logits of these pieces are made from."""
        return tuple(member.output_rows(pieces) for member in self.members)

    def listed_logits(
        self, states: tuple[Float[Array, "B K _"], ...], rows: tuple[Any, ...]
    ) -> Float[Array, "B K C"]:
        """As `logits`, of these pieces alone."""
        parts = zip(self.members, states, rows, strict=True)
        return _mean([member.listed_logits(*own) for member, *own in parts])

    def memory(self, encoded: tuple[Float[Array, "B S _"], ...]) -> tuple[Any, ...]:
        """Cross-attention keys and values of every decoder layer of each member."""
        return tuple(m.memory(own) for m, own in zip(self.members, encoded, strict=True))

    def empty_cache(self, batch: int, beams: int, length: int) -> tuple[Any, ...]:
        """The decoders' caches before the first token."""
        return tuple(member.empty_cache(batch, beams, length) for member in self.members)

    def step(
        self,
        tokens: Int[Array, "B K"],
        cache: tuple[Any, ...],
        memory: tuple[Any, ...],
        memory_segments: Int[Array, "B S"],
        positions: Int[Array, " B"],
        slot: Int[Array, ""],
        origins: Int[Array, "B K T"],
    ) -> tuple[tuple[Float[Array, "B K _"], ...], tuple[Any, ...]]:
        """Each decoder's states for `tokens`, as `Transformer.step` gives them."""
        places = (memory_segments, positions, slot, origins)
        states, caches = zip(
            *(
                member.step(tokens, own, kept, *places)
                for member, own, kept in zip(self.members, cache, memory, strict=True)
            ),
            strict=True,
        )
        return states, caches


def _mean(logits: Sequence[Float[Array, "... V"]]) -> Float[Array, "... V"]:
    """log(1/n Σ p_i), of the softmax p_i of each."""
    log_probs = jnp.stack([jax.nn.log_softmax(each, axis=-1) for each in logits])
    return jax.nn.logsumexp(log_probs, axis=0) - jnp.log(float(len(logits)))
