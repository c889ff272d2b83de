"""Translation speed beside CTranslate2, Hugging Face and Joey NMT: one model and beam, all cores.

    python benchmarks/decode.py runs/multi30k      # a run's model and its test set
    python benchmarks/decode.py base               # the paper's base model, 25 tokens in, 25 out
    python benchmarks/decode.py base --huggingface --shortlist
    python benchmarks/decode.py runs/multi30k --joeynmt

Rounds of all sides alternate, so that all see the same machine; ratios are taken round by round.
Ours starts from text and ends with text; CTranslate2 is given token ids and gives them back.
Last comes the floor: what the products of matrices alone would take at the rate of this machine.
"""

import argparse
import dataclasses
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import jax
import numpy as np
from accelerator_parts import numbers_only
from ctranslate2_peer import convert, load, written
from workload import SIZES, random_params

from seq2seq import parallel
from seq2seq.allocator import keep_freed_memory
from seq2seq.config import Config, DecodingConfig, ModelConfig
from seq2seq.data.corpora import read_texts
from seq2seq.decoding.search import Searcher
from seq2seq.decoding.shortlist import Shortlist
from seq2seq.decoding.work import Work
from seq2seq.model import cost, functional
from seq2seq.training.peak import measure_matmul_peak
from seq2seq.translator import Translator
from seq2seq.types import Params
from seq2seq.vocabulary import SYMBOLS

Run = Callable[[], object]
TOKENS = 25
"""Source and target length of the base model's sentences, the end symbol not counted."""
BATCH_TOKENS = 8192
"""Of a batch of the base model, as in its recipes."""
LISTED = 30
"""Pieces that a source piece adds to the base model's shortlists: 850 in all for a sentence."""


class Side(NamedTuple):
    """A model and what it translates."""

    count: int
    """Sentences."""
    ours: Callable[[str, bool], Run]
    """`ours(dtype, shortlist)`: our translation of them all."""
    model: ModelConfig
    params: Params
    sources: list[list[int]]
    """Token ids with the end symbol, for peers."""
    flops: Callable[[], float]
    """FLOPs of all translations, by arithmetic: what no search of this beam can do without."""


def main() -> None:
    """Prints sentences per second of all sides, round by round, and the median ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a run directory, or `base`")
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compute-types", nargs="+", default=["float32", "int8"])
    parser.add_argument(
        "--ctranslate2-batch", type=int, default=32, help="its sentences of a batch"
    )
    parser.add_argument("--dtypes", nargs="+", default=["auto"], help="ours: auto, float32")
    parser.add_argument("--shortlist", action="store_true", help="ours: also with a shortlist")
    text = "also Hugging Face's Marian in PyTorch, as the base model"
    parser.add_argument("--huggingface", action="store_true", help=text)
    text = "also Joey NMT in PyTorch: joeynmt_peer.py says how to install it"
    parser.add_argument("--joeynmt", action="store_true", help=text)
    parser.add_argument("--batch-tokens", type=int, help="ours: source tokens of a batch")
    arguments = parser.parse_args()
    keep_freed_memory()
    parallel.cores_as_devices()  # as `translate` does
    side = of_base(arguments) if arguments.model == "base" else of_run(arguments)
    ours = {
        f"ours, {dtype}{', shortlist' if listed else ''}": side.ours(dtype, listed)
        for listed in ((False, True) if arguments.shortlist else (False,))
        for dtype in arguments.dtypes
    }
    with tempfile.TemporaryDirectory() as folder:
        convert(side.model, side.params, 2 * max(map(len, side.sources)) + 100, Path(folder))
        forced = TOKENS if arguments.model == "base" else None
        types, batch = arguments.compute_types, arguments.ctranslate2_batch
        peers = peers_of(Path(folder), side.sources, types, forced, batch)
        if arguments.huggingface:
            from huggingface_peer import marian, translation  # needs PyTorch

            longest = max(map(len, side.sources))
            model = marian(side.model, side.params, longest)
            peers["Hugging Face Marian float32"] = translation(model, side.sources, TOKENS)
        if arguments.joeynmt:
            import joeynmt_peer  # needs PyTorch

            limit = forced or max(map(len, side.sources)) + 50
            their = joeynmt_peer.transformer(side.model, side.params)
            for name, by_length in (("as they come", False), ("by length", True)):
                run = joeynmt_peer.translation(their, side.sources, limit, by_length)
                peers[f"Joey NMT float32, {name}"] = run
        speeds = compare(side.count, {**ours, **peers}, arguments.rounds)
    for dtype in arguments.dtypes:
        _floor(side, dtype, speeds[f"ours, {dtype}"])


def _floor(side: Side, dtype: str, speed: float) -> None:
    """Prints what the products alone would take, and the share of it in our time."""
    kind, each = functional.compute_dtype(dtype), side.flops() / side.count
    rate = measure_matmul_peak(kind) * jax.device_count()
    print(
        f"floor, {dtype}: {each / 1e9:.2f} GFLOP a sentence at {rate / 1e9:,.0f} GFLOP/s ({kind}):"
        f" {rate / each:.1f} sentences/s; ours {speed * each / rate:.0%} of it"
    )


def compare(count: int, sides: dict[str, Run], rounds: int) -> dict[str, float]:
    """Runs the sides in turns; returns the median speed of each."""
    for run in sides.values():
        run()
    speeds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            start = time.perf_counter()
            run()
            speeds[name].append(count / (time.perf_counter() - start))
    ours = next(iter(speeds))
    print(f"{count} sentences, {os.cpu_count()} cores, jax {jax.__version__}")
    for name, found in speeds.items():
        ratios = [a / b for a, b in zip(speeds[ours], found, strict=True)]
        print(
            f"{name:32} {median(found):8.1f} sentences/s"
            f"   {ours} is {median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"
        )
    return {name: median(found) for name, found in speeds.items()}


def of_run(arguments: argparse.Namespace) -> Side:
    """A trained model, and the sentences of its test set."""
    translator = Translator.load(arguments.model)
    config, both = translator.config, translator.vocabularies
    texts = read_texts(config.data.test[0], config.data)[0][: arguments.sentences]
    sources = [[*tokens, SYMBOLS.end] for tokens in both.source.encode(texts) if tokens]
    shortlist = Shortlist.load(Path(arguments.model))

    def ours(dtype: str, listed: bool) -> Run:
        model = Translator(config, both, translator.params, dtype, shortlist=shortlist)
        decoding = _decoding(config.decoding, arguments, listed)
        return lambda: model.translate(texts, decoding)

    def flops() -> float:
        found = translator.translate(texts)
        lengths = (len(both.target.encode([one.text])[0]) + 1 for one in found)
        return sum(n * cost.decoding_flops(config, len(both.target), n) for n in lengths)

    return Side(len(texts), ours, config.model, translator.params, sources, flops)


def of_base(arguments: argparse.Namespace) -> Side:
    """The paper's base model with random weights, of which every sentence fills its limit."""
    vocabulary, model = SIZES["base"]
    params = dict(random_params(model, vocabulary))
    # With an embedding of 0 the end is never among the best of 37 000 random pieces.
    params["target_embedding"] = params["target_embedding"].at[SYMBOLS.end].set(0.0)
    count, random = min(arguments.sentences, 200), np.random.default_rng(0)
    sources = random.integers(4, vocabulary, (count, TOKENS)).tolist()
    shortlist = Shortlist(np.arange(100), random.integers(4, vocabulary, (vocabulary, LISTED)))

    def ours(dtype: str, listed: bool) -> Run:
        own = DecodingConfig(max_extra_tokens=0, batch_tokens=BATCH_TOKENS)
        decoding = _decoding(own, arguments, listed)
        make = functional.maker(Config(model=model), (vocabulary, vocabulary), dtype)
        searcher = Searcher(make, numbers_only(vocabulary), shortlist=shortlist)
        return lambda: deque(searcher(params, Work(sources), decoding), maxlen=0)

    ended, written = [[*tokens, SYMBOLS.end] for tokens in sources], TOKENS + 1
    one = written * cost.decoding_flops(Config(model=model), vocabulary, written)
    return Side(count, ours, model, params, ended, lambda: count * one)


def _decoding(
    decoding: DecodingConfig, arguments: argparse.Namespace, listed: bool
) -> DecodingConfig:
    size = arguments.batch_tokens or decoding.batch_tokens
    return dataclasses.replace(decoding, batch_tokens=size, shortlist=listed)


def peers_of(
    folder: Path,
    sources: Sequence[Sequence[int]],
    types: Sequence[str],
    forced: int | None,
    batch: int,
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
                max_batch_size=batch,
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
