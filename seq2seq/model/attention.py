"""Attention (Vaswani et al., 2017, section 3.2): a pure function, and the module around it."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int

from seq2seq.config import ModelConfig
from seq2seq.model.dropout import dropout
from seq2seq.model.fused_attention import can_fuse, fused_attention
from seq2seq.model.observation import is_observed, observe
from seq2seq.model.projection import Linear


def attention_mask(
    query_segments: Int[Array, "B T"], key_segments: Int[Array, "B S"], causal: bool = False
) -> Bool[Array, "B T S"]:
    """Which keys each query may look at: those of its own sentence and, if causal, not later ones.

    A padded query (segment 0) sees the padded keys, so that its softmax stays finite.

    Args:
        query_segments: Sentence number within the row, from 1; 0 is padding.
        key_segments: The same for the keys.
        causal: Whether position t sees only positions up to t (section 3.2.3).
    """
    mask = query_segments[:, :, None] == key_segments[:, None, :]
    if causal:
        mask &= jnp.tri(query_segments.shape[1], key_segments.shape[1], dtype=bool)[None]
    return mask


def attention_weights(
    query: Float[Array, "B T N H"],
    key: Float[Array, "B S N H"],
    mask: Bool[Array, "B T S"],
) -> Float[Array, "B N T S"]:
    """softmax(Q Kᵀ / √d_k) over the visible keys (equation 1), computed in float32."""
    scale = query.shape[-1] ** -0.5
    scores = jnp.einsum("btnh,bsnh->bnts", query * scale, key, preferred_element_type=jnp.float32)
    return _softmax(scores, mask)


def _softmax(
    scores: Float[Array, "B N T S"], mask: Bool[Array, "B T S"]
) -> Float[Array, "B N T S"]:
    """Weights of the visible keys, which add up to 1."""
    return jax.nn.softmax(jnp.where(mask[:, None], scores, -1e9), axis=-1)


def attention(
    query: Float[Array, "B T N H"],
    key: Float[Array, "B S N H"],
    value: Float[Array, "B S N G"],
    mask: Bool[Array, "B T S"],
    dropout_rate: float = 0.0,
    dropout_key: jax.Array | None = None,
    fused: bool = False,
) -> Float[Array, "B T N G"]:
    """Scaled dot-product attention: softmax(Q Kᵀ / √d_k) V (equation 1).

    The weights are shown to the observer, if there is one, in float32 and before dropout.

    Args:
        query: One vector a target position and head.
        key: One vector a source position and head, as wide as the queries.
        value: What is averaged; its width G may differ from H.
        mask: True where a query may look at a key.
        dropout_rate: Share of the weights that are zeroed (not in the paper).
        dropout_key: Randomness of that dropout; None turns it off.
        fused: Whether a fused kernel may do it, where there is one and no weights are dropped out.
    """
    whole = dropout_key is None or dropout_rate == 0
    if fused and whole and not is_observed() and can_fuse(query, key, value):
        return fused_attention(query, key, value, mask)
    weights = attention_weights(query, key, mask)
    observe(weights)
    weights = dropout(weights.astype(value.dtype), dropout_rate, dropout_key)
    return jnp.einsum("bnts,bsng->btng", weights, value)


class MultiHeadAttention(nnx.Module):
    """Attention in N heads at once (section 3.2.2), with the projections W^Q, W^K, W^V, W^O."""

    def __init__(self, config: ModelConfig, rngs: nnx.Rngs, cross: bool = False) -> None:
        """Makes the parameters.

        Args:
            config: Sizes and choices.
            rngs: Randomness of the parameters.
            cross: Whether keys and values are of another sequence than the queries.
        """
        self.heads = config.heads
        self.dropout_rate = config.attention_dropout
        self.fused = config.fused_attention
        keys, values = self.heads * config.head_key_width, self.heads * config.head_value_width
        query_part, key_part = _joint_outputs(keys, values, config, cross)

        def linear(inputs: int, outputs: int, joint_outputs: int | None = None) -> Linear:
            return Linear(inputs, outputs, rngs, config.attention_bias, joint_outputs)

        self.query = linear(config.width, keys, query_part)
        self.key = linear(config.width, keys, key_part)
        self.value = linear(config.width, values, key_part)
        self.output = linear(values, config.width)

    def queries(self, x: Float[Array, "B T D"]) -> Float[Array, "B T N H"]:
        """The queries of every head."""
        return self._split(self.query(x))

    def keys_values(
        self, x: Float[Array, "B S D"]
    ) -> tuple[Float[Array, "B S N H"], Float[Array, "B S N G"]]:
        """The keys and the values of every head."""
        return self._split(self.key(x)), self._split(self.value(x))

    def attend(
        self,
        query: Float[Array, "B T N H"],
        key: Float[Array, "B S N H"],
        value: Float[Array, "B S N G"],
        mask: Bool[Array, "B T S"],
        dropout_key: jax.Array | None = None,
    ) -> Float[Array, "B T D"]:
        """Attention in every head, the heads concatenated and projected back to the model width."""
        heads = attention(query, key, value, mask, self.dropout_rate, dropout_key, self.fused)
        return self.output(heads.reshape(*heads.shape[:2], -1))

    def __call__(
        self,
        x: Float[Array, "B T D"],
        memory: Float[Array, "B S D"],
        mask: Bool[Array, "B T S"],
        dropout_key: jax.Array | None = None,
    ) -> Float[Array, "B T D"]:
        """Lets `x` look at `memory`: at itself, or for cross-attention at the encoder's output."""
        return self.attend(self.queries(x), *self.keys_values(memory), mask, dropout_key)

    def attend_by_head(
        self,
        x: Float[Array, "B T D"],
        key: Float[Array, "B N H S"],
        value: Float[Array, "B N S G"],
        mask: Bool[Array, "B T S"],
    ) -> Float[Array, "B T D"]:
        """`attend` for keys and values that lie by head, as the steps of a search keep them.

        So laid out, with each key in a column, both enter their products as they are: transposing
        would copy all of them at every step.
        """
        query = self.queries(x).swapaxes(1, 2) * key.shape[2] ** -0.5
        scores = jnp.matmul(query, key, preferred_element_type=jnp.float32)
        weights = _softmax(scores, mask).astype(value.dtype)
        heads = jnp.matmul(weights, value).swapaxes(1, 2)
        return self.output(heads.reshape(*heads.shape[:2], -1))

    def keys_values_by_head(
        self, x: Float[Array, "B S D"]
    ) -> tuple[Float[Array, "B N H S"], Float[Array, "B N S G"]]:
        """The keys of every head as columns, and the values of every head as rows."""
        keys, values = self.keys_values(x)
        return keys.transpose(0, 2, 3, 1), values.swapaxes(1, 2)

    def _split(self, x: Float[Array, "B T NH"]) -> Float[Array, "B T N H"]:
        return x.reshape(*x.shape[:-1], self.heads, -1)


def _joint_outputs(
    keys: int, values: int, config: ModelConfig, cross: bool
) -> tuple[int | None, int | None]:
    """Columns of the matrices that W^Q is a part of, and W^K and W^V; None where they stand alone.

    Where `model.initialisation` is `joint`, self-attention has one matrix [W^Q W^K W^V], and
    cross-attention, whose queries are of another sequence, W^Q and [W^K W^V].
    """
    if config.initialisation == "xavier":
        return None, None
    return (None, keys + values) if cross else (2 * keys + values,) * 2
