"""The demonstration: train on the embedded phrasebook, measure, and look at words in context."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from seq2seq import attention_maps, deciding_words, recipes
from seq2seq.attention_maps import Sentence, SentenceAttention
from seq2seq.commands.console import show
from seq2seq.commands.evaluate import Wanted, scored, translated
from seq2seq.commands.train import train
from seq2seq.data.phrasebook import AmbiguousPair, ambiguous, sense_is_right, split
from seq2seq.evaluation.test_sets import EvaluationSet
from seq2seq.pictures import heat_maps, page
from seq2seq.pictures.views import Choice
from seq2seq.run_directory import RunDirectory
from seq2seq.translator import Translator

_SHOWN = {
    "bank": "",
    "mole": " nitrogen",
    "match": " stadium",
    "tower": " Eiffel",
    "date": "",
    "light": "",
    "it": " animal",
}
"""Ambiguous words, each with what the sentence shown should hold besides."""
_LOOKED_AT = "The tired fisherman waits at the bank."
"""A sentence whose attention is worth a look."""
_DRAWN = ("bank", "it")
"""Those whose attention is drawn, of the minimal pair in which it shows best: where the smallest of
the weights with which a head looks at the words that decide is largest."""


def demo(config_file: Path, overrides: Sequence[str]) -> int:
    """Trains the recipe, prints its scores and sample translations; returns the exit status."""
    config = recipes.load(config_file, overrides)
    if status := train(config, profile=False, distributed=False, again="make demo"):
        return status
    run = Path(str(config.run))
    translator, contrasts = Translator.load(run), ambiguous()
    translations = translated(translator, [pair.source for pair in contrasts])
    _scores(translator, contrasts, translations, RunDirectory.open(run))
    attentions = _attentions(translator, contrasts, translations)
    _looks(contrasts, attentions, run)
    seen = dict(zip(contrasts, attentions, strict=True))
    weights = {pair: deciding_words.strongest(pair, found) for pair, found in seen.items()}
    _samples(dict(zip(contrasts, translations, strict=True)), weights)
    _draw(seen, weights, run)
    _farewell(run)
    return 0


def _scores(
    translator: Translator,
    contrasts: Sequence[AmbiguousPair],
    translations: Sequence[str],
    run: RunDirectory,
) -> None:
    """BLEU on the test set, and how often an ambiguous word is translated in the right sense."""
    test = split("test")
    sources, references = [pair.source for pair in test], [pair.target for pair in test]
    pairs = EvaluationSet("test", sources, references)
    hypotheses = translated(translator, sources)
    bleu = scored(run, run.chosen("best"), pairs, hypotheses, Wanted()).scores["bleu"]
    marked = zip(contrasts, translations, strict=True)
    right = sum(sense_is_right(pair, text) for pair, text in marked)
    share = 100 * right / len(contrasts)
    show("")
    show(f"test set, {len(test):,} unseen sentences: BLEU {bleu.score:.1f} ({bleu.signature})")
    show(f"ambiguous words in the right sense: {right} of {len(contrasts)} ({share:.1f} %)")
    run.add_results({"ambiguous words": {"right": share}})


def _samples(
    translations: Mapping[AmbiguousPair, str], weights: Mapping[AmbiguousPair, float]
) -> None:
    """Prints minimal pairs with their translations."""
    show("")
    show("The same word, translated by what stands around it:")
    for word in _SHOWN:
        for example in _minimal_pair(word, weights):
            text = translations[example]
            mark = "ok" if sense_is_right(example, text) else f"wrong, not {example.sense}"
            show("")
            show(f"  {example.word} + {example.decider}: {mark}")
            show(f"    {example.source}")
            show(f"    {text}")


def _minimal_pair(word: str, weights: Mapping[AmbiguousPair, float]) -> list[AmbiguousPair]:
    """The members of the minimal pair that is shown of a word: the first, or what is drawn."""
    groups: dict[int, list[AmbiguousPair]] = {}
    for example in weights:
        if example.word == word:
            groups.setdefault(example.group, []).append(example)
    fitting = [g for g in groups.values() if any(_SHOWN[word] in one.source for one in g)]
    if word in _DRAWN:
        return max(fitting, key=lambda group: min(weights[one] for one in group))[:3]
    return fitting[0][:3]


def _attentions(
    translator: Translator, contrasts: Sequence[AmbiguousPair], translations: Sequence[str]
) -> list[SentenceAttention]:
    """What every head looks at while the model reads its own translations."""
    known = translator.vocabularies
    observe = attention_maps.observer(translator.make, known)
    sources = [Sentence.of(pair.source, known.source) for pair in contrasts]
    targets = [Sentence.of(text, known.target) for text in translations]
    return observe(translator.params, sources, targets)


def _looks(
    contrasts: Sequence[AmbiguousPair], attentions: Sequence[SentenceAttention], run: Path
) -> None:
    """How often heads look from the ambiguous word at the one that decides."""
    found = deciding_words.measure(contrasts, attentions)
    kept = {name: dataclasses.asdict(looks) for name, looks in found.items()}
    RunDirectory.open(run).add_results({"deciding words": kept})
    looks = found["encoder"]
    show(
        f"a head looks from them at the word that decides: some head in {looks.some_head:.0f} % "
        f"of sentences (at any other word: {looks.some_head_by_chance:.0f} %),\n"
        f"layer {looks.layer} head {looks.head} alone in {looks.best_head:.0f} % "
        f"({looks.best_head_by_chance:.0f} %)"
    )


def _draw(
    attentions: Mapping[AmbiguousPair, SentenceAttention],
    weights: Mapping[AmbiguousPair, float],
    run: Path,
) -> None:
    """Draws the minimal pairs of two words."""
    for word in _DRAWN:
        pair = [attentions[example] for example in _minimal_pair(word, weights)]
        page.write(pair, run / f"attention_{word}.html", word=word)
        heat_maps.draw(pair, run / f"attention_{word}.png", Choice(kinds=("encoder",)), word)


def _farewell(run: Path) -> None:
    show("")
    show(f"The run lies in {run}; learning curve: {run / 'learning_curve.png'}")
    names = " and ".join(f"attention_{word}" for word in _DRAWN)
    show(f"What the heads look at, word by word: {names}, .html to hover over and .png, in {run}")
    show("Try next:")
    seq2seq = ".venv/bin/seq2seq" if Path(".venv/bin/seq2seq").exists() else "seq2seq"
    show(f'  echo "The tired animal sat by the river bank." | {seq2seq} translate {run}')
    show(f'  {seq2seq} attention {run} "{_LOOKED_AT}" --output bank.html')
    show(f"  {seq2seq} evaluate {run} --metrics bleu chrf ter")
    show(f"  {seq2seq} describe {run}")
    show("Your own parallel text: docs/quick_start.md")
