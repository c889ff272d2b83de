"""Sampled segmentations: the same by one process or several."""

from dataclasses import replace

import pytest

from seq2seq.config import Config
from seq2seq.data.sampling import FEW_PAIRS, Sampler
from seq2seq.data.storage import Ragged
from seq2seq.data.vocabulary_training import train_vocabularies
from seq2seq.vocabulary import Vocabularies

WORDS = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in ("l", "nd", "st", "rm", "")]
SOURCES = [" ".join(WORDS[i : i + 8]) for i in range(0, 280, 2)]
TARGETS = [" ".join(WORDS[i : i + 6][::-1]) for i in range(0, 280, 2)]


@pytest.fixture(scope="module")
def config() -> Config:
    config = Config()
    return replace(
        config,
        vocabulary=replace(config.vocabulary, size=300, sampling=0.2, segmentations=3),
        data=replace(config.data, max_length=20),
        training=replace(config.training, seed=3),
    )


@pytest.fixture(scope="module")
def vocabularies(config: Config) -> Vocabularies:
    return train_vocabularies(SOURCES, TARGETS, config.vocabulary)


def drawn(
    vocabularies: Vocabularies, config: Config, pairs: int, chunks: list[tuple[int, int]]
) -> list[list[list[list[int]]]]:
    with Sampler(vocabularies, config, pairs) as sampler:
        results = [sampler.draw(SOURCES, TARGETS, chunk) for chunk in chunks]
    return [
        [[ragged.tokens.tolist(), ragged.lengths.tolist()] for ragged in pair]
        for result in results
        for pair in result
    ]


def test_processes_draw_what_one_process_draws(vocabularies: Vocabularies, config: Config) -> None:
    chunks = [(0, 0), (0, 1), (1, 0)]
    alone = drawn(vocabularies, config, 10, chunks)
    together = drawn(vocabularies, config, FEW_PAIRS, chunks)
    assert alone == together
    backwards = drawn(vocabularies, config, 10, chunks[::-1])
    assert backwards[-3:] == alone[:3]


def test_everything_drawn_is_different(vocabularies: Vocabularies, config: Config) -> None:
    usual = vocabularies.source.encode(SOURCES)
    seeds = [config, replace(config, training=replace(config.training, seed=4))]
    draws = [drawn(vocabularies, one, 10, [(0, 0), (0, 1), (1, 0)]) for one in seeds]
    sources = [str(pair[0]) for result in draws for pair in result]
    assert len({*sources}) == len(sources) == 18
    assert str([Ragged.of(usual).tokens.tolist(), Ragged.of(usual).lengths.tolist()]) not in sources


def test_too_long_a_segmentation_is_not_used(vocabularies: Vocabularies, config: Config) -> None:
    usual = vocabularies.source.encode(SOURCES)
    loose = replace(config, data=replace(config.data, max_length=128))
    free = drawn(vocabularies, loose, 10, [(0, 0)])[0][0][1]
    bound = drawn(vocabularies, config, 10, [(0, 0)])[0][0][1]
    long = [length >= 20 for length in free]
    assert any(long)
    assert not all(long)
    for i, length in enumerate(bound):
        assert length == (len(usual[i]) if long[i] else free[i])
