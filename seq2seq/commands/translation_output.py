"""The forms in which `seq2seq translate` writes: plain lines, Moses's n best, alignments, JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from seq2seq.config import DecodingConfig
from seq2seq.explanation import Explanation
from seq2seq.lines.long import explain_lines
from seq2seq.translations import Translation
from seq2seq.translator import Translator

_PART = 256
"""Lines that are explained at a time: their attention stands in memory."""
_DIGITS = 4
"""Of weights and probabilities in JSON."""


@dataclass(frozen=True)
class Form:
    """What is written of a translation.

    Attributes:
        format: `text`, a line of the translation alone; `jsonl`, an object with all that is known.
        alignment: Whether text is followed by the alignment, `0-0 1-2`: source word, target word.
    """

    format: Literal["text", "jsonl"] = "text"
    alignment: bool = False

    def written(
        self,
        translator: Translator,
        sentences: Sequence[str],
        results: Sequence[Translation],
        decoding: DecodingConfig,
        first: int,
    ) -> Iterator[str]:
        """Yields the lines of translations, ends included.

        Args:
            translator: Made them.
            sentences: What was translated.
            results: The translations.
            decoding: How they were searched for.
            first: Number of the first one in the whole input, from 0.
        """
        for start in range(0, len(results), _PART):
            part = results[start : start + _PART]
            every = [(result, *result.others) for result in part]
            explanations = self._explanations(translator, sentences[start:], every, decoding)
            for i, ranked in enumerate(every):
                found = [next(explanations) for _ in ranked]
                if self.format == "jsonl":
                    yield _json(sentences[start + i], ranked, found)
                else:
                    number = first + start + i if decoding.several else None
                    yield from (
                        self._line(*pair, number) for pair in zip(ranked, found, strict=True)
                    )

    def _explanations(
        self,
        translator: Translator,
        sentences: Sequence[str],
        every: Sequence[Sequence[Translation]],
        decoding: DecodingConfig,
    ) -> Iterator[Explanation]:
        """Those of all translations one after the other; empty ones where none are needed."""
        flat = [
            (sentence, one)
            for sentence, ranked in zip(sentences, every, strict=False)
            for one in ranked
        ]
        if not self.alignment and self.format == "text":
            return iter([Explanation()] * len(flat))
        sources, translations = zip(*flat, strict=True)
        return iter(explain_lines(translator, sources, translations, decoding))

    def _line(self, result: Translation, found: Explanation, number: int | None) -> str:
        """A translation in a line; with a number, in the form that Moses gave its n best."""
        fields = [result.text]
        if number is not None:
            fields = [str(number), result.text, f"{result.score:.4f}"]
        if self.alignment:
            fields.append(" ".join(f"{i}-{j}" for i, j in found.alignment))
        return " ||| ".join(fields) + "\n"


def _json(sentence: str, ranked: Sequence[Translation], found: Sequence[Explanation]) -> str:
    """A sentence with its translations as one JSON object in a line."""
    first, *others = (_fields(*pair) for pair in zip(ranked, found, strict=True))
    fields = {"source": sentence, "source_tokens": found[0].source, **first}
    if others:
        fields["others"] = others
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _fields(result: Translation, found: Explanation) -> dict[str, Any]:
    """What is known of one translation, as JSON can hold it."""
    attention = [] if found.attention is None else found.attention.tolist()
    flags = {
        "truncated": result.cut > 0,
        "divided": result.divided > 0,
        "repeated": found.repeated,
        "unknown": result.unknown > 0,
        "copied": result.copied,
    }
    return {
        "text": result.text,
        "score": result.score,
        "confidence": None if found.confidence is None else round(found.confidence, _DIGITS),
        "tokens": found.target,
        "log_probs": [round(x, _DIGITS) for x in found.log_probs],
        "alignment": found.alignment,
        "attention": [[round(x, _DIGITS) for x in row] for row in attention],
        "flags": [name for name, is_so in flags.items() if is_so],
    }
