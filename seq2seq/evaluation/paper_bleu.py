"""BLEU as papers before sacreBLEU computed it, step by step, so that one sees what each is worth.

Papers on WMT14 scored tokens (`multi-bleu.perl` on Moses tokens, cased, unsmoothed), and for French
that was all. In German they also split compounds at the hyphen, and the reference file of the
Transformer's authors had plain quotes where WMT's has typographic ones. Together the steps are
worth up to 1.5 BLEU over sacreBLEU on the very same translations, which is why such figures compare
with nothing else.

Papers on small corpora such as Multi30k scored lower-cased tokens with plain punctuation; that is
`tokenised_bleu`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sacrebleu import __version__ as sacrebleu_version
from sacrebleu.metrics.bleu import BLEU

from seq2seq import moses
from seq2seq.evaluation.scores import Score
from seq2seq.preprocessing import Preprocessing

SACREBLEU_COMPARES = "compares with sacreBLEU figures of the same signature, such as WMT's own"
"""What the figure beside ours compares with."""

_PUBLISHED = {
    ("en-fr", "tokenised"): "38.1 (base), 41.8 (big) by Vaswani et al. (2017)",
    ("en-de", "+ hyphens split"): "GNMT's and ConvS2S's, for example",
    ("en-de", "+ plain quotes"): "27.3 (base), 28.4 (big) by Vaswani et al. (2017)",
}
"""Figures on newstest2014, by languages and the step that they were computed by."""

_NEWSTEST2014 = re.compile(r"newstest2014|wmt14", re.IGNORECASE)
_COMPOUND = re.compile(r"(\S)-(\S)")
_QUOTES = str.maketrans({**dict.fromkeys("„“”‟", '"'), **dict.fromkeys("‚‘’‛", "'")})


@dataclass(frozen=True)
class Step:
    """One step towards the paper's figure.

    Attributes:
        name: What is done, on top of the steps before.
        score: BLEU in percent after it.
        signature: All that was done, in our words: sacreBLEU knows no such signature.
    """

    name: str
    score: float
    signature: str


def paper_bleu(
    hypotheses: Sequence[str], references: Sequence[str], language: str
) -> tuple[Step, ...]:
    """Scores detokenised text as the WMT14 figures of the literature were computed.

    Args:
        hypotheses: Detokenised translations.
        references: Detokenised references, in the same order.
        language: Code of the target language, whose Moses rules apply.

    Returns:
        The steps, each on top of the one before: three for German, whose compounds were split, one
        for other languages. The last one is the paper's BLEU. Quotes are made plain in the
        references alone, as the authors' file had them: a translation is scored as it is.
    """
    texts = (hypotheses, references)
    tokens = [moses.tokenise(side, language) for side in texts]
    first = _step("tokenised", tokens, ("kept", "kept"), language)
    if moses.rules(language) != "de":
        return (first,)
    ours, theirs = ([split_hyphens(line) for line in side] for side in tokens)
    plain = moses.tokenise(map(plain_quotes, references), language)
    plain = [split_hyphens(line) for line in plain]
    return (
        first,
        _step("+ hyphens split", (ours, theirs), ("split", "kept"), language),
        _step("+ plain quotes", (ours, plain), ("split", "plain"), language),
    )


def tokenised_bleu(hypotheses: Sequence[str], references: Sequence[str], language: str) -> Score:
    """Scores text as papers on Multi30k do: lower-cased Moses tokens with plain punctuation.

    Both sides are cut into tokens here, so that translations of any system compare, whether it saw
    tokens or not.

    Args:
        hypotheses: Detokenised translations.
        references: Detokenised references, in the same order.
        language: Code of the target language, whose Moses rules apply.
    """
    form = Preprocessing(language, True, True, "moses")
    score = multi_bleu(form.apply(hypotheses), form.apply(references))
    return Score(score, _signature("tokenised-bleu", "lc", language, "punctuation:moses"))


def multi_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Returns BLEU in percent over given tokens, as `multi-bleu.perl`: cased and unsmoothed.

    Args:
        hypotheses: Translations, with a space between any two tokens.
        references: References of the same kind, in the same order.
    """
    metric = BLEU(tokenize="none", smooth_method="none", force=True)
    return metric.corpus_score(list(hypotheses), [list(references)]).score


def split_hyphens(line: str) -> str:
    """Returns tokens with every compound split at its hyphen, which becomes a token.

    A letter belongs to one match only, as in the script that everybody used: of `a-b-c` only the
    first hyphen is split.
    """
    return _COMPOUND.sub(r"\1 ##AT##-##AT## \2", line)


def plain_quotes(text: str) -> str:
    """Returns text with ASCII's quotes for typographic ones; guillemets stay."""
    return text.translate(_QUOTES)


def as_json(steps: Sequence[Step]) -> dict[str, object]:
    """Returns the last step's figure, and all steps, as JSON can hold them."""
    each = [{"name": step.name, "score": step.score, "signature": step.signature} for step in steps]
    return {"score": steps[-1].score, "signature": steps[-1].signature, "steps": each}


def compares(step: Step, test_set: str, languages: tuple[str, str]) -> str:
    """Returns which published figures a step compares with, which are always of one test set.

    Args:
        step: The step.
        test_set: Name of the test set, or a file: only newstest2014 has figures that are named.
        languages: Codes of the source and the target language.
    """
    codes = "-".join(re.split("[-_]", code.lower())[0] for code in languages)
    published = _PUBLISHED.get((codes, step.name))
    if published and is_newstest2014(test_set):
        return f"newstest2014 {codes.title()}: {published}"
    return "multi-bleu figures on this test set, of the same tokens and steps"


def is_newstest2014(test_set: str) -> bool:
    """Whether the name of a test set, or a file, says that it is WMT14's."""
    return _NEWSTEST2014.search(Path(test_set).name) is not None


def lines(
    steps: Sequence[Step], sacrebleu: float, test_set: str, languages: tuple[str, str]
) -> list[str]:
    """Returns the steps for people: what each adds to the one before, the first to sacreBLEU.

    Args:
        steps: The steps.
        sacrebleu: sacreBLEU's own figure for the same translations.
        test_set: As `compares` takes it.
        languages: Likewise.
    """
    before = [sacrebleu, *(step.score for step in steps)]
    found = ["  BLEU as papers computed it; not to be compared with sacreBLEU figures"]
    for step, last in zip(steps, before, strict=False):
        gain = step.score - last
        found.append(f"    {step.name:16} {step.score:6.2f}  {gain:+6.2f}   {step.signature}")
        found.append(f"      compares with {compares(step, test_set, languages)}")
    return found


def _step(name: str, tokens: Sequence[Sequence[str]], done: tuple[str, str], language: str) -> Step:
    hyphens, quotes = done
    signature = _signature("paper-bleu", "mixed", language, f"hyphens:{hyphens}|quotes:{quotes}")
    return Step(name, multi_bleu(*tokens), signature)


def _signature(name: str, case: str, language: str, steps: str) -> str:
    tok = f"moses-{moses.rules(language)}-{moses.sacremoses_version()}"
    how = f"nrefs:1|case:{case}|eff:no|tok:{tok}|{steps}|smooth:none"
    return f"{name}|{how}|version:{sacrebleu_version}"
