"""What `accelerator.py` measures, each part in a process of its own: rows of its table."""

import functools
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from workload import SIZES, Updates, changed, config_of, packed_batches, random_params, speed

from seq2seq import parallel
from seq2seq.config import Config, DecodingConfig
from seq2seq.decoding.batching import Shape
from seq2seq.decoding.search import Sources, search_function
from seq2seq.model import cost, functional
from seq2seq.model.attention import attention, attention_mask
from seq2seq.model.fused_attention import can_fuse, fused_attention
from seq2seq.training.peak import matmul_rate, measure_matmul_peak
from seq2seq.vocabulary import SYMBOLS, Vocabularies, Vocabulary

ACCUMULATIONS = (1, 2, 4, 8)


class SkippedError(Exception):
    """A part, or a row of it, that cannot be measured here; says why."""


@dataclass(frozen=True)
class Row:
    """One line of the table, without the name of what was measured.

    Attributes:
        value: The figure.
        unit: Its unit.
        share: Share of the measured peak that it amounts to.
        note: What else is worth knowing.
        details: Further figures, for the JSON.
    """

    value: float
    unit: str
    share: float | None = None
    note: str = ""
    details: dict[str, float] = field(default_factory=dict)


Work = tuple[str, Callable[[], Row]]
"""What will be measured, and the function that does it: if it fails, only its line is lost."""


@dataclass(frozen=True)
class Plan:
    """What to measure on this machine.

    Attributes:
        small: Whether everything is reduced, as on a CPU.
        seconds: How long a figure is measured.
        peak: FLOP/s of one device's products, if known already.
        cases: Models and row lengths to train; none: all.
        settings: Keys set in their configs, as (key, value).
    """

    small: bool
    seconds: float
    peak: float | None = None
    cases: tuple[tuple[str, int], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def dtype(self) -> jnp.dtype:
        """Type of the computation: what training chooses here."""
        return functional.compute_dtype("auto")

    @property
    def training(self) -> tuple[tuple[str, int], ...]:
        """Models and row lengths to train."""
        usual = (("tiny", 32),) if self.small else (("base", 128), ("base", 256), ("big", 128))
        return self.cases or usual

    def config(self, size: str, length: int) -> Config:
        """A case's config: the paper's batch of 25 000 tokens on either side."""
        config = config_of(size, length, 512 if self.small else 25_000)
        return functools.reduce(lambda made, change: changed(made, *change), self.settings, config)

    def share(self, flops: float) -> float:
        """FLOP/s as a share of what all devices can do at best."""
        peak = self.peak or measure_matmul_peak(self.dtype)
        return flops / (peak * jax.device_count())


def machine() -> str:
    """Devices and versions, in a line."""
    device, count = jax.devices()[0], jax.device_count()
    return f"{count} × {device.device_kind}, jax {jax.__version__}"


def matmul(plan: Plan) -> Iterator[Work]:
    """The peak: large square products of random numbers."""
    highest = jax.lax.Precision.HIGHEST
    yield "bfloat16", lambda: _products(plan, "bfloat16")
    yield "float32", lambda: _products(plan, "float32")
    yield "float32, highest precision", lambda: _products(plan, "float32", highest)


def _products(plan: Plan, name: str, precision: jax.lax.Precision | None = None) -> Row:
    sizes = (512,) if plan.small else (4096, 8192) if precision else (4096, 8192, 16_384)
    dtype, products = jnp.dtype(name), 4 if plan.small or precision else 20
    rates = {size: matmul_rate(dtype, size, products, precision) for size in sizes}
    best = max(rates, key=rates.__getitem__)
    details = {str(size): rate for size, rate in rates.items()}
    return Row(rates[best] / 1e12, "TFLOP/s", None, f"products of {best} x {best}", details)


def train(plan: Plan) -> Iterator[Work]:
    """Training as `train` does it; tokens are real ones, FLOPs those of the model for them."""
    for size, length in plan.training:
        yield f"{size}, rows of {length}", functools.partial(_trained, plan, size, length)


def _trained(plan: Plan, size: str, length: int) -> Row:
    config, vocabulary = plan.config(size, length), SIZES[size][0]
    for parts in ACCUMULATIONS:
        config = changed(config, "training.accumulation", str(parts))
        try:
            found = speed(Updates(config, vocabulary, plan.dtype), plan.seconds)
            break
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error) or parts == ACCUMULATIONS[-1]:
                raise
    flops = found.tokens * cost.training_flops_per_token(config, vocabulary, vocabulary)
    lengths = (100, 300) if size == "big" else (100,)
    notes = [f"{n} 000 steps: {found.seconds * n * 1000 / 60:,.0f} min" for n in lengths]
    notes += [f"in {parts} parts, for memory"] if parts > 1 else []
    notes += [f"waits for data: {found.waited:.0%}"] if found.waited > 0.01 else []
    details = {"seconds": found.seconds, "compiling": found.compiling, "flops": flops}
    return Row(found.tokens, "tokens/s", plan.share(flops), "; ".join(notes), details)


def torch(plan: Plan) -> Iterator[Work]:
    """The same model, batches and tokens in PyTorch."""
    try:
        import torch_peer
        from torch import cuda
    except ImportError as error:
        raise SkippedError(str(error)) from error
    if not (cuda.is_available() or plan.small):
        raise SkippedError("PyTorch sees no CUDA device")

    def measured(size: str, length: int) -> Row:
        config, vocabulary = plan.config(size, length), SIZES[size][0]
        updates = torch_peer.Updates(config.model, config.training, vocabulary, length)
        batch = packed_batches(config, vocabulary)
        batches = [batch(number) for number in range(8)]
        tokens, seconds = torch_peer.speed(updates, batches, plan.seconds)
        flops = tokens * cost.training_flops_per_token(config, vocabulary, vocabulary)
        share = flops / plan.peak if plan.peak and cuda.is_available() else None
        return Row(tokens, "tokens/s", share, "", {"seconds": seconds, "flops": flops})

    for size, length in plan.training:
        if length == plan.training[0][1]:
            yield f"{size}, rows of {length}", functools.partial(measured, size, length)


class Numbers(Vocabulary):
    """Stands in for a vocabulary where no text is read."""

    def __init__(self, size: int) -> None:
        self.pieces, self.symbols = ("",) * size, SYMBOLS


def numbers_only(size: int) -> Vocabularies:
    """A vocabulary of so many pieces, for both sides."""
    numbers = Numbers(size)
    return Vocabularies(numbers, numbers)


def decode(plan: Plan) -> Iterator[Work]:
    """Beam search of random weights, which never end a sentence before its limit."""
    name, length = ("tiny", 16) if plan.small else ("base", 32)
    vocabulary, model = SIZES[name]
    config = Config(model=model, decoding=DecodingConfig(max_extra_tokens=2))
    search = search_function(
        functional.maker(config, (vocabulary, vocabulary)), numbers_only(vocabulary)
    )
    params = random_params(model, vocabulary)

    def measured(rows: int) -> Row:
        source = np.random.default_rng(0).integers(4, vocabulary, (rows, length), np.int32)
        source[:, -4:], source[:, -4] = SYMBOLS.pad, SYMBOLS.end
        placed = Sources.of(jnp.asarray(source))
        shape = Shape(rows // jax.device_count(), length + 2)

        def translate() -> None:
            jax.block_until_ready(search(params, placed, config.decoding, shape))

        translate()
        seconds, end = [], time.perf_counter() + plan.seconds / 2
        while len(seconds) < 3 or time.perf_counter() < end:
            start = time.perf_counter()
            translate()
            seconds.append(time.perf_counter() - start)
        each, read = statistics.median(seconds), length - 3
        written = read + config.decoding.max_extra_tokens
        flops = rows * written * cost.decoding_flops(config, vocabulary, written) / each
        note = f"{read} tokens in, {written} out; a batch takes {each * 1000:,.0f} ms"
        return Row(rows / each, "sentences/s", plan.share(flops), note, {"seconds": each})

    for count in (8,) if plan.small else (16, 64, 256, 1024):
        rows = parallel.local_rows(count)[0]
        yield f"{name}, beam 4, {rows} at a time", functools.partial(measured, rows)


def check(plan: Plan) -> Iterator[Work]:
    """Fused attention against the plain path in float32: the largest relative error."""
    rows, length = (2, 32) if plan.small else (64, 128)
    keys = jax.random.split(jax.random.key(0), 4)
    half = [jax.random.normal(key, (rows, length, 8, 64), jnp.bfloat16) for key in keys]
    exact = [part.astype(jnp.float32) for part in half]
    if not can_fuse(*half[:3]):
        raise SkippedError("no fused attention on these devices")
    sentences = np.arange(length) // (length // 4) + 1
    segments = np.tile(np.where(np.arange(length) < length - 5, sentences, 0), (rows, 1))

    @functools.partial(jax.jit, static_argnums=(0, 2))
    def outputs(function: Callable, parts: list[jax.Array], causal: bool) -> list[jax.Array]:
        mask = attention_mask(*[jnp.asarray(segments, jnp.int32)] * 2, causal)
        seen, pull = jax.vjp(lambda *inputs: function(*inputs, mask), *parts[:3])
        return [seen, *pull(parts[3])]

    def measured(causal: bool) -> Row:
        with jax.default_matmul_precision("highest"):
            wanted = outputs(attention, exact, causal)
        errors = []
        for function in (fused_attention, attention):
            pairs = zip(outputs(function, half, causal), wanted, strict=True)
            errors.append(max(_distance(found, exactly) for found, exactly in pairs))
        note = f"outputs and gradients in bfloat16; the plain path's: {errors[1]:.2g}"
        return Row(errors[0], "relative error", None, note)

    for causal in (False, True):
        what = "fused attention" + (", causal" if causal else "")
        yield what, functools.partial(measured, causal)


def _distance(found: jax.Array, wanted: jax.Array) -> float:
    return float(jnp.linalg.norm(found.astype(jnp.float32) - wanted) / jnp.linalg.norm(wanted))


def profile(plan: Plan) -> Iterator[Work]:
    """Where the time of an update goes: kernels by name, numbers at their ends left out."""
    size, length = plan.training[0]
    updates, count = Updates(plan.config(size, length), SIZES[size][0], plan.dtype), 5
    batches = packed_batches(updates.config, updates.vocabulary)
    placed = [parallel.place(batches(number)) for number in range(count)]
    for batch in placed[:2]:
        jax.block_until_ready(updates(batch))
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            begin = time.perf_counter()
            jax.block_until_ready([updates(batch) for batch in placed])
            elapsed = time.perf_counter() - begin
        kernels = _kernels(next(Path(folder).rglob("*.xplane.pb")))
    busy = sum(kernels.values()) / 1e9
    note = f"of {elapsed / count * 1000:.2f} ms"
    whole = Row(busy / count * 1000 / jax.local_device_count(), "ms an update", None, note)
    yield f"{size}, rows of {length}: all kernels", lambda: whole
    for name, nanoseconds in kernels.most_common(25):
        milliseconds = nanoseconds / 1e6 / count / jax.local_device_count()
        row = Row(milliseconds, "ms an update", None, f"{nanoseconds / 1e9 / busy:.1%} of busy")
        yield name[:40], functools.partial(lambda row: row, row)


def _kernels(trace: Path) -> Counter[str]:
    """Nanoseconds by kernel, all devices together."""
    found: Counter[str] = Counter()
    planes = list(jax.profiler.ProfileData.from_file(str(trace)).planes)
    accelerated = any(plane.name.startswith("/device:") for plane in planes)
    for plane in planes:
        if plane.name.startswith("/device:" if accelerated else "/host:CPU"):
            lines = [(line.name, line.events) for line in plane.lines]
            kinds = ("Stream", "XLA Ops", "tf_XLA")  # GPU, TPU, CPU
            kind = next((k for k in kinds if any(name.startswith(k) for name, _ in lines)), "?")
            for event in chain(*(events for name, events in lines if name.startswith(kind))):
                found[event.name.rstrip("0123456789.")] += event.duration_ns
    return found


PARTS = {part.__name__: part for part in (matmul, check, train, torch, decode, profile)}
