"""N best translations as two models together rank them: the second one reads them back.

A translation that leaves something out is probable, but its source is hardly to be guessed from it.
So what the search found is ranked by log p(y|x) + w log p(x|y), each under its length penalty, of
which a run of the reverse direction gives the second (the noisy channel, as Yee et al., 2019,
Simple and effective noisy channel modeling for neural machine translation, use it without a
language model).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from seq2seq.config import DecodingConfig
from seq2seq.decoding.candidates import NEVER
from seq2seq.preprocessing import check_direction
from seq2seq.run_directory import RunDirectory
from seq2seq.translations import Translation
from seq2seq.translator import Translator


class RerankingTranslator(Translator):
    """A translator that ranks what it finds by a model of the reverse direction, too.

    Attributes:
        reverse: That model; None ranks nothing.
        weight: What its score counts (w).
    """

    reverse: Translator | None = None
    weight: float = 1.0

    def translate(
        self,
        sentences: Sequence[str],
        decoding: DecodingConfig | None = None,
        advance: Callable[[int], None] | None = None,
        prefixes: Sequence[str] | None = None,
        first: int = 0,
        banned: Sequence[str] = (),
        forced: Sequence[Sequence[str]] | None = None,
        numbers: Sequence[int] | None = None,
    ) -> list[Translation]:
        """As `Translator.translate`; all that is found is ranked, and scores are the sums."""
        decoding = decoding or self.config.decoding
        asked = (advance, prefixes, first, banned, forced, numbers)
        if self.reverse is None:
            return super().translate(sentences, decoding, *asked)
        wider = replace(decoding, n_best=candidates(decoding))
        found = super().translate(sentences, wider, *asked)
        return reranked(self.reverse, sentences, found, self.weight, decoding)

    def rank_by(self, run: Path, checkpoint: str | int = "best", weight: float = 1.0) -> None:
        """Loads the model of the reverse direction.

        Args:
            run: Its run.
            checkpoint: Which checkpoint of it.
            weight: What its score counts.

        Raises:
            UserError: It does not translate back, or there is none.
        """
        here, there = self.config.data, RunDirectory.open(run).config.data
        check_direction(run, there, (here.target_language, here.source_language))
        self.reverse, self.weight = Translator.load(run, checkpoint), weight


def candidates(decoding: DecodingConfig) -> int:
    """How many translations of a sentence are ranked."""
    free = decoding.alternatives == 1 and not decoding.draws
    return decoding.beam_size if free else decoding.n_best


def reranked(
    reverse: Translator,
    sentences: Sequence[str],
    found: Sequence[Translation],
    weight: float,
    decoding: DecodingConfig,
) -> list[Translation]:
    """Ranks the translations of each sentence.

    Args:
        reverse: The model of the reverse direction.
        sentences: What was translated.
        found: The translations, with others.
        weight: What the reverse score counts.
        decoding: How many of them are given: `n_best`, or all `alternatives`.

    Returns:
        For each sentence the best, its score the sum of both, and the next best; what was not
        searched for stays as it is.
    """
    every = [(one, *one.others) for one in found]
    flat = [(i, one) for i, ranked in enumerate(every) for one in ranked if one.tokens]
    back = reverse.score([one.text for _, one in flat], [sentences[i] for i, _ in flat])
    sums: list[list[Translation]] = [[] for _ in every]
    for (i, one), score in zip(flat, back, strict=True):
        total = one.score + weight * max(score.score, NEVER)
        sums[i].append(replace(one, score=total, others=()))
    results = []
    for one, ranked in zip(found, sums, strict=True):
        ranked.sort(key=lambda each: -each.score)
        kept = ranked if decoding.alternatives > 1 else ranked[: decoding.n_best]
        results.append(replace(kept[0], others=tuple(kept[1:])) if kept else one)
    return results
