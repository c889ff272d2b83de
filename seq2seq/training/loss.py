"""Label-smoothed cross-entropy (section 5.4) from states to a sum, without storing the logits.

The logits of a batch, [tokens, V] in float32, are by far its largest array (25 000 tokens times a
vocabulary of 37 000 are 3.7 GB). So they are made for a chunk of tokens at a time, and the gradient
is taken in the same breath: a loss is summed over tokens, hence a chunk's gradient needs nothing of
the other chunks, and no logits are kept or computed twice.
"""

import functools
import math
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from seq2seq.model.projection import transposed_product

_How = tuple[int, DTypeLike]
"""Tokens of a chunk, and the type in which its logits are stored."""


class _Weights(NamedTuple):
    label: float
    """What the target distribution puts on the label beyond the others."""
    piece: float
    """What it puts on every piece."""
    disagreement: float
    """R-Drop's α; 0 where there is one pass."""


class LossSums(NamedTuple):
    """Sums over the real target tokens of a batch; divide by `tokens` for means. All float32."""

    loss: Float[Array, ""]
    """Label-smoothed cross-entropy, in nats, with what R-Drop adds."""
    nll: Float[Array, ""]
    """Negative log-likelihood without smoothing, in nats: exp of its mean is the perplexity."""
    correct: Float[Array, ""]
    """Tokens to which the model gives the highest probability."""
    tokens: Float[Array, ""]
    """Real target tokens, the end symbols included."""


def means(sums: LossSums) -> dict[str, float]:
    """Loss per target token (nats), perplexity, and the share of tokens that are right."""
    loss, nll, correct, tokens = (float(value) for value in sums)
    perplexity = math.exp(min(nll / tokens, 700.0))
    return {"loss": loss / tokens, "perplexity": perplexity, "accuracy": correct / tokens}


def smoothed_loss(
    states: Float[Array, "B T D"],
    matrix: Float[Array, "V D"],
    bias: Float[Array, " V"] | None,
    labels: Int[Array, "B T"],
    segments: Int[Array, "B T"],
    smoothing: float,
    over: Literal["all", "others"] = "all",
    chunk_tokens: int = 1024,
    logits_dtype: DTypeLike = jnp.float32,
    r_drop: float = 0.0,
) -> LossSums:
    """Cross-entropy of the softmax of `states · matrixᵀ + bias` against smoothed labels.

    The target distribution has s on every piece and c more on the label: s = ε / V and c = 1 - ε
    where ε is spread over all pieces (Szegedy et al., 2016), s = ε / (V - 1) and c = 1 - ε - s
    where it is spread over the others. Either way the loss is logsumexp(z) - c z_label - s Σ z.

    R-Drop (Liang et al., 2021) makes two passes over the same rows with dropout drawn twice. With
    the distributions p and q that they give a token, its loss is the cross-entropy of both and
    α / 2 · (KL(p ‖ q) + KL(q ‖ p)). A token counts twice, so means are half of the paper's sum.

    Args:
        states: The decoder's output.
        matrix: Output embedding.
        bias: Bias of the logits.
        labels: The tokens to predict.
        segments: 0 where there is no token: such positions count nothing.
        smoothing: ε_ls.
        over: Whether ε is spread over all V pieces or over the V - 1 that are not the label.
        chunk_tokens: Target tokens whose logits are made at a time, at most: the fewer, the more
            often the gradient of the output matrix is added to.
        logits_dtype: Type in which the logits are stored; what is computed from them is float32.
        r_drop: α. Above 0, the second half of the batch is the second pass over the rows of the
            first half.
    """
    vocabulary, width = matrix.shape
    spread = smoothing / (vocabulary if over == "all" else vocabulary - 1)
    label = 1 - smoothing - (0.0 if over == "all" else spread)
    weights = _Weights(label, spread, r_drop)
    bias = jnp.zeros(vocabulary, matrix.dtype) if bias is None else bias
    chunk, arrays = _in_chunks(
        2 if r_drop else 1,
        chunk_tokens,
        states.reshape(-1, width),
        labels.reshape(-1),
        (segments.reshape(-1) > 0).astype(jnp.float32),
    )
    flat, labels, real = arrays
    return LossSums(*_sums(weights, (chunk, logits_dtype), flat, matrix, bias, labels, real))


def _in_chunks(passes: int, most: int, *arrays: Array) -> tuple[int, tuple[Array, ...]]:
    """Pads arrays over tokens to whole chunks, each of which has the same tokens of every pass.

    Args:
        passes: How many passes over the same tokens the arrays hold, one after the other.
        most: Tokens of a chunk, at most, but for one of each pass.
        arrays: [passes · tokens, ...].

    Returns:
        Tokens of a chunk, and the arrays: [chunks · tokens of a chunk, ...].
    """
    tokens = arrays[0].shape[0] // passes
    count = -(-tokens // max(1, most // passes))
    share = -(-tokens // count)
    padding = ((0, 0), (0, share * count - tokens))

    def cut(array: Array) -> Array:
        rest = array.shape[1:]
        array = array.reshape(passes, tokens, *rest)
        array = jnp.pad(array, (*padding, *((0, 0) for _ in rest)))
        array = array.reshape(passes, count, share, *rest)
        return jnp.moveaxis(array, 0, 1).reshape(-1, *rest)

    return passes * share, tuple(cut(array) for array in arrays)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _sums(
    weights: _Weights,
    how: _How,
    states: Float[Array, "M D"],
    matrix: Float[Array, "V D"],
    bias: Float[Array, " V"],
    labels: Int[Array, " M"],
    real: Float[Array, " M"],
) -> tuple[jax.Array, ...]:
    def add(sums: LossSums, part: tuple[jax.Array, ...]) -> tuple[LossSums, None]:
        return _add(sums, _chunk(weights, how[1], matrix, bias, *part)[0]), None

    parts = _cut(how[0], states, labels, real)
    return tuple(jax.lax.scan(add, zeros(), parts)[0])


def _forward(
    weights: _Weights,
    how: _How,
    states: jax.Array,
    matrix: jax.Array,
    bias: jax.Array,
    labels: jax.Array,
    real: jax.Array,
) -> tuple[tuple[jax.Array, ...], tuple[jax.Array, ...]]:
    def add(carry: tuple, part: tuple[jax.Array, ...]) -> tuple[tuple, jax.Array]:
        sums, d_matrix, d_bias = carry
        new, d_logits = _chunk(weights, how[1], matrix, bias, *part)
        d_logits = d_logits.astype(matrix.dtype)
        d_states = jnp.matmul(d_logits, matrix, preferred_element_type=states.dtype)
        narrow = part[0].astype(matrix.dtype)
        d_matrix += transposed_product(narrow, d_logits, jnp.float32)
        d_bias += d_logits.sum(axis=0, dtype=jnp.float32)
        return (_add(sums, new), d_matrix, d_bias), d_states

    turned = jnp.zeros(matrix.shape[::-1], jnp.float32)  # the longer axis last, for the products
    zero = (zeros(), turned, jnp.zeros(bias.shape, jnp.float32))
    parts = _cut(how[0], states, labels, real)
    (sums, d_matrix, d_bias), d_states = jax.lax.scan(add, zero, parts)
    d_states = d_states.reshape(states.shape)
    return tuple(sums), (d_states, d_matrix.T.astype(matrix.dtype), d_bias.astype(bias.dtype))


def _backward(
    _weights: _Weights,
    _way: _How,
    gradients: tuple[jax.Array, ...],
    outer: tuple[jax.Array, ...],
) -> tuple[jax.Array | None, ...]:
    scale = outer[0]
    d_states, d_matrix, d_bias = (g * scale.astype(g.dtype) for g in gradients)
    return d_states, d_matrix, d_bias, None, None


_sums.defvjp(_forward, _backward)


def _chunk(
    weights: _Weights,
    logits_dtype: DTypeLike,
    matrix: Float[Array, "V D"],
    bias: Float[Array, " V"],
    states: Float[Array, "M D"],
    labels: Int[Array, " M"],
    real: Float[Array, " M"],
) -> tuple[LossSums, Float[Array, "M V"]]:
    """The sums of one chunk, and the gradient of its loss with respect to its logits."""
    vocabulary = matrix.shape[0]
    narrow = states.astype(matrix.dtype)
    logits = jnp.einsum("md,vd->mv", narrow, matrix, preferred_element_type=logits_dtype)
    logits = logits.astype(jnp.float32) + bias.astype(jnp.float32)[None, :]
    highest = logits.max(axis=1, keepdims=True)
    exps = jnp.exp(logits - highest)
    total = exps.sum(axis=1, keepdims=True)
    log_total = (jnp.log(total) + highest)[:, 0]
    label_logit = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    loss = log_total - weights.label * label_logit - weights.piece * logits.sum(axis=1)
    right = label_logit >= highest[:, 0]
    is_label = jnp.arange(vocabulary)[None, :] == labels[:, None]
    probs = exps / total
    d_logits = probs - weights.piece - jnp.where(is_label, weights.label, 0.0)
    if weights.disagreement:
        value, gradient = _disagreement(logits - log_total[:, None], probs)
        loss += weights.disagreement * value
        d_logits += weights.disagreement * gradient
    values = (loss, log_total - label_logit, right.astype(jnp.float32), jnp.ones_like(real))
    return LossSums(*(jnp.dot(value, real) for value in values)), d_logits * real[:, None]


def _disagreement(
    log_probs: Float[Array, "M V"], probs: Float[Array, "M V"]
) -> tuple[Float[Array, " M"], Float[Array, "M V"]]:
    """How far the distributions p of the first M / 2 rows are from q, those of the others.

    With d = log p - log q, KL(p ‖ q) = Σ p d. Its gradient is p (d - KL(p ‖ q)) with respect to the
    logits of p, and q - p to those of q.

    Returns:
        KL(p ‖ q) / 2 for a row of p, KL(q ‖ p) / 2 for one of q; and the gradient of all their sum.
    """
    p, q = jnp.split(probs, 2)
    log_p, log_q = jnp.split(log_probs, 2)
    d = log_p - log_q
    forth, back = (p * d).sum(axis=1), -(q * d).sum(axis=1)
    to_p = p * (d - forth[:, None]) + p - q
    to_q = -q * (d + back[:, None]) + q - p
    return jnp.concatenate([forth, back]) / 2, jnp.concatenate([to_p, to_q]) / 2


def _cut(chunk: int, *arrays: jax.Array) -> tuple[jax.Array, ...]:
    return tuple(array.reshape(-1, chunk, *array.shape[1:]) for array in arrays)


def zeros() -> LossSums:
    """The sums of no tokens."""
    return LossSums(*(jnp.zeros((), jnp.float32) for _ in LossSums._fields))


def _add(a: LossSums, b: LossSums) -> LossSums:
    return LossSums(*(x + y for x, y in zip(a, b, strict=True)))
