"""What `seq2seq evaluate` does: translate a test set by one run or several, and score it.

One run gives its scores; several give theirs in turn and, if asked for, a paired test against the
first.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq import parallel, text_io
from seq2seq.commands.console import say, show, use_compilation_cache
from seq2seq.config import DataConfig, DecodingConfig
from seq2seq.errors import UserError
from seq2seq.evaluation import breakdown, paper_bleu, scores, significance, test_sets
from seq2seq.evaluation.breakdown import Breakdown
from seq2seq.evaluation.paper_bleu import Step
from seq2seq.evaluation.scores import MetricName, Score
from seq2seq.evaluation.significance import TestName
from seq2seq.evaluation.test_sets import EvaluationSet
from seq2seq.progress import Progress
from seq2seq.run_directory import Chosen, RunDirectory
from seq2seq.translator import Translator


@dataclass(frozen=True)
class Wanted:
    """What is to be found out.

    Attributes:
        metrics: sacreBLEU's metrics; BLEU is added beside whatever else is wanted.
        paper_bleu: Whether BLEU as the WMT14 literature computed it is shown beside.
        tokenised: Whether BLEU of lower-cased Moses tokens is.
        breakdown: Whether BLEU is broken down by length and by known words.
        significance: The paired test between runs, if any.
        trials: Its resamples or trials; default sacreBLEU's.
    """

    metrics: Sequence[MetricName] = ("bleu",)
    paper_bleu: bool = False
    tokenised: bool = False
    breakdown: bool = False
    significance: TestName | None = None
    trials: int | None = None

    @property
    def all_metrics(self) -> list[MetricName]:
        """The metrics wanted; other ways to compute BLEU never stand without sacreBLEU's."""
        beside = self.paper_bleu or self.tokenised or self.breakdown
        first: tuple[MetricName, ...] = ("bleu",) if beside else ()
        return list(dict.fromkeys((*first, *self.metrics)))


@dataclass(frozen=True)
class Results:
    """What one run's translations are worth.

    Attributes:
        test_set: Name of the test set.
        languages: Codes of the source and the target language.
        scores: sacreBLEU's figures, in its own settings.
        steps: Those of the WMT14 literature, if wanted.
        tokenised: BLEU of lower-cased tokens, if wanted.
        parts: The breakdown, if wanted.
    """

    test_set: str
    languages: tuple[str, str]
    scores: Mapping[MetricName, Score]
    steps: tuple[Step, ...] = ()
    tokenised: Score | None = None
    parts: Breakdown | None = None

    def as_json(self) -> dict[str, Any]:
        """Returns all figures as JSON can hold them; what was not wanted has no key."""
        figures: dict[str, Any] = {k: dataclasses.asdict(v) for k, v in self.scores.items()}
        if self.steps:
            figures["paper_bleu"] = paper_bleu.as_json(self.steps)
        if self.tokenised is not None:
            figures["tokenised_bleu"] = dataclasses.asdict(self.tokenised)
        if self.parts is not None:
            figures["breakdown"] = breakdown.as_json(self.parts)
        return figures

    def lines(self) -> list[str]:
        """Returns all figures for people."""
        text = []
        for name, score in self.scores.items():
            text.append(f"  {name.upper():5} {score.score:6.2f}   {score.signature}")
            if name == "bleu" and self.steps:
                text.append(f"      {paper_bleu.SACREBLEU_COMPARES}")
        if self.tokenised is not None:
            text.append("  BLEU of lower-cased tokens; not to be compared with sacreBLEU figures")
            text.append(f"        {self.tokenised.score:6.2f}   {self.tokenised.signature}")
        if self.steps:
            options = (self.scores["bleu"].score, self.test_set, self.languages)
            text += paper_bleu.lines(self.steps, *options)
        return text + (breakdown.lines(self.parts) if self.parts else [])


def evaluate(
    runs: Sequence[tuple[RunDirectory, DecodingConfig]],
    pairs: EvaluationSet,
    checkpoint: str | int,
    wanted: Wanted,
    *,
    as_json: bool,
    target: Path | None,
    ensemble: Sequence[tuple[Path, str | int]] = (),
) -> int:
    """Translates a test set by every run and prints the scores; returns the exit status.

    The scores are also kept in each run's results.json.

    Args:
        runs: Trained runs, each with how it searches.
        pairs: The test set.
        checkpoint: Which one of every run: best, latest, averaged or a step.
        wanted: What is to be found out.
        as_json: Whether to print JSON instead of tables.
        target: Where to keep the translations of a single run, if anywhere.
        ensemble: Further runs, each with a checkpoint, that decide together with a single one.
    """
    if wanted.significance is not None:
        significance.check_seed()
    parallel.cores_as_devices()
    use_compilation_cache()
    translations: list[tuple[str, Sequence[str]]] = []
    found: list[tuple[str, Results]] = []
    for run, decoding in runs:
        chosen = run.chosen(checkpoint)  # training may go on meanwhile, to a better one
        members = [chosen.name, *(f"{path}@{which}" for path, which in ensemble)]
        translator = Translator.load(run.path, checkpoint, ensemble)
        hypotheses = translated(translator, pairs.sources, decoding)
        if target is not None:
            with text_io.output(target) as out:
                out.writelines(f"{text}\n" for text in hypotheses)
        kept = chosen._replace(name=" + ".join(members))
        found.append((str(run.path), scored(run, kept, pairs, hypotheses, wanted)))
        translations.append((str(run.path), hypotheses))
        if not as_json:
            show("\n".join(_table(pairs, found[-1], len(runs))))
    test = None
    if wanted.significance is not None:
        options = (wanted.all_metrics, wanted.significance, wanted.trials)
        test = significance.compare(translations, pairs.references, *options)
    if as_json:
        show(json.dumps(_json(found, test)))
    elif test is not None:
        show("\n".join(significance.lines(test)))
    return 0


def evaluate_both(run: RunDirectory) -> None:
    """Scores the best checkpoint and the average of the last ones on the recipe's test sets.

    They are shown and kept as `evaluate` does it, with the figures by which papers measured such
    text: of newstest2014 the paper's, of lower-cased text that of tokens. What an earlier call has
    scored is left out. A test set that is out of reach is warned of: the run is trained all the
    same.
    """
    try:
        sets = test_sets.read_all(run.config)
    except UserError as error:
        say(f"warning: best and averaged checkpoint not scored: {error}")
        return
    for which in (run.best_step() or run.steps()[-1], "averaged"):
        chosen = run.chosen(which)
        missing = [pairs for pairs in sets if not run.has_scores(pairs.name, chosen)]
        if not missing:
            continue
        translator = Translator.load(run.path, which)
        title = f"step {which:,}" if isinstance(which, int) else which
        for pairs in missing:
            hypotheses = translated(translator, pairs.sources)
            papers = paper_bleu.is_newstest2014(pairs.name)
            wanted = Wanted(paper_bleu=papers, tokenised=run.config.data.lowercase)
            results = scored(run, chosen, pairs, hypotheses, wanted)
            show("\n".join(_table(pairs, (title, results), 2)))


def translated(
    translator: Translator, sources: Sequence[str], decoding: DecodingConfig | None = None
) -> list[str]:
    """Translates sentences, and shows how far it is; the run's own search by default."""
    with Progress("translating", len(sources), unit="sentences") as progress:
        results = translator.translate(sources, decoding, progress.advance)
    return [result.text for result in results]


def scored(
    run: RunDirectory,
    checkpoint: Chosen,
    pairs: EvaluationSet,
    hypotheses: Sequence[str],
    wanted: Wanted,
) -> Results:
    """Scores translations of a test set and keeps the scores in the run's results.json.

    There each checkpoint has its own. Warns where the text makes scores incomparable.

    Args:
        run: Whose translations they are.
        checkpoint: Which of its checkpoints wrote them.
        pairs: The test set.
        hypotheses: Its translations, detokenised, in order.
        wanted: What is to be found out.
    """
    data, references = run.config.data, pairs.references
    _warn(pairs, hypotheses, data)
    language = data.target_language
    results = Results(
        pairs.name,
        (data.source_language, language),
        scores.evaluate(hypotheses, references, wanted.all_metrics),
        paper_bleu.paper_bleu(hypotheses, references, language) if wanted.paper_bleu else (),
        paper_bleu.tokenised_bleu(hypotheses, references, language) if wanted.tokenised else None,
        _breakdown(pairs, hypotheses, data) if wanted.breakdown else None,
    )
    try:
        run.add_scores(pairs.name, checkpoint, results.as_json())
    except UserError as error:
        say(f"warning: scores not kept: {error}")
    return results


def _warn(pairs: EvaluationSet, hypotheses: Sequence[str], data: DataConfig) -> None:
    for what, texts in (
        ("reference looks", pairs.references),
        ("translations look", hypotheses),
    ):
        if scores.looks_tokenised(texts):
            text = f"the {what} tokenised; scores compare only on detokenised text"
            say(f"warning: {pairs.name}: {text}")
    if data.lowercase and any(text != text.lower() for text in pairs.references):
        text = "this run writes no capitals, and scores with case:mixed ask for them"
        say(f"warning: {pairs.name}: {text}; --tokenised gives BLEU without case")


def _breakdown(pairs: EvaluationSet, hypotheses: Sequence[str], data: DataConfig) -> Breakdown:
    texts = (pairs.sources, hypotheses, pairs.references)
    signature = scores.evaluate(hypotheses, pairs.references)["bleu"].signature
    parts = breakdown.by_length(*texts)
    try:
        with Progress("reading training text", unit="pairs") as progress:
            unseen = breakdown.unseen_words(pairs.sources, data, progress.advance)
    except UserError as error:
        return Breakdown(signature, parts, None, f"the training text is out of reach: {error}")
    return Breakdown(signature, parts, breakdown.by_words(*texts, unseen))


def _table(pairs: EvaluationSet, found: tuple[str, Results], runs: int) -> list[str]:
    """Scores for people; of several runs each one is named."""
    name, results = found
    count = len(pairs.sources)
    title = f"{pairs.name}: {count:,} {'sentence' if count == 1 else 'sentences'}"
    return [title if runs == 1 else f"{name}, {title}", *results.lines()]


def _json(
    found: Sequence[tuple[str, Results]], test: significance.Significance | None
) -> dict[str, Any]:
    """Scores for programs: of one run its figures, of several a list of them."""
    if len(found) == 1:
        return found[0][1].as_json()
    figures: dict[str, Any] = {"runs": [{"run": name, **each.as_json()} for name, each in found]}
    return figures | ({} if test is None else {"significance": significance.as_json(test)})
