"""Which words translate which: the lexical translation probabilities of IBM Model 1.

Brown et al. (1993), The mathematics of statistical machine translation: each target token comes
from one token of the source, or from none, whatever the order of both. Expectation maximisation
finds t(f | e), the probability that source token e gives target token f.
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float64, Int32, Int64

from seq2seq.data.storage import TokenPairs

ROUNDS = 5
"""How often all pairs are read."""
_CHUNK = 10_000
"""Pairs whose tokens are counted at a time."""


def best_translations(
    pairs: TokenPairs,
    sizes: tuple[int, int],
    count: int,
    most: int,
    advance: Callable[[int], None] | None = None,
    seed: int = 0,
) -> Int32[np.ndarray, "source_vocabulary count"]:
    """The target tokens that each source token gives most probably, the most probable first.

    Args:
        pairs: A parallel corpus.
        sizes: Of the source and the target vocabulary.
        count: How many target tokens; where a source token has met fewer, the rest is -1.
        most: Pairs that are read; of a larger corpus as many are drawn.
        advance: Called with a number of pairs that are read; all are, `ROUNDS` times.
        seed: Of that draw.
    """
    chosen: Int64[np.ndarray, " pairs"] = np.arange(len(pairs))
    if len(chosen) > most:
        chosen = np.sort(np.random.default_rng(seed).choice(len(pairs), most, replace=False))
    met, probabilities = _model_1(pairs, chosen, sizes, advance)
    sources, targets = np.divmod(met, sizes[1])
    order = np.lexsort((targets, -probabilities, sources))
    sources, targets = sources[order], targets[order]
    ranks = np.arange(len(sources)) - np.searchsorted(sources, sources)
    kept = (ranks < count) & (sources < sizes[0])
    table = np.full((sizes[0], count), -1, np.int32)
    table[sources[kept], ranks[kept]] = targets[kept]
    return table


def _model_1(
    pairs: TokenPairs,
    chosen: Int64[np.ndarray, " pairs"],
    sizes: tuple[int, int],
    advance: Callable[[int], None] | None,
) -> tuple[Int64[np.ndarray, " met"], Float64[np.ndarray, " met"]]:
    """Which source and target tokens have met, as source · V + target, ascending; and t(f | e)."""
    met = np.empty(0, np.int64)
    for tables in _chunks(pairs, chosen, sizes):
        met = np.union1d(met, np.concatenate([table.ravel() for table in tables]))
    owners = met // sizes[1]
    probabilities = np.ones(len(met))
    for _ in range(ROUNDS):
        counts = np.zeros(len(met))
        for tables in _chunks(pairs, chosen, sizes):
            places = np.searchsorted(met, np.concatenate([table.ravel() for table in tables]))
            ends = np.cumsum([table.size for table in tables])
            shares = np.concatenate(
                [
                    _shares(probabilities[places[end - table.size : end]].reshape(table.shape))
                    for table, end in zip(tables, ends, strict=True)
                ]
            )
            counts += np.bincount(places, shares, len(met))
            if advance is not None:
                advance(len(tables))
        totals = np.bincount(owners, counts)
        probabilities = counts / totals[owners]
    return met, probabilities


def _chunks(
    pairs: TokenPairs, chosen: Int64[np.ndarray, " pairs"], sizes: tuple[int, int]
) -> Iterator[list[Int64[np.ndarray, "S T"]]]:
    """Yields a table for each pair: its source tokens, and no token, with its target tokens."""
    for numbers in np.split(chosen, range(_CHUNK, len(chosen), _CHUNK)):
        tables = []
        for number in numbers:
            source, target = pairs.pair(int(number))
            if target:
                rows = np.array([*source, sizes[0]], np.int64)  # the last one stands for no token
                tables.append(np.add.outer(rows * sizes[1], np.array(target, np.int64)))
        if tables:
            yield tables


def _shares(table: Float64[np.ndarray, "S T"]) -> Float64[np.ndarray, " S*T"]:
    """How much of each target token comes from each source token."""
    return (table / table.sum(axis=0)).ravel()
