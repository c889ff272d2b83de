"""Sampled segmentations of a corpus, drawn by all cores, and the same by any number of them.

What is drawn for a chunk of pairs depends on the seed of the run, the number of the segmentation,
the chunk and the side, and on nothing else.
"""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import NamedTuple

import numpy as np

from seq2seq.config import Config
from seq2seq.data.storage import Ragged
from seq2seq.data.subwords import SubwordSampler
from seq2seq.vocabulary import Vocabularies

FEW_PAIRS = 20_000
"""Below so many pairs, starting processes takes longer than they save."""


class Sampler:
    """Draws the segmentations of a corpus; a context manager.

    Args:
        vocabularies: What cuts the texts.
        config: Rate and number of segmentations; the seed; and `data.max_length`: a text whose
            drawn segmentation is longer keeps its usual one, so that every segmentation holds the
            same pairs.
        pairs: Pairs that will be drawn for, which decides whether processes are started.
    """

    def __init__(self, vocabularies: Vocabularies, config: Config, pairs: int) -> None:
        self._segmentations = config.vocabulary.segmentations
        self._seed = config.training.seed
        arguments = (vocabularies, config.vocabulary.sampling, config.data.max_length)
        self._here = _Drawer(*arguments)
        self._executor: ProcessPoolExecutor | None = None
        if pairs >= FEW_PAIRS:
            workers = min(len(os.sched_getaffinity(0)), 2 * self._segmentations)
            spawn = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(workers, spawn, _start, arguments)

    def __enter__(self) -> "Sampler":
        """Returns the sampler; processes start when the first texts come."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the processes."""
        if self._executor is not None:
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
        jobs = [
            _Job(side, texts, self._job_seed(number, side, chunk))
            for number in range(self._segmentations)
            for side, texts in enumerate((sources, targets))
        ]
        draw = map(self._here, jobs) if self._executor is None else self._executor.map(_draw, jobs)
        drawn = list(draw)
        return list(zip(drawn[::2], drawn[1::2], strict=True))

    def _job_seed(self, number: int, side: int, chunk: tuple[int, int]) -> int:
        """Returns 64 bits made of all that a job's random numbers depend on."""
        entropy = np.random.SeedSequence([self._seed, number, side, *chunk])
        return int(entropy.generate_state(1, np.uint64)[0])


class _Job(NamedTuple):
    """Texts of one side (0 source, 1 target) to be segmented once."""

    side: int
    texts: Sequence[str]
    seed: int


class _Drawer:
    """Does jobs, and remembers the words it has met."""

    def __init__(self, vocabularies: Vocabularies, rate: float, max_length: int) -> None:
        self._vocabularies = (vocabularies.source, vocabularies.target)
        source = SubwordSampler(vocabularies.source, rate)
        target = source if vocabularies.joint else SubwordSampler(vocabularies.target, rate)
        self._samplers = (source, target)
        self._max_length = max_length

    def __call__(self, job: _Job) -> Ragged:
        """Draws one segmentation, but keeps the usual one where the drawn one is too long."""
        drawn = self._samplers[job.side].draw(job.texts, job.seed)
        long = [i for i, tokens in enumerate(drawn) if len(tokens) >= self._max_length]
        usual = self._vocabularies[job.side].encode([job.texts[i] for i in long])
        for i, tokens in zip(long, usual, strict=True):
            drawn[i] = tokens
        return Ragged.of(drawn)


_drawer: list[_Drawer] = []
"""In a worker process: what does its jobs."""


def _start(vocabularies: Vocabularies, rate: float, max_length: int) -> None:
    """Prepares a worker process; Ctrl-C is the main process's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _drawer.append(_Drawer(vocabularies, rate, max_length))


def _draw(job: _Job) -> Ragged:
    return _drawer[0](job)
