"""CTranslate2 with our weights: the same model, to compare numbers and speed with."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from ctranslate2.specs import transformer_spec
from ctranslate2.specs.common_spec import Activation

from seq2seq.config import ModelConfig
from seq2seq.model.layers import sinusoids
from seq2seq.types import Params
from seq2seq.vocabulary import SYMBOLS

_ACTIVATIONS = {"relu": Activation.RELU, "gelu": Activation.GELU, "swish": Activation.SWISH}


def convert(config: ModelConfig, params: Params, longest: int, folder: Path) -> None:
    """Writes a model of CTranslate2 with our weights, whose tokens are our ids, written out.

    Args:
        config: The model.
        params: Its parameters; the ids of the symbols are those of a vocabulary trained here.
        longest: Positions for which there are encodings.
        folder: Where the model is written.
    """
    spec = _specification(config, params, longest)
    spec.register_source_vocabulary([str(i) for i in range(spec.get_source_vocabulary_size()[0])])
    spec.register_target_vocabulary([str(i) for i in range(spec.get_target_vocabulary_size())])
    spec.config.unk_token = str(SYMBOLS.unknown)
    spec.config.bos_token = spec.config.decoder_start_token = str(SYMBOLS.start)
    spec.config.eos_token = str(SYMBOLS.end)
    spec.validate()
    spec.optimize()
    spec.save(str(folder))


def load(folder: Path, compute_type: str, replicas: int, threads: int) -> ctranslate2.Translator:
    """The model in a folder, as so many replicas of so many threads each."""
    return ctranslate2.Translator(
        str(folder), compute_type=compute_type, inter_threads=replicas, intra_threads=threads
    )


def written(sequences: Sequence[Sequence[int]]) -> list[list[str]]:
    """Token ids as CTranslate2 takes them."""
    return [[str(token) for token in sequence] for sequence in sequences]


def _specification(config: ModelConfig, params: Params, longest: int) -> Any:
    """CTranslate2's description of a model, filled with our parameters."""
    spec = transformer_spec.TransformerSpec.from_config(
        (config.encoder_layers, config.decoder_layers),
        config.heads,
        pre_norm=config.norm == "pre",
        activation=_ACTIVATIONS[config.activation],
    )
    spec.config.layer_norm_epsilon = config.norm_epsilon
    target = params["target_embedding"]
    spec.encoder.embeddings[0].weight = _array(params.get("source_embedding", target))
    spec.decoder.embeddings.weight = _array(target)
    spec.decoder.projection.weight = _array(params.get("output_embedding", target))
    if config.output_bias:
        spec.decoder.projection.bias = _array(params["output_bias"])
    for side, part in (("source", spec.encoder), ("target", spec.decoder)):
        learned = params.get(f"{side}_positions", {}).get("table")
        if learned is None:
            table = sinusoids(longest, config.width, config.sinusoids)
        else:
            table = learned * (config.width**0.5 if config.scale_positions else 1.0)
        part.position_encodings.encodings = _array(table)
        part.scale_embeddings = config.scale_embeddings
    for side, part in (("encoder", spec.encoder), ("decoder", spec.decoder)):
        for i, layer in enumerate(part.layer):
            _fill_layer(layer, params[side]["layers"], i)
        if config.norm == "pre":
            _fill_norm(part.layer_norm, params[side]["norm"])
    return spec


def _fill_layer(spec: Any, layers: Mapping[str, Any], i: int) -> None:
    """Fills the description of layer `i`, whose norms belong to the sub-layers."""
    _fill_attention(spec.self_attention, layers["self_attention"], i, [3, 1])
    _fill_norm(spec.self_attention.layer_norm, layers["self_attention_residual"]["norm"], i)
    if "cross_attention" in layers:
        _fill_attention(spec.attention, layers["cross_attention"], i, [1, 2, 1])
        _fill_norm(spec.attention.layer_norm, layers["cross_attention_residual"]["norm"], i)
    _fill_linear(spec.ffn.linear_0, [layers["feed_forward"]["inner"]], i)
    _fill_linear(spec.ffn.linear_1, [layers["feed_forward"]["outer"]], i)
    _fill_norm(spec.ffn.layer_norm, layers["feed_forward_residual"]["norm"], i)


def _fill_attention(spec: Any, part: Mapping[str, Any], i: int, together: Sequence[int]) -> None:
    """Query, key, value and output projections, of which so many together make one matrix."""
    projections = [part[role] for role in ("query", "key", "value", "output")]
    for linear, count in zip(spec.linear, together, strict=True):
        _fill_linear(linear, projections[:count], i)
        projections = projections[count:]


def _fill_linear(spec: Any, parts: Sequence[Mapping[str, Any]], i: int) -> None:
    spec.weight = np.concatenate([_array(part["kernel"][i].T) for part in parts])
    if "bias" in parts[0]:
        spec.bias = np.concatenate([_array(part["bias"][i]) for part in parts])


def _fill_norm(spec: Any, part: Mapping[str, Any], i: Any = ...) -> None:
    spec.gamma, spec.beta = _array(part["scale"][i]), _array(part["bias"][i])


def _array(values: Any) -> np.ndarray:
    return np.ascontiguousarray(values, np.float32)
