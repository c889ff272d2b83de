"""What a run is made of, as frozen dataclasses: a recipe in configs/ fills them in.

The defaults are the base model of *Attention Is All You Need* (Vaswani et al., 2017). Loading a
recipe and overriding its keys is in `seq2seq.recipes`; nothing changes a config once it is made.
"""

from dataclasses import dataclass, field
from typing import Literal

from seq2seq.data_config import Corpus, DataConfig, VocabularyConfig
from seq2seq.errors import require, require_at_least, require_fraction

__all__ = [
    "Config",
    "Corpus",
    "DataConfig",
    "DecodingConfig",
    "ModelConfig",
    "TrainingConfig",
    "VocabularyConfig",
]


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
        activation: Activation of the feed-forward layers.
        positions: Fixed sinusoids or learned embeddings (Table 3, row E).
        sinusoids: Sines and cosines in alternate columns (the paper) or in two halves (its code).
        max_positions: Longest sentence that learned positions can hold.
        attention_bias: Whether the attention projections have biases.
        output_bias: Whether the logits have a bias.
        embeddings: Which matrices are one: all three, the decoder's two, or none.
        scale_embeddings: Whether embeddings are multiplied by √D (section 3.4).
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
    attention_bias: bool = False
    output_bias: bool = False
    embeddings: Literal["all", "decoder", "separate"] = "all"
    scale_embeddings: bool = True

    def __post_init__(self) -> None:
        for key in ("encoder_layers", "decoder_layers", "heads", "feed_forward_width"):
            require_at_least(f"model.{key}", getattr(self, key), 1)
        for key in ("dropout", "attention_dropout", "activation_dropout"):
            require_fraction(f"model.{key}", getattr(self, key))
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


@dataclass(frozen=True)
class TrainingConfig:
    """How long, how fast and on what the model is trained.

    Attributes:
        steps: Updates after which training ends.
        epochs: Passes over the data after which training ends, if that comes first.
        patience: Validations without a better `best_metric` after which training ends.
        batch_tokens: Tokens of one update on each side, over all devices together.
        accumulation: Parts into which an update is cut, one after the other, to save memory.
        learning_rate: Peak rate, reached at the end of the warm-up; default the paper's
            (width · warmup_steps)^-0.5 (section 5.3).
        warmup_steps: Updates over which the rate rises linearly from 0.
        decay: How the rate falls afterwards: with the inverse square root of the step (the paper),
            or along a line or a cosine to 0 at the last step.
        beta1: Adam's β₁.
        beta2: Adam's β₂.
        epsilon: Adam's ε.
        ema_decay: Decay of an exponential moving average of the parameters, such as 0.999; where it
            is set, the average is what is validated and translated with.
        average_last: Latest checkpoints whose parameters are averaged when training ends (section
            6.1); 0 is none.
        label_smoothing: ε_ls, the probability taken from the right token and spread over all.
        gradient_clip: Largest global norm of the gradient; larger ones are scaled down to it.
        compute_dtype: Type of activations and products; auto is bfloat16 on GPU and TPU, else
            float32. Parameters are float32.
        backend: How a step is mapped over the devices.
        remat: Whether activations are computed again in the backward pass, to save memory.
        seed: Seed of parameters, dropout and the order of the data.
        log_every: Updates between two lines of metrics.
        validate_every: Updates between two validations (loss, perplexity, BLEU).
        validation_sentences: Sentences decoded for the validation BLEU; 0 turns it off.
        checkpoint_every: Updates between two checkpoints.
        keep_latest: Latest checkpoints kept.
        keep_best: Best checkpoints kept.
        best_metric: What "best" is: the validation BLEU or the validation loss.
    """

    steps: int = 100_000
    epochs: int | None = None
    patience: int | None = None
    batch_tokens: int = 25_000
    accumulation: int = 1
    learning_rate: float | None = None
    warmup_steps: int = 4000
    decay: Literal["inverse_sqrt", "linear", "cosine"] = "inverse_sqrt"
    beta1: float = 0.9
    beta2: float = 0.98
    epsilon: float = 1e-9
    ema_decay: float | None = None
    average_last: int = 0
    label_smoothing: float = 0.1
    gradient_clip: float | None = None
    compute_dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    backend: Literal["shard_map", "pmap"] = "shard_map"
    remat: bool = False
    seed: int = 0
    log_every: int = 100
    validate_every: int = 1000
    validation_sentences: int = 500
    checkpoint_every: int = 1000
    keep_latest: int = 5
    keep_best: int = 1
    best_metric: Literal["bleu", "loss"] = "bleu"

    def __post_init__(self) -> None:
        sizes = ("steps", "batch_tokens", "accumulation", "warmup_steps")
        paces = ("log_every", "validate_every", "checkpoint_every", "keep_latest")
        for key in (*sizes, *paces):
            require_at_least(f"training.{key}", getattr(self, key), 1)
        for key in ("validation_sentences", "keep_best", "seed"):
            require_at_least(f"training.{key}", getattr(self, key), 0)
        for key in ("epochs", "patience"):
            if getattr(self, key) is not None:
                require_at_least(f"training.{key}", getattr(self, key), 1)
        for key in ("learning_rate", "gradient_clip"):
            value = getattr(self, key)
            require(value is None or value > 0, f"training.{key}", "a number above 0", value)
        for key in ("label_smoothing", "beta1", "beta2"):
            require_fraction(f"training.{key}", getattr(self, key))
        require_fraction("training.ema_decay", self.ema_decay or 0.0)
        wanted = f"from 0 to training.keep_latest ({self.keep_latest})"
        enough = 0 <= self.average_last <= self.keep_latest
        require(enough, "training.average_last", wanted, self.average_last)
        if self.best_metric == "bleu":
            wanted = "'loss' where training.validation_sentences is 0"
            enough = self.validation_sentences > 0
            require(enough, "training.best_metric", wanted, self.best_metric)


@dataclass(frozen=True)
class DecodingConfig:
    """How translations are searched for; the defaults are the paper's (section 6.1).

    Attributes:
        beam_size: Hypotheses kept at each step (K); 1 is greedy search.
        length_penalty: α of the length penalty ((5 + length) / 6)^α; 0 is none.
        max_extra_tokens: A translation may be this many tokens longer than its source.
        max_source_length: Longest source in tokens; what is beyond is cut, with a warning.
        batch_tokens: Source tokens of one decoded batch, padding counted, beams not.
    """

    beam_size: int = 4
    length_penalty: float = 0.6
    max_extra_tokens: int = 50
    max_source_length: int = 512
    batch_tokens: int = 2048

    def __post_init__(self) -> None:
        for key in ("beam_size", "max_source_length", "batch_tokens"):
            require_at_least(f"decoding.{key}", getattr(self, key), 1)
        for key in ("length_penalty", "max_extra_tokens"):
            require_at_least(f"decoding.{key}", getattr(self, key), 0)


@dataclass(frozen=True)
class Config:
    """A whole run.

    Attributes:
        run: The run directory; default runs/NAME for a recipe NAME.yaml.
        data: Which pairs are read, kept and packed.
        vocabulary: How text is cut into pieces.
        model: The Transformer's sizes.
        training: The optimisation.
        decoding: The search.
    """

    run: str | None = None
    data: DataConfig = field(default_factory=DataConfig)
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
