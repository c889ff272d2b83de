"""The encoder: N layers of self-attention and feed-forward (section 3.1, the left of Figure 1)."""

import functools

import jax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int

from seq2seq.config import ModelConfig
from seq2seq.model.attention import MultiHeadAttention, attention_mask
from seq2seq.model.dropout import split_key
from seq2seq.model.layers import FeedForward, LayerNorm, Residual, scan, stack


class EncoderLayer(nnx.Module):
    """Self-attention, then the feed-forward network, each inside a residual connection."""

    def __init__(self, config: ModelConfig, rngs: nnx.Rngs) -> None:
        self.self_attention = MultiHeadAttention(config, rngs)
        self.self_attention_residual = Residual(config)
        self.feed_forward = FeedForward(config, rngs)
        self.feed_forward_residual = Residual(config)

    def __call__(
        self,
        x: Float[Array, "B S D"],
        mask: Bool[Array, "B S S"],
        key: jax.Array | None = None,
    ) -> Float[Array, "B S D"]:
        """One layer: every source position looks at all positions of its sentence."""
        keys = split_key(key, 4)
        x = self.self_attention_residual(
            x, lambda y: self.self_attention(y, y, mask, keys[0]), keys[1]
        )
        return self.feed_forward_residual(x, lambda y: self.feed_forward(y, keys[2]), keys[3])


class Encoder(nnx.Module):
    """A stack of `EncoderLayer`; pre-norm adds a last normalisation."""

    def __init__(self, config: ModelConfig, rngs: nnx.Rngs) -> None:
        make = functools.partial(EncoderLayer, config)
        self.layers = stack(make, config.encoder_layers, rngs)
        self.norm = LayerNorm(config) if config.norm == "pre" else None
        self.unrolled = config.unrolled_layers

    def __call__(
        self,
        x: Float[Array, "B S D"],
        segments: Int[Array, "B S"],
        key: jax.Array | None = None,
        remat: bool = False,
    ) -> Float[Array, "B S D"]:
        """Turns embedded source tokens into the memory that the decoder looks at."""
        mask = attention_mask(segments, segments)
        x = scan(self.layers, x, lambda layer, y, k: layer(y, mask, k), key, remat, self.unrolled)
        return x if self.norm is None else self.norm(x)
