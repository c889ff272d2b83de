"""What encoder and decoder layers are made of, besides attention; and stacks of equal layers."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Int

from seq2seq.config import ModelConfig
from seq2seq.model import observation
from seq2seq.model.dropout import dropout
from seq2seq.model.layer_norm import layer_norm
from seq2seq.model.look_up import look_up
from seq2seq.model.projection import Linear, activation_dtype

Module = TypeVar("Module", bound=nnx.Module)
_ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "relu": jax.nn.relu,
    "gelu": functools.partial(jax.nn.gelu, approximate=False),
    "swish": jax.nn.swish,
}


def sinusoids(length: int, width: int, layout: str = "interleaved") -> Float[np.ndarray, "S D"]:
    """Position encodings (section 3.5): sines and cosines of wavelengths from 2π to 10 000 · 2π.

    Args:
        length: Number of positions.
        width: Model width, even.
        layout: `interleaved`, sin and cos in alternate columns as the paper writes it, or
            `concatenated`, all sines, then all cosines, as its code did. In the latter the
            wavelengths reach 10 000 · 2π at the last column.
    """
    half = width // 2
    if layout == "interleaved":
        frequencies = 10_000.0 ** (-2.0 * np.arange(half) / width)
    else:
        frequencies = 10_000.0 ** (-np.arange(half) / max(half - 1, 1))
    angles = np.arange(length)[:, None] * frequencies[None, :]
    pair = [np.sin(angles), np.cos(angles)]
    table = np.stack(pair, axis=-1) if layout == "interleaved" else np.concatenate(pair, axis=-1)
    return table.reshape(length, width).astype(np.float32)


def embed(
    table: Float[Array, "V D"],
    tokens: Int[Array, "B T"],
    places: Float[Array, "B T D"],
    config: ModelConfig,
    key: jax.Array | None,
    blank: Bool[Array, "B T"] | None = None,
) -> Float[Array, "B T D"]:
    """Token embeddings times √D plus position encodings, dropped out (sections 3.4, 3.5, 5.4).

    Args:
        table: The embeddings.
        tokens: Token ids.
        places: The encodings of the tokens' positions.
        config: For the scale and the dropout.
        key: Randomness of dropout; None turns it off.
        blank: Positions whose token is not embedded: only their position is.
    """
    scale = config.width**0.5 if config.scale_embeddings else 1.0
    x = look_up(table, tokens).astype(activation_dtype(table.dtype))
    x = x * jnp.asarray(scale, x.dtype)
    if blank is not None:
        x = jnp.where(blank[..., None], jnp.zeros_like(x), x)
    return dropout(x + places.astype(x.dtype), config.dropout, key)


class Positions(nnx.Module):
    """Encodings of positions within a sentence: sinusoids, or a learned table (Table 3, row E)."""

    def __init__(self, config: ModelConfig, rngs: nnx.Rngs) -> None:
        self.width, self.layout = config.width, config.sinusoids
        self.scale = config.width**0.5 if config.scale_positions else 1.0
        learned = config.positions == "learned"
        init = nnx.initializers.normal(config.width**-0.5)
        shape = (config.max_positions, config.width)
        self.table = nnx.Param(init(rngs.params(), shape, jnp.float32)) if learned else None

    def __call__(self, positions: Int[Array, "B T"], longest: int) -> Float[Array, "B T D"]:
        """The encodings of `positions`, all of which are below `longest`."""
        if self.table is None:
            table = jnp.asarray(sinusoids(longest, self.width, self.layout))
        else:
            table = self.table[...]
            table = table * jnp.asarray(self.scale, table.dtype)
        return look_up(table, jnp.minimum(positions, table.shape[0] - 1))


class FeedForward(nnx.Module):
    """Position-wise feed-forward network, max(0, x W₁ + b₁) W₂ + b₂ (section 3.3, equation 2)."""

    def __init__(self, config: ModelConfig, rngs: nnx.Rngs) -> None:
        width, inner = config.width, config.feed_forward_width
        self.inner = Linear(width, inner, rngs)
        self.outer = Linear(inner, width, rngs)
        self.activation = config.activation
        self.dropout_rate = config.activation_dropout

    def __call__(
        self, x: Float[Array, "B T D"], key: jax.Array | None = None
    ) -> Float[Array, "B T D"]:
        """Applies the network to each position by itself."""
        hidden = _ACTIVATIONS[self.activation](self.inner(x))
        return self.outer(dropout(hidden, self.dropout_rate, key))


class LayerNorm(nnx.Module):
    """Layer normalisation (Ba et al., 2016) over the model width, in float32."""

    def __init__(self, config: ModelConfig) -> None:
        self.scale = nnx.Param(jnp.ones(config.width))
        self.bias = nnx.Param(jnp.zeros(config.width))
        self.epsilon = config.norm_epsilon

    def __call__(self, x: Float[Array, "... D"]) -> Float[Array, "... D"]:
        """Returns `x` with mean 0 and variance 1 over its last axis, scaled and shifted."""
        return layer_norm(x, self.scale[...], self.bias[...], self.epsilon)


class Residual(nnx.Module):
    """A sub-layer's surroundings: dropout of its output, the sum, and the norm (sections 3.1, 5.4).

    Post-norm, the paper's, is LayerNorm(x + dropout(f(x))); pre-norm x + dropout(f(LayerNorm(x))).
    """

    def __init__(self, config: ModelConfig) -> None:
        self.norm = LayerNorm(config)
        self.before = config.norm == "pre"
        self.rate = config.dropout

    def __call__(
        self,
        x: Float[Array, "B T D"],
        sublayer: Callable[[Float[Array, "B T D"]], Float[Array, "B T D"]],
        key: jax.Array | None = None,
    ) -> Float[Array, "B T D"]:
        """Applies `sublayer` to `x` inside its residual connection."""
        if self.before:
            return x + dropout(sublayer(self.norm(x)), self.rate, key)
        return self.norm(x + dropout(sublayer(x), self.rate, key))


def stack(make: Callable[[nnx.Rngs], Module], count: int, rngs: nnx.Rngs) -> Module:
    """One module that holds `count` layers: each parameter has a leading axis L.

    Args:
        make: Makes one layer.
        count: Number of layers.
        rngs: Randomness of the parameters.
    """
    create = nnx.vmap(make, in_axes=0, out_axes=0)
    return nnx.split_rngs(splits=count)(create)(rngs)


def scan(
    layers: nnx.Module,
    x: Float[Array, "B T D"],
    apply: Callable[[Any, Float[Array, "B T D"], jax.Array | None], Float[Array, "B T D"]],
    key: jax.Array | None,
    remat: bool = False,
    unrolled: bool | None = None,
) -> Float[Array, "B T D"]:
    """Passes `x` through the layers of a `stack`, compiling one layer whatever their number.

    Args:
        layers: What `stack` made.
        x: Input of the first layer.
        apply: `apply(layer, x, key)` runs one layer.
        key: Randomness of dropout; None turns it off.
        remat: Whether a layer's activations are computed again in the backward pass.
        unrolled: Whether every layer is compiled after all; default: on CPU.
    """
    graph, params = nnx.split(layers)
    count = jax.tree.leaves(params)[0].shape[0]
    keys = None if key is None else jax.random.split(key, count)

    def body(x: jax.Array, scanned: tuple[Any, Any]) -> tuple[jax.Array, list[jax.Array]]:
        layer_params, layer_key = scanned
        with observation.inner() as weights:
            x = apply(nnx.merge(graph, layer_params), x, layer_key)
        return x, weights

    # A scan compiles one layer whatever their number, but on a CPU the zeroing, slicing and copying
    # of what it keeps for the backward pass costs 4 % of a step.
    unroll = jax.default_backend() == "cpu" if unrolled is None else unrolled
    step = jax.checkpoint(body) if remat else body
    x, weights = jax.lax.scan(step, x, (params, keys), unroll=unroll)
    observation.observe(*weights)
    return x


def unstack(layers: Module) -> list[Module]:
    """The layers of a `stack`, one by one: for loops whose carry a scan would copy."""
    graph, params = nnx.split(layers)
    count = jax.tree.leaves(params)[0].shape[0]
    return [nnx.merge(graph, jax.tree.map(lambda p, i=i: p[i], params)) for i in range(count)]
