"""What a model costs, by arithmetic alone: parameters, FLOPs and memory. Nothing is allocated.

Counted are the products of matrices, 2 FLOPs for each multiplication with its addition; norms,
softmax, activations and look-ups of embeddings are left out, as is usual. The backward pass costs
twice the forward pass. Attention is counted over whole rows, as it is computed: the mask saves
nothing. Letters as in `seq2seq.types`, with d_k and d_v for the two widths of a head.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seq2seq.config import Config, ModelConfig, TrainingConfig


@dataclass(frozen=True)
class Memory:
    """Bytes on one device while it trains.

    Attributes:
        parameters: Parameters, float32, and their copy in the type of the computation.
        gradients: One gradient of every parameter, float32 (two while parts are accumulated).
        optimizer: Adam's two moments, float32.
        activations: What the forward pass keeps for the backward pass; an estimate.
    """

    parameters: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """The sum of all."""
        return self.parameters + self.gradients + self.optimizer + self.activations


def parameters(model: ModelConfig, source_size: int, target_size: int) -> dict[str, int]:
    """Returns the number of parameters by part, in the order of the forward pass.

    Args:
        model: The sizes.
        source_size: Size of the source vocabulary (V).
        target_size: Size of the target vocabulary (V); the same one if `embeddings` is `all`.
    """
    width, attention, inner = model.width, _attention(model), model.feed_forward_width
    feed_forward = 2 * width * inner + inner + width
    shared, learned = model.embeddings == "all", model.positions == "learned"
    last_norm = 2 * width if model.norm == "pre" else 0
    separate = target_size * width if model.embeddings == "separate" else 0
    counts = {
        "embeddings": width * (target_size if shared else source_size + target_size),
        "positions": 2 * model.max_positions * width if learned else 0,
        "encoder.self_attention": model.encoder_layers * attention,
        "encoder.feed_forward": model.encoder_layers * feed_forward,
        "encoder.norms": model.encoder_layers * 4 * width + last_norm,
        "decoder.self_attention": model.decoder_layers * attention,
        "decoder.cross_attention": model.decoder_layers * attention,
        "decoder.feed_forward": model.decoder_layers * feed_forward,
        "decoder.norms": model.decoder_layers * 6 * width + last_norm,
        "output": separate + (target_size if model.output_bias else 0),
    }
    return {part: count for part, count in counts.items() if count}


def _attention(model: ModelConfig) -> int:
    """Parameters of one attention: W^Q, W^K, W^V, W^O, and their biases."""
    keys, values = model.heads * model.head_key_width, model.heads * model.head_value_width
    biases = 2 * keys + values + model.width if model.attention_bias else 0
    return model.width * (2 * keys + 2 * values) + biases


def forward_flops(
    model: ModelConfig, target_size: int, source_length: int, target_length: int
) -> float:
    """Returns the FLOPs of one forward pass over a source row and a target row.

    For each source position, an encoder layer costs 2 · (D · N · (2 d_k + 2 d_v) + 2 D F) for its
    matrices and 2 · S · N · (d_k + d_v) for its attention; a decoder layer has one more attention,
    whose keys and values are of source positions; and the logits cost 2 · D · V a target position.

    Args:
        model: The sizes.
        target_size: Size of the target vocabulary (V).
        source_length: Positions of the source row (S).
        target_length: Positions of the target row (T).
    """
    keys, values = model.heads * model.head_key_width, model.heads * model.head_value_width
    queries_and_output = model.width * (keys + values)
    attended, inner = keys + values, 2 * model.width * model.feed_forward_width
    projections = queries_and_output + model.width * attended
    source = model.encoder_layers * (projections + inner + source_length * attended)
    source += model.decoder_layers * model.width * attended
    target = projections + target_length * attended
    target += queries_and_output + source_length * attended + inner
    target = model.decoder_layers * target + model.width * target_size
    return 2.0 * (source_length * source + target_length * target)


def training_flops(config: Config, target_size: int) -> float:
    """Returns the FLOPs of training on one pair of rows: a forward pass, and two for the backward.

    R-Drop does all of it twice. Rematerialisation is left out: it is how the work is done, not work
    that the model asks for.
    """
    rows = (config.data.source_row_length, config.data.target_row_length)
    passes = 2.0 if config.training.r_drop else 1.0
    return passes * 3.0 * forward_flops(config.model, target_size, *rows)


def training_flops_per_token(config: Config, source_size: int, target_size: int) -> float:
    """Returns training FLOPs per token of either side: `training_flops` over both row lengths."""
    del source_size  # the embedding is a look-up
    tokens = config.data.source_row_length + config.data.target_row_length
    return training_flops(config, target_size) / tokens


def decoding_flops(config: Config, target_size: int, length: int) -> float:
    """Returns the FLOPs per translated token, for a sentence of `length` tokens on both sides.

    The encoder and the keys and values of its output are computed once; each of the beams then pays
    for its position in every decoder layer, over a cache that is half full on average, and for its
    logits.
    """
    model, beams = config.model, config.decoding.beam_size
    attended = model.heads * (model.head_key_width + model.head_value_width)
    source = forward_flops(model, target_size, length, 0)
    target = forward_flops(model, target_size, length, length) - source
    target -= model.decoder_layers * length * length * attended  # the half that is not there yet
    return (source + beams * target) / length


def loss_chunk(training: TrainingConfig, on_cpu: bool) -> int:
    """Returns how many target tokens' logits stand at a time.

    On a CPU more than 1 024 fall out of the cache. A GPU starves on so few: what is added to the
    gradient of the output matrix, once a chunk, passes through its memory.
    """
    return training.loss_chunk or (1024 if on_cpu else 4096)


def memory(
    config: Config, source_size: int, target_size: int, devices: int = 1, dtype: str = "float32"
) -> Memory:
    """Estimates what training takes on each device.

    Activations are what the backward pass needs again, for every position of a device's part of an
    update, with b bytes a number (4 for float32, 2 for bfloat16). A sub-layer keeps b · 2 D for its
    input and its norm's and D for dropout; attention adds b · 2 N (d_k + d_v) for queries, keys,
    values and their mean, and 8 N for every key's scores and weights (4 + 2 b in bfloat16; a fused
    kernel keeps none of these); a feed-forward network adds b · 2 F. With `remat`, each layer
    keeps b · D, and one layer at a time the rest. The loss adds the gradient of its matrix, and
    three arrays of a chunk of logits. Against XLA's own figures on CPU this is within a quarter.

    Args:
        config: The run: its sizes, batch and accumulation.
        source_size: Size of the source vocabulary.
        target_size: Size of the target vocabulary.
        devices: Devices that share an update.
        dtype: Type of the computation: float32 or bfloat16.
    """
    count = sum(parameters(config.model, source_size, target_size).values())
    size = 4 if dtype == "float32" else 2
    gradients = 2 if config.training.accumulation > 1 else 1
    return Memory(
        parameters=count * (4 if size == 4 else 4 + size),
        gradients=4 * count * gradients,
        optimizer=8 * count,
        activations=_activations(config, target_size, devices, size),
    )


def _activations(config: Config, target_size: int, devices: int, size: int) -> int:
    model, training = config.model, config.training
    source_length, target_length = config.data.source_row_length, config.data.target_row_length
    width, heads = model.width, model.heads
    weights = heads * (8 if size == 4 else 4 + 2 * size)
    attention = size * 2 * heads * (model.head_key_width + model.head_value_width)
    sublayer, inner = (2 * size + 1) * width, size * 2 * model.feed_forward_width
    encoder = 2 * sublayer + attention + inner + weights * source_length
    decoder = 3 * sublayer + 2 * attention + inner + weights * (source_length + target_length)
    layers = (model.encoder_layers, model.decoder_layers)
    if training.remat:
        kept = size * width * (layers[0] + layers[1]) + max(encoder, decoder)
    else:
        kept = layers[0] * encoder + layers[1] * decoder
    passes = 2 if training.r_drop else 1
    positions = passes * training.batch_tokens / (devices * training.accumulation)
    chunk = 4 * target_size * min(loss_chunk(training, size == 4), positions)
    return round(positions * kept + 3 * chunk + 4 * target_size * width)


def describe(
    config: Config,
    source_size: int,
    target_size: int,
    devices: int = 1,
    dtype: str = "float32",
    length: int = 30,
) -> dict[str, Any]:
    """Returns all figures, ready for JSON.

    Args:
        config: The run.
        source_size: Size of the source vocabulary.
        target_size: Size of the target vocabulary.
        devices: Devices that share an update.
        dtype: Type of the computation: float32 or bfloat16.
        length: Tokens of the sentence, on both sides, for which decoding is counted.

    Returns:
        `parameters` (numbers by part, and `total`), `flops_per_target_token` (`training`,
        `decoding`) and `memory_per_device` (bytes by part, and `total`), with what each rests on.
    """
    parts = parameters(config.model, source_size, target_size)
    needed = memory(config, source_size, target_size, devices, dtype)
    rows = (config.data.source_row_length, config.data.target_row_length)
    return {
        "parameters": {**parts, "total": sum(parts.values())},
        "flops_per_target_token": {
            "training": training_flops(config, target_size) / rows[1],
            "decoding": decoding_flops(config, target_size, length),
            "source_row_length": rows[0],
            "target_row_length": rows[1],
            "beam_size": config.decoding.beam_size,
            "sentence_length": length,
        },
        "memory_per_device": {
            **{part: getattr(needed, part) for part in Memory.__dataclass_fields__},
            "total": needed.total,
            "devices": devices,
            "dtype": dtype,
        },
    }


def render(report: Mapping[str, Any]) -> str:
    """Returns a report of `describe` as text of at most 80 columns, with no newline at its end."""
    counts, flops = report["parameters"], report["flops_per_target_token"]
    needed = report["memory_per_device"]
    lines = [f"Parameters{counts['total']:>42,}"]
    for part, count in counts.items():
        if part != "total":
            share = 100 * count / counts["total"]
            lines.append(f"  {part:<30}{count:>20,}{share:>8.1f} %")
    rows = f"rows of {flops['source_row_length']} and {flops['target_row_length']}"
    search = f"beam {flops['beam_size']}, {flops['sentence_length']} tokens"
    lines += ["", "FLOPs per target token"]
    lines.append(f"  {'training':<30}{_scaled(flops['training'], 1000):>20}   {rows}")
    lines.append(f"  {'decoding':<30}{_scaled(flops['decoding'], 1000):>20}   {search}")
    where = f"{needed['devices']} device{'s' if needed['devices'] > 1 else ''}, {needed['dtype']}"
    lines += ["", f"Memory per device{_scaled(needed['total'], 1024) + 'B':>35}   {where}"]
    for part in Memory.__dataclass_fields__:
        note = "   estimate" if part == "activations" else ""
        lines.append(f"  {part:<30}{_scaled(needed[part], 1024) + 'B':>20}{note}")
    return "\n".join(lines)


def _scaled(number: float | int, base: int) -> str:
    """Returns three digits with a unit: `371 M`, or `1.02 Gi` in powers of 1024."""
    units = ["", "k", "M", "G", "T", "P"] if base == 1000 else ["", "Ki", "Mi", "Gi", "Ti", "Pi"]
    power = 0
    while number >= 0.9995 * base and power < len(units) - 1:
        number, power = number / base, power + 1
    digits = max(0, 3 - len(str(int(number)))) if power else 0
    return f"{number:.{digits}f} {units[power]}"
