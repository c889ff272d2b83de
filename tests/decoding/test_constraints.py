"""Banned and forced phrases: held in every case, and the best that holds them is found."""

import functools
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.config import DecodingConfig
from seq2seq.decoding import rules
from seq2seq.decoding.batching import phrase_table
from seq2seq.decoding.beam_search import beam_search
from seq2seq.decoding.constraints import Forced, dealt
from seq2seq.decoding.options import SearchOptions

END, STATES, ALPHA = 2, 97, 0.6


class Memory(NamedTuple):
    table: object
    forced: object
    banned: object


def searched(tables, limits, beam_size, forced=None, banned=None, rows=None, **options):
    """The search over tables of probabilities, whose state hangs on all tokens so far."""
    limits = jnp.asarray(limits, jnp.int32)
    rows, length = rows or len(tables), int(limits.max())
    phrases = None if forced is None else phrase_table(forced, at_end=False)
    sequences = None if banned is None else phrase_table(banned, at_end=True)
    return _compiled(rows, length, beam_size, tuple(options.items()))(
        jnp.asarray(np.stack(tables), jnp.float32),
        limits,
        None if phrases is None else jnp.asarray(phrases),
        None if sequences is None else jnp.asarray(sequences),
    )


@functools.cache
def _compiled(rows, length, beam_size, options):
    decoding = DecodingConfig(**{k: v for k, v in options if k in ("no_repeat_ngram",)})
    own = {k: v for k, v in options if k != "no_repeat_ngram"}

    def step(tokens, cache, memory, positions, slot, origins):
        before = jnp.take_along_axis(cache[slot - 1], origins[:, :, slot - 1], axis=1)
        first = (positions == 0)[:, None]
        states = jnp.where(first, 1, (before * 7 + tokens + 3) % 9973)
        logits = jax.vmap(lambda table, state: table[state % STATES])(memory.table, states)
        return logits, cache.at[slot].set(states)

    @jax.jit
    def run(stacked, limits, phrases, banned):
        forced = None if phrases is None else Forced(phrases, limits)
        whole = Memory(stacked, forced, banned)
        found = beam_search(
            step,
            lambda some: jax.tree.map(lambda x: x.at[some].get(mode="clip"), whole),
            jnp.zeros((length, rows, beam_size), jnp.int32),
            limits,
            SearchOptions(
                **{"results": beam_size, **own},
                beam_size=beam_size,
                alpha=ALPHA,
                start_id=1,
                end_id=END,
                banned=(0, 1),
            ),
            rows=rows,
            room=length,
            refill=max(1, rows // 2),
            restrict=rules.restrict(
                decoding, END, forced=forced is not None, own_banned=banned is not None
            ),
            deal=None
            if forced is None
            else lambda best, totals, tokens, lengths, memory: dealt(
                best, totals, tokens, lengths, memory.forced, (0, 1)
            ),
        )
        return found.tokens, found.scores

    return lambda *arrays: tuple(np.asarray(x) for x in run(*arrays))


def random_model(seed, vocabulary, sharpness=1.5):
    return np.random.default_rng(seed).standard_normal((STATES, vocabulary)) * sharpness


def score(table, sequence):
    total, state = 0.0, 1
    for token in sequence:
        logits = table[state % STATES]
        total += logits[token] - np.log(np.exp(logits).sum())
        state = (state * 7 + token + 3) % 9973
    return total / ((5 + len(sequence)) / 6) ** ALPHA


def sequence(row):
    return tuple(row[: list(row).index(END) + 1].tolist())


def holds(tokens, phrase):
    width = len(phrase)
    return any(tuple(tokens[i : i + width]) == tuple(phrase) for i in range(len(tokens)))


def exhaustive(table, limit, vocabulary):
    """Every sequence that ends within the limit, with its score, the best first."""
    bodies = (
        (*body, END)
        for length in range(limit)
        for body in itertools.product(range(3, vocabulary), repeat=length)
    )
    return sorted(((score(table, body), body) for body in bodies), reverse=True)


def compare(tables, limit, vocabulary, found, kept):
    for table, rows, scores, keep in zip(tables, *found, kept, strict=True):
        wanted = [pair for pair in exhaustive(table, limit, vocabulary) if keep(pair[1])]
        assert (scores > -1e8).sum() == min(len(wanted), len(scores))
        for (value, body), row, found_score in zip(wanted, rows, scores, strict=False):
            assert sequence(row) == body
            assert found_score == pytest.approx(value, abs=1e-5)


FORCED = [
    [[3]],
    [[3, 4]],
    [[3], [4]],
    [[3, 3]],
    [[3, 4, 3]],
    [[5], [3, 4]],
    [[3, 3], [5]],
    [[4, 5, 4, 3]],
    [],
    [[3, 4], [5, 3]],
]


@pytest.mark.parametrize("rows", [None, 3])
def test_a_wide_beam_finds_the_best_of_all_that_hold_what_is_forced(rows):
    tables = [random_model(seed, 6) for seed in range(len(FORCED))]
    found = searched(tables, [5] * len(FORCED), 130, forced=FORCED, rows=rows)

    def keep(phrases, body):
        return all(holds(body, phrase) for phrase in phrases) and possible(phrases, body, 5)

    compare(tables, 5, 6, found, [functools.partial(keep, phrases) for phrases in FORCED])


def possible(phrases, body, limit):
    """Whether at no place more is owed than there is room for, phrases counted by themselves."""
    for length in range(len(body)):
        said = body[:length]
        missing = [phrase for phrase in phrases if not holds(said, phrase)]
        begun = [
            j for p in missing for j in range(len(p)) if tuple(said[length - j :]) == tuple(p[:j])
        ]
        if sum(map(len, missing)) - max(begun, default=0) > limit - 1 - length:
            return False
    return True
