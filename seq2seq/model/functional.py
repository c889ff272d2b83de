"""A model as a structure and a tree of parameters: what pure, compiled functions are made from."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from seq2seq.config import Config, ModelConfig
from seq2seq.model.ensemble import Ensemble, Model
from seq2seq.model.transformer import Transformer
from seq2seq.types import Params

Graph = nnx.GraphDef[Transformer]
"""A model's structure: `merge(graph, params)` is the model."""

_CPU = Path("/proc/cpuinfo")

Make = Callable[[Params], Model]
"""`make(params)`: a model, or an ensemble."""


def abstract(config: ModelConfig, source_size: int, target_size: int) -> tuple[Graph, Params]:
    """A model's structure and the shapes of its parameters; nothing is allocated.

    Args:
        config: Sizes and choices.
        source_size: Size of the source vocabulary.
        target_size: Size of the target vocabulary.

    Returns:
        The structure, and `jax.ShapeDtypeStruct`s in place of the parameters.
    """
    model = nnx.eval_shape(lambda: Transformer(config, source_size, target_size, nnx.Rngs(0)))
    graph, state = nnx.split(model)
    return graph, nnx.to_pure_dict(state)


def init(config: ModelConfig, source_size: int, target_size: int, key: jax.Array) -> Params:
    """New parameters, float32: a function of the config, the vocabulary sizes and the key."""
    model = Transformer(config, source_size, target_size, nnx.Rngs(params=key))
    return nnx.to_pure_dict(nnx.split(model)[1])


def cast(params: Params, dtype: jnp.dtype) -> Params:
    """Parameters in the type of the computation, but for the norms, which compute in float32.

    What passes between products has the type that `projection.activation_dtype` says.
    """

    def convert(path: tuple[Any, ...], leaf: jax.Array) -> jax.Array:
        return leaf if any(part.key == "norm" for part in path) else leaf.astype(dtype)

    return jax.tree_util.tree_map_with_path(convert, params)


def compute_dtype(name: str) -> jnp.dtype:
    """The type that `training.compute_dtype` names; `auto` is bfloat16 where that is faster.

    So it is on GPU, on TPU and on CPUs with instructions that multiply bfloat16.
    """
    if name == "auto":
        fast = jax.default_backend() != "cpu" or _multiplies_bfloat16(_CPU)
        name = "bfloat16" if fast else "float32"
    return jnp.dtype(name)


@functools.cache
def _multiplies_bfloat16(cpu: Path) -> bool:
    """Whether Linux says there that the CPU has instructions for it; elsewhere we know of none.

    AMX (Intel) multiplies bfloat16 five times as fast as float32, AVX-512 (AMD too) twice.
    """
    try:
        about = cpu.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return not {"amx_bf16", "avx512_bf16"}.isdisjoint(about.split())


def maker(config: Config, sizes: tuple[int, int], dtype: str | None = None) -> Make:
    """A run's model with parameters yet to come, in the type of the computation.

    Args:
        config: The run's config.
        sizes: Of the source and the target vocabulary.
        dtype: Type of the computation; default `training.compute_dtype`.
    """
    graph = abstract(config.model, *sizes)[0]
    compute = compute_dtype(dtype or config.training.compute_dtype)
    return lambda params: merge(graph, params, compute)


def ensemble_maker(makers: Sequence[Make]) -> Make:
    """The ensemble of models whose parameters are called `0`, `1` and so on."""
    return lambda params: Ensemble([make(params[str(i)]) for i, make in enumerate(makers)])


def merge(graph: Graph, params: Params, dtype: jnp.dtype | None = None) -> Transformer:
    """The model with these parameters, cast to the type of the computation if one is given."""
    return nnx.merge(graph, params if dtype is None else cast(params, dtype))
