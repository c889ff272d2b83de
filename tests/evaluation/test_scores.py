"""Scores are sacreBLEU's own, and text that would make them incomparable is noticed."""

import pytest
import sacrebleu

from seq2seq.evaluation.scores import evaluate, looks_tokenised

GERMAN = [
    "Der Hund schläft nicht, weil er müde ist.",
    "„Kommst du mit?“, fragte sie – und ging.",
    "Das kostet z. B. 3,50 € oder 1.000 Yen …",
    "Wie geht's? Gut! Er sagte: ja; sie: nein.",
    "Am 3. Mai um 12:30 Uhr traf ich Dr. Müller.",
]
FRENCH = ["Tu viens\u00a0?", "Oui\u202f!", "Il a dit\u00a0: non."]
TOKENISED = ["Der Hund schläft nicht , weil er müde ist .", "Kommst du mit ?", "Gut !"]


def test_scores_are_those_of_sacrebleu():
    hypotheses, references = GERMAN[::-1], GERMAN
    found = evaluate(hypotheses[1:] + GERMAN[:1], references, ("bleu", "chrf", "ter"))
    arguments = (hypotheses[1:] + GERMAN[:1], [references])
    assert found["bleu"].score == sacrebleu.corpus_bleu(*arguments).score
    assert found["chrf"].score == sacrebleu.corpus_chrf(*arguments).score
    assert found["ter"].score == sacrebleu.corpus_ter(*arguments).score
    assert "case:mixed" in found["bleu"].signature
    assert "tok:13a" in found["bleu"].signature
    assert f"version:{sacrebleu.__version__}" in found["bleu"].signature


def test_case_counts():
    assert evaluate(GERMAN, GERMAN)["bleu"].score == pytest.approx(100)
    assert evaluate([text.lower() for text in GERMAN], GERMAN)["bleu"].score < 90


def test_every_hypothesis_needs_a_reference():
    with pytest.raises(ValueError, match="2 hypotheses do not match 1 references"):
        evaluate(["a", "b"], ["a"])


@pytest.mark.parametrize("texts", [GERMAN, FRENCH, ["Ein Wort"], [""], []])
def test_normal_text_does_not_look_tokenised(texts):
    assert not looks_tokenised(texts)


@pytest.mark.parametrize(
    "texts",
    [
        TOKENISED,
        [*TOKENISED, *GERMAN],
        ["He does n't know"],
        ["der klein@@ e Hund"],
        ["zwölf @-@ jährig"],
        ["the dog &apos;s tail"],
        ['" Komm " , sagte er'],
    ],
)
def test_tokenised_text_looks_it(texts):
    assert looks_tokenised(texts)


def test_a_slip_in_many_sentences_is_no_sign():
    assert not looks_tokenised([*GERMAN, "Ein Versehen ."])
