"""How good a translation will be, as the model's own probability of it tells: calibrated.

A model's mean log-probability of a token says which of two translations is likely to be better,
but not how good either is. On sentences whose references are known, isotonic regression finds the
increasing function of it that comes nearest to the translations' quality, here chrF of a sentence.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from seq2seq.checkpoints import storage_errors
from seq2seq.errors import UserError
from seq2seq.text_io import replacing

_FILE = "calibration.json"


@dataclass(frozen=True)
class Calibration:
    """An increasing, piecewise linear function from log-probability to expected quality.

    Attributes:
        log_probs: Mean log-probabilities of a token at its corners, in nats, increasing.
        qualities: Its values there: expected sentence chrF, from 0 to 1.
        sentences: How many sentences it was made from.
    """

    log_probs: tuple[float, ...]
    qualities: tuple[float, ...]
    sentences: int

    def __call__(self, log_prob: float) -> float:
        """The expected quality at a mean log-probability of a token."""
        return float(np.interp(log_prob, self.log_probs, self.qualities))

    def save(self, run: Path) -> None:
        """Writes it into a run's folder."""
        path = run / _FILE
        with storage_errors(path), replacing(path) as draft:
            draft.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, run: Path) -> "Calibration | None":
        """Reads what `save` wrote; None where nothing was.

        Raises:
            UserError: The file is damaged.
        """
        path = run / _FILE
        if not path.exists():
            return None
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            log_probs, qualities = (
                tuple(map(float, found[key])) for key in ("log_probs", "qualities")
            )
            return cls(log_probs, qualities, int(found["sentences"]))
        except (OSError, ValueError, KeyError, TypeError):
            wanted = "what seq2seq calibrate writes"
            raise UserError(f"{path}: expected {wanted}, found something else") from None


def fit(log_probs: Float[np.ndarray, " P"], qualities: Float[np.ndarray, " P"]) -> Calibration:
    """The increasing function nearest to the qualities, by least squares.

    Args:
        log_probs: Mean log-probability of a token of each translation, in nats.
        qualities: Of each, from 0 to 1.

    Raises:
        ValueError: There are none.
    """
    from scipy.optimize import isotonic_regression  # a third of a second that translating needs not

    if len(log_probs) == 0:
        raise ValueError("a calibration needs translations")
    order = np.argsort(log_probs, kind="stable")
    x, y = log_probs[order], qualities[order]
    found = isotonic_regression(y)
    edges = zip(found.blocks[:-1], found.blocks[1:], strict=True)
    parts = [slice(*edge) for edge in edges]
    corners, heights = (tuple(float(a[part].mean()) for part in parts) for a in (x, y))
    return Calibration(corners, heights, len(x))


def error(
    calibration: Calibration,
    log_probs: Float[np.ndarray, " P"],
    qualities: Float[np.ndarray, " P"],
    bins: int = 10,
) -> float:
    """The expected calibration error: how far means of confidence and of quality are apart.

    Args:
        calibration: What is measured.
        log_probs: Of translations that it was not made from.
        qualities: Theirs.
        bins: Groups of equal size, from the least confident to the most; their differences are
            averaged (Naeini et al., 2015, with bins of equal size).
    """
    confidences = np.array([calibration(x) for x in log_probs])
    parts = np.array_split(np.argsort(confidences, kind="stable"), min(bins, len(confidences)))
    gaps = [len(part) * abs(confidences[part].mean() - qualities[part].mean()) for part in parts]
    return float(sum(gaps) / len(confidences))
