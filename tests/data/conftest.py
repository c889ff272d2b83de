"""Small corpora that are made for each test."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from seq2seq.config import Config, Corpus, DataConfig, TrainingConfig, VocabularyConfig

SYLLABLES = [a + b for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "u", "an", "er", "ing")]


def sentences(count: int, seed: int) -> list[str]:
    """Returns sentences of 1 to 20 made-up words."""
    rng = random.Random(seed)
    words = ["".join(rng.choices(SYLLABLES, k=rng.randint(1, 3))) for _ in range(300)]
    return [" ".join(rng.choices(words, k=rng.randint(1, 20))).capitalize() for _ in range(count)]


@pytest.fixture
def parallel(tmp_path: Path) -> Callable[..., Path]:
    """Returns a function that writes `NAME.en` and `NAME.de` and returns their folder."""

    def write(name: str, sources: list[str], targets: list[str]) -> Path:
        for language, lines in (("en", sources), ("de", targets)):
            text = "".join(line + "\n" for line in lines)
            (tmp_path / f"{name}.{language}").write_text(text, encoding="utf-8", newline="")
        return tmp_path

    return write


@pytest.fixture
def small(tmp_path: Path, parallel: Callable[..., Path]) -> Config:
    """Returns a config with 300 training pairs, 20 validation pairs and rows of 48 + 40."""
    parallel("train", sentences(300, 1), sentences(300, 2))
    parallel("valid", sentences(20, 3), sentences(20, 4))
    data = DataConfig(
        train=(Corpus(path=str(tmp_path / "train.{lang}")),),
        validation=(Corpus(path=str(tmp_path / "valid.{lang}")),),
        max_length=40,
        source_row_length=48,
        target_row_length=40,
        cache=str(tmp_path / "cache"),
    )
    vocabulary = VocabularyConfig(size=300)
    return Config(data=data, vocabulary=vocabulary, training=TrainingConfig(batch_tokens=400))
