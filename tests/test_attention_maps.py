"""A sentence's attention: named axes, forced translations, and alike alone or among others."""

import dataclasses

import numpy as np
import pytest

from seq2seq import attention_maps
from seq2seq.attention_maps import Sentence
from seq2seq.errors import UserError


def test_axes_are_named_by_the_pieces(model):
    found = model.attention("ada bea cleo", "cleo bea ada")
    vocabulary = model.vocabularies.source
    assert found.source == (*vocabulary.cut("ada bea cleo"), "</s>")
    assert found.target == (*vocabulary.cut("cleo bea ada"), "</s>")
    assert found.read == ("<s>", *found.target[:-1])
    assert (found.sentence, found.translation) == ("ada bea cleo", "cleo bea ada")
    rows, columns = len(found.target), len(found.source)
    assert found.encoder.shape == (1, 2, columns, columns)
    assert found.decoder.shape == (1, 2, rows, rows)
    assert found.cross.shape == (1, 2, rows, columns)
    for weights in (found.encoder, found.decoder, found.cross):
        assert weights.dtype == np.float32
        np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)
    assert not found.decoder[..., *np.triu_indices(rows, 1)].any()


def test_without_a_target_it_is_the_translation_of_the_search(model):
    found, result = model.attention("max nia ole"), model.translate(["max nia ole"])[0]
    assert found.translation == result.text
    assert found.target == (*result.tokens, "</s>")


def test_a_forced_target_is_what_the_decoder_reads(model):
    free, other = model.attention("max nia ole"), model.attention("max nia ole", "kim kim pia")
    np.testing.assert_array_equal(free.encoder, other.encoder)
    assert other.target == (*model.vocabularies.target.cut("kim kim pia"), "</s>")
    assert np.abs(free.cross[:, :, 1] - other.cross[:, :, 1]).max() > 1e-3
    np.testing.assert_allclose(free.cross[:, :, 0], other.cross[:, :, 0], atol=1e-6)


def test_sentences_together_are_as_sentences_alone(model, monkeypatch):
    monkeypatch.setattr(attention_maps, "_CELLS", 4 * 16 * 16)
    known, texts = model.vocabularies.source, ["kim", "ada bea cleo dora eva fay", "", "max", "pia"]
    sentences = [Sentence.of(text, known) for text in texts]
    observe = attention_maps.observer(model.make, model.vocabularies)
    together = observe(model.params, sentences, sentences[::-1])
    assert [found.sentence for found in together] == texts
    for sentence, forced, found in zip(sentences, sentences[::-1], together, strict=True):
        alone = observe(model.params, [sentence], [forced])[0]
        for field in dataclasses.fields(found):
            one, other = getattr(alone, field.name), getattr(found, field.name)
            if isinstance(one, np.ndarray):
                np.testing.assert_allclose(one, other, atol=1e-5)
            else:
                assert one == other
    assert observe(model.params, [], []) == []


def test_unknown_characters_keep_their_names(model):
    found = model.attention("ada 漢 \ud800bea\0")
    assert "漢" in "".join(found.source)
    assert found.sentence == "ada 漢 ?bea"
    assert found.encoder.shape[-1] == len(found.source)


@pytest.mark.parametrize(
    ("texts", "match"),
    [
        ((" \u200b",), "the sentence: expected words, found none"),
        (("漢 字",), "the sentence: expected words of the vocabulary, found none that it knows"),
        (("ada " * 30,), r"the sentence: expected at most 19 pieces, found \d+"),
        (("ada", ""), "the translation: expected words, found none"),
        (("ada", "ada " * 30), r"the translation: expected at most 23 pieces, found \d+"),
    ],
)
def test_texts_that_cannot_be_shown(model, texts, match):
    decoding = dataclasses.replace(model.config.decoding, max_source_length=20)
    with pytest.raises(UserError, match=match):
        model.attention(*texts, decoding=decoding)
