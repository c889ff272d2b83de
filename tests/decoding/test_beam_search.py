"""Beam search against exhaustive search, over step functions that are tables of probabilities."""

import functools
import itertools
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.decoding import candidates
from seq2seq.decoding.beam_search import beam_search
from seq2seq.decoding.options import SearchOptions
from seq2seq.decoding.sampling import Draw

END, VOCABULARY, LENGTH, ALPHA = 2, 5, 4, 0.6


@pytest.fixture(params=[(100, 100), (3, 1), (4, 3)], autouse=True)
def rows(request):
    """Searches of all sentences at once, and of few at a time while others wait."""
    return request.param


@pytest.fixture
def search(rows):
    """The search, with rows that are filled again when so many are through."""
    return functools.partial(searched, *rows)


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


def searched(
    rows,
    refill,
    tables,
    limits,
    beam_size,
    alpha=ALPHA,
    length=LENGTH,
    steps=None,
    restrict=None,
    **options,
):
    """What is found, as arrays; the slot of every step is added to `steps`."""
    stacked = jnp.asarray(np.stack(tables), jnp.float32)
    rows = min(rows, len(tables))

    def step(tokens, cache, memory, positions, slot, origins):
        if steps is not None:
            jax.debug.callback(steps.append, slot)
        before = jnp.take_along_axis(cache[slot - 1], origins[:, :, slot - 1], axis=1)
        first = (positions == 0)[:, None]
        states = jnp.where(first, 1, (before * 7 + tokens + 3) % 9973)
        logits = jax.vmap(lambda table, state: table[state % 97])(memory, states)
        return logits, cache.at[slot].set(states)

    found = beam_search(
        step,
        lambda sentences: stacked.at[sentences].get(mode="clip"),
        jnp.zeros((length, rows, beam_size), jnp.int32),
        jnp.asarray(limits, jnp.int32),
        SearchOptions(
            **{"results": beam_size, **options},
            beam_size=beam_size,
            alpha=alpha,
            start_id=1,
            end_id=END,
            banned=(0, 1),
        ),
        rows=rows,
        refill=min(refill, rows),
        room=length,
        restrict=restrict,
    )
    jax.effects_barrier()
    return np.asarray(found.tokens), np.asarray(found.scores)


def sequence(row):
    return tuple(row[: list(row).index(END) + 1].tolist())


def test_a_wide_beam_finds_what_exhaustive_search_finds(search):
    tables = [random_model(seed) for seed in range(20)]
    tokens, scores = search(tables, [LENGTH] * 20, beam_size=40)
    for table, rows, row_scores in zip(tables, tokens, scores, strict=True):
        wanted = exhaustive(table, LENGTH)
        for k, (score, body) in enumerate(wanted[:15]):
            assert sequence(rows[k]) == body
            assert row_scores[k] == pytest.approx(score, abs=1e-5)
        assert (row_scores[len(wanted) :] < -1e8).all()


def test_a_narrow_beam_is_sorted_distinct_and_truly_scored(search):
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
def test_fewer_results_are_the_first_of_all_and_take_fewer_steps(results, search):
    tables = [random_model(seed) for seed in range(30)]
    many_steps, few_steps = [], []
    many = search(tables, [40] * 30, 4, length=40, steps=many_steps)
    few = search(tables, [40] * 30, 4, length=40, steps=few_steps, results=results)
    for found, wanted in zip(few, many, strict=True):
        np.testing.assert_array_equal(found, wanted[:, :results])
    assert len(few_steps) < len(many_steps)


def test_beam_of_one_is_greedy(search):
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


def test_each_sentence_has_its_own_limit_and_is_not_touched_by_others(search):
    tables = [random_model(seed) for seed in range(8)]
    limits = [1, 2, 3, 4, 1, 2, 3, 4]
    tokens, scores = search(tables, limits, beam_size=4)
    for i, limit in enumerate(limits):
        alone, alone_scores = search([tables[i]], [limit], beam_size=4)
        np.testing.assert_array_equal(tokens[i], alone[0])
        np.testing.assert_allclose(scores[i], alone_scores[0], rtol=1e-6)
        assert len(sequence(tokens[i, 0])) <= limit


def test_a_row_without_a_sentence_gives_nothing(search):
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
def test_where_a_hypothesis_may_end(endings, wider, search):
    tables, beams = [random_model(seed) for seed in range(30)], 2
    tokens, scores = search(tables, [LENGTH] * 30, beams, endings=endings)
    for table, rows, row_scores in zip(tables, tokens, scores, strict=True):
        wanted = plain_search(table, LENGTH, beams, wider * beams)
        assert [sequence(row) for row in rows] == [body for _, body in wanted]
        np.testing.assert_allclose(row_scores, [score for score, _ in wanted], atol=1e-5)


def test_where_a_hypothesis_may_end_makes_a_difference_to_a_beam_only(search):
    tables = [random_model(seed) for seed in range(30)]
    for beams, differ in ((1, False), (2, True)):
        both = [search(tables, [LENGTH] * 30, beams, endings=e)[0] for e in ("beam", "candidates")]
        assert (both[0] != both[1]).any() == differ


@pytest.mark.parametrize("vocabulary", [5, 64, 97, 500, 1009])
@pytest.mark.parametrize("levels", [4, 10_000])
def test_the_best_pieces_are_those_of_a_whole_sort(vocabulary, levels):
    """With many equal logits (four levels), where the first of them count, and with hardly any."""
    rng, banned, count = np.random.default_rng(vocabulary), [0, 1, 3], 6
    logits = rng.integers(0, levels, (3, 2, vocabulary)).astype(np.float32) / levels * 20
    logits[:, :, banned] = 30.0
    log_probs, normaliser = rng.integers(-3, 0, (2, 3, 2)).astype(np.float32)
    count = min(count, 2 * (vocabulary - len(banned)))
    chunks = candidates._Chunks.of(jnp.asarray(logits), count, banned)
    best = chunks.best(jnp.asarray(log_probs), jnp.asarray(normaliser), count)
    allowed = logits.copy()
    allowed[:, :, banned] = -1e9
    totals = (log_probs[..., None] + (allowed - normaliser[..., None])).reshape(3, -1)
    order = np.argsort(-totals, axis=-1, kind="stable")[:, :count]
    np.testing.assert_array_equal(best.beams, order // vocabulary)
    np.testing.assert_array_equal(best.tokens, order % vocabulary)
    np.testing.assert_array_equal(best.log_probs, np.take_along_axis(totals, order, axis=-1))
    np.testing.assert_array_equal(chunks.largest, logits.max(axis=-1))


@pytest.mark.parametrize("alpha", [0.0, ALPHA, 2.5])
def test_the_early_stop_never_changes_the_result(search, alpha):
    tables = [random_model(seed) for seed in range(30)]
    late_steps, early_steps, options = [], [], {"length": 20, "alpha": alpha}
    late = search(tables, [20] * 30, 3, steps=late_steps, stopping="limit", **options)
    for results in (1, 3):
        early_steps.clear()
        early = search(tables, [20] * 30, 3, steps=early_steps, results=results, **options)
        np.testing.assert_array_equal(early[0], late[0][:, :results])
        np.testing.assert_allclose(early[1], late[1][:, :results], rtol=1e-6)
        assert len(early_steps) < len(late_steps) or alpha > 1


def test_a_full_beam_may_stop_the_search(search):
    tables, beams = [random_model(seed, sharpness=0.7) for seed in range(30)], 2
    tokens, scores = search(tables, [LENGTH] * 30, beams, stopping="full")
    _, best_scores = search(tables, [LENGTH] * 30, beams)
    assert (scores > -1e8).all()
    assert (scores <= best_scores + 1e-6).all()
    assert (scores < best_scores - 1e-3).any()
    for table, rows, row_scores in zip(tables, tokens, scores, strict=True):
        for row, score in zip(rows, row_scores, strict=True):
            body = sequence(row)
            wanted = log_prob(table, body) / ((5 + len(body)) / 6) ** ALPHA
            assert score == pytest.approx(wanted, abs=1e-5)


def test_what_has_no_room_has_no_result(search):
    tables = [random_model(seed, sharpness=2.5) for seed in range(30)]
    tokens, scores = search(tables, [20] * 30, 3, length=20, results=1)
    few_tokens, few_scores = search(tables, [20] * 30, 3, length=7, results=1)
    through = few_scores[:, 0] > -1e8
    assert 0 < through.sum() < 30
    assert (few_scores[~through] < -1e8).all()
    np.testing.assert_array_equal(few_tokens[through], tokens[through][:, :, :7])
    np.testing.assert_allclose(few_scores[through], scores[through], rtol=1e-6)


def test_diversity_spreads_the_beam_and_leaves_scores_as_they_are(search):
    tables = [random_model(seed) for seed in range(30)]
    differ = 0
    for diversity in (0.0, 5.0):
        tokens, scores = search(tables, [LENGTH] * 30, 2, diversity=diversity, stopping="limit")
        found = 0
        for table, rows, row_scores in zip(tables, tokens, scores, strict=True):
            for row, score in zip(rows, row_scores, strict=True):
                body = sequence(row)
                wanted = log_prob(table, body) / ((5 + len(body)) / 6) ** ALPHA
                assert score == pytest.approx(wanted, abs=1e-5)
            found += rows[0, 0] != rows[1, 0]
        assert found > differ or diversity == 0
        differ = found


def test_restrictions_change_what_follows_and_no_probability(search):
    """Token 3 is forbidden: the search finds the best translations without it, truly scored."""

    def without_three(logits, *_):
        return jnp.where(jnp.arange(VOCABULARY)[None, None] == 3, -1e9, logits)

    tables = [random_model(seed) for seed in range(20)]
    tokens, scores = search(tables, [LENGTH] * 20, beam_size=40, restrict=without_three)
    for table, rows, row_scores in zip(tables, tokens, scores, strict=True):
        wanted = [pair for pair in exhaustive(table, LENGTH) if 3 not in pair[1]]
        for k, (score, body) in enumerate(wanted[:4]):
            assert sequence(rows[k]) == body
            assert row_scores[k] == pytest.approx(score, abs=1e-5)


def test_restrictions_see_the_tokens_in_their_order(search):
    """No two equal tokens one after the other, though rows begin in the middle of the ring."""

    def unlike_the_last(logits, tokens, lengths, _):
        last = jnp.take_along_axis(tokens, jnp.maximum(lengths - 1, 0)[:, None, None], axis=2)
        same = (jnp.arange(VOCABULARY)[None, None] == last) & (lengths > 0)[:, None, None]
        return jnp.where(same, -1e9, logits)

    tables = [random_model(seed) for seed in range(20)]
    tokens, _ = search(tables, [LENGTH] * 20, beam_size=40, restrict=unlike_the_last)
    for table, rows in zip(tables, tokens, strict=True):
        bodies = [body for _, body in exhaustive(table, LENGTH)]
        wanted = [b for b in bodies if all(x != y for x, y in itertools.pairwise(b))]
        assert [sequence(row) for row in rows[: len(wanted)]] == wanted


def test_whole_sequences_are_drawn_as_often_as_the_model_says(search):
    """The 15 sequences of up to three tokens over two pieces, by 6 000 draws: Pearson's χ²."""
    table, draws, limit = random_model(3, sharpness=0.7), 300, 3
    tokens, scores = search(
        [table] * 20, [limit] * 20, beam_size=draws, alpha=0.0, draw=Draw(seed=1), length=limit
    )
    expected = {}
    for length in range(limit):
        for body in itertools.product((3, 4), repeat=length):
            probability, state = 1.0, 1
            for place, token in enumerate((*body, END)):
                shares = np.exp(table[state % 97])
                shares[[0, 1]] = 0
                forced = place == limit - 1
                probability *= 1.0 if forced else shares[token] / shares.sum()
                state = (state * 7 + token + 3) % 9973
            expected[(*body, END)] = probability
    assert sum(expected.values()) == pytest.approx(1.0)
    counts = Counter(sequence(row) for rows in tokens for row in rows)
    assert set(counts) <= set(expected)
    chi2 = sum((counts[b] - 6000 * p) ** 2 / (6000 * p) for b, p in expected.items())
    assert chi2 < 28  # 6 degrees of freedom: exceeded once in ten thousand times
    assert len({tuple(map(sequence, rows)) for rows in tokens}) > 15
    for rows, row_scores in zip(tokens, scores, strict=True):
        wanted = [log_prob(table, sequence(row)) for row in rows]
        np.testing.assert_allclose(row_scores, wanted, atol=1e-4)


def test_draws_are_the_same_on_any_batching(rows):
    tables = [random_model(seed) for seed in range(12)]
    options = {"draw": Draw(seed=4), "length": 30}
    wanted = searched(12, 12, tables, [30] * 12, 2, **options)
    found = searched(*rows, tables, [30] * 12, 2, **options)
    np.testing.assert_array_equal(found[0], wanted[0])
    other = searched(12, 12, tables, [30] * 12, 2, length=30, draw=Draw(seed=5))
    assert (other[0] != wanted[0]).any()
