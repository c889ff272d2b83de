"""The abstract structure that both languages are spoken from.

A clause holds words and roles but no word order and no endings: `english` and `german` each read
it in their own way. So a sentence and its translation cannot disagree about who does what.
"""

from dataclasses import dataclass, field
from typing import Literal

from seq2seq.data.phrasebook.words import Adjective, Adverb, Gender, Noun, Preposition, Verb

Tense = Literal["present", "past", "perfect", "future", "progressive", "was progressive"]
Degree = Literal["", "too", "very", "than"]
Asked = Literal["", "polar", "subject", "object", "adverb"]
"""What a question asks for; empty in a statement."""


@dataclass(frozen=True)
class NounPhrase:
    """A noun with what belongs to it."""

    noun: Noun
    determiner: str = "the"
    """A key of `english.DETERMINER`, a number word, or empty."""
    plural: bool = False
    adjectives: tuple[Adjective, ...] = ()
    attached: "PrepositionalPhrase | None" = None
    relative: "Clause | None" = None
    """A relative clause: exactly one phrase in it is a `Gap`."""


@dataclass(frozen=True)
class Pronoun:
    """A pronoun with its forms: nominative, accusative, dative."""

    english: str
    english_object: str
    german: tuple[str, str, str]
    person: Literal[1, 2, 3] = 3
    plural: bool = False


@dataclass(frozen=True)
class Gap:
    """The place of the relative pronoun in a relative clause."""

    noun: Noun
    plural: bool


Phrase = NounPhrase | Pronoun | Gap


@dataclass(frozen=True)
class PrepositionalPhrase:
    """A preposition and its phrase."""

    preposition: Preposition
    phrase: Phrase


@dataclass(frozen=True)
class Property:
    """A predicative adjective: tired, too tired, very tired, older than the king."""

    adjective: Adjective
    degree: Degree = ""
    than: Phrase | None = None


@dataclass(frozen=True)
class Modal:
    """A modal verb. German forms: first and third singular, plural, second singular."""

    english: str
    german: tuple[str, str, str]
    past: bool = False
    with_do: bool = False
    """Negated and asked with "do" (want to, had to)."""
    german_negated: tuple[str, str, str] | None = None
    """Must not means darf nicht."""


@dataclass(frozen=True)
class Clause:
    """One verb and its company."""

    subject: Phrase
    verb: Verb
    objects: tuple[Phrase, ...] = ()
    places: tuple[PrepositionalPhrase, ...] = ()
    predicate: Property | NounPhrase | None = None
    tense: Tense = "present"
    modal: Modal | None = None
    negated: bool = False
    contracted: bool = False
    """English only: didn't rather than did not."""
    adverb: Adverb | None = None
    fronted: bool = False
    """The adverb opens the clause, and German inverts."""
    existential: bool = False
    """There is a dog in the garden: Im Garten ist ein Hund."""
    asked: Asked = ""
    question_word: tuple[str, str] = ("", "")
    """Where the question asks for an adverb: where, wo."""


@dataclass(frozen=True)
class Link:
    """How a clause is tied to the one before it."""

    english: str
    german: str
    order: Literal["second", "first", "last", "shared", "infinitive"]
    """German order of what follows: second (aber), first (also), last (weil), shared (und, with
    the subject left out on both sides), or an infinitive with zu."""
    german_past: str = ""
    """Another conjunction in the past: when is wenn, but als in the past."""
    comma: bool = False
    """English writes a comma before it."""


@dataclass(frozen=True)
class Sentence:
    """A main clause and the clauses tied to it."""

    main: Clause
    tied: tuple[tuple[Link, Clause], ...] = field(default=())
    dependent_first: bool = False
    """The (single) tied clause opens the sentence."""


LINK: dict[str, Link] = {
    "because": Link("because", "weil", "last"),
    "although": Link("although", "obwohl", "last"),
    "when": Link("when", "wenn", "last", german_past="als"),
    "if": Link("if", "wenn", "last"),
    "until": Link("until", "bis", "last"),
    "before": Link("before", "bevor", "last"),
    "while": Link("while", "während", "last"),
    "that": Link("that", "dass", "last"),
    "where": Link("where", "wo", "last"),
    "why": Link("why", "warum", "last"),
    "so": Link("so", "also", "first", comma=True),
    "but": Link("but", "aber", "second", comma=True),
    "and": Link("and", "und", "shared"),
    "to": Link("to", "um", "infinitive"),
    "trying": Link("to", "", "infinitive"),
}
"""By the name that frames use."""

MODAL: dict[str, Modal] = {
    "can": Modal("can", ("kann", "können", "kannst")),
    "must": Modal("must", ("muss", "müssen", "musst"), german_negated=("darf", "dürfen", "darfst")),
    "should": Modal("should", ("sollte", "sollten", "solltest")),
    "want to": Modal("want to", ("will", "wollen", "willst"), with_do=True),
    "could": Modal("could", ("konnte", "konnten", "konntest"), past=True),
    "had to": Modal("have to", ("musste", "mussten", "musstest"), past=True, with_do=True),
    "wanted to": Modal("want to", ("wollte", "wollten", "wolltest"), past=True, with_do=True),
}

PRONOUN: dict[str, Pronoun] = {
    "I": Pronoun("I", "me", ("ich", "mich", "mir"), person=1),
    "you": Pronoun("you", "you", ("du", "dich", "dir"), person=2),
    "he": Pronoun("he", "him", ("er", "ihn", "ihm")),
    "she": Pronoun("she", "her", ("sie", "sie", "ihr")),
    "we": Pronoun("we", "us", ("wir", "uns", "uns"), person=1, plural=True),
    "they": Pronoun("they", "them", ("sie", "sie", "ihnen"), plural=True),
    "who": Pronoun("who", "who", ("wer", "wen", "wem")),
    "what": Pronoun("what", "what", ("was", "was", "was")),
    "weather": Pronoun("it", "it", ("es", "es", "es")),
}

IT: dict[Gender, Pronoun] = {
    "m": Pronoun("it", "it", ("er", "ihn", "ihm")),
    "f": Pronoun("it", "it", ("sie", "sie", "ihr")),
    "n": Pronoun("it", "it", ("es", "es", "ihm")),
}
"""The pronoun for a thing or an animal, by the gender of its German noun."""
