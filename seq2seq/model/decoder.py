"""The decoder: N layers of masked self-attention, cross-attention and feed-forward (section 3.1).

In training it reads whole targets at once; in decoding, `step` reads one token of each hypothesis
and keeps what later tokens need in a `Cache`.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int

from seq2seq.config import ModelConfig
from seq2seq.model.attention import MultiHeadAttention, attention_mask
from seq2seq.model.dropout import split_key
from seq2seq.model.layers import FeedForward, LayerNorm, Residual, scan, stack, unstack


class LayerCache(NamedTuple):
    """Self-attention keys and values of one layer for the tokens read so far.

    What place k of the beam put into slot t has entry t · K + k. When a hypothesis moves to another
    place, its entries stay where they are, so nothing is copied; a mask says which are whose.
    """

    keys: Float[Array, "B N H TK"]
    values: Float[Array, "B N TK G"]


class LayerMemory(NamedTuple):
    """Cross-attention keys and values of one layer: made once a sentence, shared by its beams."""

    keys: Float[Array, "B N H S"]
    values: Float[Array, "B N S G"]


class DecoderLayer(nnx.Module):
    """Masked self-attention, cross-attention, feed-forward, each inside a residual connection."""

    def __init__(self, config: ModelConfig, rngs: nnx.Rngs) -> None:
        self.self_attention = MultiHeadAttention(config, rngs)
        self.self_attention_residual = Residual(config)
        self.cross_attention = MultiHeadAttention(config, rngs, cross=True)
        self.cross_attention_residual = Residual(config)
        self.feed_forward = FeedForward(config, rngs)
        self.feed_forward_residual = Residual(config)

    def __call__(
        self,
        x: Float[Array, "B T D"],
        memory: Float[Array, "B S D"],
        mask: Bool[Array, "B T T"],
        cross_mask: Bool[Array, "B T S"],
        key: jax.Array | None = None,
    ) -> Float[Array, "B T D"]:
        """One layer over whole targets: a position looks back at the target, then at the source."""
        keys = split_key(key, 6)
        x = self.self_attention_residual(
            x, lambda y: self.self_attention(y, y, mask, keys[0]), keys[1]
        )
        x = self.cross_attention_residual(
            x, lambda y: self.cross_attention(y, memory, cross_mask, keys[2]), keys[3]
        )
        return self.feed_forward_residual(x, lambda y: self.feed_forward(y, keys[4]), keys[5])

    def step(
        self,
        x: Float[Array, "B K D"],
        cache: LayerCache,
        memory: LayerMemory,
        mask: Bool[Array, "B K TK"],
        cross_mask: Bool[Array, "B K S"],
        slot: Int[Array, ""],
    ) -> tuple[Float[Array, "B K D"], LayerCache]:
        """One layer over one new token of each of K hypotheses, kept in `slot`."""

        def look_back(y: Float[Array, "B K D"]) -> Float[Array, "B K D"]:
            nonlocal cache
            keys, values = self.self_attention.keys_values_by_head(y)
            first, write = slot * y.shape[1], jax.lax.dynamic_update_slice_in_dim
            cache = LayerCache(
                write(cache.keys, keys, first, 3), write(cache.values, values, first, 2)
            )
            return self.self_attention.attend_by_head(y, *cache, mask)

        def look_across(y: Float[Array, "B K D"]) -> Float[Array, "B K D"]:
            return self.cross_attention.attend_by_head(y, *memory, cross_mask)

        x = self.self_attention_residual(x, look_back)
        x = self.cross_attention_residual(x, look_across)
        return self.feed_forward_residual(x, self.feed_forward), cache


class Decoder(nnx.Module):
    """A stack of `DecoderLayer`; pre-norm adds a last normalisation."""

    def __init__(self, config: ModelConfig, rngs: nnx.Rngs) -> None:
        make = functools.partial(DecoderLayer, config)
        self.layers = stack(make, config.decoder_layers, rngs)
        self.norm = LayerNorm(config) if config.norm == "pre" else None
        self.unrolled = config.unrolled_layers
        self.heads = config.heads
        self.head_widths = (config.head_key_width, config.head_value_width)

    def __call__(
        self,
        x: Float[Array, "B T D"],
        memory: Float[Array, "B S D"],
        segments: Int[Array, "B T"],
        memory_segments: Int[Array, "B S"],
        key: jax.Array | None = None,
        remat: bool = False,
    ) -> Float[Array, "B T D"]:
        """States from which each position's next token is predicted."""
        mask = attention_mask(segments, segments, causal=True)
        cross_mask = attention_mask(segments, memory_segments)
        x = scan(
            self.layers,
            x,
            lambda layer, y, k: layer(y, memory, mask, cross_mask, k),
            key,
            remat,
            self.unrolled,
        )
        return x if self.norm is None else self.norm(x)

    def memory(self, encoded: Float[Array, "B S D"]) -> tuple[LayerMemory, ...]:
        """Cross-attention keys and values of every layer, once for all steps and beams."""
        return tuple(
            LayerMemory(*layer.cross_attention.keys_values_by_head(encoded))
            for layer in unstack(self.layers)
        )

    def empty_cache(
        self, batch: int, beams: int, length: int, dtype: jnp.dtype
    ) -> tuple[LayerCache, ...]:
        """A cache for `length` tokens of each of `beams` hypotheses of `batch` sentences."""
        keys, values = self.head_widths
        first, entries = (batch, self.heads), length * beams
        one = LayerCache(
            jnp.zeros((*first, keys, entries), dtype), jnp.zeros((*first, entries, values), dtype)
        )
        return (one,) * len(unstack(self.layers))

    def step(
        self,
        x: Float[Array, "B K D"],
        cache: tuple[LayerCache, ...],
        memory: tuple[LayerMemory, ...],
        memory_segments: Int[Array, "B S"],
        slot: Int[Array, ""],
        origins: Int[Array, "B K T"],
    ) -> tuple[Float[Array, "B K D"], tuple[LayerCache, ...]]:
        """States of one new token of each hypothesis, and the cache with that token in it.

        Args:
            x: The embedded tokens.
            cache: Keys and values of earlier tokens.
            memory: Those of the source.
            memory_segments: 0 where the source is padding.
            slot: Where in the cache theirs are put.
            origins: In which place of the beam the token in each slot was read that belongs to a
                hypothesis; -1 where the slot holds none of its own. In `slot` it is its own place.
        """
        seen = (memory_segments > 0)[:, None, :]
        cross_mask = jnp.broadcast_to(seen, (*x.shape[:2], seen.shape[-1]))
        mask = _own_entries(origins)
        new_cache = []
        for layer, old, across in zip(unstack(self.layers), cache, memory, strict=True):
            x, new = layer.step(x, old, across, mask, cross_mask, slot)
            new_cache.append(new)
        return x if self.norm is None else self.norm(x), tuple(new_cache)


def _own_entries(origins: Int[Array, "B K T"]) -> Bool[Array, "B K TK"]:
    """Which entries of the cache hold the tokens of a hypothesis."""
    batch, beams, length = origins.shape
    own = origins[..., None] == jnp.arange(beams)[None, None, None, :]
    return own.reshape(batch, beams, length * beams)
