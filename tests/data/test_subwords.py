"""Drawing segmentations, against SentencePiece without chance and against exact probabilities."""

import math
import random
from collections import Counter
from itertools import pairwise, product

import pytest
from sentencepiece import SentencePieceProcessor

from seq2seq.config import VocabularyConfig
from seq2seq.data import subwords
from seq2seq.data.subwords import Pieces, SubwordSampler, merge
from seq2seq.data.vocabulary_training import train
from seq2seq.vocabulary import Vocabulary

WORDS = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in ("l", "nd", "st", "rm", "")]
COMPOUND = [
    " ".join("".join(random.Random(31 * i + j).choices(WORDS, k=2)) for j in range(8))
    for i in range(200)
]
STRANGE = ["", "€€ é€é 🙂", "a<de>b <a b>c<de><de> nd", "  nd\u00a0st  ", "x" * 50, "字文" * 30]
TEXTS = [*COMPOUND, *STRANGE]
NEVER = {"bpe": 1e-15, "unigram": 500.0}
"""Rates at which chance has no say."""

OPTIONS = {"plain": {}, "rich": {"byte_fallback": True, "user_defined_symbols": ("<de>", "<a b>")}}


def vocabulary_of(kind: str, options: str = "plain", size: int = 200) -> Vocabulary:
    size += 256 if options == "rich" else 0
    return train(COMPOUND, VocabularyConfig(kind=kind, size=size, **OPTIONS[options]))  # type: ignore[arg-type]


@pytest.mark.parametrize("options", OPTIONS)
def test_without_dropout_bpe_is_sentencepieces(options: str) -> None:
    vocabulary = vocabulary_of("bpe", options)
    assert SubwordSampler(vocabulary, NEVER["bpe"]).draw(TEXTS, 0) == vocabulary.encode(TEXTS)


@pytest.mark.parametrize("options", OPTIONS)
def test_without_smoothing_unigram_is_as_good_as_sentencepieces(options: str) -> None:
    vocabulary = vocabulary_of("unigram", options)
    processor = SentencePieceProcessor(model_proto=vocabulary.model)
    drawn = SubwordSampler(vocabulary, NEVER["unigram"]).draw(TEXTS, 0)
    same = 0
    for ids, best in zip(drawn, vocabulary.encode(TEXTS), strict=True):
        same += ids == best
        scores = [sum(processor.get_score(i) for i in sequence) for sequence in (ids, best)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-3)
    assert same > 0.9 * len(TEXTS)


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_whatever_is_drawn_spells_the_text(kind: str) -> None:
    vocabulary = vocabulary_of(kind)
    sampler = SubwordSampler(vocabulary, 0.3)
    assert vocabulary.decode(sampler.draw(COMPOUND, 1)) == COMPOUND


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_draws_depend_on_the_seed_alone(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = vocabulary_of(kind)
    sampler = SubwordSampler(vocabulary, 0.2)
    once = sampler.draw(COMPOUND, 5)
    assert sampler.draw(COMPOUND, 6) != once
    assert sampler.draw(COMPOUND, 5) == once
    monkeypatch.setattr(subwords, "_MOST_WORDS", 3)
    assert SubwordSampler(vocabulary, 0.2).draw(COMPOUND, 5) == once


def frequencies(
    vocabulary: Vocabulary, rate: float, word: str, count: int
) -> Counter[tuple[str, ...]]:
    """Draws a word many times; returns how often each segmentation comes."""
    drawn = SubwordSampler(vocabulary, rate).draw([word] * count, 3)
    return Counter(tuple(vocabulary.pieces[i] for i in ids) for ids in drawn)


def agree(found: Counter[tuple[str, ...]], exact: dict[tuple[str, ...], float]) -> None:
    """Checks frequencies against probabilities: none is off by more than five deviations."""
    count = found.total()
    assert set(found) <= set(exact)
    assert sum(exact.values()) == pytest.approx(1)
    for parts, probability in exact.items():
        deviation = math.sqrt(count * probability * (1 - probability))
        assert abs(found[parts] - count * probability) <= 5 * deviation + 1


def test_bpe_leaves_out_every_merge_with_the_same_chance() -> None:
    vocabulary = vocabulary_of("bpe")
    pieces = Pieces(vocabulary)
    units = ["▁", *"bandrost"]
    most = 2 * len(units)
    exact: dict[tuple[str, ...], float] = {}
    for choices in product((False, True), repeat=most):
        parts, count = merge(units, pieces, [i for i, out in enumerate(choices) if out])
        if not any(choices[count:]):  # the rest never comes up: count each outcome once
            chance = math.prod(0.3 if out else 0.7 for out in choices[:count])
            exact[tuple(parts)] = exact.get(tuple(parts), 0) + chance
    assert len(exact) > 5
    agree(frequencies(vocabulary, 0.3, "bandrost", 20_000), exact)


def test_unigram_draws_by_smoothed_probability() -> None:
    vocabulary = vocabulary_of("unigram", size=300)
    scores = Pieces(vocabulary).scores
    word = "▁bandrost"
    weights: dict[tuple[str, ...], float] = {}
    for cuts in product((False, True), repeat=len(word) - 1):
        places = [0, *(i + 1 for i, cut in enumerate(cuts) if cut), len(word)]
        parts = tuple(word[a:b] for a, b in pairwise(places))
        if all(part in scores for part in parts):
            weights[parts] = math.exp(0.1 * sum(scores[part] for part in parts))
    exact = {parts: weight / sum(weights.values()) for parts, weight in weights.items()}
    assert len(exact) > 5
    agree(frequencies(vocabulary, 0.1, "bandrost", 20_000), exact)
