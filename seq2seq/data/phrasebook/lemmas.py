"""What an ambiguous word is: its senses, what decides between them, and the frames they meet in.

Slots named `act…` hold verbs, `look…` adjectives, `at…` prepositions, all others nouns; `@person`
stands for a whole class of nouns.
"""

from dataclasses import dataclass, field

from seq2seq.data.phrasebook.words import (
    Adjective,
    Noun,
    Verb,
    parse_adjective,
    parse_noun,
    parse_verb,
    rows,
)

Word = Noun | Verb | Adjective


@dataclass(frozen=True)
class Sense:
    """One reading of an ambiguous word, and by slot the words that call for it."""

    word: Word
    slots: dict[str, tuple[str, ...]] = field(hash=False)


@dataclass(frozen=True)
class Lemma:
    """An ambiguous English word.

    A frame serves all senses that have its slots. A tuple of frames serves the senses in order,
    and the sentences drawn from it form one group.
    """

    english: str
    senses: tuple[Sense, ...]
    frames: tuple[str | tuple[str, ...], ...]
    weight: int = 3
    """How often it is drawn; less where few words decide."""


def noun_sense(line: str, **slots: str) -> Sense:
    """A sense that is a noun, in the notation of `nouns`."""
    return Sense(parse_noun(rows(line)[0]), _words(slots))


def verb_sense(line: str, **slots: str) -> Sense:
    """A sense that is a verb, in the notation of `verbs`."""
    return Sense(parse_verb(rows(line)[0]), _words(slots))


def adjective_sense(line: str, **slots: str) -> Sense:
    """A sense that is an adjective, in the notation of `modifiers`."""
    return Sense(parse_adjective(rows(line)[0]), _words(slots))


def _words(slots: dict[str, str]) -> dict[str, tuple[str, ...]]:
    split = {name: text.split() for name, text in slots.items()}
    return {name: tuple(w.replace("_", " ") for w in words) for name, words in split.items()}
