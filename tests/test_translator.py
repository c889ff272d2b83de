"""Strings in, translations out: in order, one for one, and alike however they are batched."""

import dataclasses
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seq2seq.config import Config, DataConfig, ModelConfig, VocabularyConfig
from seq2seq.data.vocabulary_training import train_vocabularies
from seq2seq.decoding.consensus import consensus
from seq2seq.errors import UserError
from seq2seq.explanation import Explanation
from seq2seq.model import functional
from seq2seq.translations import Translation
from seq2seq.translator import Translator

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
    assert model.translate(blank) == [Translation("")] * 5 + [Translation("", dropped=1)]


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
    one = dataclasses.replace(decoding, max_source_length=2)
    assert model.translate([sentence], one)[0].cut == len(tokens) - 1


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


WORDS = "ada bea cleo dora eva fay"


def decoding(model, **options):
    return dataclasses.replace(model.config.decoding, **options)


def test_the_n_best_are_distinct_sorted_and_begin_with_the_best(model):
    wanted = decoding(model, beam_size=4, n_best=4)
    for sentence in (WORDS, "kim", "漢 ada"):
        [alone] = model.translate([sentence], decoding(model, beam_size=4))
        [result] = model.translate([sentence], wanted)
        assert dataclasses.replace(result, others=(), score=0) == dataclasses.replace(
            alone, score=0
        )
        every = (result, *result.others)
        assert len(every) == len({one.tokens for one in every}) == 4
        scores = [one.score for one in every]
        assert scores == sorted(scores, reverse=True)
        assert result.unknown == result.others[0].unknown
    assert model.translate(["", "漢"], wanted) == model.translate(["", "漢"])


def test_translations_are_as_long_as_they_must_be(model):
    [usual] = model.translate([WORDS])
    [longer] = model.translate([WORDS], decoding(model, min_length=len(usual.tokens) + 2))
    assert len(longer.tokens) == len(usual.tokens) + 2
    [shorter] = model.translate([WORDS], decoding(model, max_length=2))
    assert len(shorter.tokens) <= 2
    count = len(model.vocabularies.source.encode([WORDS])[0])
    for key, least in (("min_length", count + 3), ("min_length_ratio", 1 + 3 / count)):
        [result] = model.translate([WORDS], decoding(model, max_extra_tokens=3, **{key: least}))
        assert len(result.tokens) == count + 3
        words = rf"^sentence 2: expected at least {count + 3} tokens by decoding.{key}, "
        found = rf"found at most {count + 2}, as its source has {count}$"
        with pytest.raises(UserError, match=words + found):
            model.translate(["", WORDS], decoding(model, max_extra_tokens=2, **{key: least}))


def test_translations_are_as_long_as_a_share_of_their_source_allows(model):
    """Rounded up, and what is asked for has to fit."""
    sources = [WORDS, "kim", *WORDS.split()[:3]]
    counts = model.source_lengths(sources)
    usual = [len(one.tokens) for one in model.translate(sources)]
    wanted = decoding(model, max_length_ratio=0.2)
    limits = [math.ceil(0.2 * n) for n in counts]
    found = [len(one.tokens) for one in model.translate(sources, wanted)]
    assert all(n <= most for n, most in zip(found, limits, strict=True))
    assert limits[0] < usual[0]
    prefix = " ".join(WORDS.split()[:8])
    count = len(model.vocabularies.target.encode([prefix])[0])
    reason = (
        rf"^prefix 1: expected at most {limits[1]} tokens, by decoding.max_length_ratio, as its "
    )
    with pytest.raises(UserError, match=reason + rf"source has {counts[1]}, found {count}$"):
        model.translate(["kim"], wanted, prefixes=[prefix])
    reason = rf"^sentence 1: expected at least {limits[0] + 1} tokens by decoding.min_length, found"
    with pytest.raises(UserError, match=reason):
        model.translate([WORDS], dataclasses.replace(wanted, min_length=limits[0] + 1))


def test_a_sentence_without_any_translation_is_told(model):
    """Where no piece may occur twice, so many different ones are not to be had."""
    pieces = len(model.vocabularies.target)
    wanted = decoding(model, no_repeat_ngram=1, min_length=pieces, max_extra_tokens=pieces)
    reason = (
        "^sentence 2: expected a translation that what is banned and the rules of decoding allow"
    )
    with pytest.raises(UserError, match=f"{reason}, found none$"):
        model.translate(["", "kim"], wanted)


def test_no_ngram_occurs_twice(model):
    long = decoding(model, min_length_ratio=1.5, no_repeat_ngram=2, max_extra_tokens=20)
    for result in model.translate([WORDS, "kim ole", "pia max nia lea"], long):
        pairs = list(itertools.pairwise(result.tokens))
        assert len(pairs) == len(set(pairs)) > 0
    free = dataclasses.replace(long, no_repeat_ngram=0)
    tokens = model.translate([WORDS + " " + WORDS], free)[0].tokens
    assert len(set(itertools.pairwise(tokens))) < len(tokens) - 1


PAIRS = [
    ("kim", "kim"),
    (WORDS, "fay"),
    ("", "ada bea"),
    ("漢", ""),
    ("max ole", WORDS),
    ("kim", "x"),
]


def test_scores_of_translations_are_those_of_the_search(model):
    wanted = decoding(model, beam_size=4, n_best=4)
    results = model.translate(SENTENCES, wanted)
    every = [
        (sentence, one)
        for sentence, result in zip(SENTENCES, results, strict=True)
        for one in (result, *result.others)
        if one.tokens and not one.copied
    ]
    penalties = [((6 + len(one.tokens)) / 6) ** wanted.length_penalty for _, one in every]
    read = model.explain(*zip(*every, strict=True))
    for (_, one), penalty, forced in zip(every, penalties, read, strict=True):
        assert sum(forced.log_probs) / penalty == pytest.approx(one.score, abs=2e-5)
    found = model.score([pair[0] for pair in every], [pair[1].text for pair in every])
    same = 0
    for (_, one), scored in zip(every, found, strict=True):
        assert len(scored.tokens) == len(scored.log_probs)
        if scored.tokens[:-1] == one.tokens:  # not every hypothesis is spelt as text would be
            assert scored.score == pytest.approx(one.score, abs=1e-4)
            same += 1
    assert same > 10


def test_scores_are_those_of_the_model_one_pair_at_a_time(model):
    sources, targets = zip(*PAIRS, strict=True)
    counts = []
    found = model.score(sources, targets, counts.append)
    assert sum(counts) == len(PAIRS)
    graph, _ = functional.abstract(model.config.model, *[len(model.vocabularies.source)] * 2)
    whole = functional.merge(graph, model.params)
    for (source, target), scored in zip(PAIRS, found, strict=True):
        [ids], [out] = (model.vocabularies.source.encode([text]) for text in (source, target))
        read, inputs = jnp.asarray([[*ids, 2]]), jnp.asarray([[1, *out]])
        ones, places = jnp.ones_like, lambda x: jnp.arange(x.shape[1])[None]
        memory = whole.encode(read, ones(read), places(read))
        states = whole.decode(inputs, ones(inputs), places(inputs), memory, ones(read))
        wanted = jax.nn.log_softmax(whole.logits(states)[0])[jnp.arange(len(out) + 1), [*out, 2]]
        np.testing.assert_allclose(scored.log_probs, wanted, atol=1e-4)
        assert scored.log_prob == pytest.approx(sum(scored.log_probs))
        mean = scored.log_prob / len(scored.tokens)
        assert scored.perplexity == pytest.approx(np.exp(-mean))
        assert scored.tokens[-1] == "</s>"


def test_an_explanation_holds_the_probabilities_and_the_attention_of_a_translation(model):
    results = model.translate(SENTENCES)
    found = model.explain(SENTENCES, results)
    assert [one.target[:-1] for one in found] == [result.tokens for result in results]
    for sentence, result, one in zip(SENTENCES, results, found, strict=True):
        if not result.tokens:
            assert (one.log_probs, one.alignment, one.attention) == ((), (), None)
            continue
        penalty = ((5 + len(one.target)) / 6) ** model.config.decoding.length_penalty
        assert sum(one.log_probs) / penalty == pytest.approx(result.score, abs=1e-4)
        seen = model.attention(sentence, result.text)
        if seen.target == one.target:
            np.testing.assert_allclose(one.attention, seen.cross[0].mean(axis=0), atol=1e-5)
        assert one.source == seen.source
        assert {j for _, j in one.alignment} <= set(range(len(result.text.split())))
        assert {i for i, _ in one.alignment} <= set(range(len(sentence.split())))
        assert one.confidence is None
    with pytest.raises(ValueError, match="1 translations, 2 sentences"):
        model.explain(["kim", "ada"], results[:1])


def test_loops_are_seen():
    def repeated(text):
        return Explanation(target=(*text.split(), "</s>")).repeated

    assert all(map(repeated, ("a a a", "x a b a b a b", "a b c a b c a b c", "x y y y")))
    assert not any(map(repeated, ("", "a", "a a", "a b a b a", "a b a c a d", "a a b a a")))


def test_a_target_beyond_the_limits_has_probability_0(model):
    short = dataclasses.replace(
        model.config, decoding=decoding(model, max_source_length=4, max_extra_tokens=2)
    )
    small = Translator(short, model.vocabularies, model.params)
    long, fine = small.score([WORDS, WORDS], [WORDS, "kim"])
    assert (long.too_long, long.log_prob, long.score) == (True, -np.inf, -np.inf)
    assert long.perplexity == np.inf
    assert not fine.too_long
    assert np.isfinite(fine.score)
    with pytest.raises(ValueError, match="1 targets do not match 2 sources"):
        model.score(["kim", "ada"], ["kim"])


def test_translations_begin_with_their_prefixes(model, shapes):
    """All pairs of a sentence and a beginning, a thousand and more, the improbable ones too."""
    names = WORDS.split()
    beginnings = ["", *names, *(f"{a} {b}" for a in names for b in names)]
    beginnings += [f"{a} {b} {c}" for a in names for b in names for c in ("kim", "ole", "max")]
    pairs = list(dict.fromkeys((s, p) for s in (*SENTENCES, *names) for p in beginnings))
    sources, prefixes = zip(*pairs, strict=True)
    assert sum(bool(s.strip() and p) for s, p in pairs) > 1000
    wanted = decoding(model, max_extra_tokens=10)
    free = {s: r.text for s, r in zip(SENTENCES, model.translate(SENTENCES, wanted), strict=True)}
    for (source, prefix), result in zip(
        pairs, model.translate(sources, wanted, prefixes=prefixes), strict=True
    ):
        if source.strip() and not result.copied:
            assert result.text.startswith(prefix)
            tokens = model.vocabularies.target.encode([prefix])[0]
            pieces = tuple(model.vocabularies.target.pieces[i] for i in tokens)
            assert result.tokens[: len(pieces)] == pieces
        if not prefix and source in free:
            assert result.text == free[source]
    assert 0 < len(shapes) < 20


def test_a_prefix_must_be_possible(model):
    with pytest.raises(UserError, match=r"^prefix 2: expected characters of .*, found '漢'"):
        model.translate(["kim", "kim"], prefixes=["", "漢"])
    short = decoding(model, max_length=3)
    with pytest.raises(UserError, match=r"^prefix 11: expected at most 3 tokens, .*, found \d+$"):
        model.translate(["kim"], short, prefixes=[WORDS], first=10)
    with pytest.raises(ValueError, match="1 prefixes do not match 2 sentences"):
        model.translate(["kim", "ada"], prefixes=[""])


def test_draws_hang_on_the_seed_and_on_nothing_else(model):
    sources = [*SENTENCES, WORDS] * 3
    wanted = decoding(model, sampling=True, n_best=3, temperature=2.0, seed=1)
    together = model.translate(sources, wanted)
    for first in range(0, len(sources), 5):
        part = model.translate(sources[first : first + 5], wanted, first=first)
        for one, other in zip(part, together[first : first + 5], strict=True):
            assert one.text == other.text
            assert [x.text for x in one.others] == [x.text for x in other.others]
    drawn = [result.text for result in together if result.tokens]
    again = model.translate(sources, dataclasses.replace(wanted, seed=2))
    assert [result.text for result in again if result.tokens] != drawn
    assert together[6].text != together[15].text or together[6].text != together[24].text
    cold = decoding(model, sampling=True, top_k=1)
    greedy = model.translate(SENTENCES, decoding(model, beam_size=1))
    found = model.translate(SENTENCES, cold)
    assert [result.text for result in found] == [result.text for result in greedy]
    for few in ({"top_p": 1e-6}, {"min_p": 0.999}):
        found = model.translate(SENTENCES, decoding(model, sampling=True, **few))
        assert [result.text for result in found] == [result.text for result in greedy]


def test_what_is_said_of_stopping_and_diversity_reaches_the_search(model):
    def every(**options):
        wanted = decoding(model, beam_size=4, n_best=4, **options)
        results = model.translate(SENTENCES, wanted)
        return [[(one.text, one.score) for one in (x, *x.others)] for x in results]

    usual, exhaustive, early = every(), every(stopping="limit"), every(stopping="full")
    assert [[text for text, _ in x] for x in usual] == [[text for text, _ in x] for x in exhaustive]
    assert early != usual
    assert every(diversity=3.0) != usual
    assert every(endings="candidates") != usual


def test_of_many_draws_the_one_most_like_the_others_is_taken(model):
    drawing = decoding(model, sampling=True, n_best=16, temperature=1.5, seed=3)
    chosen = decoding(model, mbr=16, n_best=2, temperature=1.5, seed=3)
    for draws, result in zip(
        model.translate(SENTENCES, drawing), model.translate(SENTENCES, chosen), strict=True
    ):
        every = [draws, *draws.others]
        ranked = [every[i].text for i in consensus([one.text for one in every])]
        assert [one.text for one in (result, *result.others)] == ranked[:2]
