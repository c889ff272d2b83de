"""The model's part of a recipe, which the rest of the model reads: sizes and choices."""

from dataclasses import dataclass
from typing import Literal

from seq2seq.config.checks import at_least, fraction, require


@dataclass(frozen=True)
class ModelConfig:
    """The Transformer's sizes and the few choices in which published models differ.

    Attributes:
        encoder_layers: Layers of the encoder (N).
        decoder_layers: Layers of the decoder (N).
        width: Width of the residual stream (d_model, D).
        heads: Attention heads (h, N).
        key_width: Width of one head's queries and keys (d_k); default width / heads.
        value_width: Width of one head's values (d_v); default width / heads.
        feed_forward_width: Inner width of the feed-forward layers (d_ff, F).
        dropout: Dropout of every sub-layer's output and of the embedding sums (P_drop).
        attention_dropout: Dropout of the attention weights (not in the paper).
        activation_dropout: Dropout after the feed-forward activation (not in the paper).
        norm: Layer normalisation after each sub-layer's sum (the paper) or before each sub-layer,
            then with a last one on top.
        norm_epsilon: ε of the layer normalisation.
        activation: Activation of the feed-forward layers; gelu is the exact one, x · Φ(x).
        positions: Fixed sinusoids or learned embeddings (Table 3, row E).
        sinusoids: Sines and cosines in alternate columns (the paper) or in two halves (its code).
        max_positions: Longest sentence that learned positions can hold.
        scale_positions: Whether learned positions are multiplied by √D, as embeddings are, so that
            they begin with standard deviation 1 (tensor2tensor 1.0) instead of D^-0.5.
        attention_bias: Whether the attention projections have biases.
        output_bias: Whether the logits have a bias.
        initialisation: How the first weights are drawn: uniformly with variance 2 / (inputs +
            outputs) (Glorot and Bengio, 2010) for each matrix by itself, or for those of queries,
            keys and values as parts of one matrix with all their outputs (tensor2tensor 1.0).
        decoder_start: What the decoder reads before the first token: the start symbol, or no
            embedding, only the position (tensor2tensor, Marian).
        embeddings: Which matrices are one: all three, the decoder's two, or none.
        scale_embeddings: Whether embeddings are multiplied by √D (section 3.4).
        fused_attention: Whether attention runs in cuDNN's fused kernels where they can do it, as
            docs/accelerators.md says; the result is the same up to rounding.
        unrolled_layers: Whether a step is compiled layer by layer instead of as a loop over the
            layers, which takes longer to compile and less to run; default: on CPU.
    """

    encoder_layers: int = 6
    decoder_layers: int = 6
    width: int = 512
    heads: int = 8
    key_width: int | None = None
    value_width: int | None = None
    feed_forward_width: int = 2048
    dropout: float = 0.1
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    norm: Literal["post", "pre"] = "post"
    norm_epsilon: float = 1e-6
    activation: Literal["relu", "gelu", "swish"] = "relu"
    positions: Literal["sinusoidal", "learned"] = "sinusoidal"
    sinusoids: Literal["interleaved", "concatenated"] = "interleaved"
    max_positions: int = 1024
    scale_positions: bool = False
    attention_bias: bool = False
    output_bias: bool = False
    initialisation: Literal["xavier", "joint"] = "xavier"
    decoder_start: Literal["symbol", "zero"] = "symbol"
    embeddings: Literal["all", "decoder", "separate"] = "all"
    scale_embeddings: bool = True
    fused_attention: bool = True
    unrolled_layers: bool | None = None

    def __post_init__(self) -> None:
        for key in ("encoder_layers", "decoder_layers", "heads", "feed_forward_width"):
            at_least(f"model.{key}", getattr(self, key), 1)
        for key in ("dropout", "attention_dropout", "activation_dropout"):
            fraction(f"model.{key}", getattr(self, key))
        require(self.width >= 2 and self.width % 2 == 0, "model.width", "an even size", self.width)
        if self.key_width is None or self.value_width is None:
            wanted = f"a divisor of model.width ({self.width}), or key_width and value_width"
            require(self.width % self.heads == 0, "model.heads", wanted, self.heads)

    @property
    def head_key_width(self) -> int:
        """Width of one head's queries and keys, d_k."""
        return self.key_width or self.width // self.heads

    @property
    def head_value_width(self) -> int:
        """Width of one head's values, d_v."""
        return self.value_width or self.width // self.heads
