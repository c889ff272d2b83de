"""Where a system is good and where it is not: BLEU by length of the source, and by known words.

A corpus score hides what it is made of. Long sentences and words that training never showed are
what models fail on first (Koehn and Knowles, 2017).

Words are what stands between spaces and punctuation, compared without regard to case. What
training showed is read from its text, chunk by chunk, and only the words of the test set are looked
for: memory does not grow with the corpus. All of the training text counts, also pairs that filters
left out later.
"""

import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise

from seq2seq.config import DataConfig
from seq2seq.data import corpora
from seq2seq.evaluation import scores

LONGEST = (5, 10, 15, 20, 30, 40, 60)
"""The longest source of each group, in words; beyond the last is one group more."""


@dataclass(frozen=True)
class Part:
    """Some sentences of a test set and their score.

    Attributes:
        label: Which sentences they are.
        sentences: How many.
        bleu: Their corpus BLEU, cased, tokeniser 13a; None without sentences.
    """

    label: str
    sentences: int
    bleu: float | None


@dataclass(frozen=True)
class Breakdown:
    """A test set's scores by kind of sentence.

    Attributes:
        signature: Of every BLEU in it.
        by_length: By the number of words of the source; groups without sentences are left out.
        by_words: Sentences of which training showed every source word, and the others; None where
            the training text is out of reach.
        missing: Why it is, as a line for people.
    """

    signature: str
    by_length: tuple[Part, ...]
    by_words: tuple[Part, ...] | None
    missing: str | None = None


def words(text: str) -> list[str]:
    """Returns the words of a text, without case and punctuation."""
    return unicodedata.normalize("NFC", text).casefold().translate(_marks()).split()


@cache
def _marks() -> dict[int, str]:
    """A space for every punctuation mark and symbol there is."""
    every = range(sys.maxunicode + 1)
    return {code: " " for code in every if unicodedata.category(chr(code))[0] in "PS"}


def unseen_words(
    sources: Iterable[str], data: DataConfig, advance: Callable[[int], None] | None = None
) -> set[str]:
    """Returns the words of sources that no source of the training corpora holds.

    Args:
        sources: Raw sources.
        data: Whose training corpora are read, as far as needed.
        advance: Called with a number of pairs that have been read, until all are.

    Raises:
        UserError: A corpus is missing, malformed or unreachable.
    """
    missing = {word for text in sources for word in words(text)}
    for corpus in data.train:
        for chunk in corpora.read(corpus, data):
            if not missing:
                return missing
            missing.difference_update(words(" ".join(text or "" for text in chunk.sources)))
            if advance is not None:
                advance(len(chunk.sources))
    return missing


def by_length(
    sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]
) -> tuple[Part, ...]:
    """Scores sentences by the number of words of the source."""
    bounds = (-1, *LONGEST, sys.maxsize)
    counts = [len(words(text)) for text in sources]
    parts = []
    for below, most in pairwise(bounds):
        chosen = [below < count <= most for count in counts]
        label = f"{max(below, 0) + 1} to {most} words"
        if below < 0:
            label = f"up to {most} words"
        elif most == sys.maxsize:
            label = f"more than {below} words"
        parts.append(_part(label, chosen, hypotheses, references))
    return tuple(part for part in parts if part.sentences)


def by_words(
    sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str], unseen: set[str]
) -> tuple[Part, Part]:
    """Scores the sentences without a word of `unseen`, and those with one or more."""
    known = [unseen.isdisjoint(words(text)) for text in sources]
    strange = [not each for each in known]
    return (
        _part("every word seen in training", known, hypotheses, references),
        _part("a word not seen in training", strange, hypotheses, references),
    )


def _part(
    label: str, chosen: Sequence[bool], hypotheses: Sequence[str], references: Sequence[str]
) -> Part:
    count = sum(chosen)
    if not count:
        return Part(label, 0, None)
    pairs = zip(hypotheses, references, chosen, strict=True)
    ours, theirs = zip(*((ours, theirs) for ours, theirs, taken in pairs if taken), strict=True)
    return Part(label, count, scores.evaluate(ours, theirs)["bleu"].score)


def as_json(found: Breakdown) -> dict[str, object]:
    """Returns a breakdown as JSON can hold it."""
    return asdict(found)


def lines(found: Breakdown) -> list[str]:
    """Returns a breakdown for people."""
    text = [f"  BLEU by part of the test set   {found.signature}"]
    parts = [*found.by_length, *(found.by_words or ())]
    for part in parts:
        bleu = "     -" if part.bleu is None else f"{part.bleu:6.2f}"
        text.append(f"    {part.label:28} {part.sentences:7,}  {bleu}")
    if found.missing is not None:
        text.append(f"    by words seen in training: not known ({found.missing})")
    return text
