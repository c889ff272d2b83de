"""Joey NMT's Transformer with our weights: the same model in PyTorch, to compare speed with.

Its requirements exclude ours (protobuf below 3.21), but its search needs few of them:

    pip install '.[bench]' tensorboard subword-nmt importlib_metadata
    pip install --no-deps joeynmt==2.3.0
"""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from joeynmt.batch import Batch
from joeynmt.decoders import TransformerDecoder
from joeynmt.embeddings import Embeddings
from joeynmt.encoders import TransformerEncoder
from joeynmt.model import Model
from joeynmt.search import search
from torch_weights import linear, norm, tensor

from seq2seq.config import ModelConfig
from seq2seq.types import Params
from seq2seq.vocabulary import SYMBOLS

_ENCODER = {"self_attention": ("src_src_att", "layer_norm")}
_DECODER = {
    "self_attention": ("trg_trg_att", "x_layer_norm"),
    "cross_attention": ("src_trg_att", "dec_layer_norm"),
}
_ROLES = {"query": "q_layer", "key": "k_layer", "value": "v_layer", "output": "output_layer"}
_SYMBOLS = SimpleNamespace(
    pad_index=SYMBOLS.pad,
    bos_index=SYMBOLS.start,
    eos_index=SYMBOLS.end,
    unk_index=SYMBOLS.unknown,
    sep_index=None,
    specials=[],
    lang_tags=[],
)
"""All that a model there asks of its vocabularies."""


def transformer(config: ModelConfig, params: Params) -> Model:
    """The model with our parameters.

    Args:
        config: A post-norm model with shared embeddings and interleaved sinusoids.
        params: Its parameters.
    """
    embedding = tensor(params["target_embedding"])
    sizes = {
        "hidden_size": config.width,
        "ff_size": config.feed_forward_width,
        "num_heads": config.heads,
        "dropout": 0.0,
        "emb_dropout": 0.0,
        "layer_norm": "post",
        "activation": config.activation,
    }
    count, width = embedding.shape
    embed = Embeddings(width, config.scale_embeddings, count, SYMBOLS.pad)
    encoder = TransformerEncoder(num_layers=config.encoder_layers, **sizes)
    decoder = TransformerDecoder(num_layers=config.decoder_layers, vocab_size=count, **sizes)
    model = Model(encoder, decoder, embed, embed, _SYMBOLS, _SYMBOLS)
    weights = dict(model.state_dict())
    for name in ("src_embed.lut", "trg_embed.lut", "decoder.output_layer"):
        weights[f"{name}.weight"] = embedding
    for side, parts in (("encoder", _ENCODER), ("decoder", _DECODER)):
        for i in range(getattr(config, f"{side}_layers")):
            weights |= _layer(f"{side}.layers.{i}", parts, params[side]["layers"], i)
    model.load_state_dict(weights)
    return model.eval()


def translation(
    model: Model, sources: Sequence[Sequence[int]], limit: int, by_length: bool, rows: int = 64
) -> Callable[[], list[list[int]]]:
    """The translation of sources by beam search, so many at a time.

    Args:
        model: The model.
        sources: Token ids with the end symbol.
        limit: Most tokens of a translation.
        by_length: Whether batches hold sentences of similar lengths. Joey NMT itself takes them as
            they come.
        rows: Sentences of a batch.

    Returns:
        A function that returns each source's best translation, without its end.
    """
    order = list(range(len(sources)))
    if by_length:
        order.sort(key=lambda i: len(sources[i]))
    parts = [order[i : i + rows] for i in range(0, len(order), rows)]

    def translate() -> list[list[int]]:
        found: dict[int, list[int]] = {}
        for part in parts:
            batch = _batch([sources[i] for i in part])
            ids, _, _ = search(model, batch, limit, beam_size=4, beam_alpha=0.6)
            for i, row in zip(part, ids.astype(int).tolist(), strict=True):
                found[i] = row[: row.index(SYMBOLS.end)] if SYMBOLS.end in row else row
        return [found[i] for i in range(len(sources))]

    return translate


def _batch(sources: Sequence[Sequence[int]]) -> Batch:
    lengths = torch.tensor([len(tokens) for tokens in sources])
    ids = np.full((len(sources), int(lengths.max())), SYMBOLS.pad)
    for row, tokens in zip(ids, sources, strict=True):
        row[: len(tokens)] = tokens
    return Batch(
        src=torch.from_numpy(ids),
        src_length=lengths,
        src_prompt_mask=None,
        trg=None,
        trg_prompt_mask=None,
        indices=torch.arange(len(sources)),
        device=torch.device("cpu"),
        pad_index=SYMBOLS.pad,
        eos_index=SYMBOLS.end,
        is_train=False,
    )


def _layer(
    name: str, parts: Mapping[str, tuple[str, str]], layers: Mapping[str, Any], i: int
) -> dict[str, torch.Tensor]:
    """The weights of layer `i` by their names there."""
    found = {}
    for part, (attention, after) in parts.items():
        for role, projection in _ROLES.items():
            found |= linear(f"{name}.{attention}.{projection}", layers[part][role], i)
        found |= norm(f"{name}.{after}", layers[f"{part}_residual"], i)
    for ours, theirs in (("inner", 0), ("outer", 3)):
        own = layers["feed_forward"][ours]
        found |= linear(f"{name}.feed_forward.pwff_layer.{theirs}", own, i)
    return found | norm(f"{name}.feed_forward.layer_norm", layers["feed_forward_residual"], i)
