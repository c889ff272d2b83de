"""What a run is made of, as frozen dataclasses: a recipe in configs/ fills them in.

The defaults are the base model of *Attention Is All You Need* (Vaswani et al., 2017). Loading a
recipe and overriding its keys is in `seq2seq.recipes`; nothing changes a config once it is made.
"""

from dataclasses import dataclass, field
from typing import Literal

from seq2seq.errors import UserError


def _require(holds: bool, key: str, wanted: str, found: object) -> None:
    """Raises a `UserError` that names the key unless the condition holds."""
    if not holds:
        raise UserError(f"{key}: expected {wanted}, found {found!r}")


def _fraction(key: str, value: float) -> None:
    _require(0.0 <= value < 1.0, key, "a number from 0 up to but not including 1", value)


def _at_least(key: str, value: float, least: float) -> None:
    _require(value >= least, key, f"at least {least:g}", value)


@dataclass(frozen=True)
class Corpus:
    """Where sentence pairs come from: exactly one of files, a hub id or the phrasebook.

    In a recipe a plain string is enough for the common cases: `train.{lang}.gz` (two parallel text
    files), `pairs.tsv`, `pairs.jsonl`, `pairs.parquet`, `hub://owner/name` or `phrasebook://train`.

    Attributes:
        path: Parallel text with `{lang}` where the language stands (`train.{lang}`, also `.gz`), or
            one file of pairs: .tsv, .jsonl or .parquet.
        source: Source text file, for parallel files whose names fit no `{lang}` pattern.
        target: Target text file, beside `source`.
        hub: Hugging Face dataset id, such as `wmt/wmt14`.
        hub_config: Configuration of the hub dataset, such as `de-en`.
        split: Split of the hub dataset.
        phrasebook: Part of the embedded phrasebook: train, validation, test or ambiguous.
        source_column: Column of the source in a table, by name or in TSV by number from 1 (default:
            the language code; TSV: the first).
        target_column: Column of the target (default: the language code; TSV: the second).
        weight: How often an epoch holds this corpus: 2 is twice, 0.5 every other pair.
        name: What `evaluate --split` and reports call it (default: the split it stands under).
    """

    path: str | None = None
    source: str | None = None
    target: str | None = None
    hub: str | None = None
    hub_config: str | None = None
    split: str | None = None
    phrasebook: Literal["train", "validation", "test", "ambiguous"] | None = None
    source_column: str | None = None
    target_column: str | None = None
    weight: float = 1.0
    name: str | None = None

    def __post_init__(self) -> None:
        origins = [self.path, self.source, self.hub, self.phrasebook]
        given = [origin for origin in origins if origin is not None]
        _require(len(given) == 1, "corpus", "one of path, source, hub or phrasebook", given)
        _require(
            (self.source is None) == (self.target is None),
            "corpus",
            "source and target together",
            self.source or self.target,
        )
        _require(self.weight > 0, "corpus.weight", "a number above 0", self.weight)


@dataclass(frozen=True)
class DataConfig:
    """Which pairs are read, which are kept, and the shape they are packed into.

    Attributes:
        source_language: Language code of the source, which fills `{lang}` and names columns.
        target_language: Language code of the target.
        train: Corpora to train on.
        validation: Corpora to validate on during training.
        test: Test sets; `evaluate --split NAME` scores one, `test` is the first.
        max_length: Longest sentence kept for training, in tokens with the end symbol, either side.
        max_length_ratio: Largest ratio of the two lengths in tokens that is kept for training.
        drop_duplicates: Whether a pair seen before is dropped from training.
        undecodable: What invalid UTF-8 in a training file does: stop with its line, or be dropped.
        source_row_length: Tokens in one packed source row (S).
        target_row_length: Tokens in one packed target row (T).
        cache: Folder of prepared corpora (default: $XDG_CACHE_HOME/seq2seq or ~/.cache/seq2seq).
    """

    source_language: str = "en"
    target_language: str = "de"
    train: tuple[Corpus, ...] = ()
    validation: tuple[Corpus, ...] = ()
    test: tuple[Corpus, ...] = ()
    max_length: int = 128
    max_length_ratio: float = 9.0
    drop_duplicates: bool = True
    undecodable: Literal["error", "drop"] = "error"
    source_row_length: int = 128
    target_row_length: int = 128
    cache: str | None = None

    def __post_init__(self) -> None:
        _at_least("data.max_length", self.max_length, 2)
        _at_least("data.max_length_ratio", self.max_length_ratio, 1)
        for side in ("source", "target"):
            length = getattr(self, f"{side}_row_length")
            wanted = f"at least data.max_length ({self.max_length})"
            _require(length >= self.max_length, f"data.{side}_row_length", wanted, length)


@dataclass(frozen=True)
class VocabularyConfig:
    """How text is cut into pieces by SentencePiece.

    Attributes:
        kind: SentencePiece's algorithm.
        size: Number of pieces, the special symbols included.
        joint: One vocabulary for both languages (the paper's choice) or one for each.
        character_coverage: Share of the characters of the training text that must be covered.
        user_defined_symbols: Strings that always are a piece of their own, such as `<tag>`.
        byte_fallback: Whether an unknown character is spelt in bytes instead of becoming unknown.
        training_pairs: Pairs, drawn at random, that the pieces are learnt from.
        sampling: Subword regularisation: BPE-dropout rate (bpe), or the smoothing α (unigram); 0 is
            off.
        segmentations: Number of sampled segmentations prepared; epoch e reads number e mod this.
    """

    kind: Literal["bpe", "unigram"] = "bpe"
    size: int = 37000
    joint: bool = True
    character_coverage: float = 1.0
    user_defined_symbols: tuple[str, ...] = ()
    byte_fallback: bool = False
    training_pairs: int = 5_000_000
    sampling: float = 0.0
    segmentations: int = 8

    def __post_init__(self) -> None:
        _at_least("vocabulary.size", self.size, 8)
        coverage = self.character_coverage
        _require(0 < coverage <= 1, "vocabulary.character_coverage", "a share in (0, 1]", coverage)
        _fraction("vocabulary.sampling", self.sampling)
        _at_least("vocabulary.segmentations", self.segmentations, 1)
        _at_least("vocabulary.training_pairs", self.training_pairs, 1)


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
            _at_least(f"model.{key}", getattr(self, key), 1)
        for key in ("dropout", "attention_dropout", "activation_dropout"):
            _fraction(f"model.{key}", getattr(self, key))
        _require(self.width >= 2 and self.width % 2 == 0, "model.width", "an even size", self.width)
        if self.key_width is None or self.value_width is None:
            wanted = f"a divisor of model.width ({self.width}), or key_width and value_width"
            _require(self.width % self.heads == 0, "model.heads", wanted, self.heads)

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
            _at_least(f"training.{key}", getattr(self, key), 1)
        for key in ("validation_sentences", "keep_best", "seed"):
            _at_least(f"training.{key}", getattr(self, key), 0)
        for key in ("epochs", "patience"):
            if getattr(self, key) is not None:
                _at_least(f"training.{key}", getattr(self, key), 1)
        for key in ("learning_rate", "gradient_clip"):
            value = getattr(self, key)
            _require(value is None or value > 0, f"training.{key}", "a number above 0", value)
        for key in ("label_smoothing", "beta1", "beta2"):
            _fraction(f"training.{key}", getattr(self, key))
        if self.best_metric == "bleu":
            wanted = "'loss' where training.validation_sentences is 0"
            enough = self.validation_sentences > 0
            _require(enough, "training.best_metric", wanted, self.best_metric)


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
            _at_least(f"decoding.{key}", getattr(self, key), 1)
        for key in ("length_penalty", "max_extra_tokens"):
            _at_least(f"decoding.{key}", getattr(self, key), 0)


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
