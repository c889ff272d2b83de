"""Whether one system is better than another, or only luckier: paired tests, by sacreBLEU.

The bootstrap (Koehn, 2004) draws test sets with replacement from the sentences; approximate
randomisation (Riezler and Maxwell, 2005) swaps the systems' translations at random. Both ask how
often chance alone makes a difference as large as the one found. The draws depend on nothing but
sacreBLEU's seed, 12345 unless SACREBLEU_SEED says otherwise: the same translations give the same p.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sacrebleu.metrics.base import Metric
from sacrebleu.significance import PairedTest, Result

from seq2seq.errors import UserError
from seq2seq.evaluation.scores import METRICS, MetricName

TestName = Literal["bootstrap", "randomization"]
_KINDS: dict[TestName, str] = {"bootstrap": "bs", "randomization": "ar"}
_TRIALS: dict[TestName, str] = {"bootstrap": "resamples", "randomization": "trials"}
LEVEL = 0.05
"""The p below which a difference is marked."""


@dataclass(frozen=True)
class Significance:
    """What a paired test found.

    Attributes:
        test: Which one.
        trials: Number of resamples or trials.
        systems: Names; the first one is the baseline, against which the others are tested.
        results: For each metric, the result of each system; the baseline's has no p-value.
        signatures: For each metric, sacreBLEU's signature, with test, trials and seed.
    """

    test: TestName
    trials: int
    systems: tuple[str, ...]
    results: dict[MetricName, tuple[Result, ...]]
    signatures: dict[MetricName, str]


def compare(
    systems: Sequence[tuple[str, Sequence[str]]],
    references: Sequence[str],
    metrics: Sequence[MetricName],
    test: TestName = "bootstrap",
    trials: int | None = None,
) -> Significance:
    """Tests systems against the first of them.

    Args:
        systems: Names and detokenised translations, of the same sentences.
        references: The references, in the same order.
        metrics: Names of the metrics.
        test: Paired bootstrap or approximate randomisation.
        trials: Number of resamples or trials; default sacreBLEU's, 1,000 or 10,000.

    Raises:
        UserError: SACREBLEU_SEED is no seed.
    """
    check_seed()
    named: list[tuple[str, Sequence[str]]] = [(name, list(texts)) for name, texts in systems]
    made: dict[str, Metric] = {name: METRICS[name]() for name in metrics}
    paired = PairedTest(named, made, [list(references)], _KINDS[test], trials or 0)
    signatures, found = paired()
    # sacreBLEU names its metrics anew (chrf becomes chrF2), in the order in which they were given.
    theirs: dict[MetricName, str] = dict(zip(dict.fromkeys(metrics), signatures, strict=True))
    same = [texts == named[0][1] for _, texts in named]
    return Significance(
        test,
        paired.n_samples,
        tuple(name for name, _ in systems),
        {ours: _results(found[name], same) for ours, name in theirs.items()},
        {ours: str(signatures[name]) for ours, name in theirs.items()},
    )


def _results(found: Sequence[str | Result], same: Sequence[bool]) -> tuple[Result, ...]:
    """The results of all systems; one that writes what the baseline writes differs by chance only.

    sacreBLEU gives its least p there, as no sampled difference is larger than none.
    """
    results = [result for result in found if isinstance(result, Result)]
    for result, alike in zip(results[1:], same[1:], strict=True):
        if alike:
            result.p_value = 1.0
    return tuple(results)


def as_json(found: Significance) -> dict[str, object]:
    """Returns what was found as JSON can hold it."""

    def row(system: str, result: Result) -> dict[str, object]:
        values = vars(result).items()  # score, p_value, mean and ci, some of them NumPy's
        numbers = {name: None if value is None else float(value) for name, value in values}
        return {"run": system, **numbers}

    metrics = {
        name: {
            "signature": found.signatures[name],
            "runs": [row(*pair) for pair in zip(found.systems, results, strict=True)],
        }
        for name, results in found.results.items()
    }
    return {
        "test": found.test,
        "trials": found.trials,
        "baseline": found.systems[0],
        "metrics": metrics,
    }


def lines(found: Significance) -> list[str]:
    """Returns what was found for people: scores, confidence intervals where there are, and p."""
    kind = {"bootstrap": "paired bootstrap", "randomization": "approximate randomisation"}
    title = f"{kind[found.test]}, {found.trials:,} {_TRIALS[found.test]}"
    width = max(map(len, found.systems))
    text = [f"{title}, against {found.systems[0]}; * marks p < {LEVEL}"]
    for metric, results in found.results.items():
        text.append(f"  {metric.upper()}   {found.signatures[metric]}")
        for system, result in zip(found.systems, results, strict=True):
            text.append(f"    {system:{width}}  {_cells(result)}".rstrip())
    return text


def _cells(result: Result) -> str:
    interval = "" if result.ci is None else f" ({result.mean:.2f} ± {result.ci:.2f})"
    if result.p_value is None:
        return f"{result.score:6.2f}{interval}"
    mark = " *" if result.p_value < LEVEL else ""
    return f"{result.score:6.2f}{interval}   p = {result.p_value:.4f}{mark}"


def check_seed() -> None:
    """Raises `UserError` on a seed that sacreBLEU would stumble over, or take for none (0)."""
    word = os.environ.get("SACREBLEU_SEED", "1")
    if word.lower() != "none" and not (word.isdecimal() and int(word) > 0):
        raise UserError(f"SACREBLEU_SEED: expected a whole number from 1, or none, found {word!r}")
