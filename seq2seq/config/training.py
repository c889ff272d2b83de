"""The training part of a recipe: how long, how fast and on what."""

from dataclasses import dataclass
from typing import Literal

from seq2seq.config.checks import at_least, fraction, require, seed


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
            (width · warmup_steps)^-0.5 (section 5.3), times `learning_rate_scale`.
        learning_rate_scale: Factor on the paper's rate, where `learning_rate` is not set
            (tensor2tensor's later settings: 2).
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
        label_smoothing: ε_ls, the probability taken from the right token and spread over the
            vocabulary.
        label_smoothing_over: Over what it is spread: all V pieces, the right one among them
            (Szegedy et al., 2016), or the V - 1 others (tensor2tensor).
        r_drop: α of R-Drop (Liang et al., 2021; there 5): every row passes twice through the model,
            with dropout drawn twice, and the loss grows by α / 2 · (KL(p ‖ q) + KL(q ‖ p)), p and q
            being the two distributions of a token. An update takes twice the time; 0 is none.
        gradient_clip: Largest global norm of the gradient; larger ones are scaled down to it.
        compute_dtype: Type of activations and products; auto is bfloat16 on GPU, TPU and CPUs with
            instructions for it (AMX, AVX512_BF16), else float32. On a CPU only what enters a
            product is bfloat16. Parameters are float32.
        backend: How a step is mapped over the devices.
        remat: Whether activations are computed again in the backward pass, to save memory.
        loss_chunk: Target tokens of a device whose logits stand in memory at a time; default 1 024
            on CPU, 4 096 on GPU and TPU.
        logits_dtype: Type in which logits pass through memory: float32, or that of the computation,
            which halves the traffic where it is bfloat16; the softmax is float32 either way.
        random: What draws dropout: threefry gives the same numbers on every device, rbg is the
            device's own generator; auto is rbg on GPU and TPU, where it is far cheaper.
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
    learning_rate_scale: float = 1.0
    warmup_steps: int = 4000
    decay: Literal["inverse_sqrt", "linear", "cosine"] = "inverse_sqrt"
    beta1: float = 0.9
    beta2: float = 0.98
    epsilon: float = 1e-9
    ema_decay: float | None = None
    average_last: int = 0
    label_smoothing: float = 0.1
    label_smoothing_over: Literal["all", "others"] = "all"
    r_drop: float = 0.0
    gradient_clip: float | None = None
    compute_dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    backend: Literal["shard_map", "pmap"] = "shard_map"
    remat: bool = False
    loss_chunk: int | None = None
    logits_dtype: Literal["float32", "compute"] = "float32"
    random: Literal["auto", "threefry", "rbg"] = "auto"
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
            at_least(f"training.{key}", getattr(self, key), 1)
        for key in ("validation_sentences", "keep_best", "r_drop"):
            at_least(f"training.{key}", getattr(self, key), 0)
        seed("training.seed", self.seed)
        for key in ("epochs", "patience", "loss_chunk"):
            if getattr(self, key) is not None:
                at_least(f"training.{key}", getattr(self, key), 1)
        for key in ("learning_rate", "gradient_clip"):
            value = getattr(self, key)
            require(value is None or value > 0, f"training.{key}", "a number above 0", value)
        for key in ("label_smoothing", "beta1", "beta2"):
            fraction(f"training.{key}", getattr(self, key))
        fraction("training.ema_decay", self.ema_decay or 0.0)
        wanted = f"from 0 to training.keep_latest ({self.keep_latest})"
        enough = 0 <= self.average_last <= self.keep_latest
        require(enough, "training.average_last", wanted, self.average_last)
        scale, key = self.learning_rate_scale, "training.learning_rate_scale"
        require(scale > 0, key, "a number above 0", scale)
        wanted = "1 where training.learning_rate is set, which it does not change"
        require(scale == 1 or self.learning_rate is None, key, wanted, scale)
        if self.best_metric == "bleu":
            wanted = "'loss' where training.validation_sentences is 0"
            enough = self.validation_sentences > 0
            require(enough, "training.best_metric", wanted, self.best_metric)
