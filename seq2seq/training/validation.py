"""How good the model is on pairs it does not train on: loss, perplexity, and BLEU of real text."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from seq2seq import parallel, preprocessing
from seq2seq.config import Config, DataConfig
from seq2seq.data import corpora
from seq2seq.data.batches import Batches
from seq2seq.data.prepare import Prepared
from seq2seq.evaluation import evaluate
from seq2seq.model import functional
from seq2seq.training import step
from seq2seq.training.loss import LossSums, means, zeros
from seq2seq.translator import Translator
from seq2seq.types import Batch, Params


def read_text(data: DataConfig, sentences: int) -> tuple[list[str], list[str]]:
    """The first `sentences` validation pairs: raw sources, references as the model can write them.

    A model of lower-cased text is not asked for capitals: the figure is to choose a checkpoint by.
    """
    sources: list[str] = []
    references: list[str] = []
    for corpus in data.validation if sentences else ():
        for side, texts in zip(
            (sources, references), corpora.read_texts(corpus, data, "validation"), strict=True
        ):
            side += texts
    target = preprocessing.sides(data)[1]
    return sources[:sentences], target.comparable(references[:sentences])


class Validator:
    """Measures a model on the validation set, always in the same way.

    The loss is measured on all pairs, the BLEU on the first `training.validation_sentences`.
    """

    def __init__(
        self,
        config: Config,
        prepared: Prepared,
        evaluate_step: Callable[[Params, Batch], tuple[Params, LossSums]],
    ) -> None:
        """Reads the validation set.

        Args:
            config: The run.
            prepared: Its data.
            evaluate_step: The loss of one device's part of a batch, without dropout.
        """
        text = read_text(config.data, config.training.validation_sentences)
        self._sources, self._references = text
        self._vocabularies, self._config = prepared.vocabularies, config
        self._step = parallel.data_parallel(evaluate_step, config.training.backend)
        pairs = prepared.validation
        weights = (1.0,) * len(pairs.corpus_sizes)
        self._batches = Batches(pairs, weights, config.data, config.training)
        self._steps = self._batches.steps_in_epoch(0) if len(pairs) else 0
        self._translator: Translator | None = None

    @classmethod
    def of(cls, config: Config, prepared: Prepared) -> "Validator":
        """The validator of a run that is not in training."""
        vocabularies = prepared.vocabularies
        sizes = (len(vocabularies.source), len(vocabularies.target))
        dtype = functional.compute_dtype(config.training.compute_dtype)
        return cls(config, prepared, step.make(config, *sizes, dtype).evaluate)

    def __call__(self, params: Params) -> dict[str, float]:
        """Loss (label-smoothed, nats per token), perplexity, token accuracy and BLEU."""
        return {**self._loss(params), **self._bleu(params)}

    def _loss(self, params: Params) -> dict[str, float]:
        if not self._steps:
            return {}
        part = parallel.local_rows(self._batches.rows)[1]
        sums = zeros()
        for number in range(self._steps):
            batch = parallel.place(self._batches.batch(number, part))
            sums = jax.tree.map(jnp.add, sums, self._step(params, batch)[1])
        return means(sums)

    def _bleu(self, params: Params) -> dict[str, float]:
        if not self._sources:
            return {}
        if self._translator is None:
            self._translator = Translator(self._config, self._vocabularies, params)
        self._translator.params = params
        hypotheses = [result.text for result in self._translator.translate(self._sources)]
        self._translator.params = {}
        return {"bleu": evaluate(hypotheses, self._references)["bleu"].score}
