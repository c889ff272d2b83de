"""How full packed rows are, and how fast rows are planned and gathered on one core.

On Multi30k, at several row lengths:

    python benchmarks/packing.py --corpus 'multi30k/train.{lang}.gz' --vocabulary 8000

On the corpora of a recipe, as it packs them:

    python benchmarks/packing.py --config configs/multi30k.yaml

Reported are the medians of several runs: share of real tokens in an epoch's rows, packed tokens a
second of planning (packing from nothing; later epochs only shuffle), of gathering, and of both.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from seq2seq import recipes
from seq2seq.config import Config, Corpus, DataConfig, TrainingConfig, VocabularyConfig
from seq2seq.data import prepare
from seq2seq.data.batches import gather
from seq2seq.data.epochs import Epochs, rows_of_step

SHAPES = ((32, 32), (48, 48), (64, 64), (63, 64), (96, 96), (128, 128), (124, 128))
RUNS = 5


def main() -> None:
    """Prints one line for each shape of rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    origin = parser.add_mutually_exclusive_group(required=True)
    origin.add_argument("--config", type=Path)
    origin.add_argument("--corpus", help="parallel text, with {lang} where the language stands")
    parser.add_argument("--vocabulary", type=int, default=8000, help="pieces of the vocabulary")
    parser.add_argument("--runs", type=int, default=RUNS)
    arguments = parser.parse_args()
    sys.stdout.write(
        "  rows        filled   pairs kept   planning  gathering       both   (tokens/s)\n"
    )
    for config in configs(arguments):
        sys.stdout.write(measured(config, arguments.runs) + "\n")


def configs(arguments: argparse.Namespace) -> Iterator[Config]:
    """Yields the configs to measure: the recipe's, or one for each shape of rows."""
    if arguments.config:
        yield recipes.load(arguments.config)
        return
    for source, target in SHAPES:
        data = DataConfig(
            train=(Corpus(path=arguments.corpus),),
            max_length=min(source, target),
            source_row_length=source,
            target_row_length=target,
        )
        vocabulary = VocabularyConfig(size=arguments.vocabulary)
        yield Config(data=data, vocabulary=vocabulary, training=TrainingConfig(batch_tokens=4096))


def measured(config: Config, runs: int) -> str:
    """Returns the line of one config."""
    prepared = prepare(config)
    pairs = prepared.train[0]
    shape = (config.data.source_row_length, config.data.target_row_length)
    height = rows_of_step(config.training.batch_tokens, shape[1])
    epochs = Epochs(prepared.train, prepared.weights, shape, config.training.seed)
    plan = epochs.plan(0)
    tokens = int((pairs.source_lengths + pairs.target_lengths + 2)[plan.pairs].sum())

    def planning() -> None:
        Epochs(prepared.train, prepared.weights, shape, config.training.seed).plan(0)

    def gathering() -> None:
        for first in range(0, plan.rows, height):
            gather(pairs, plan, slice(first, first + height), (height, *shape))

    seconds = [median_seconds(work, runs) for work in (planning, gathering)]
    rates = [tokens / 1e6 / part for part in (*seconds, sum(seconds))]
    kept = len(pairs) / sum(r.read for r in prepared.report.corpora if r.split == "train")
    filled = tokens / (plan.rows * sum(shape))
    cells = "".join(f"{rate:9.1f} M" for rate in rates)
    return f"{shape[0]:4} + {shape[1]:<4} {filled:9.2%} {kept:12.2%}{cells}"


def median_seconds(work: Callable[[], None], runs: int) -> float:
    """Returns the median of the wall times of several runs."""

    def once() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return statistics.median(once() for _ in range(runs))


if __name__ == "__main__":
    main()
