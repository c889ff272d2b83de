"""What a word of the phrasebook is, and how the tables spell it.

The lexicon is kept as plain tables, one word a line, because a reader must be able to proof-read
German morphology; the parsers here turn each line into a frozen dataclass. Anything regular is
left out of the tables and derived in `english` and `inflection`. Words are compared by identity:
hashing all their fields took a tenth of the time.
"""

from dataclasses import dataclass
from typing import Literal

Gender = Literal["m", "f", "n"]
Case = Literal["nominative", "accusative", "dative", "genitive"]


@dataclass(frozen=True, eq=False)
class Noun:
    """A noun of both languages. Table line: `english/plural German/Plural gender tags...`."""

    english: str
    english_plural: str
    german: str
    german_plural: str
    gender: Gender
    tags: frozenset[str]
    weak: bool = False
    """n-declension: den Studenten (gender written `m!`)."""
    at: str = "an"
    """German preposition for "at" this place (`at=in`), with the dative."""
    to: str = "zu"
    """German preposition for "to" this place (`to=in`); zu and nach take the dative."""

    @property
    def english_is_plural(self) -> bool:
        """True for glasses, scissors: always plural in English, singular in German."""
        return "pair" in self.tags


@dataclass(frozen=True, eq=False)
class Verb:
    """A verb of both languages. Table line: `base/past/participle German cases flags...`."""

    english: str
    english_past: str
    english_participle: str
    english_ing: str
    german: str
    """The infinitive without a separable prefix."""
    third: str
    """Third person singular present; empty where regular, likewise the next two."""
    preterite: str
    participle: str
    prefix: str
    """The separable prefix, or empty."""
    cases: str
    """The cases of the objects in order: a accusative, d dative, - none."""
    flags: frozenset[str]

    @property
    def takes_sein(self) -> bool:
        """True where the German perfect is formed with sein (flag `sein`)."""
        return "sein" in self.flags

    @property
    def stative(self) -> bool:
        """True where English has no progressive (flag `stative`)."""
        return "stative" in self.flags


@dataclass(frozen=True, eq=False)
class Adjective:
    """An adjective. Table line: `english/comparative german/komparativ tags...`."""

    english: str
    english_comparative: str
    german: str
    german_comparative: str
    tags: frozenset[str]


@dataclass(frozen=True)
class Adverb:
    """An adverbial of time or frequency, with the tenses that it suits."""

    english: str
    german: str
    kind: str
    """past, present, future, any (of time) or often (of frequency, before the verb)."""


@dataclass(frozen=True)
class Preposition:
    """A preposition; `german` is `at` or `to` where the noun chooses."""

    english: str
    german: str
    case: Case


def rows(table: str) -> list[list[str]]:
    """The non-empty lines of a table, cut at blanks; an underscore stands for a space."""
    lines = (line.split("#")[0].split() for line in table.splitlines())
    return [[cell.replace("_", " ") for cell in line] for line in lines if line]


def _option(cells: list[str], name: str, default: str) -> str:
    return next((c.removeprefix(name + "=") for c in cells if c.startswith(name + "=")), default)


def english_plural(singular: str) -> str:
    """The regular English plural: box -> boxes, city -> cities, day -> days."""
    if singular.endswith(("s", "x", "z", "ch", "sh")):
        return singular + "es"
    if singular.endswith("y") and singular[-2] not in "aeiou":
        return singular[:-1] + "ies"
    return singular + "s"


def parse_noun(cells: list[str]) -> Noun:
    """Read one line of a noun table."""
    english, _, plural = cells[0].partition("/")
    german, _, german_plural = cells[1].partition("/")
    gender: Gender = "m" if cells[2][0] == "m" else "f" if cells[2][0] == "f" else "n"
    return Noun(
        english=english,
        english_plural=plural or english_plural(english),
        german=german,
        german_plural=german_plural or german,
        gender=gender,
        tags=frozenset(c for c in cells[3:] if "=" not in c),
        weak=cells[2].endswith("!"),
        at=_option(cells, "at", "an"),
        to=_option(cells, "to", "zu"),
    )


def _regular_past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ied"
    return base + "ed"


def _regular_ing(base: str) -> str:
    return (base[:-1] if base.endswith("e") and not base.endswith("ee") else base) + "ing"


def parse_verb(cells: list[str]) -> Verb:
    """Read one line of a verb table."""
    english = cells[0].split("/")
    base, _, particle = english[0].partition(" ")
    past = english[1] if len(english) > 1 else _regular_past(base)
    participle = english[2] if len(english) > 2 else past
    ing = english[3] if len(english) > 3 else _regular_ing(base)
    tail = " " + particle if particle else ""
    prefix, _, rest = cells[1].rpartition("|")
    german = [*rest.split("/"), "", "", ""]
    return Verb(
        english=english[0],
        english_past=past + tail,
        english_participle=participle + tail,
        english_ing=ing + tail,
        german=german[0],
        third=german[1],
        preterite=german[2],
        participle=german[3],
        prefix=prefix,
        cases=cells[2].replace("-", ""),
        flags=frozenset(cells[3:]),
    )


def parse_adjective(cells: list[str]) -> Adjective:
    """Read one line of an adjective table."""
    english, _, comparative = cells[0].partition("/")
    german, _, german_comparative = cells[1].partition("/")
    return Adjective(english, comparative, german, german_comparative, frozenset(cells[2:]))
