"""Minimum Bayes risk: our chrF of many pairs against sacreBLEU's of one."""

import numpy as np
import pytest
from sacrebleu.metrics.chrf import CHRF

from seq2seq.decoding.consensus import chrf, consensus

TEXTS = [
    "Die Ente wartete am Ufer.",
    "Die Ente wartet in der Bank.",
    "Eine Ente  wartete am Fluss .",
    "",
    "ab",
    "Die Ente wartete am Ufer",
    "漢字 aa aa aa",
]


def test_chrf_is_that_of_sacrebleu():
    found, metric = chrf(TEXTS), CHRF()
    for i, hypothesis in enumerate(TEXTS):
        for j, reference in enumerate(TEXTS):
            wanted = metric.sentence_score(hypothesis, [reference]).score / 100
            assert found[i, j] == pytest.approx(wanted, abs=1e-9), (hypothesis, reference)


def test_the_text_most_like_the_others_is_first_and_each_stands_once():
    assert consensus(TEXTS[:3])[0] == 0
    often = [TEXTS[1]] * 5 + TEXTS[:1] + TEXTS[2:3]
    assert consensus(often)[0] == 0
    assert sorted(consensus(often)) == [0, 5, 6]
    assert consensus([""]) == [0]


def test_the_order_is_that_of_the_mean_over_all_draws():
    draws = [TEXTS[i] for i in np.random.default_rng(0).integers(0, len(TEXTS), 40)]
    metric = CHRF()
    means = {
        text: np.mean([metric.sentence_score(text, [other]).score for other in draws])
        for text in set(draws)
    }
    found = [means[draws[i]] for i in consensus(draws)]
    assert found == sorted(found, reverse=True)
    assert len(found) == len(means)
