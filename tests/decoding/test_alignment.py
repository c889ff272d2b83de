"""Words that go back to words: hand-made weights, and a model's own against its attention maps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.attention_maps import attention_maps
from seq2seq.config import ModelConfig
from seq2seq.decoding.alignment import _index, reading, word_alignment
from seq2seq.decoding.forced import Pairs, token_log_probs
from seq2seq.errors import UserError
from seq2seq.model import functional


def spelt(*sides):
    """The texts that pieces spell."""
    return tuple("".join(pieces).replace("▁", " ") for pieces in sides)


@pytest.mark.parametrize(
    ("source", "target", "weights", "wanted"),
    [
        (["▁a", "▁b"], ["▁x", "▁y"], [[0.1, 0.8, 0.1], [0.7, 0.2, 0.1]], ((1, 0), (0, 1))),
        # Pieces of a word count together: "bc" has 0.6 where no single piece has most.
        (["▁a", "▁b", "c"], ["▁x"], [[0.35, 0.3, 0.3, 0.05]], ((1, 0),)),
        # A target word's pieces vote with all of their weight.
        (["▁a", "▁b"], ["▁x", "y"], [[0.4, 0.5, 0.1], [0.8, 0.1, 0.1]], ((0, 0),)),
        # What looks at the end symbol goes back to nothing.
        (["▁a"], ["▁x", "▁y"], [[0.4, 0.6], [0.6, 0.4]], ((0, 1),)),
        # A space may be a piece by itself, and the first word may lack its space.
        (
            ["▁", "a", "▁b"],
            ["x", "▁y"],
            [[0.1, 0.6, 0.2, 0.1], [0.2, 0, 0.7, 0.1]],
            ((0, 0), (1, 1)),
        ),
        ([], ["▁x"], [[1.0]], ()),
        (["▁a"], [], np.zeros((0, 2)), ()),
    ],
)
def test_words_go_back_to_where_most_weight_lies(source, target, weights, wanted):
    assert word_alignment(np.array(weights), source, target, spelt(source, target)) == wanted


def test_words_are_those_of_the_texts_where_pieces_spell_them_in_another_way():
    source, target = ["▁can", "▁n't", "▁see", "▁."], ["▁sieht", "▁ni", "cht", "▁."]
    weights = np.eye(4, 5)
    assert word_alignment(weights, source, target, spelt(source, target)) == (
        (0, 0),
        (1, 1),
        (3, 2),
    )
    texts = ("can't see.", "sieht nicht.")
    assert word_alignment(weights, source, target, texts) == ((0, 0), (1, 1))
    assert word_alignment(weights, source, target, ("Can't  see.", "Sieht nicht .")) == (
        (0, 0),
        (0, 1),
        (1, 2),
    )
    assert word_alignment(weights, source, target, (" ", "x")) == ()


def test_random_weights_give_what_sums_over_words_give():
    random = np.random.default_rng(0)
    for _ in range(200):
        sides = [
            [("▁" if i == 0 or random.random() < 0.5 else "") + "p" for i in range(n)]
            for n in random.integers(1, 9, 2)
        ]
        source, target = sides
        weights = random.dirichlet(np.full(len(source) + 1, 0.3), len(target))
        spans = [
            [i for i, piece in enumerate(side) if piece.startswith("▁")] + [len(side)]
            for side in sides
        ]
        wanted = []
        for j, (top, bottom) in enumerate(zip(spans[1][:-1], spans[1][1:], strict=True)):
            rows = weights[top:bottom].sum(axis=0)
            words = [rows[a:b].sum() for a, b in zip(spans[0][:-1], spans[0][1:], strict=True)]
            if rows[-1] <= sum(words):
                wanted.append((int(np.argmax(words)), j))
        assert word_alignment(weights, source, target, spelt(source, target)) == tuple(wanted)


def test_the_layer_is_the_last_but_one_unless_one_is_named():
    assert [_index(None, layers) for layers in (1, 2, 6)] == [0, 0, 4]
    assert [_index(wanted, 6) for wanted in (1, 6)] == [0, 5]
    with pytest.raises(UserError, match="at most 6, found 7"):
        _index(7, 6)


def test_a_reading_is_the_probabilities_and_the_mean_of_the_heads_of_one_layer():
    config = ModelConfig(1, 3, 16, 4, feed_forward_width=32)
    graph = functional.abstract(config, 11, 13)[0]
    params = functional.init(config, 11, 13, jax.random.key(0))
    model = functional.merge(graph, params)
    random = np.random.default_rng(0)
    source, inputs, outputs = (random.integers(4, 11, (2, n)).astype(np.int32) for n in (5, 7, 7))
    segments = [np.ones_like(x) for x in (source, inputs)]
    segments[0][1, 3:], segments[1][1, 4:] = 0, 0
    arrays = map(jnp.asarray, (source, segments[0], inputs, outputs, segments[1]))
    pairs = Pairs(*arrays)
    maps = attention_maps(model, pairs.source, pairs.source_segments, pairs.inputs, pairs.segments)
    log_probs = token_log_probs(model, pairs)
    for layer in range(3):
        found = reading(model, pairs, layer + 1)
        np.testing.assert_allclose(found.log_probs, log_probs, rtol=1e-6)
        np.testing.assert_allclose(found.attention, maps.cross[layer].mean(axis=1), rtol=1e-6)
    assert not np.allclose(maps.cross[0].mean(axis=1), maps.cross[1].mean(axis=1))
