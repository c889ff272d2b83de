"""Hugging Face's Marian with our weights: the same model in PyTorch, to compare speed with."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch_weights import linear, norm, tensor
from transformers import GenerationConfig, MarianConfig, MarianMTModel

from seq2seq.config import ModelConfig
from seq2seq.model.layers import sinusoids
from seq2seq.types import Params
from seq2seq.vocabulary import SYMBOLS

_PARTS = {"self_attention": "self_attn", "cross_attention": "encoder_attn"}
_ROLES = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "output": "out_proj"}


def marian(config: ModelConfig, params: Params, longest: int) -> MarianMTModel:
    """The model with our parameters, for sentences of at most `longest` tokens.

    Args:
        config: A post-norm model with shared embeddings and sinusoids, as the paper's.
        params: Its parameters.
        longest: Positions for which there are encodings.
    """
    embedding = params["target_embedding"]
    model = MarianMTModel(
        MarianConfig(
            vocab_size=embedding.shape[0],
            d_model=config.width,
            encoder_layers=config.encoder_layers,
            decoder_layers=config.decoder_layers,
            encoder_attention_heads=config.heads,
            decoder_attention_heads=config.heads,
            encoder_ffn_dim=config.feed_forward_width,
            decoder_ffn_dim=config.feed_forward_width,
            activation_function=config.activation,
            max_position_embeddings=longest,
            scale_embedding=config.scale_embeddings,
            pad_token_id=SYMBOLS.pad,
            bos_token_id=SYMBOLS.start,
            eos_token_id=SYMBOLS.end,
            decoder_start_token_id=SYMBOLS.start,
            forced_eos_token_id=SYMBOLS.end,
            dropout=0.0,
        )
    )
    weights = dict(model.state_dict())
    for name in ("model.shared", "model.encoder.embed_tokens", "model.decoder.embed_tokens"):
        weights[f"{name}.weight"] = tensor(embedding)
    weights["lm_head.weight"] = tensor(embedding)
    places = tensor(sinusoids(longest, config.width, config.sinusoids))
    for side in ("encoder", "decoder"):
        weights[f"model.{side}.embed_positions.weight"] = places
        for i in range(getattr(config, f"{side}_layers")):
            weights |= _layer(f"model.{side}.layers.{i}", params[side]["layers"], i)
    bias = params.get("output_bias")
    if bias is not None:
        weights["final_logits_bias"] = tensor(bias)[None]
    model.load_state_dict(weights)
    return model.eval()


def translation(
    model: MarianMTModel, sources: Sequence[Sequence[int]], exactly: int, rows: int = 32
) -> Callable[[], list[list[int]]]:
    """The translation of sources of one length by beam search, so many at a time.

    Args:
        model: The model.
        sources: Token ids with the end symbol.
        exactly: Tokens of every translation, the end symbol not counted.
        rows: Sentences of a batch.
    """
    ids = torch.tensor(sources)
    options = GenerationConfig(
        num_beams=4,
        length_penalty=0.6,
        min_new_tokens=exactly,
        max_new_tokens=exactly,
        pad_token_id=SYMBOLS.pad,
        eos_token_id=SYMBOLS.end,
        decoder_start_token_id=SYMBOLS.start,
    )

    def translate() -> list[list[int]]:
        with torch.inference_mode():
            return [
                row
                for batch in ids.split(rows)
                for row in model.generate(
                    batch, attention_mask=torch.ones_like(batch), generation_config=options
                ).tolist()
            ]

    return translate


def _layer(name: str, layers: Mapping[str, Any], i: int) -> dict[str, torch.Tensor]:
    """The weights of layer `i` by their names there."""
    found = {}
    for part, theirs in _PARTS.items():
        if part in layers:
            for role, projection in _ROLES.items():
                own = layers[part][role]
                found |= linear(f"{name}.{theirs}.{projection}", own, i)
            found |= norm(f"{name}.{theirs}_layer_norm", layers[f"{part}_residual"], i)
    for ours, theirs in (("inner", "fc1"), ("outer", "fc2")):
        found |= linear(f"{name}.{theirs}", layers["feed_forward"][ours], i)
    return found | norm(f"{name}.final_layer_norm", layers["feed_forward_residual"], i)
