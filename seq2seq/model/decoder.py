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
    """Self-attention keys and values of one layer for the tokens read so far."""

    keys: Float[Array, "B K T N H"]
    values: Float[Array, "B K T N H"]


class LayerMemory(NamedTuple):
    """Cross-attention keys and values of one layer: made once a sentence, shared by its beams."""

    keys: Float[Array, "B S N H"]
    values: Float[Array, "B S N H"]


class DecoderLayer(nnx.Module):
    """Masked self-attention, cross-attention, feed-forward, each inside a residual connection."""

    def __init__(self, config: ModelConfig, rngs: nnx.Rngs) -> None:
        self.self_attention = MultiHeadAttention(config, rngs)
        self.self_attention_residual = Residual(config)
        self.cross_attention = MultiHeadAttention(config, rngs)
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
        cross_mask: Bool[Array, "B K S"],
        position: Int[Array, ""],
    ) -> tuple[Float[Array, "B K D"], LayerCache]:
        """One layer over one new token of each of K hypotheses, at `position`."""

        def look_back(y: Float[Array, "B K D"]) -> Float[Array, "B K D"]:
            nonlocal cache
            cache = self._extend(cache, y, position)
            return self._attend_cache(y, cache, position)

        def look_across(y: Float[Array, "B K D"]) -> Float[Array, "B K D"]:
            cross = self.cross_attention
            return cross.attend(cross.queries(y), memory.keys, memory.values, cross_mask)

        x = self.self_attention_residual(x, look_back)
        x = self.cross_attention_residual(x, look_across)
        return self.feed_forward_residual(x, self.feed_forward), cache

    def _extend(
        self, cache: LayerCache, y: Float[Array, "B K D"], position: Int[Array, ""]
    ) -> LayerCache:
        new = self.self_attention.keys_values(y)
        write = functools.partial(jax.lax.dynamic_update_slice_in_dim, axis=2)
        return LayerCache(
            *(write(old, add[:, :, None], position) for old, add in zip(cache, new, strict=True))
        )

    def _attend_cache(
        self, y: Float[Array, "B K D"], cache: LayerCache, position: Int[Array, ""]
    ) -> Float[Array, "B K D"]:
        batch, beams, length = cache.keys.shape[:3]
        query = self.self_attention.queries(y).reshape(batch * beams, 1, *cache.keys.shape[3:])
        keys, values = (part.reshape(batch * beams, *part.shape[2:]) for part in cache)
        seen = jnp.broadcast_to(jnp.arange(length) <= position, (batch * beams, 1, length))
        return self.self_attention.attend(query, keys, values, seen).reshape(batch, beams, -1)


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
        layers = unstack(self.layers)
        return tuple(LayerMemory(*layer.cross_attention.keys_values(encoded)) for layer in layers)

    def empty_cache(
        self, batch: int, beams: int, length: int, dtype: jnp.dtype
    ) -> tuple[LayerCache, ...]:
        """A cache for `length` tokens of each of `beams` hypotheses of `batch` sentences."""
        one = (jnp.zeros((batch, beams, length, self.heads, w), dtype) for w in self.head_widths)
        return (LayerCache(*one),) * len(unstack(self.layers))

    def step(
        self,
        x: Float[Array, "B K D"],
        cache: tuple[LayerCache, ...],
        memory: tuple[LayerMemory, ...],
        memory_segments: Int[Array, "B S"],
        position: Int[Array, ""],
    ) -> tuple[Float[Array, "B K D"], tuple[LayerCache, ...]]:
        """States of one new token of each hypothesis, and the cache with that token in it."""
        batch, beams = x.shape[:2]
        seen = (memory_segments > 0)[:, None, :]
        cross_mask = jnp.broadcast_to(seen, (batch, beams, seen.shape[-1]))
        new_cache = []
        for layer, old, across in zip(unstack(self.layers), cache, memory, strict=True):
            x, new = layer.step(x, old, across, cross_mask, position)
            new_cache.append(new)
        return x if self.norm is None else self.norm(x), tuple(new_cache)
