"""BLEU of the papers: against a transcription of its formulas, and the sacrebleu command."""

import json
import math
import subprocess
import sys
from collections import Counter

import pytest
import sacrebleu

from seq2seq.evaluation import paper_bleu
from seq2seq.evaluation.scores import evaluate

REFERENCES = [
    "„Kommst du mit?“, fragte die 12-jährige Anna.",
    "Das E-Mail-Programm kostet z.B. 3,50 € im Jahr.",
    "Am 3. Mai geht's los: Hurra!",
    "Der Hund schläft nicht, weil er (sehr) müde ist.",
]
HYPOTHESES = [
    '"Kommst du mit?", fragte die 12-jährige Tochter.',
    "Das Email-Programm kostet z.B. 3,50 € im Monat.",
    "Am 3. Mai geht es los: Hurra!",
    "der Hund schläft nicht, weil er (sehr) „müde“ ist.",
]
# The same by hand: tokens; compounds split; on top, plain quotes in the references.
TOKENISED = (
    [
        '" Kommst du mit ? " , fragte die 12-jährige Tochter .',
        "Das Email-Programm kostet z.B. 3,50 € im Monat .",
        "Am 3. Mai geht es los : Hurra !",
        "der Hund schläft nicht , weil er ( sehr ) „ müde “ ist .",
    ],
    [
        "„ Kommst du mit ? “ , fragte die 12-jährige Anna .",
        "Das E-Mail-Programm kostet z.B. 3,50 € im Jahr .",
        "Am 3. Mai geht ' s los : Hurra !",
        "Der Hund schläft nicht , weil er ( sehr ) müde ist .",
    ],
)
AT = " ##AT##-##AT## "
SPLIT = tuple(
    [
        line.replace("12-j", f"12{AT}j").replace("l-P", f"l{AT}P").replace("E-M", f"E{AT}M")
        for line in side
    ]
    for side in TOKENISED
)
PLAIN = (SPLIT[0], [line.replace("„", '"').replace("“", '"') for line in SPLIT[1]])
STEPS = {"tokenised": TOKENISED, "+ hyphens split": SPLIT, "+ plain quotes": PLAIN}


def ngrams(words, n):
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def multi_bleu(hypotheses, references):
    """Papineni et al. (2002), section 2.3, with one reference: clipped precisions, brevity."""
    pairs = [(a.split(), b.split()) for a, b in zip(hypotheses, references, strict=True)]
    logs = []
    for n in range(1, 5):
        found = [(ngrams(a, n), ngrams(b, n)) for a, b in pairs]
        right = sum((a & b).total() for a, b in found)
        logs.append(math.log(right / sum(a.total() for a, _ in found)) if right else -math.inf)
    ours, theirs = (sum(len(pair[side]) for pair in pairs) for side in (0, 1))
    return 100 * math.exp(min(0, 1 - theirs / ours) + sum(logs) / 4)


@pytest.mark.parametrize("number", range(3))
def test_each_step_is_bleu_of_tokens_made_by_hand(number):
    step = paper_bleu.paper_bleu(HYPOTHESES, REFERENCES, "de")[number]
    assert step.score == pytest.approx(multi_bleu(*STEPS[step.name]), abs=1e-9)
    assert 20 < step.score < 90


def test_the_steps_are_told_apart_by_name_and_signature():
    steps = paper_bleu.paper_bleu(HYPOTHESES, REFERENCES, "de")
    assert [step.name for step in steps] == list(STEPS)
    assert steps[0].score < steps[1].score < steps[2].score
    done = [dict(part.split(":") for part in step.signature.split("|")[1:]) for step in steps]
    assert [(each["hyphens"], each["quotes"]) for each in done] == [
        ("kept", "kept"),
        ("split", "kept"),
        ("split", "plain"),
    ]
    for each in done:
        assert each["tok"].startswith("moses-de-")
        assert (each["case"], each["smooth"]) == ("mixed", "none")
        assert each["version"] == sacrebleu.__version__
    assert all(step.signature.startswith("paper-bleu|") for step in steps)


def test_the_sacrebleu_command_agrees_on_the_same_tokens(tmp_path):
    for name, lines in zip(("ours", "theirs"), PLAIN, strict=True):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    words = ["--tokenize", "none", "--smooth-method", "none", "--force", "--width", "9"]
    command = [sys.executable, "-m", "sacrebleu", "theirs", "-i", "ours", *words]
    found = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    wanted = json.loads(found.stdout)["score"]
    last = paper_bleu.paper_bleu(HYPOTHESES, REFERENCES, "de")[-1]
    assert last.score == pytest.approx(wanted, abs=1e-8)


def test_unmatched_four_grams_give_nothing():
    assert paper_bleu.multi_bleu(["a b c d"], ["a b c e"]) == 0.0
    assert paper_bleu.multi_bleu(["a b c d"], ["a b c d"]) == pytest.approx(100)
    assert paper_bleu.multi_bleu(["A b c d e"], ["a b c d f"]) == 0.0


@pytest.mark.parametrize(
    ("line", "split"),
    [
        ("rich-text format", "rich ##AT##-##AT## text format"),
        ("a - b -c d- --", "a - b -c d- --"),
        ("a-b-c-d", "a ##AT##-##AT## b-c ##AT##-##AT## d"),
        ("ab-cd-ef", "ab ##AT##-##AT## cd ##AT##-##AT## ef"),
        ("1--2", "1 ##AT##-##AT## -2"),
        ("", ""),
    ],
)
def test_hyphens_as_perl_splits_them(line, split):
    assert paper_bleu.split_hyphens(line) == split


def test_quotes_become_plain_and_nothing_else():
    assert paper_bleu.plain_quotes("„a“ ”b‟ ‚c‘ d’s ‛e") == "\"a\" \"b\" 'c' d's 'e"
    assert paper_bleu.plain_quotes('«a» – … `b´ "c"') == '«a» – … `b´ "c"'


def test_tokenised_bleu_is_of_lower_cased_tokens_with_plain_punctuation():
    found = paper_bleu.tokenised_bleu(HYPOTHESES, REFERENCES, "de")
    tokens = [[line.lower().replace("„", '"').replace("“", '"') for line in s] for s in TOKENISED]
    assert found.score == pytest.approx(multi_bleu(*tokens), abs=1e-9)
    assert found.signature.startswith("tokenised-bleu|nrefs:1|case:lc|eff:no|tok:moses-de-")
    upper = [text.upper().replace("SS", "ss") for text in REFERENCES]
    assert paper_bleu.tokenised_bleu(upper, REFERENCES, "de").score == pytest.approx(100)


def test_people_see_what_each_step_is_worth_beside_sacrebleu():
    steps = paper_bleu.paper_bleu(HYPOTHESES, REFERENCES, "de")
    bleu = evaluate(HYPOTHESES, REFERENCES)["bleu"].score
    shown = paper_bleu.lines(steps, bleu, "newstest2014", ("en", "de"))
    gains = [float(line.split()[-2]) for line in shown if "paper-bleu|" in line]
    assert len(gains) == 3
    assert sum(gains) == pytest.approx(steps[-1].score - bleu, abs=0.02)
    assert "28.4" in shown[-1]
    as_json = paper_bleu.as_json(steps)
    assert as_json["score"] == as_json["steps"][2]["score"] == steps[2].score
    assert as_json["signature"] == steps[2].signature


@pytest.mark.parametrize("language", ["fr", "en", "cs", "xx"])
def test_only_german_compounds_are_split(language):
    [step] = paper_bleu.paper_bleu(HYPOTHESES, REFERENCES, language)
    kept = paper_bleu.paper_bleu(HYPOTHESES, HYPOTHESES, language)[0]
    assert (step.name, kept.score) == ("tokenised", pytest.approx(100))
    assert "hyphens:kept|quotes:kept" in step.signature
    as_json = paper_bleu.as_json([step])
    assert (as_json["score"], as_json["signature"]) == (step.score, step.signature)
    assert len(as_json["steps"]) == 1
    assert len(paper_bleu.paper_bleu(HYPOTHESES, REFERENCES, "de-AT")) == 3


FIGURES = {
    ("en", "de"): {"+ hyphens split": "GNMT", "+ plain quotes": "27.3 (base), 28.4 (big)"},
    ("en", "fr"): {"tokenised": "38.1 (base), 41.8 (big)"},
}


@pytest.mark.parametrize(
    ("test_set", "named"),
    [
        ("newstest2014", True),
        ("WMT14", True),
        ("/data/newstest2014-ende-src.en", True),
        ("test", False),
        ("newstest2013", False),
        ("/data/wmt14/dev.en", False),
    ],
)
@pytest.mark.parametrize(
    "languages", [("en", "de"), ("en", "fr"), ("EN-us", "de_DE"), ("de", "en"), ("fr", "de")]
)
def test_figures_are_named_for_their_test_set_and_languages_only(test_set, named, languages):
    steps = paper_bleu.paper_bleu(HYPOTHESES, REFERENCES, languages[1])
    plain = tuple(code[:2].lower() for code in languages)
    published = FIGURES.get(plain, {}) if named else {}
    for step in steps:
        found = paper_bleu.compares(step, test_set, languages)
        if step.name in published:
            assert found.startswith(f"newstest2014 {'-'.join(plain).title()}: ")
            assert published[step.name] in found
        else:
            assert found == "multi-bleu figures on this test set, of the same tokens and steps"
