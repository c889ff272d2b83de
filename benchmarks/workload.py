"""What the benchmarks of training share: sizes, batches, and updates as `train` does them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, get_type_hints

import jax
import jax.numpy as jnp
import numpy as np

from seq2seq import parallel
from seq2seq.config import Config, DataConfig, ModelConfig, TrainingConfig
from seq2seq.data.batches import Batches
from seq2seq.data.storage import TokenPairs
from seq2seq.model import functional
from seq2seq.training import step
from seq2seq.training.feed import Feed
from seq2seq.training.step import StepMetrics
from seq2seq.training.tally import Tally
from seq2seq.types import Batch, Params

BIG = ModelConfig(width=1024, heads=16, feed_forward_width=4096, dropout=0.3)
SIZES = {
    "tiny": (500, ModelConfig(2, 2, 64, 4, feed_forward_width=128)),
    "small": (8000, ModelConfig(4, 4, 128, 4, feed_forward_width=512)),
    "base": (37_000, ModelConfig()),
    "big": (37_000, BIG),
}
"""Vocabulary and model by name; base and big are the paper's."""


def config_of(size: str, row_length: int, batch_tokens: int) -> Config:
    """The paper's training of a size: 0.1 label smoothing, dropout, Adam, its schedule."""
    data = DataConfig(
        max_length=row_length, source_row_length=row_length, target_row_length=row_length
    )
    training = TrainingConfig(batch_tokens=batch_tokens)
    return Config(data=data, model=SIZES[size][1], training=training)


def changed(config: Config, key: str, value: str) -> Config:
    """A config with one key set, such as `training.random` to `rbg`."""
    section, _, name = key.partition(".")
    part = getattr(config, section)
    plain = {"true": True, "false": False, "null": None}
    typed = plain.get(value, int(value) if value.isdigit() else value)
    if name not in get_type_hints(type(part)):
        raise ValueError(f"{key}: no such key")
    return replace(config, **{section: replace(part, **{name: typed})})


def sentence_pairs(vocabulary: int, longest: int, count: int = 20_000) -> TokenPairs:
    """Random pairs whose lengths are spread as in WMT: log-normal, 28 tokens on average."""
    random = np.random.default_rng(0)
    sources = random.lognormal(3.17, 0.57, count)
    targets = sources * random.lognormal(0.03, 0.17, count)

    def side(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        whole = np.clip(np.rint(lengths), 1, longest - 1).astype(np.int64)
        tokens = random.integers(4, vocabulary, whole.sum(), dtype=np.int32)
        return tokens, np.append(0, np.cumsum(whole))

    return TokenPairs(*side(sources), *side(targets), (count,))


def packed_batches(config: Config, vocabulary: int) -> Callable[[int], Batch]:
    """Batches by step, packed by the package from `sentence_pairs`: this process's rows."""
    longest = min(config.data.source_row_length, config.data.target_row_length)
    pairs = sentence_pairs(vocabulary, longest)
    batches = Batches(pairs, (1.0,), config.data, config.training)
    part = parallel.local_rows(batches.rows, config.training.accumulation)[1]
    return lambda number: batches.batch(number, part)


def full_rows(rows: int, length: int, vocabulary: int) -> Batch:
    """Rows of four sentences each, without padding."""
    generator = np.random.default_rng(0)
    sentence = length // 4
    segments = np.tile(np.repeat(np.arange(1, 5, dtype=np.int32), sentence), (rows, 1))
    positions = np.tile(np.arange(sentence, dtype=np.int32), (rows, 4))

    def tokens() -> np.ndarray:
        return generator.integers(4, vocabulary, (rows, length)).astype(np.int32)

    return Batch(tokens(), segments, positions, tokens(), tokens(), segments, positions)


def random_params(model: ModelConfig, vocabulary: int) -> Params:
    """Parameters before the first update."""
    init = jax.jit(lambda key: functional.init(model, vocabulary, vocabulary, key))
    return init(jax.random.key(0))


class Updates:
    """Whole updates: forward, backward, Adam; the functions that `train` compiles."""

    def __init__(self, config: Config, vocabulary: int, dtype: jnp.dtype) -> None:
        self.config, self.vocabulary, self.dtype = config, vocabulary, dtype
        functions = step.make(config, vocabulary, vocabulary, dtype)
        init = jax.jit(functions.init, out_shardings=parallel.replicated())
        self._state = init(jax.random.key(config.training.seed))
        self._update = parallel.data_parallel(functions.train, config.training.backend, donate=True)
        self._key = step.dropout_key(config.training)

    def __call__(self, batch: Batch) -> StepMetrics:
        """Does an update, without waiting for it."""
        self._state, metrics = self._update(self._state, batch, self._key)
        return metrics


@dataclass(frozen=True)
class Speed:
    """How fast updates went.

    Attributes:
        tokens: Real source and target tokens a second: the median of some windows.
        seconds: Seconds of an update in that window.
        waited: Share of the time in which the devices waited for batches.
        compiling: Seconds until the first update was done.
    """

    tokens: float
    seconds: float
    waited: float
    compiling: float


def speed(updates: Updates, seconds: float, windows: int = 3) -> Speed:
    """Runs updates as the training loop does, with new batches, and measures them as it does.

    Args:
        updates: What to run.
        seconds: How long, all windows together.
        windows: Into how many parts the time is cut.
    """
    config, size = updates.config, updates.vocabulary
    begin = time.perf_counter()
    feed = Feed(packed_batches(config, size))
    batches = feed.steps(0, 1_000_000_000)
    jax.block_until_ready(updates(next(batches)))
    compiling = time.perf_counter() - begin
    jax.block_until_ready([updates(next(batches)) for _ in range(2)])
    tally = Tally(config, (size, size), updates.dtype)
    tally.start(feed)
    found = [_window(updates, batches, tally, seconds / windows) for _ in range(windows)]
    batches.close()
    tokens, each, waited = sorted(found)[windows // 2]
    return Speed(tokens, each, waited, compiling)


def _window(
    updates: Updates, batches: Iterator[Any], tally: Tally, seconds: float
) -> tuple[float, float, float]:
    """Tokens a second, seconds of an update, and the share of waiting."""
    begin, count = time.perf_counter(), 0
    while count < 2 or time.perf_counter() - begin < seconds:
        tally.add(updates(next(batches)))
        count += 1
    figures = tally.figures(0)
    busy = figures["seconds_step"] + figures["seconds_data"]
    return figures["tokens_per_second"], busy / count, figures["seconds_data"] / busy
