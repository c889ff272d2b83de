"""The demonstration: train on the embedded phrasebook, measure, and look at words in context."""

from collections.abc import Sequence
from pathlib import Path

from seq2seq import commands, recipes
from seq2seq.commands import show
from seq2seq.data.phrasebook import AmbiguousPair, ambiguous, sense_is_right, split
from seq2seq.evaluate_command import Wanted, scored, translated
from seq2seq.evaluation_set import EvaluationSet
from seq2seq.run_directory import RunDirectory
from seq2seq.translator import Translator

_SHOWN = {
    "bank": " net",
    "mole": " nitrogen",
    "match": " stadium",
    "tower": " Eiffel",
    "date": "",
    "light": "",
    "it": " animal",
}
"""Ambiguous words, each with what the sentence shown should hold besides."""


def demo(config_file: Path, overrides: Sequence[str]) -> int:
    """Trains the recipe, prints its scores and sample translations; returns the exit status."""
    config = recipes.load(config_file, overrides)
    if status := commands.train(config, profile=False, distributed=False, again="make demo"):
        return status
    run = Path(str(config.run))
    translator, contrasts = Translator.load(run), ambiguous()
    _scores(translator, contrasts, RunDirectory.open(run))
    show("")
    show("The same word, translated by what stands around it:")
    for example, translation in _samples(translator, contrasts):
        mark = "ok" if sense_is_right(example, translation) else f"wrong, not {example.sense}"
        show("")
        show(f"  {example.word} + {example.decider}: {mark}")
        show(f"    {example.source}")
        show(f"    {translation}")
    _farewell(run)
    return 0


def _scores(translator: Translator, contrasts: Sequence[AmbiguousPair], run: RunDirectory) -> None:
    """BLEU on the test set, and how often an ambiguous word is translated in the right sense."""
    test = split("test")
    sources, references = [pair.source for pair in test], [pair.target for pair in test]
    pairs = EvaluationSet("test", sources, references)
    hypotheses = translated(translator, sources)
    bleu = scored(run, pairs, hypotheses, Wanted()).scores["bleu"]
    found = translated(translator, [pair.source for pair in contrasts])
    right = sum(sense_is_right(pair, text) for pair, text in zip(contrasts, found, strict=True))
    share = 100 * right / len(contrasts)
    show("")
    show(f"test set, {len(test):,} unseen sentences: BLEU {bleu.score:.1f} ({bleu.signature})")
    show(f"ambiguous words in the right sense: {right} of {len(contrasts)} ({share:.1f} %)")
    run.add_results({"ambiguous": {"right": share}})


def _samples(
    translator: Translator, examples: Sequence[AmbiguousPair]
) -> list[tuple[AmbiguousPair, str]]:
    """For each word shown, the members of a minimal pair with their translations."""
    chosen: list[AmbiguousPair] = []
    for word, company in _SHOWN.items():
        groups = [e.group for e in examples if e.word == word and company in e.source]
        if groups:
            chosen += [example for example in examples if example.group == groups[0]][:3]
    results = translator.translate([example.source for example in chosen])
    return [(example, result.text) for example, result in zip(chosen, results, strict=True)]


def _farewell(run: Path) -> None:
    show("")
    show(f"The run lies in {run}; learning curve: {run / 'learning_curve.png'}")
    show("Try next:")
    show(f'  echo "The tired animal sat by the river bank." | .venv/bin/seq2seq translate {run}')
    show(f"  .venv/bin/seq2seq evaluate {run} --metrics bleu chrf ter")
    show(f"  .venv/bin/seq2seq describe {run}")
    show("Your own parallel text: docs/quick_start.md")
