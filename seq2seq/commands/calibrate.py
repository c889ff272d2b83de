"""What `seq2seq calibrate` does: learn from a set with references what a probability is worth."""

import numpy as np
from sacrebleu.metrics.chrf import CHRF

from seq2seq import confidence, parallel
from seq2seq.commands.console import count, say, use_compilation_cache
from seq2seq.errors import UserError
from seq2seq.evaluation.test_sets import EvaluationSet
from seq2seq.progress import Progress
from seq2seq.run_directory import RunDirectory
from seq2seq.translator import Translator

_FEWEST = 20
"""Sentences without which there is nothing to learn."""


def calibrate(run: RunDirectory, pairs: EvaluationSet, checkpoint: str | int) -> int:
    """Translates a set, compares, and leaves the calibration in the run; returns the exit status.

    Args:
        run: A trained run.
        pairs: Sentences with references, best those of the validation set.
        checkpoint: Which one: best, latest, averaged or a step.

    Raises:
        UserError: The set has too few sentences.
    """
    parallel.cores_as_devices()
    use_compilation_cache()
    translator = Translator.load(run.path, checkpoint)
    sources = list(pairs.sources)
    with Progress("calibrating", unit="sentences") as progress:
        results = translator.translate(sources, advance=progress.advance)
        found = translator.explain(sources, results)
    chrf = CHRF()
    known = [
        (one.log_prob, chrf.sentence_score(result.text, [reference]).score / 100)
        for one, result, reference in zip(found, results, pairs.references, strict=True)
        if one.log_probs
    ]
    if len(known) < _FEWEST:
        wanted = f"at least {_FEWEST} sentences that have a translation"
        raise UserError(f"{pairs.name}: expected {wanted}, found {len(known)}")
    log_probs, qualities = (np.array(side) for side in zip(*known, strict=True))
    confidence.fit(log_probs, qualities).save(run.path)
    say(f"calibrated on {count(len(known), 'sentence')} of {pairs.name}")
    say(f"  mean chrF {100 * qualities.mean():.1f}, {_halves(log_probs, qualities)}")
    return 0


def _halves(log_probs: np.ndarray, qualities: np.ndarray) -> str:
    """How well one half of the sentences says what the other half is worth."""
    errors, guessed = [], np.zeros(len(qualities))
    for one, other in ((0, 1), (1, 0)):
        half = confidence.fit(log_probs[one::2], qualities[one::2])
        errors.append(confidence.error(half, log_probs[other::2], qualities[other::2]))
        guessed[other::2] = [half(x) for x in log_probs[other::2]]
    related = np.corrcoef(guessed, qualities)[0, 1]
    return (
        f"confidence of one half by the other: off by {100 * np.mean(errors):.1f} points on "
        f"average, correlation {related:.2f}"
    )
