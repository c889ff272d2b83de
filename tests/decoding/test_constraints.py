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


def test_a_wide_beam_finds_the_best_of_all_that_hold_nothing_banned():
    tables = [random_model(seed, 6) for seed in range(len(FORCED))]
    found = searched(tables, [5] * len(FORCED), 130, banned=FORCED)

    def keep(phrases, body):
        return not any(holds(body, phrase) for phrase in phrases)

    compare(tables, 5, 6, found, [functools.partial(keep, phrases) for phrases in FORCED])


def random_cases(count, seed, room):
    """Phrases that may overlap, hold one another and repeat their tokens; limits they just fit."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        sizes = rng.choice([1, 1, 2, 3, 4], size=rng.integers(0, 4))
        phrases = [rng.integers(3, 8, size).tolist() for size in sizes]
        yield phrases, int(sum(sizes) + 1 + rng.integers(0, room))


@pytest.mark.parametrize("beam_size", [1, 2, 5])
@pytest.mark.parametrize("options", [{}, {"no_repeat_ngram": 1, "endings": "candidates"}])
def test_a_thousand_random_phrases_hold(beam_size, options):
    """Over 1 000 in six searches; sentences without phrases are as in a search without any."""
    cases = list(random_cases(250, [beam_size, bool(options)], 8))
    assert sum(bool(phrases) for phrases, _ in cases) * 6 > 1000
    tables = [random_model(seed, 9) for seed in range(len(cases))]
    forced, limits = zip(*cases, strict=True)
    tokens, scores = searched(tables, limits, beam_size, forced, rows=20, **options)
    usual = searched(tables, limits, beam_size, rows=20, **options)
    broken = 0
    for case, (phrases, limit) in enumerate(cases):
        assert scores[case, 0] > -1e8
        for row, value in zip(tokens[case], scores[case], strict=True):
            if value > -1e8:
                body = sequence(row)
                assert len(body) <= limit
                assert all(holds(body, phrase) for phrase in phrases)
                assert value == pytest.approx(score(tables[case], body), abs=1e-4)
        if phrases:
            free = sequence(usual[0][case, 0])
            broken += not all(holds(free, phrase) for phrase in phrases)
        else:
            np.testing.assert_array_equal(tokens[case], usual[0][case])
            np.testing.assert_array_equal(scores[case], usual[1][case])
    assert broken > 100


@pytest.mark.parametrize("beam_size", [1, 4])
def test_a_thousand_random_bans_hold(beam_size):
    cases = list(random_cases(680, 9 + beam_size, 8))
    assert sum(bool(phrases) for phrases, _ in cases) * 2 > 1000
    tables = [random_model(seed, 9) for seed in range(len(cases))]
    banned, limits = zip(*cases, strict=True)
    tokens, scores = searched(tables, limits, beam_size, banned=banned, rows=50)
    usual, _ = searched(tables, limits, beam_size, rows=50)
    broken = 0
    for case, phrases in enumerate(banned):
        for row, value in zip(tokens[case], scores[case], strict=True):
            assert value < -1e8 or not any(holds(sequence(row), phrase) for phrase in phrases)
        assert scores[case, 0] > -1e8
        broken += any(holds(row, phrase) for row in usual[case] for phrase in phrases)
    assert broken > 100


def test_forced_and_banned_hold_together():
    cases = list(random_cases(100, 5, 8))
    tables = [random_model(seed, 9) for seed in range(100)]
    banned = [[[8], [3, 8], *([6, t] for t in (3, 4, 5))] for _ in cases]
    forced = [
        [p for p in phrases if not any(holds(p, b) for b in banned[0])] for phrases, _ in cases
    ]
    tokens, scores = searched(tables, [limit + 4 for _, limit in cases], 4, forced, banned)
    for case in range(100):
        body = sequence(tokens[case, 0])
        assert scores[case, 0] > -1e8
        assert all(holds(body, phrase) for phrase in forced[case])
        assert not any(holds(body, phrase) for phrase in banned[case])


def owed(phrases, said):
    """What is still to be said, less what the last tokens have begun of one phrase."""
    missing = [p for p in phrases if not holds(said, p)]
    begun = (
        j for p in missing for j in range(len(p)) if tuple(said[len(said) - j :]) == tuple(p[:j])
    )
    return sum(map(len, missing)) - max(begun, default=0)


def plain_search(table, limit, beams, vocabulary, phrases):
    """Dynamic beam allocation with lists, one hypothesis at a time."""
    live, finished = [(0.0, ())], []

    def value(body):
        return score(table, body) * ((5 + len(body)) / 6) ** ALPHA

    for length in range(1, limit + 1):
        longer = {}
        for place, (_, body) in enumerate(live):
            allowed = [END] if length == limit else range(2, vocabulary)
            for token in allowed:
                rest = owed(phrases, (*body, token)) if token != END else owed(phrases, body)
                if rest <= (limit - 1 - length if token != END else 0):
                    longer[place, token] = value((*body, token))
        ranked = sorted(longer, key=lambda pair: -longer[pair])
        pool = ranked[: 2 * beams]
        for place, (_, body) in enumerate(live):
            for phrase in phrases:
                if not holds(body, phrase):
                    begun = [
                        j for j in range(len(phrase)) if body[len(body) - j :] == tuple(phrase[:j])
                    ]
                    pool.append((place, phrase[max(begun)]))
            pool += [pair for pair in ranked if pair[0] == place][:1]
        banks = {}
        for pair in sorted(set(pool) & set(longer), key=lambda pair: -longer[pair]):
            body = live[pair[0]][1]
            rest = 0 if pair[1] == END else owed(phrases, (*body, pair[1]))
            banks.setdefault(rest, []).append((longer[pair], (*body, pair[1])))
        turns = itertools.zip_longest(*(banks[rest] for rest in sorted(banks)))
        chosen = [one for turn in turns for one in turn if one is not None][: 2 * beams]
        penalty = ((5 + length) / 6) ** ALPHA
        finished += [(v / penalty, body) for v, body in chosen[:beams] if body[-1] == END]
        finished = sorted(finished, reverse=True)[:beams]
        live = [(v, body) for v, body in chosen if body[-1] != END][:beams]
    return finished


def test_the_beam_is_dealt_to_banks_as_with_lists():
    cases = [case for case in random_cases(60, 3, 6) if case[0]]
    tables = [random_model(seed, 9) for seed in range(len(cases))]
    forced, limits = zip(*cases, strict=True)
    tokens, scores = searched(tables, limits, 3, forced, stopping="limit")
    for case, (phrases, limit) in enumerate(cases):
        wanted = plain_search(tables[case], limit, 3, 9, phrases)
        found = [row for row, v in zip(tokens[case], scores[case], strict=True) if v > -1e8]
        assert [sequence(row) for row in found] == [body for _, body in wanted]
        np.testing.assert_allclose(scores[case][: len(wanted)], [v for v, _ in wanted], atol=1e-4)


def test_a_search_with_phrases_does_not_hang_on_its_neighbours():
    cases = list(random_cases(40, 1, 8))
    tables = [random_model(seed, 9) for seed in range(len(cases))]
    forced, limits = zip(*cases, strict=True)
    tokens, scores = searched(tables, limits, 3, forced, rows=7)
    order = np.random.default_rng(0).permutation(len(cases))
    others = searched(
        [tables[i] for i in order], [limits[i] for i in order], 3, [forced[i] for i in order]
    )
    np.testing.assert_array_equal(others[0], tokens[order])
    np.testing.assert_allclose(others[1], scores[order], rtol=1e-6)


def test_the_early_stop_does_not_change_what_is_found():
    cases = list(random_cases(60, 2, 12))
    tables = [random_model(seed, 9) for seed in range(len(cases))]
    forced, limits = zip(*cases, strict=True)
    late = searched(tables, limits, 3, forced, stopping="limit")
    early = searched(tables, limits, 3, forced, results=1)
    np.testing.assert_array_equal(early[0], late[0][:, :1])
    np.testing.assert_allclose(early[1], late[1][:, :1], rtol=1e-6)


def test_tables_of_phrases_have_few_shapes():
    phrases = [[[7, 8, 9, 5, 6], [4]], [], [[3]]]
    for at_end, rows in ((False, [7, 8, 9, 5, 6, -1, -1, -1]), (True, [-1] * 3 + [7, 8, 9, 5, 6])):
        table = phrase_table(phrases, at_end)
        assert table.shape == (3, 4, 8)
        assert table[0, 0].tolist() == rows
        assert (table[1] == -1).all()
    shapes = {
        phrase_table([[[3] * n] * m], at_end=True).shape for n in range(1, 9) for m in range(1, 65)
    }
    assert shapes == {(1, m, n) for m in (4, 8, 16, 32, 64) for n in (4, 8)}
