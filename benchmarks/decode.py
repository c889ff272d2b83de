"""Translation speed beside CTranslate2: the same weights, sentences and beam, on all cores.

    python benchmarks/decode.py runs/multi30k      # a run's model and its test set
    python benchmarks/decode.py base               # the paper's base model, 25 tokens in, 25 out

Rounds of all sides alternate, so that all see the same machine; ratios are taken round by round.
Ours starts from text and ends with text; CTranslate2 is given token ids and gives them back.
"""

import argparse
import dataclasses
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import jax
import numpy as np
from accelerator_parts import numbers_only
from ctranslate2_peer import convert, load, written
from workload import SIZES, random_params

from seq2seq import parallel
from seq2seq.allocator import keep_freed_memory
from seq2seq.config import Config, DecodingConfig, ModelConfig
from seq2seq.data.corpora import read_texts
from seq2seq.decoding.search import Searcher, Work
from seq2seq.translator import Translator
from seq2seq.types import Params
from seq2seq.vocabulary import SYMBOLS

Run = Callable[[], None]
TOKENS = 25
"""Source and target length of the base model's sentences, the end symbol not counted."""


def main() -> None:
    """Prints sentences per second of all sides, round by round, and the median ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a run directory, or `base`")
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compute-types", nargs="+", default=["float32", "int8"])
    parser.add_argument("--batch-tokens", type=int, help="ours: source tokens of a batch")
    arguments = parser.parse_args()
    keep_freed_memory()
    parallel.cores_as_devices()  # as `translate` does
    side = of_base if arguments.model == "base" else of_run
    count, ours, model, params, sources = side(arguments)
    with tempfile.TemporaryDirectory() as folder:
        convert(model, params, 2 * max(map(len, sources)) + 100, Path(folder))
        forced = TOKENS if arguments.model == "base" else None
        peers = peers_of(Path(folder), sources, arguments.compute_types, forced)
        compare(count, {"ours": ours, **peers}, arguments.rounds)


def compare(count: int, sides: dict[str, Run], rounds: int) -> None:
    """Runs the sides in turns."""
    for run in sides.values():
        run()
    speeds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            start = time.perf_counter()
            run()
            speeds[name].append(count / (time.perf_counter() - start))
    print(f"{count} sentences, {os.cpu_count()} cores, jax {jax.__version__}")
    for name, found in speeds.items():
        ratios = [a / b for a, b in zip(speeds["ours"], found, strict=True)]
        print(
            f"{name:32} {median(found):8.1f} sentences/s"
            f"   ours is {median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"
        )


def of_run(
    arguments: argparse.Namespace,
) -> tuple[int, Run, ModelConfig, Params, list[list[int]]]:
    """A trained model, and the sentences of its test set."""
    translator = Translator.load(arguments.model)
    config = translator.config
    texts = read_texts(config.data.test[0], config.data)[0][: arguments.sentences]
    sources = [
        [*tokens, SYMBOLS.end] for tokens in translator.vocabularies.source.encode(texts) if tokens
    ]
    decoding = config.decoding
    if arguments.batch_tokens:
        decoding = dataclasses.replace(decoding, batch_tokens=arguments.batch_tokens)

    def ours() -> None:
        translator.translate(texts, decoding)

    return len(texts), ours, config.model, translator.params, sources


def of_base(
    arguments: argparse.Namespace,
) -> tuple[int, Run, ModelConfig, Params, list[list[int]]]:
    """The paper's base model with random weights, of which every sentence fills its limit."""
    vocabulary, model = SIZES["base"]
    model = dataclasses.replace(model, output_bias=True)
    params = dict(random_params(model, vocabulary))
    params["output_bias"] = params["output_bias"].at[SYMBOLS.end].set(-1e4)
    count = min(arguments.sentences, 200)
    sources = np.random.default_rng(0).integers(4, vocabulary, (count, TOKENS)).tolist()
    decoding = DecodingConfig(
        max_extra_tokens=0, batch_tokens=arguments.batch_tokens or DecodingConfig.batch_tokens
    )
    config = Config(model=model, decoding=decoding)
    searcher = Searcher(
        functional.maker(config, (vocabulary, vocabulary)), numbers_only(vocabulary)
    )

    def ours() -> None:
        for _ in searcher(params, Work(sources), decoding):
            pass

    return count, ours, model, params, [[*tokens, SYMBOLS.end] for tokens in sources]


def peers_of(
    folder: Path, sources: Sequence[Sequence[int]], types: Sequence[str], forced: int | None
) -> dict[str, Run]:
    """CTranslate2 with one replica on all cores, and with one on each, whatever is faster."""
    tokens, cores = written(sources), os.cpu_count() or 1
    length = {} if forced is None else {"min_decoding_length": forced}
    limit = forced or max(map(len, sources)) + 50

    def run(kind: str, replicas: int) -> Run:
        peer = load(folder, kind, replicas, cores // replicas)

        def translate() -> None:
            peer.translate_batch(
                tokens,
                beam_size=4,
                length_penalty=0.6,
                max_decoding_length=limit,
                max_batch_size=32,
                **length,
            )

        return translate

    return {
        f"CTranslate2 {kind}, {replicas} x {cores // replicas}": run(kind, replicas)
        for kind in types
        for replicas in sorted({1, cores})
    }


if __name__ == "__main__":
    main()
