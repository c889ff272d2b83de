"""Strings in, translations out: in order, one for one, and alike however they are batched."""

import dataclasses
from itertools import chain

import pytest

from seq2seq import translator
from seq2seq.config import Config, DataConfig, ModelConfig, VocabularyConfig
from seq2seq.data.vocabulary_training import train_vocabularies
from seq2seq.translator import Translation, Translator

SENTENCES = [
    "kim",
    "",
    "ada bea cleo dora",
    "  ",
    "max ole",
    "漢",
    "ada bea cleo dora eva fay",
    "pia",
]


@pytest.fixture(scope="session")
def model(trained):
    return Translator.load(trained.path)


def test_sentences_together_are_as_sentences_alone(model):
    together = model.translate(SENTENCES)
    assert len(together) == len(SENTENCES)
    for sentence, result in zip(SENTENCES, together, strict=True):
        alone = model.translate([sentence])[0]
        assert dataclasses.replace(alone, score=0.0) == dataclasses.replace(result, score=0.0)
        assert alone.score == pytest.approx(result.score, abs=1e-4)
    assert len({result.text for result in together}) > 4


def test_translations_hold_their_pieces_and_scores(model):
    result = model.translate(["ada bea cleo"])[0]
    assert "".join(result.tokens).replace("\u2581", " ").strip() == result.text
    assert result.score < 0
    assert (result.cut, result.unknown, result.copied) == (0, 0, False)


def test_nothing_gives_nothing(model):
    assert model.translate([]) == []
    blank = ["", " ", "\t\r\n", "\u2028", "\u200b", "\0"]
    assert model.translate(blank) == [Translation("")] * len(blank)


def test_what_is_unknown_is_left_as_it_is_in_one_line(model):
    found = model.translate(["漢\u2028 字\x1b\n漢", "漢 \ud800", "漢 ada"])
    assert [result.text for result in found[:2]] == ["漢 字 漢", "漢 ?"]
    assert [result.copied for result in found] == [True, True, False]
    assert found[0].unknown == 3
    assert found[2].unknown == 1


def test_long_sentences_are_cut(model):
    decoding = dataclasses.replace(model.config.decoding, max_source_length=5)
    sentence = "ada bea cleo dora eva fay"
    tokens = model.vocabularies.source.encode([sentence])[0]
    result = model.translate([sentence], decoding)[0]
    assert result.cut == len(tokens) - 4
    kept = model.vocabularies.source.decode([tokens[:4]])[0]
    assert result.text == model.translate([kept])[0].text
    nothing = dataclasses.replace(decoding, max_source_length=1)
    assert model.translate([sentence], nothing) == [Translation("", cut=len(tokens))]


def test_progress_counts_every_sentence(model):
    counts = []
    model.translate(SENTENCES, advance=counts.append)
    assert sum(counts) == len(SENTENCES)


def test_a_single_string_is_a_mistake(model):
    with pytest.raises(TypeError, match="expected a list of strings, found a string"):
        model.translate("ada bea")


def test_a_spelt_out_line_end_makes_no_line():
    """With byte fallback a model can spell out any character, the line's end among them."""
    texts = ["ada bea cleo dora"] * 9
    config = VocabularyConfig(size=290, byte_fallback=True)
    vocabularies = train_vocabularies(texts, texts, config)
    model = ModelConfig(encoder_layers=1, decoder_layers=1, width=8, heads=2, feed_forward_width=8)
    made = Translator(Config(model=model, vocabulary=config), vocabularies, {})
    pieces = vocabularies.target.pieces
    tokens = [pieces.index(piece) for piece in ("\u2581ada", "<0x0A>", "\u2581bea")]
    assert vocabularies.target.decode([tokens]) == ["ada\n bea"]
    assert "\n" not in made._result([], [], tokens, 0.0).text


def prepared_alike(model, **options):
    """The same model, as if it had been trained on text that was prepared so."""
    data = dataclasses.replace(model.config.data, target_language="de", **options)
    config = dataclasses.replace(model.config, data=data)
    return Translator(config, model.vocabularies, model.params)


def test_raw_text_is_prepared_as_in_training(model):
    raw = ["Ada BEA, cleo!", "KIM", "", "漢 Ä"]
    seen = ["ada bea , cleo !", "kim", "", "漢 ä"]
    found = prepared_alike(model, lowercase=True, tokenizer="moses").translate(raw)
    plain = model.translate(seen)
    assert [result.tokens for result in found] == [result.tokens for result in plain]
    assert [result.unknown for result in found] == [result.unknown for result in plain]
    assert found[0].unknown == 2
    assert found[3] == Translation("漢 Ä", unknown=2, copied=True)
    assert [result.text for result in found[:3]] == [result.text for result in plain[:3]]


def test_translations_are_detokenised():
    texts = ['( ada ) , bea ! " cleo dora "'] * 9
    config = VocabularyConfig(size=30)
    vocabularies = train_vocabularies(texts, texts, config)
    model = ModelConfig(encoder_layers=1, decoder_layers=1, width=8, heads=2, feed_forward_width=8)
    tokens = vocabularies.target.encode(texts[:1])[0]
    wanted = {"none": texts[0], "moses": '(ada), bea! "cleo dora"'}
    for tokenizer, text in wanted.items():
        data = DataConfig(tokenizer=tokenizer)
        made = Translator(Config(data=data, model=model, vocabulary=config), vocabularies, {})
        assert made._result([], [], tokens, 0.0).text == text


def test_batches_hold_every_sentence_once_within_the_budget():
    sources = [[7] * length for length in (3, 0, 60, 5, 5, 31, 200, 1, 12)]
    found = list(translator.batches(sources, 512))
    assert sorted(chain(*found)) == [i for i, source in enumerate(sources) if source]
    lengths = [[len(sources[i]) for i in batch] for batch in found]
    assert list(chain(*lengths)) == sorted(chain(*lengths), reverse=True)
    for batch in lengths:
        length = translator.padded_length(batch[0] + 1)
        assert length > batch[0]
        assert length * translator.padded_rows(len(batch), length, 512) <= max(512, 8 * length)


def test_shapes_are_few():
    lengths = {translator.padded_length(length) for length in range(1, 1025)}
    assert len(lengths) == 14
    assert translator.padded_length(1025) == 2048
    assert all(translator.padded_length(length) >= length for length in range(1, 5000))
    assert {translator.padded_rows(n, 32, 2048) for n in range(1, 500)} == {8, 16, 32, 64}
