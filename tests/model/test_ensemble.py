"""Ensembles: the mean of probabilities, in forced decoding and in every step of a search."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.config import DecodingConfig, ModelConfig
from seq2seq.decoding.forced import Pairs, token_log_probs
from seq2seq.decoding.search import Sources, search
from seq2seq.errors import UserError
from seq2seq.model import functional
from seq2seq.model.ensemble import Ensemble, Model
from seq2seq.translator import Translator
from seq2seq.vocabulary import SYMBOLS, Vocabularies

SMALL = ModelConfig(1, 1, 16, 2, feed_forward_width=32)
LARGE = ModelConfig(2, 3, 32, 4, feed_forward_width=16, norm="pre")
SIZE = 13
INIT = jax.jit(functional.init, static_argnums=(0, 1, 2))


class Numbers:
    """A vocabulary without text."""

    symbols = SYMBOLS

    def __len__(self):
        return SIZE


def model(config, seed):
    params = INIT(config, SIZE, SIZE, jax.random.key(seed))
    params = jax.tree.map(lambda x: 2 * x, params)  # further from uniform
    return functional.merge(functional.abstract(config, SIZE, SIZE)[0], params)


@pytest.fixture(scope="module")
def members():
    return [model(SMALL, 0), model(LARGE, 1), model(SMALL, 2)]


@pytest.fixture(scope="module")
def pairs():
    random = np.random.default_rng(0)
    source, inputs, outputs = (random.integers(4, SIZE, (4, n)) for n in (5, 6, 6))
    arrays = (source, np.ones_like(source), inputs, outputs, np.ones_like(inputs))
    return arrays


def probabilities(model, arrays):
    """The log-probabilities of the outputs of `Pairs` with these arrays."""
    pairs = Pairs(*(jnp.asarray(x, jnp.int32) for x in arrays))
    return jax.jit(lambda given: token_log_probs(model, given))(pairs)


def test_a_transformer_and_an_ensemble_can_do_the_same(members):
    assert isinstance(members[0], Model)
    assert isinstance(Ensemble(members), Model)


def test_probabilities_are_the_mean_of_the_members(members, pairs):
    each = np.stack([np.exp(probabilities(member, pairs)) for member in members])
    found = np.exp(probabilities(Ensemble(members), pairs))
    np.testing.assert_allclose(found, each.mean(axis=0), rtol=1e-5)
    assert np.abs(each[0] - each[1]).max() > 0.05


def test_logits_of_listed_pieces_are_the_mean_of_the_members(members):
    ensemble, pieces = Ensemble(members), jnp.asarray([[5, 0, 7], [1, 3, 2]])
    states = tuple(
        jax.random.normal(jax.random.key(i), (2, 3, member.config.width))
        for i, member in enumerate(members)
    )
    found = ensemble.listed_logits(states, ensemble.output_rows(pieces))
    each = [
        jax.nn.softmax(jnp.stack([member.logits(own)[i][:, pieces[i]] for i in range(2)]))
        for member, own in zip(members, states, strict=True)
    ]
    np.testing.assert_allclose(np.exp(found), np.mean(each, axis=0), rtol=1e-5)
    columns = ensemble.output_columns()
    np.testing.assert_allclose(ensemble.logits(states, columns), ensemble.logits(states), atol=1e-6)


@pytest.mark.parametrize("beams", [1, 3])
def test_a_search_scores_as_forced_decoding_does(members, beams):
    decoding = DecodingConfig(beam_size=beams, n_best=beams, max_extra_tokens=3)
    sources = np.random.default_rng(1).integers(4, SIZE, (3, 5)).astype(np.int32)
    sources[:, -1] = SYMBOLS.end
    ensemble, vocabularies = Ensemble(members), Vocabularies(Numbers(), Numbers())

    @jax.jit
    def both(queue):
        found = (search(model, queue, decoding, vocabularies) for model in (ensemble, members[0]))
        return tuple(found)

    found, alone = both(Sources.of(jnp.asarray(sources)))
    assert not np.array_equal(found.tokens, alone.tokens)
    outputs = np.asarray(found.tokens).reshape(3 * beams, -1)
    lengths = (outputs == SYMBOLS.end).argmax(axis=1) + 1
    there = (np.arange(outputs.shape[1]) < lengths[:, None]).astype(np.int32)
    inputs = np.insert(outputs[:, :-1], 0, SYMBOLS.start, axis=1) * there
    read = np.repeat(sources, beams, axis=0)
    log_probs = probabilities(ensemble, (read, np.ones_like(read), inputs, outputs, there))
    penalties = ((5 + lengths) / 6) ** decoding.length_penalty
    wanted = (np.asarray(log_probs) * there).sum(axis=1) / penalties
    np.testing.assert_allclose(np.asarray(found.scores).reshape(-1), wanted, atol=1e-4)


def test_one_model_twice_is_that_model(members, pairs):
    twice = probabilities(Ensemble([members[1]] * 2), pairs)
    np.testing.assert_allclose(twice, probabilities(members[1], pairs), atol=1e-5)


def test_parameters_of_members_go_by_their_numbers(pairs):
    configs = (SMALL, dataclasses.replace(LARGE, heads=2))
    params = {
        str(i): INIT(config, SIZE, SIZE, jax.random.key(i)) for i, config in enumerate(configs)
    }
    graphs = [functional.abstract(config, SIZE, SIZE)[0] for config in configs]
    makers = [lambda own, graph=graph: functional.merge(graph, own) for graph in graphs]
    made = functional.ensemble_maker(makers)(params)
    each = [np.exp(probabilities(m, pairs)) for m in made.members]
    wanted = [np.exp(probabilities(makers[i](params[str(i)]), pairs)) for i in range(2)]
    np.testing.assert_allclose(each, wanted, rtol=1e-6)


SWAPPED = {
    "source_language: src": "source_language: tgt",
    "target_language: tgt": "target_language: src",
}


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (SWAPPED, "from src to tgt, found one from tgt to src"),
        (
            {"target_language: tgt": "target_language: x"},
            "from src to tgt, found one from src to x",
        ),
        ({"lowercase: false": "lowercase: true"}, "with data.lowercase False, found True"),
        ({"tokenizer: none": "tokenizer: moses"}, "with data.tokenizer none, found moses"),
    ],
)
def test_a_member_for_other_text_is_refused(trained, copied, changes, match):
    """With a joint vocabulary, runs of both directions have the same pieces."""
    config = copied / "config.yaml"
    text = config.read_text()
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    config.write_text(text)
    with pytest.raises(UserError, match=f"^{re.escape(str(copied))}: expected a run {match}$"):
        Translator.load(trained.path, ensemble=[(copied, "best")])
