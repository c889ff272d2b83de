"""Minimum Bayes risk: of drawn translations, the one most like the others (Kumar, Byrne, 2004)."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

_ORDER, _BETA = 6, 2
"""Character n-grams up to this length; recall counts β² times as much as precision."""


def consensus(texts: Sequence[str]) -> list[int]:
    """Numbers of the distinct texts, by their mean chrF against all texts, the best first.

    Each text stands for what a reference may be; one that was drawn often counts so often.

    Args:
        texts: Drawn translations of one sentence.
    """
    counts = Counter(texts)
    distinct = list(counts)
    weights = np.asarray(list(counts.values())) / len(texts)
    expected = chrf(distinct) @ weights
    return [texts.index(distinct[i]) for i in np.argsort(-expected, kind="stable")]


def chrf(texts: Sequence[str]) -> Float[np.ndarray, "M M"]:
    """The sentence-level chrF of each text (rows) against each as its reference, from 0 to 1.

    As Popović (2015) defines it and sacreBLEU computes it: white space is left out, precision and
    recall are averaged over those lengths of n-grams that both texts have.
    """
    stripped = ["".join(text.split()) for text in texts]
    size = len(texts)
    precision, recall, orders = np.zeros((3, size, size))
    for n in range(1, _ORDER + 1):
        table = _ngrams(stripped, n)
        totals = table.sum(axis=1)
        matches = np.stack([np.minimum(row, table).sum(axis=1) for row in table])
        both = (totals[:, None] > 0) & (totals[None, :] > 0)
        precision += np.where(both, matches / np.maximum(totals, 1)[:, None], 0)
        recall += np.where(both, matches / np.maximum(totals, 1)[None, :], 0)
        orders += both
    precision, recall = (total / np.maximum(orders, 1) for total in (precision, recall))
    bottom = _BETA**2 * precision + recall
    return (1 + _BETA**2) * precision * recall / np.where(bottom > 0, bottom, 1)


def _ngrams(texts: Sequence[str], n: int) -> Float[np.ndarray, "M G"]:
    """How often each text holds each of the G n-grams that occur in any."""
    found = [Counter(text[i : i + n] for i in range(len(text) - n + 1)) for text in texts]
    every = dict.fromkeys(ngram for counts in found for ngram in counts)
    places = {ngram: place for place, ngram in enumerate(every)}
    table = np.zeros((len(texts), len(places)))
    for row, counts in zip(table, found, strict=True):
        row[[places[ngram] for ngram in counts]] = list(counts.values())
    return table
