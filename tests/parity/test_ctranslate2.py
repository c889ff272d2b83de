"""Beam search against CTranslate2's, with the same weights, on 200 sentences of a trained model.

The two searches extend hypotheses alike but end otherwise. CTranslate2 stops at a number of ended
hypotheses (`beam_size` times `patience`), or without a length penalty as soon as the best extension
ends; it divides by length^α, the end symbol not counted; and what it bans, such as the end symbol
at the first place, it takes out of the softmax. So it is made to go on to the last step (a patience
beyond reach), to ban nothing and to give all that it has ended with plain sums of
log-probabilities. These are divided by the paper's penalty here, and the four best must be ours.
The symbols that ours may not choose get a logit of -1e9 in both.

The model is trained on the phrasebook for half a minute, or is that of a run of yours:

    SEQ2SEQ_PARITY_RUN=runs/demo python -m pytest tests/parity/test_ctranslate2.py
"""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from seq2seq.config import ModelConfig
from seq2seq.data.corpora import read_texts
from seq2seq.decoding.batching import Shape
from seq2seq.decoding.search import Sources, search_function
from seq2seq.model import functional
from seq2seq.model.transformer import Transformer
from seq2seq.translator import Translator
from seq2seq.types import Batch
from seq2seq.vocabulary import SYMBOLS

pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed")
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from ctranslate2_peer import convert, load, written

BEAMS, SENTENCES, EXTRA = 4, 200, 20
TIE = 2e-5
RECIPE = """
data:
  source_language: en
  target_language: de
  train: phrasebook://train
  validation: phrasebook://validation
  test: phrasebook://test
  max_length: 48
  source_row_length: 48
  target_row_length: 48
  cache: {folder}/cache
vocabulary: {{size: 500, training_pairs: 4000}}
model: {{encoder_layers: 2, decoder_layers: 2, width: 64, heads: 4, feed_forward_width: 256}}
training:
  steps: 200
  batch_tokens: 1536
  learning_rate: 0.005
  warmup_steps: 50
  log_every: 50
  validate_every: 200
  checkpoint_every: 200
  validation_sentences: 0
  best_metric: loss
"""


@pytest.fixture(scope="module")
def translator(tmp_path_factory):
    """A trained model: of the run that the environment names, or a small one trained here."""
    if run := os.environ.get("SEQ2SEQ_PARITY_RUN"):
        return Translator.load(run)
    folder = tmp_path_factory.mktemp("parity")
    (folder / "recipe.yaml").write_text(RECIPE.format(folder=folder))
    words = ["train", "--config", str(folder / "recipe.yaml"), f"--run={folder / 'run'}"]
    plain = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    done = subprocess.run(
        [sys.executable, "-m", "seq2seq", *words], env=plain, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return Translator.load(folder / "run")


@pytest.fixture(scope="module")
def model(translator):
    """The translator's config and parameters, with a bias that rules the banned symbols out."""
    config, params = translator.config, dict(translator.params)
    assert translator.vocabularies.target.symbols == SYMBOLS
    size = len(translator.vocabularies.target)
    bias = jnp.asarray(params.get("output_bias", jnp.zeros(size)))
    banned = jnp.asarray([SYMBOLS.pad, SYMBOLS.start, SYMBOLS.unknown])
    params["output_bias"] = bias.at[banned].set(-1e9)
    model = dataclasses.replace(config.model, output_bias=True)
    return dataclasses.replace(config, model=model), params


@pytest.fixture(scope="module")
def sources(translator):
    """Token ids of 200 sentences of the test set, each with the end symbol."""
    config, vocabulary = translator.config, translator.vocabularies.source
    texts = read_texts(config.data.test[0], config.data)[0][:SENTENCES]
    encoded = [tokens for tokens in vocabulary.encode(texts) if tokens]
    assert len(encoded) == SENTENCES
    return [[*tokens, SYMBOLS.end] for tokens in encoded]


@pytest.fixture(scope="module")
def peer(model, sources, tmp_path_factory):
    """CTranslate2's translator with the same weights."""
    config, params = model
    longest = max(map(len, sources)) + EXTRA
    folder = tmp_path_factory.mktemp("ctranslate2")
    convert(config.model, params, longest, folder)
    return load(folder, "float32", replicas=1, threads=1)


def our_hypotheses(translator, model, sources, beams, alpha):
    """The best hypotheses of every source, end symbol included, with their scores."""
    config, params = model
    decoding = dataclasses.replace(
        config.decoding,
        beam_size=beams,
        n_best=beams,
        length_penalty=alpha,
        max_extra_tokens=EXTRA,
    )
    rows = np.full((len(sources), max(map(len, sources))), SYMBOLS.pad, np.int32)
    for row, source in zip(rows, sources, strict=True):
        row[: len(source)] = source
    size = len(translator.vocabularies.target)
    search = search_function(
        functional.maker(config, (size, size), "float32"), translator.vocabularies
    )
    shape = Shape(rows=-(-len(sources) // jax.device_count()), room=rows.shape[1] + EXTRA)
    found = search(params, Sources.of(jnp.asarray(rows)), decoding, shape)
    tokens, scores = np.asarray(found.tokens), np.asarray(found.scores)
    ends = (tokens == SYMBOLS.end).argmax(axis=-1)
    return [
        [(tokens[b, k, : ends[b, k] + 1].tolist(), scores[b, k]) for k in range(beams)]
        for b in range(len(sources))
    ]


@pytest.fixture(scope="module")
def ended(peer, sources):
    """All hypotheses that CTranslate2's search ends, with their log-probabilities."""
    longest = max(map(len, sources)) + EXTRA
    results = peer.translate_batch(
        written(sources),
        beam_size=BEAMS,
        patience=longest + 1,
        num_hypotheses=BEAMS * longest,
        length_penalty=1e-30,  # not 0, which would end the search early; length^1e-30 is 1
        max_decoding_length=longest,
        min_decoding_length=0,
        return_end_token=True,
        return_scores=True,
        max_batch_size=50,
    )
    return [
        [
            ([int(token) for token in tokens], score)
            for tokens, score in zip(result.hypotheses, result.scores, strict=True)
            if tokens[-1] == str(SYMBOLS.end)
        ]
        for result in results
    ]


@pytest.mark.parametrize("alpha", [0.0, 0.6])
def test_the_four_best_are_ctranslate2s(translator, model, sources, ended, alpha, record_property):
    """Rank by rank; only where CTranslate2 itself has a tie may the two of it change places."""
    found = our_hypotheses(translator, model, sources, BEAMS, alpha)
    differences, same = [], 0
    for ours, theirs in zip(found, ended, strict=True):
        known = {tuple(t): score / ((5 + len(t)) / 6) ** alpha for t, score in theirs}
        wanted = sorted(known, key=known.__getitem__, reverse=True)[:BEAMS]
        assert {tuple(tokens) for tokens, _ in ours} <= known.keys()
        assert len({tuple(tokens) for tokens, _ in ours}) == BEAMS
        for (tokens, score), best in zip(ours, wanted, strict=True):
            assert known[tuple(tokens)] == pytest.approx(known[best], abs=TIE)
            same += tuple(tokens) == best
            differences.append(abs(score - known[best]))
    record_property("CTranslate2: scores of the four best", float(max(differences)))
    assert max(differences) <= 1e-4
    assert same >= 0.99 * len(differences)


def test_greedy_search_is_ctranslate2s(translator, model, peer, sources):
    found = our_hypotheses(translator, model, sources, 1, 0.0)
    wanted = peer.translate_batch(
        written(sources),
        beam_size=1,
        max_decoding_length=max(map(len, sources)) + EXTRA,
        return_end_token=True,
        return_scores=True,
        length_penalty=0,
        min_decoding_length=0,
    )
    for [(tokens, score)], theirs in zip(found, wanted, strict=True):
        assert tokens == [int(token) for token in theirs.hypotheses[0]]
        assert score == pytest.approx(theirs.scores[0], abs=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"attention_bias": True},
        {"norm": "pre", "activation": "gelu", "output_bias": True, "sinusoids": "concatenated"},
        {"positions": "learned", "max_positions": 32, "activation": "swish"},
        {"embeddings": "separate", "scale_embeddings": False, "encoder_layers": 1},
    ],
)
def test_forced_scores_are_ctranslate2s(options, tmp_path):
    """Of random models with the options that its models have, token by token."""
    small = ModelConfig(2, 2, 16, 2, feed_forward_width=32)
    config, size, length = dataclasses.replace(small, **options), 40, 9
    model = Transformer(config, size, size, nnx.Rngs(0))
    generator = np.random.default_rng(0)
    graph, state = nnx.split(model)

    def move(leaf):
        return leaf + jnp.asarray(0.3 * generator.standard_normal(leaf.shape), leaf.dtype)

    params = jax.tree.map(move, nnx.to_pure_dict(state))
    model = nnx.merge(graph, params)
    source, target = generator.integers(4, size, (2, 5, length)).astype(np.int32)
    target[:, -1] = SYMBOLS.end
    inputs = np.roll(target, 1, axis=1)
    inputs[:, 0] = SYMBOLS.start
    ones = jnp.ones((5, length), jnp.int32)
    positions = jnp.cumsum(ones, axis=1) - 1
    batch = Batch(source, ones, positions, inputs, target, ones, positions)
    states = model(jax.tree.map(jnp.asarray, batch))
    log_probs = np.asarray(jax.nn.log_softmax(model.logits(states)))
    found = np.take_along_axis(log_probs, target[..., None], axis=-1)[..., 0]
    convert(config, params, 32, tmp_path)
    peer = load(tmp_path, "float32", replicas=1, threads=1)
    scores = peer.score_batch(written(source), written(target[:, :-1]))
    np.testing.assert_allclose(found, [score.log_probs for score in scores], atol=2e-5)
