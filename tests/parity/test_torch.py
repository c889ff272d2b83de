"""Encoder, decoder and loss against PyTorch's layers with the same weights, gradients and all.

PyTorch's layers lie in `torch.nn.Transformer` without the norms that it puts on top by default: the
paper's model has none, and pre-norm has one on either side. Its ε is set to ours. Compared are real
tokens alone, for what stands at a padded place means nothing and differs: there PyTorch looks at
the sentence, we look at the padding.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.config import ModelConfig
from seq2seq.model import functional
from seq2seq.training.loss import smoothed_loss
from seq2seq.types import Batch

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-parity")

SMOOTHING = 0.1
SIZES = {
    "tiny": (31, 8, 7, ModelConfig(1, 1, 16, 2, feed_forward_width=32)),
    "uneven": (50, 11, 13, ModelConfig(2, 3, 24, 3, feed_forward_width=40)),
    "small": (400, 24, 20, ModelConfig(4, 4, 128, 4, feed_forward_width=512)),
    "base": (1000, 20, 18, ModelConfig()),
}
"""Vocabulary, source length, target length, and the model (encoder and decoder layers, width,
heads)."""
CASES = [
    *((size, {"norm": norm}) for size in SIZES for norm in ("post", "pre")),
    ("uneven", {"norm": "post", "attention_bias": True}),
    ("small", {"norm": "pre", "attention_bias": True, "activation": "gelu"}),
]


class Reference(torch.nn.Module):
    """The same model from PyTorch's parts, one embedding for all."""

    def __init__(self, config, vocabulary, longest):
        super().__init__()
        nn, pre_norm = torch.nn, config.norm == "pre"
        sizes = (config.width, config.heads, config.feed_forward_width)
        options = {
            "dropout": 0.0,
            "activation": config.activation,
            "layer_norm_eps": config.norm_epsilon,
            "norm_first": pre_norm,
            "batch_first": True,
        }

        def last():
            return nn.LayerNorm(config.width, config.norm_epsilon) if pre_norm else None

        layers = nn.TransformerEncoderLayer(*sizes, **options)
        counts = (config.encoder_layers, config.decoder_layers)
        encoder = nn.TransformerEncoder(layers, counts[0], last(), enable_nested_tensor=False)
        layers = nn.TransformerDecoderLayer(*sizes, **options)
        decoder = nn.TransformerDecoder(layers, counts[1], last())
        parts = {"custom_encoder": encoder, "custom_decoder": decoder}
        self.transformer = nn.Transformer(*sizes[:2], batch_first=True, **parts)
        self.embedding = nn.Embedding(vocabulary, config.width)
        self.scale = config.width**0.5
        self.register_buffer("places", sinusoids(longest, config.width), persistent=False)
        later = torch.ones(longest, longest, dtype=torch.bool).triu(1)
        self.register_buffer("later", later, persistent=False)

    def embed(self, tokens):
        return self.embedding(tokens) * self.scale + self.places[: tokens.shape[1]]

    def forward(self, source, target, source_padding, target_padding):
        """The encoder's output and the decoder's states; masks are True where none may look."""
        length = target.shape[1]
        embedded, padding = self.embed(source), {"src_key_padding_mask": source_padding}
        memory = self.transformer.encoder(embedded, **padding)
        states = self.transformer(
            embedded,
            self.embed(target),
            tgt_mask=self.later[:length, :length],
            tgt_key_padding_mask=target_padding,
            memory_key_padding_mask=source_padding,
            **padding,
        )
        return memory, states


def sinusoids(length, width):
    """Section 3.5, in float64 until the end."""
    places, even = torch.arange(length).double(), torch.arange(0, width, 2).double()
    angles = places[:, None] / 10_000 ** (even / width)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1).float()


def torch_names(params, config):
    """Our tree of parameters, or of their gradients, as arrays under PyTorch's names."""
    found = {"embedding.weight": params["target_embedding"]}
    attentions = {"self_attention": "self_attn", "cross_attention": "multihead_attn"}
    for side, count in (("encoder", config.encoder_layers), ("decoder", config.decoder_layers)):
        kinds = list(attentions)[: 1 if side == "encoder" else 2]
        for i in range(count):
            name = f"transformer.{side}.layers.{i}"
            layer = jax.tree.map(lambda leaf, i=i: leaf[i], params[side]["layers"])
            for kind in kinds:
                found |= _attention(layer[kind], f"{name}.{attentions[kind]}")
            for number, kind in enumerate((*kinds, "feed_forward"), 1):
                found |= _norm(layer[f"{kind}_residual"]["norm"], f"{name}.norm{number}")
            found |= _linear(layer["feed_forward"]["inner"], f"{name}.linear1")
            found |= _linear(layer["feed_forward"]["outer"], f"{name}.linear2")
        if "norm" in params[side]:
            found |= _norm(params[side]["norm"], f"transformer.{side}.norm")
    return {name: np.array(array) for name, array in found.items()}


def _attention(part, name):
    projections = [part[role] for role in ("query", "key", "value")]
    found = {f"{name}.in_proj_weight": jnp.concatenate([p["kernel"].T for p in projections])}
    if "bias" in part["query"]:
        found[f"{name}.in_proj_bias"] = jnp.concatenate([p["bias"] for p in projections])
    return found | _linear(part["output"], f"{name}.out_proj")


def _linear(part, name):
    bias = {f"{name}.bias": part["bias"]} if "bias" in part else {}
    return {f"{name}.weight": part["kernel"].T, **bias}


def _norm(part, name):
    return {f"{name}.weight": part["scale"], f"{name}.bias": part["bias"]}


def random_params(config, vocabulary):
    """New parameters, moved at random, so that no bias is 0 and no scale 1."""
    params = functional.init(config, vocabulary, vocabulary, jax.random.key(0))
    generator = np.random.default_rng(0)

    def move(leaf):
        return leaf + jnp.asarray(0.1 * generator.standard_normal(leaf.shape), leaf.dtype)

    return jax.tree.map(lambda leaf: move(leaf) if leaf.ndim < 3 else leaf, params)


def random_batch(vocabulary, source_length, target_length):
    """Five sentence pairs, each alone in its row; the first fills it, the others are padded."""
    generator = np.random.default_rng(1)

    def side(length):
        lengths = np.array([length, *generator.integers(1, length, 4)])
        positions = np.tile(np.arange(length, dtype=np.int32), (5, 1))
        segments = (positions < lengths[:, None]).astype(np.int32)
        tokens = generator.integers(4, vocabulary, (5, length)).astype(np.int32) * segments
        return tokens, segments, positions

    source, (target, segments, positions) = side(source_length), side(target_length)
    inputs = np.roll(target, 1, axis=1) * segments
    inputs[:, 0] = 1
    arrays = (*source, inputs, target, segments, positions)
    return Batch(*(jnp.asarray(array) for array in arrays))


@dataclasses.dataclass
class Both:
    """What the two implementations give for the same weights and tokens, as NumPy arrays.

    Each pair is ours, then PyTorch's.
    """

    memory: tuple
    states: tuple
    loss: tuple
    gradients: tuple


def ours(config, params, batch):
    graph = functional.abstract(config, *(params["target_embedding"].shape[:1] * 2))[0]

    def loss(params):
        model = functional.merge(graph, params)
        memory = model.encode(batch.source, batch.source_segments, batch.source_positions)
        states = model(batch)
        labels, segments = batch.target_outputs, batch.target_segments
        sums = smoothed_loss(states, model.output_matrix, None, labels, segments, SMOOTHING)
        return sums.loss, (memory, states)

    (value, outputs), gradients = jax.jit(jax.value_and_grad(loss, has_aux=True))(params)
    return *map(np.asarray, outputs), float(value), torch_names(gradients, config)


def theirs(config, params, batch):
    vocabulary = params["target_embedding"].shape[0]
    longest = max(batch.source.shape[1], batch.target_inputs.shape[1])
    network = Reference(config, vocabulary, longest).train()  # dropout 0, and no fused inference
    named = {name: torch.from_numpy(array) for name, array in torch_names(params, config).items()}
    missing, unknown = network.load_state_dict(named, strict=False)
    assert not unknown
    assert all("bias" in name and "attn" in name for name in missing)
    assert bool(missing) != config.attention_bias
    for name in missing:
        torch.nn.init.zeros_(network.get_parameter(name))
    source, inputs, labels, *segments = (
        torch.from_numpy(np.array(array)).long()
        for array in (
            batch.source,
            batch.target_inputs,
            batch.target_outputs,
            batch.source_segments,
            batch.target_segments,
        )
    )
    memory, states = network(source, inputs, *(part == 0 for part in segments))
    logits = (states @ network.embedding.weight.T).flatten(0, 1)
    loss = torch.nn.functional.cross_entropy(
        logits, labels.flatten(), ignore_index=0, label_smoothing=SMOOTHING, reduction="sum"
    )
    loss.backward()
    gradients = {
        name: parameter.grad.numpy()
        for name, parameter in network.named_parameters()
        if name not in missing
    }
    return memory.detach().numpy(), states.detach().numpy(), loss.item(), gradients


def name_of(case):
    """Such as `small-pre-attention_bias-gelu`."""
    size, options = case
    return "-".join([size, *(k if v is True else v for k, v in options.items())])


@pytest.fixture(scope="module", params=CASES, ids=name_of)
def both(request):
    size, options = request.param
    vocabulary, source_length, target_length, config = SIZES[size]
    config = dataclasses.replace(config, **options)
    params = random_params(config, vocabulary)
    batch = random_batch(vocabulary, source_length, target_length)
    pairs = zip(ours(config, params, batch), theirs(config, params, batch), strict=True)
    both = Both(*pairs)
    real = [np.asarray(part) > 0 for part in (batch.source_segments, batch.target_segments)]
    both.memory = tuple(array[real[0]] for array in both.memory)
    both.states = tuple(array[real[1]] for array in both.states)
    return both


def assert_close(ours, theirs, bound, record, what):
    difference = float(np.abs(ours - theirs).max())
    record(what, difference)
    assert difference <= bound


def test_the_encoder_gives_what_torch_gives(both, record_property):
    assert_close(*both.memory, 1e-5, record_property, "PyTorch: encoder output")


def test_the_decoder_gives_what_torch_gives(both, record_property):
    assert_close(*both.states, 1e-5, record_property, "PyTorch: decoder output")


def test_the_loss_is_torchs_sum(both, record_property):
    assert_close(1.0, both.loss[0] / both.loss[1], 1e-6, record_property, "PyTorch: loss, relative")


def test_gradients_of_all_parameters_are_torchs(both, record_property):
    """Gradients of the sum over all tokens, which are larger than those an update sees."""
    found, wanted = both.gradients
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        assert_close(found[name], gradient, 1e-4, record_property, "PyTorch: gradients")
