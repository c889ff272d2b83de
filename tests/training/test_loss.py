"""The loss and the schedule against transcriptions of the paper's formulas in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.config import TrainingConfig
from seq2seq.training.loss import smoothed_loss
from seq2seq.training.schedule import learning_rate

VOCABULARY = 11


def wanted_distribution(label, smoothing, over):
    """Probabilities to predict: what the label keeps, and what each other piece gets."""
    if over == "all":
        wanted = np.full(VOCABULARY, smoothing / VOCABULARY)
        wanted[label] += 1 - smoothing
    else:
        wanted = np.full(VOCABULARY, smoothing / (VOCABULARY - 1))
        wanted[label] = 1 - smoothing
    return wanted


def numpy_loss(states, matrix, bias, labels, segments, smoothing, over="all"):
    """Cross-entropy against an explicit smoothed distribution, one token at a time."""
    total = nll = 0.0
    for place in zip(*np.nonzero(segments), strict=True):
        logits = matrix @ states[place] + bias
        log_probs = logits - logits.max()
        log_probs -= np.log(np.exp(log_probs).sum())
        wanted = wanted_distribution(labels[place], smoothing, over)
        assert wanted.sum() == pytest.approx(1)
        total -= wanted @ log_probs
        nll -= log_probs[labels[place]]
    return total, nll


def slopes(loss, arrays, i):
    """The gradient of a float64 loss by its i-th array, between two points nearby."""
    found = np.zeros(arrays[i].shape)
    for place in np.ndindex(found.shape):
        ends = []
        for step in (1e-5, -1e-5):
            moved = [np.array(array) for array in arrays]
            moved[i][place] += step
            ends.append(loss(*moved))
        found[place] = (ends[0] - ends[1]) / 2e-5
    return found


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    states = rng.standard_normal((3, 5, 4))
    matrix = rng.standard_normal((VOCABULARY, 4))
    bias = rng.standard_normal(VOCABULARY)
    labels = rng.integers(0, VOCABULARY, (3, 5))
    segments = rng.integers(0, 3, (3, 5))
    return states, matrix, bias, labels, segments


def to_jax(case):
    states, matrix, bias, labels, segments = case
    floats = (jnp.asarray(x, jnp.float32) for x in (states, matrix, bias))
    return (*floats, jnp.asarray(labels, jnp.int32), jnp.asarray(segments, jnp.int32))


@pytest.mark.parametrize("over", ["all", "others"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("chunk_tokens", [1, 4, 100])
def test_loss_is_cross_entropy_with_smoothed_labels(case, smoothing, over, chunk_tokens):
    sums = smoothed_loss(*to_jax(case), smoothing, over, chunk_tokens)
    total, nll = numpy_loss(*case, smoothing, over)
    assert float(sums.loss) == pytest.approx(total, rel=1e-5)
    assert float(sums.nll) == pytest.approx(nll, rel=1e-5)
    assert float(sums.tokens) == np.count_nonzero(case[-1])


def test_logits_stored_in_bfloat16_change_the_loss_little(case):
    exact, stored = (
        smoothed_loss(*to_jax(case), 0.1, "all", 4, dtype) for dtype in (jnp.float32, jnp.bfloat16)
    )
    assert stored.loss.dtype == jnp.float32
    assert 0 < abs(float(stored.loss) / float(exact.loss) - 1) < 2**-8


def test_correct_counts_the_most_probable_tokens(case):
    states, matrix, bias, labels, segments = case
    right = ((states @ matrix.T + bias).argmax(-1) == labels) & (segments > 0)
    assert float(smoothed_loss(*to_jax(case), 0.1).correct) == right.sum()


@pytest.mark.parametrize("over", ["all", "others"])
@pytest.mark.parametrize("chunk_tokens", [4, 100])
def test_gradients_are_those_of_the_formula(case, over, chunk_tokens):
    """The fused gradient against slopes of the float64 loss between two nearby points."""
    states, matrix, bias, labels, segments = to_jax(case)

    def ours(states, matrix, bias):
        sums = smoothed_loss(states, matrix, bias, labels, segments, 0.1, over, chunk_tokens)
        return sums.loss * 3

    found = jax.grad(ours, argnums=(0, 1, 2))(states, matrix, bias)
    for i, gradient in enumerate(found):
        wanted = slopes(lambda *moved: 3 * numpy_loss(*moved, 0.1, over)[0], case, i)
        np.testing.assert_allclose(gradient, wanted, atol=3e-5)


def test_schedule_is_equation_3():
    config = TrainingConfig(warmup_steps=4000, steps=100_000)
    for step in (1, 100, 3999, 4000, 4001, 100_000):
        wanted = 512**-0.5 * min(step**-0.5, step * 4000**-1.5)
        assert float(learning_rate(step, config, 512)) == pytest.approx(wanted, rel=1e-5)


def test_the_constant_of_the_schedule_multiplies_the_papers_rate():
    """tensor2tensor's later settings: 2 · D^-0.5 · min(step^-0.5, step · 8000^-1.5)."""
    config = TrainingConfig(warmup_steps=8000, learning_rate_scale=2)
    for step in (1, 7999, 8000, 8001, 100_000):
        wanted = 2 * 512**-0.5 * min(step**-0.5, step * 8000**-1.5)
        assert float(learning_rate(step, config, 512)) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(("decay", "halfway"), [("linear", 0.5), ("cosine", 0.5)])
def test_other_decays_reach_zero_at_the_last_step(decay, halfway):
    config = TrainingConfig(warmup_steps=100, steps=1100, learning_rate=0.01, decay=decay)
    rates = [float(learning_rate(step, config, 512)) for step in (50, 100, 600, 1100)]
    assert rates == pytest.approx([0.005, 0.01, 0.01 * halfway, 0.0], abs=1e-7)


def numpy_r_drop(states, matrix, bias, labels, segments, alpha):
    """R-Drop's loss as its paper writes it; the second half of the batch is the second pass."""
    rows = len(states) // 2
    total = numpy_loss(states, matrix, bias, labels, segments, 0.1)[0]
    for row, position in zip(*np.nonzero(segments[:rows]), strict=True):
        log_probs = []
        for state in (states[row, position], states[rows + row, position]):
            logits = matrix @ state + bias
            log_probs.append(logits - np.log(np.exp(logits).sum()))
        p, q = np.exp(log_probs)
        forth = (p * (log_probs[0] - log_probs[1])).sum()
        back = (q * (log_probs[1] - log_probs[0])).sum()
        total += alpha / 2 * (forth + back)
    return total


@pytest.fixture
def two_passes(case):
    """Other states for the same labels in the second half of the batch."""
    states, matrix, bias, labels, segments = case
    other = np.random.default_rng(1).standard_normal(states.shape)
    twice = (np.concatenate([array, array]) for array in (labels, segments))
    return np.concatenate([states, other]), matrix, bias, *twice


@pytest.mark.parametrize("chunk_tokens", [1, 4, 14, 100])
def test_r_drop_adds_how_far_two_passes_are_apart(two_passes, chunk_tokens):
    found = smoothed_loss(*to_jax(two_passes), 0.1, chunk_tokens=chunk_tokens, r_drop=5.0)
    plain = smoothed_loss(*to_jax(two_passes), 0.1)
    assert float(found.loss) == pytest.approx(numpy_r_drop(*two_passes, 5.0), rel=1e-5)
    assert float(found.loss) > 1.1 * float(plain.loss)
    assert [float(x) for x in found[1:]] == pytest.approx([float(x) for x in plain[1:]], rel=1e-5)


@pytest.mark.parametrize("chunk_tokens", [4, 100])
def test_gradients_of_r_drop_are_those_of_the_formula(two_passes, chunk_tokens):
    states, matrix, bias, labels, segments = to_jax(two_passes)

    def ours(*moving):
        how = {"chunk_tokens": chunk_tokens, "r_drop": 5.0}
        return smoothed_loss(*moving, labels, segments, 0.1, **how).loss

    found = jax.grad(ours, argnums=(0, 1, 2))(states, matrix, bias)
    for i, gradient in enumerate(found):
        wanted = slopes(lambda *moved: numpy_r_drop(*moved, 5.0), two_passes, i)
        np.testing.assert_allclose(gradient, wanted, atol=2e-4, rtol=1e-4)
