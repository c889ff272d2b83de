"""Scores of translations by sacreBLEU (Post, 2018): on detokenised text, with their signature."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sacrebleu.metrics.base import Metric
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

MetricName = Literal["bleu", "chrf", "ter"]
METRICS: dict[MetricName, type[Metric]] = {"bleu": BLEU, "chrf": CHRF, "ter": TER}
"""The metrics by name, in sacreBLEU's default settings (BLEU: cased, tokeniser 13a)."""

_SPACED = re.compile(r"""[\w"”“)] (?:[.,;:!?]|n't|'s)(?= |$)|&(?:apos|quot);|@-@|@@ """)


@dataclass(frozen=True)
class Score:
    """A corpus score and how it was computed.

    Attributes:
        score: In percent; for TER, lower is better.
        signature: sacreBLEU's signature, which makes the figure comparable.
    """

    score: float
    signature: str


def evaluate(
    hypotheses: Sequence[str],
    references: Sequence[str],
    metrics: Sequence[MetricName] = ("bleu",),
) -> dict[MetricName, Score]:
    """Scores translations against one reference each.

    Args:
        hypotheses: Detokenised translations.
        references: Detokenised references, in the same order.
        metrics: Names of the metrics wanted.

    Raises:
        ValueError: Different numbers of hypotheses and references.
    """
    if len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} hypotheses do not match {len(references)} references")
    results: dict[MetricName, Score] = {}
    for name in metrics:
        metric = METRICS[name]()
        result = metric.corpus_score(list(hypotheses), [list(references)])
        results[name] = Score(result.score, str(metric.get_signature()))
    return results


def looks_tokenised(sentences: Sequence[str]) -> bool:
    """Whether text seems to be cut into tokens, which makes its scores incomparable.

    A space before a closing punctuation mark, or an escape that only tokenisers write, is taken for
    a sign of it when a third of the sentences have one.
    """
    marked = sum(bool(_SPACED.search(sentence)) for sentence in sentences)
    return len(sentences) > 0 and marked * 3 >= len(sentences)
