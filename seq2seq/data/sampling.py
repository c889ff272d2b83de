"""Sampled segmentations of text, drawn by several processes, always the same.

SentencePiece has one random generator for a whole process (see `Vocabulary.sample`), so processes
are what can draw at the same time. Every job seeds the generator anew: what is drawn depends on the
seed, the segmentation and the chunk, and on nothing else.
"""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np

from seq2seq.config import Config
from seq2seq.data.storage import Ragged
from seq2seq.vocabulary import Vocabularies, Vocabulary

FEW_PAIRS = 20_000
"""Below so many pairs, starting processes takes longer than they save."""


class Sampler:
    """Draws segmentations; a context manager.

    Args:
        vocabularies: What cuts the texts.
        config: Rate and number of segmentations; the seed; and `data.max_length`: a text whose
            drawn segmentation is longer keeps its usual one, so that every segmentation holds the
            same pairs.
        pairs: Pairs that will be drawn for, which decides whether processes are started.
    """

    def __init__(self, vocabularies: Vocabularies, config: Config, pairs: int) -> None:
        self._rate = config.vocabulary.sampling
        self._segmentations = config.vocabulary.segmentations
        self._seed = config.training.seed
        self._max_length = config.data.max_length
        state = (vocabularies.source, vocabularies.target)
        self._executor: Executor
        if pairs >= FEW_PAIRS:
            workers = min(len(os.sched_getaffinity(0)), 2 * self._segmentations)
            spawn = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(workers, spawn, _start, state)
        else:
            self._executor = ThreadPoolExecutor(1, initializer=_start, initargs=state)

    def __enter__(self) -> "Sampler":
        """Returns the sampler; processes start when the first texts come."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the processes."""
        self._executor.shutdown(cancel_futures=True)

    def draw(
        self, sources: Sequence[str], targets: Sequence[str], chunk: tuple[int, int]
    ) -> list[tuple[Ragged, Ragged]]:
        """Returns every segmentation of some pairs.

        Args:
            sources: Source texts.
            targets: Target texts.
            chunk: Corpus and number of the chunk within it, which choose the random numbers.
        """
        futures = [
            self._executor.submit(
                _draw,
                side,
                texts,
                self._rate,
                self._job_seed(number, side, chunk),
                self._max_length,
            )
            for number in range(self._segmentations)
            for side, texts in enumerate((sources, targets))
        ]
        drawn = [future.result() for future in futures]
        return list(zip(drawn[::2], drawn[1::2], strict=True))

    def _job_seed(self, number: int, side: int, chunk: tuple[int, int]) -> int:
        """Returns 31 bits made of all that a job's random numbers depend on."""
        entropy = [self._seed, number, side, *chunk]
        return int(np.random.SeedSequence(entropy).generate_state(1)[0]) >> 1


_vocabularies: list[Vocabulary] = []
"""In a worker: the source's and the target's vocabulary."""


def _start(source: Vocabulary, target: Vocabulary) -> None:
    """Prepares a worker; Ctrl-C is the main process's to handle."""
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    _vocabularies[:] = [source, target]


def _draw(side: int, texts: Sequence[str], rate: float, seed: int, max_length: int) -> Ragged:
    """Draws one segmentation of texts, but keeps the usual one where the drawn one is too long."""
    vocabulary = _vocabularies[side]
    drawn = vocabulary.sample(texts, rate, seed)
    long = [i for i, tokens in enumerate(drawn) if len(tokens) >= max_length]
    for i, tokens in zip(long, vocabulary.encode([texts[i] for i in long]), strict=True):
        drawn[i] = tokens
    return Ragged.of(drawn)
