"""How good the model is on pairs it does not train on: loss and perplexity, and BLEU of real text."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seq2seq import parallel
from seq2seq.config import Config, DataConfig
from seq2seq.data import corpora
from seq2seq.data.batches import Batches
from seq2seq.data.prepare import Prepared
from seq2seq.evaluation import evaluate
from seq2seq.training.loss import LossSums, means
from seq2seq.translator import Translator
from seq2seq.types import Batch, Params


class ValidationText(NamedTuple):
    """Raw sentences and their references."""

    sources: list[str]
    references: list[str]


def read_text(data: DataConfig, sentences: int) -> ValidationText:
    """The first `sentences` validation pairs as raw text."""
    text = ValidationText([], [])
    for corpus in data.validation:
        for chunk in corpora.read(corpus, data, "validation"):
            text.sources.extend(source or "" for source in chunk.sources)
            text.references.extend(target or "" for target in chunk.targets)
            if len(text.sources) >= sentences:
                return ValidationText(text.sources[:sentences], text.references[:sentences])
    return text


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
        self._text = read_text(config.data, config.training.validation_sentences)
        self._vocabularies, self._config = prepared.vocabularies, config
        self._step = parallel.data_parallel(evaluate_step, config.training.backend)
        pairs = prepared.validation
        weights = (1.0,) * len(pairs.corpus_sizes)
        data = _wide_enough(config.data, prepared)
        self._batches = Batches(pairs, weights, data, config.training) if len(pairs) else None
        self._translator: Translator | None = None

    def __call__(self, params: Params) -> dict[str, float]:
        """Loss (label-smoothed, nats per token), perplexity, token accuracy and BLEU."""
        return {**self._loss(params), **self._bleu(params)}

    def _loss(self, params: Params) -> dict[str, float]:
        if self._batches is None:
            return {}
        part = parallel.local_rows(self._batches.rows)[1]
        sums = LossSums(*(jnp.zeros((), jnp.float32) for _ in LossSums._fields))
        for number in range(self._batches.steps_in_epoch(0)):
            batch = parallel.place(self._batches.batch(number, part))
            sums = jax.tree.map(jnp.add, sums, self._step(params, batch)[1])
        return means(sums)

    def _bleu(self, params: Params) -> dict[str, float]:
        if not self._text.sources:
            return {}
        if self._translator is None:
            self._translator = Translator(self._config, self._vocabularies, params)
        self._translator.params = params
        hypotheses = [result.text for result in self._translator.translate(self._text.sources)]
        self._translator.params = {}
        return {"bleu": evaluate(hypotheses, self._text.references)["bleu"].score}


def _wide_enough(data: DataConfig, prepared: Prepared) -> DataConfig:
    """Rows that hold the longest validation pair, which no filter has dropped."""
    longest = {
        f"{side}_row_length": max(
            getattr(data, f"{side}_row_length"),
            1 + int(getattr(prepared.validation, f"{side}_lengths").max(initial=0)),
        )
        for side in ("source", "target")
    }
    return dataclasses.replace(data, **longest)
