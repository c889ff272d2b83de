"""Confidence: the best increasing function of a probability, and how far it is from the truth."""

import itertools

import numpy as np
import pytest

from seq2seq.confidence import Calibration, error, fit
from seq2seq.errors import UserError


def noisy(count, seed=0):
    """Log-probabilities, and qualities that grow with them."""
    random = np.random.default_rng(seed)
    log_probs = -random.exponential(1, count)
    qualities = 1 / (1 + np.exp(-2 * (log_probs + 1))) + random.normal(0, 0.1, count)
    return log_probs, np.clip(qualities, 0, 1)


def test_it_increases_and_no_other_increasing_function_is_nearer():
    log_probs, qualities = noisy(60)
    found = fit(log_probs, qualities)
    assert found.sentences == 60
    assert list(found.log_probs) == sorted(found.log_probs)
    assert list(found.qualities) == sorted(found.qualities)
    order = np.argsort(log_probs)
    sizes = np.unique(np.searchsorted(found.log_probs, log_probs), return_counts=True)[1]
    assert sum(sizes) == 60
    # The means of pooled neighbours: pooling by hand, as the algorithm of its inventors does.
    blocks = [[quality] for quality in qualities[order]]
    while any(np.mean(a) >= np.mean(b) for a, b in itertools.pairwise(blocks)):
        i = next(i for i in range(len(blocks)) if np.mean(blocks[i]) >= np.mean(blocks[i + 1]))
        blocks[i : i + 2] = [blocks[i] + blocks[i + 1]]
    np.testing.assert_allclose(found.qualities, [np.mean(block) for block in blocks])


def test_between_its_corners_it_is_a_line_and_beyond_them_it_is_level():
    line = Calibration((-2.0, -1.0), (0.2, 0.6), 2)
    assert [line(x) for x in (-9, -2, -1.5, -1, 0)] == pytest.approx([0.2, 0.2, 0.4, 0.6, 0.6])


def test_of_sentences_it_has_not_seen_it_is_right_on_average():
    found = fit(*noisy(1000))
    unseen = noisy(1000, seed=1)
    assert error(found, *unseen) < 0.03
    wrong = Calibration(found.log_probs, tuple(q / 2 for q in found.qualities), 1000)
    assert error(wrong, *unseen) == pytest.approx(np.mean(unseen[1]) / 2, abs=0.03)


def test_it_is_kept_in_the_run(tmp_path):
    assert Calibration.load(tmp_path) is None
    found = fit(*noisy(50))
    found.save(tmp_path)
    assert Calibration.load(tmp_path) == found
    (tmp_path / "calibration.json").write_text('{"log_probs": [1]}')
    with pytest.raises(UserError, match=r"calibration.json: expected what seq2seq calibrate"):
        Calibration.load(tmp_path)
    with pytest.raises(ValueError, match="needs translations"):
        fit(np.zeros(0), np.zeros(0))
