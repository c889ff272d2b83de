"""Beam search against exhaustive search, over step functions that are tables of probabilities."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.decoding import beam_search as module
from seq2seq.decoding.beam_search import beam_search

END, VOCABULARY, LENGTH, ALPHA = 2, 5, 4, 0.6


@pytest.fixture(params=[2, 32], autouse=True)
def first_room(request, monkeypatch):
    """Searches that need more room than they begin with, and such that do not."""
    monkeypatch.setattr(module, "_FIRST_ROOM", request.param)


def random_model(seed, sharpness=1.5):
    """Logits that depend on the whole prefix: a table over (prefix hash, token)."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((97, VOCABULARY)) * sharpness


def log_prob(table, sequence):
    total, state = 0.0, 1
    for token in sequence:
        logits = table[state % 97]
        total += logits[token] - np.log(np.exp(logits).sum())
        state = (state * 7 + token + 3) % 9973
    return total


def exhaustive(table, limit):
    """Every sequence that ends within the limit, with its score, the best first."""
    middle = [t for t in range(VOCABULARY) if t not in (0, 1, END)]
    found = []
    for length in range(limit):
        for body in itertools.product(middle, repeat=length):
            sequence = (*body, END)
            penalty = ((5 + len(sequence)) / 6) ** ALPHA
            found.append((log_prob(table, sequence) / penalty, sequence))
    return sorted(found, reverse=True)


def search(tables, limits, beam_size, alpha=ALPHA, length=LENGTH, steps=None, **options):
    """What is found, as arrays; the position of every step is added to `steps`."""
    stacked = jnp.asarray(np.stack(tables), jnp.float32)

    def step(tokens, cache, position, origins):
        if steps is not None:
            jax.debug.callback(steps.append, position)
        before = jnp.take_along_axis(cache[position - 1], origins[:, :, position - 1], axis=1)
        states = jnp.where(position == 0, 1, (before * 7 + tokens + 3) % 9973)
        logits = jax.vmap(lambda table, state: table[state % 97])(stacked, states)
        return logits, cache.at[position].set(states)

    found = beam_search(
        step,
        lambda room: jnp.zeros((room, len(tables), beam_size), jnp.int32),
        jnp.asarray(limits, jnp.int32),
        beam_size=beam_size,
        max_length=length,
        alpha=alpha,
        start_id=1,
        end_id=END,
        banned=(0, 1),
        **options,
    )
    jax.effects_barrier()
    return np.asarray(found.tokens), np.asarray(found.scores)


def sequence(row):
    return tuple(row[: list(row).index(END) + 1].tolist())


def test_a_wide_beam_finds_what_exhaustive_search_finds():
    tables = [random_model(seed) for seed in range(20)]
    tokens, scores = search(tables, [LENGTH] * 20, beam_size=40)
    for table, rows, row_scores in zip(tables, tokens, scores, strict=True):
        wanted = exhaustive(table, LENGTH)
        for k, (score, body) in enumerate(wanted[:15]):
            assert sequence(rows[k]) == body
            assert row_scores[k] == pytest.approx(score, abs=1e-5)
        assert (row_scores[len(wanted) :] < -1e8).all()


def test_a_narrow_beam_is_sorted_distinct_and_truly_scored():
    tables = [random_model(seed) for seed in range(20)]
    tokens, scores = search(tables, [LENGTH] * 20, beam_size=3)
    for table, rows, row_scores in zip(tables, tokens, scores, strict=True):
        found = [sequence(row) for row in rows]
        assert len(set(found)) == 3
        assert list(row_scores) == sorted(row_scores, reverse=True)
        for body, score in zip(found, row_scores, strict=True):
            penalty = ((5 + len(body)) / 6) ** ALPHA
            assert score == pytest.approx(log_prob(table, body) / penalty, abs=1e-5)


@pytest.mark.parametrize("results", [1, 2])
def test_fewer_results_are_the_first_of_all_and_take_fewer_steps(results):
    tables = [random_model(seed) for seed in range(30)]
    many_steps, few_steps = [], []
    many = search(tables, [40] * 30, 4, length=40, steps=many_steps)
    few = search(tables, [40] * 30, 4, length=40, steps=few_steps, results=results)
    for found, wanted in zip(few, many, strict=True):
        np.testing.assert_array_equal(found, wanted[:, :results])
    assert len(few_steps) < len(many_steps)


def test_beam_of_one_is_greedy():
    tables = [random_model(seed) for seed in range(30)]
    tokens, _ = search(tables, [LENGTH] * 30, beam_size=1)
    for table, rows in zip(tables, tokens, strict=True):
        body, state = [], 1
        while not body or body[-1] != END:
            logits = table[state % 97].copy()
            logits[[0, 1]] = -np.inf
            token = END if len(body) == LENGTH - 1 else int(logits.argmax())
            body.append(token)
            state = (state * 7 + token + 3) % 9973
        assert sequence(rows[0]) == tuple(body)


def test_each_sentence_has_its_own_limit_and_is_not_touched_by_others():
    tables = [random_model(seed) for seed in range(8)]
    limits = [1, 2, 3, 4, 1, 2, 3, 4]
    tokens, scores = search(tables, limits, beam_size=4)
    for i, limit in enumerate(limits):
        alone, alone_scores = search([tables[i]], [limit], beam_size=4)
        np.testing.assert_array_equal(tokens[i], alone[0])
        np.testing.assert_allclose(scores[i], alone_scores[0], rtol=1e-6)
        assert len(sequence(tokens[i, 0])) <= limit


def test_a_row_without_a_sentence_gives_nothing():
    tokens, scores = search([random_model(0), random_model(1)], [0, 4], beam_size=2)
    assert not tokens[0].any()
    assert (scores[0] < -1e8).all()
    assert (scores[1] > -1e8).all()


def plain_search(table, limit, beam_size, may_end):
    """The same search with lists, one hypothesis at a time."""
    live, finished = [()], []
    for length in range(1, limit + 1):
        allowed = [END] if length == limit else range(2, VOCABULARY)
        longer = sorted((log_prob(table, (*body, t)), (*body, t)) for body in live for t in allowed)
        best = longer[::-1][: 2 * beam_size]
        ended = [(score, body) for score, body in best[:may_end] if body[-1] == END]
        penalty = ((5 + length) / 6) ** ALPHA
        finished += [(score / penalty, body) for score, body in ended]
        finished = sorted(finished, reverse=True)[:beam_size]
        going_on = [(score, body) for score, body in best if body[-1] != END][:beam_size]
        live = [body for _, body in going_on]
        reachable = going_on[0][0] / ((5 + limit) / 6) ** ALPHA if going_on else -1e9
        if len(finished) == beam_size and finished[-1][0] >= reachable:
            break
    return finished


@pytest.mark.parametrize(("endings", "wider"), [("beam", 1), ("candidates", 2)])
def test_where_a_hypothesis_may_end(endings, wider):
    tables, beams = [random_model(seed) for seed in range(30)], 2
    tokens, scores = search(tables, [LENGTH] * 30, beams, endings=endings)
    for table, rows, row_scores in zip(tables, tokens, scores, strict=True):
        wanted = plain_search(table, LENGTH, beams, wider * beams)
        assert [sequence(row) for row in rows] == [body for _, body in wanted]
        np.testing.assert_allclose(row_scores, [score for score, _ in wanted], atol=1e-5)


def test_where_a_hypothesis_may_end_makes_a_difference_to_a_beam_only():
    tables = [random_model(seed) for seed in range(30)]
    for beams, differ in ((1, False), (2, True)):
        both = [search(tables, [LENGTH] * 30, beams, endings=e)[0] for e in ("beam", "candidates")]
        assert (both[0] != both[1]).any() == differ


@pytest.mark.parametrize("vocabulary", [5, 64, 97, 500, 1009])
@pytest.mark.parametrize("levels", [4, 10_000])
def test_the_best_pieces_are_those_of_a_whole_sort(vocabulary, levels):
    """With many equal logits (four levels), where the first of them count, and with hardly any."""
    rng, banned, count = np.random.default_rng(vocabulary), [0, 1, 3], 8
    logits = rng.integers(0, levels, (3, 2, vocabulary)).astype(np.float32) / levels * 20
    logits[:, :, banned] = 30.0
    count = min(count, vocabulary - len(banned))
    best, pieces, normaliser = module._best_pieces(jnp.asarray(logits), count, banned)
    allowed = logits.copy()
    allowed[:, :, banned] = -1e9
    order = np.argsort(-allowed, axis=-1, kind="stable")[:, :, :count]
    np.testing.assert_array_equal(pieces, order)
    np.testing.assert_array_equal(best, np.take_along_axis(allowed, order, axis=-1))
    np.testing.assert_allclose(normaliser, np.log(np.exp(logits).sum(axis=-1)), rtol=1e-6)
