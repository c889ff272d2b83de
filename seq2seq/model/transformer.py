"""The whole Transformer: embeddings, encoder, decoder and logits (section 3, Figure 1)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from seq2seq.config import ModelConfig
from seq2seq.model.decoder import Decoder, LayerCache, LayerMemory
from seq2seq.model.dropout import split_key
from seq2seq.model.encoder import Encoder
from seq2seq.model.layers import Positions, embed
from seq2seq.model.projection import activation_dtype
from seq2seq.types import Batch


class OutputRows(NamedTuple):
    """What the logits of some pieces are made from, for each sentence."""

    matrix: Float[Array, "B C D"]
    bias: Float[Array, "B C"] | None


class Transformer(nnx.Module):
    """An encoder-decoder Transformer over token ids.

    `encode` and `decode` read whole sentences, or rows of packed sentences; `memory`, `empty_cache`
    and `step` are the same decoder, one token at a time. Both give states; `logits` turns states
    into scores of the vocabulary.
    """

    def __init__(
        self, config: ModelConfig, source_size: int, target_size: int, rngs: nnx.Rngs
    ) -> None:
        """Makes the parameters.

        Args:
            config: Sizes and choices.
            source_size: Size of the source vocabulary.
            target_size: Size of the target vocabulary; the same one if `embeddings` is `all`.
            rngs: Randomness of the parameters: a stream `params`.
        """
        self.config = config
        init = nnx.initializers.normal(config.width**-0.5)

        def table(size: int) -> nnx.Param[Array]:
            return nnx.Param(init(rngs.params(), (size, config.width), jnp.float32))

        self.target_embedding = table(target_size)
        self.source_embedding = table(source_size) if config.embeddings != "all" else None
        self.output_embedding = table(target_size) if config.embeddings == "separate" else None
        self.output_bias = nnx.Param(jnp.zeros(target_size)) if config.output_bias else None
        self.source_positions = Positions(config, rngs)
        self.target_positions = Positions(config, rngs)
        self.encoder = Encoder(config, rngs)
        self.decoder = Decoder(config, rngs)

    def encode(
        self,
        tokens: Int[Array, "B S"],
        segments: Int[Array, "B S"],
        positions: Int[Array, "B S"],
        key: jax.Array | None = None,
        remat: bool = False,
    ) -> Float[Array, "B S D"]:
        """The encoder's output for source tokens."""
        keys = split_key(key, 2)
        table = self.target_embedding if self.source_embedding is None else self.source_embedding
        places = self.source_positions(positions, tokens.shape[1])
        x = embed(table[...], tokens, places, self.config, keys[0])
        return self.encoder(x, segments, keys[1], remat)

    def decode(
        self,
        tokens: Int[Array, "B T"],
        segments: Int[Array, "B T"],
        positions: Int[Array, "B T"],
        memory: Float[Array, "B S D"],
        memory_segments: Int[Array, "B S"],
        key: jax.Array | None = None,
        remat: bool = False,
    ) -> Float[Array, "B T D"]:
        """The decoder's states for target tokens, given the encoder's output `memory`."""
        keys = split_key(key, 2)
        x = self._embed_target(tokens, positions, tokens.shape[1], keys[0])
        return self.decoder(x, memory, segments, memory_segments, keys[1], remat)

    def __call__(
        self, batch: Batch, key: jax.Array | None = None, remat: bool = False
    ) -> Float[Array, "B T D"]:
        """The decoder's states for a batch of packed rows.

        Args:
            batch: Packed rows.
            key: Randomness of dropout; None turns it off.
            remat: Whether activations are computed again in the backward pass.
        """
        keys = split_key(key, 2)
        memory = self.encode(
            batch.source, batch.source_segments, batch.source_positions, keys[0], remat
        )
        return self.decode(
            batch.target_inputs,
            batch.target_segments,
            batch.target_positions,
            memory,
            batch.source_segments,
            keys[1],
            remat,
        )

    @property
    def output_matrix(self) -> Float[Array, "V D"]:
        """The matrix from states to logits: by default the shared embedding (section 3.4)."""
        own = self.output_embedding
        return (self.target_embedding if own is None else own)[...]

    def output_rows(self, pieces: Int[Array, "B C"]) -> OutputRows:
        """The rows of the output matrix, and of the bias, that belong to some pieces."""
        bias = None if self.output_bias is None else self.output_bias[...][pieces]
        return OutputRows(self.output_matrix[pieces], bias)

    def listed_logits(
        self, states: Float[Array, "B K D"], rows: OutputRows
    ) -> Float[Array, "B K C"]:
        """As `logits`, of the pieces of each sentence alone that `output_rows` was given."""
        narrow = states.astype(rows.matrix.dtype)
        scores = jnp.einsum("bcd,bkd->bck", rows.matrix, narrow, preferred_element_type=jnp.float32)
        # Left to itself, XLA turns the product round, which takes a CPU two to three times as long.
        scores = jnp.swapaxes(jax.lax.optimization_barrier(scores), 1, 2)
        return scores if rows.bias is None else scores + rows.bias[:, None].astype(jnp.float32)

    def output_columns(self) -> Float[Array, "D V"]:
        """The output matrix turned round: a loop that is given it does not do so in each round."""
        return jax.lax.optimization_barrier(self.output_matrix.T)

    def logits(
        self, states: Float[Array, "... D"], columns: Float[Array, "D V"] | None = None
    ) -> Float[Array, "... V"]:
        """Scores of every target piece, in float32; `columns` may be what `output_columns` gave."""
        matrix = self.output_matrix.T if columns is None else columns
        narrow = states.astype(matrix.dtype)
        scores = jnp.einsum("...d,dv->...v", narrow, matrix, preferred_element_type=jnp.float32)
        if self.output_bias is None:
            return scores
        return scores + self.output_bias[...].astype(jnp.float32).reshape(
            (1,) * (scores.ndim - 1) + (-1,)
        )

    def memory(self, encoded: Float[Array, "B S D"]) -> tuple[LayerMemory, ...]:
        """Cross-attention keys and values of every decoder layer."""
        return self.decoder.memory(encoded)

    def empty_cache(self, batch: int, beams: int, length: int) -> tuple[LayerCache, ...]:
        """The decoder's cache before the first token, in the type of the activations."""
        dtype = activation_dtype(self.output_matrix.dtype)
        return self.decoder.empty_cache(batch, beams, length, dtype)

    def step(
        self,
        tokens: Int[Array, "B K"],
        cache: tuple[LayerCache, ...],
        memory: tuple[LayerMemory, ...],
        memory_segments: Int[Array, "B S"],
        positions: Int[Array, " B"],
        slot: Int[Array, ""],
        origins: Int[Array, "B K T"],
    ) -> tuple[Float[Array, "B K D"], tuple[LayerCache, ...]]:
        """The decoder's states for `tokens`, which stand at `positions` in their sentences.

        `slot` says where in the cache they are kept, and `origins` whose what is there already is:
        see `Decoder.step`.
        """
        places = jnp.broadcast_to(positions[:, None], tokens.shape)
        x = self._embed_target(tokens, places, origins.shape[2], None)
        return self.decoder.step(x, cache, memory, memory_segments, slot, origins)

    def _embed_target(
        self,
        tokens: Int[Array, "B T"],
        positions: Int[Array, "B T"],
        longest: int,
        key: jax.Array | None,
    ) -> Float[Array, "B T D"]:
        """What the decoder reads; `decoder_start` says whether a sentence's first token counts."""
        places = self.target_positions(positions, longest)
        blank = positions == 0 if self.config.decoder_start == "zero" else None
        return embed(self.target_embedding[...], tokens, places, self.config, key, blank)
