"""Sentences whose translation hangs on a word elsewhere in them, single or as minimal pairs.

A `Context` is one frame with one palette for each reading. From one seed it yields the members of
a group: the same sentence but for the word that decides and what follows from it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from seq2seq.data.phrasebook import english, german, inflection
from seq2seq.data.phrasebook.frames import FrameSpec, parse_frame
from seq2seq.data.phrasebook.grammar import GENERAL
from seq2seq.data.phrasebook.lemmas import Lemma, Sense, Word
from seq2seq.data.phrasebook.modifiers import ADJECTIVE
from seq2seq.data.phrasebook.nouns import NOUN
from seq2seq.data.phrasebook.phrases import IT, NounPhrase, Pronoun, Sentence
from seq2seq.data.phrasebook.reference import (
    IT_ADJECTIVES,
    IT_NOUNS,
    IT_PAIRS,
    IT_THINGS,
    IT_TRIPLES,
)
from seq2seq.data.phrasebook.scene import Filled, Palette, fill
from seq2seq.data.phrasebook.senses import HOMONYMS
from seq2seq.data.phrasebook.senses_more import MORE
from seq2seq.data.phrasebook.verbs import VERB
from seq2seq.data.phrasebook.words import Adjective, Case, Noun, Verb


@dataclass(frozen=True)
class Reading:
    """A frame, and the words that make its ambiguous word mean one thing."""

    frame: FrameSpec
    palette: Palette
    forms: tuple[str, ...]
    """The German forms of this sense; empty for "it", whose gender the sentence shows."""
    others: tuple[str, ...]
    """The German forms of the competing senses."""
    deciders: tuple[str, ...]
    """The names in the frame that decide, the first one drawn being reported."""


@dataclass(frozen=True)
class Context:
    """The readings that one frame allows of one word."""

    word: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Example:
    """A sentence pair that holds an ambiguous word."""

    source: str
    target: str
    word: str
    sense: str
    others: tuple[str, ...]
    decider: str


def words_of(text: str) -> list[str]:
    """The words of a sentence in lower case, without punctuation."""
    return re.findall(r"\w+", text.lower())


def holds_only(text: str, sense: str, others: tuple[str, ...]) -> bool:
    """Whether the sense stands in the text as a word, and none of the others does."""
    words = set(words_of(text))
    return sense.lower() in words and words.isdisjoint(other.lower() for other in others)


def example(context: Context, reading: Reading, random: Random) -> Example | None:
    """One sentence of a reading, or None where what was drawn does not go together."""
    filled = fill(reading.frame, reading.palette, random)
    if filled is None or (context.word == "it" and _same_gender(filled.sentence)):
        return None
    source, target = english.sentence(filled.sentence), german.sentence(filled.sentence)
    forms, others = reading.forms, reading.others
    if context.word == "it":
        forms, others = _pronoun_forms(filled.sentence)
    sense = next((form for form in forms if form.lower() in words_of(target)), None)
    decider = _decider(reading, filled, source)
    word = _surface(filled.chosen.get("W"), source) or context.word
    if sense is None or decider is None or not holds_only(target, sense, others):
        return None
    return Example(source, target, word.split()[-1], sense, others, decider)


def _same_gender(sentence: Sentence) -> bool:
    """Whether "it" would be the same pronoun for the subject and for the other thing."""
    main = sentence.main
    things = (main.subject, *main.objects, *(place.phrase for place in main.places))
    nouns = [thing.noun for thing in things if isinstance(thing, NounPhrase)]
    return len({noun.gender for noun in nouns}) < len(nouns) and "person" not in nouns[0].tags


def _pronoun_forms(sentence: Sentence) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The German "it" of the dependent clause, and the pronouns of the other genders."""
    subject = sentence.tied[0][1].subject
    form = subject.german[0] if isinstance(subject, Pronoun) else ""
    return (form,), tuple(p.german[0] for p in IT.values() if p.german[0] != form)


def _decider(reading: Reading, filled: Filled, source: str) -> str | None:
    """What decides, as it stands in the sentence: a drawn word, a link, part of a compound."""
    for name in reading.deciders:
        if surface := _surface(filled.chosen.get(name), source):
            return surface
    word = filled.chosen["W"]
    if isinstance(word, Noun) and " " in word.english:
        return word.english.rpartition(" ")[0]
    return filled.sentence.tied[0][0].english if filled.sentence.tied else None


def _surface(word: Word | None, source: str) -> str | None:
    """The form in which an English word stands in a sentence."""
    forms = () if word is None else english_forms(word)
    padded = " ".join(["", *words_of(source), ""])
    return next((form for form in forms if f" {form.lower()} " in padded), None)


def english_forms(word: Word) -> tuple[str, ...]:
    """All English forms of a word."""
    if isinstance(word, Noun):
        return word.english_plural, word.english
    if isinstance(word, Adjective):
        return (word.english,)
    third = english.third_person(word.english)
    return (
        third,
        word.english_participle,
        word.english_past,
        word.english_ing,
        word.english,
    )


def german_forms(word: Word) -> tuple[str, ...]:
    """All German forms of a word, in a fixed order, without repetition."""
    if isinstance(word, Noun):
        cases: tuple[Case, ...] = ("nominative", "accusative", "dative", "genitive")
        both = (False,) if word.german_plural == "-" else (False, True)
        forms = [inflection.noun(word, case, plural) for plural in both for case in cases]
    elif isinstance(word, Adjective):
        stem = inflection.adjective(word.german, "the", "nominative", "m")
        forms = [word.german, stem, *(stem + ending for ending in "nrsm")]
    else:
        conjugations = (inflection.present, inflection.preterite)
        persons = [(1, False), (2, False), (3, False), (1, True)]
        forms = [conjugate(word, *person) for conjugate in conjugations for person in persons]
        forms += [inflection.participle(word), inflection.infinitive(word)]
    return tuple(dict.fromkeys(forms))


def contexts(lemma: Lemma) -> tuple[Context, ...]:
    """The contexts of a lemma, one for each frame."""
    found = []
    for frame in lemma.frames:
        senses = lemma.senses
        frames = (frame,) * len(senses) if isinstance(frame, str) else frame
        pairs = [(f, s) for f, s in zip(frames, senses, strict=True) if _serves(f, s, lemma)]
        readings = tuple(_reading(parse_frame(f), s, lemma) for f, s in pairs)
        found.append(Context(lemma.english, readings))
    return tuple(found)


def _serves(frame: str, sense: Sense, lemma: Lemma) -> bool:
    """Whether a sense has all the slots that a frame names."""
    slots = {name for other in lemma.senses for name in other.slots}
    return slots.intersection(re.findall(r"\w+", frame)) <= sense.slots.keys()


def _reading(frame: FrameSpec, sense: Sense, lemma: Lemma) -> Reading:
    own = german_forms(sense.word)
    rivals = [form for other in lemma.senses for form in german_forms(other.word)]
    others = tuple(form for form in dict.fromkeys(rivals) if form not in own)
    named = [name for name in re.findall(r"\w+", frame.text) if name in sense.slots]
    words = palette(_neutral(lemma), sense.slots, sense.word)
    return Reading(frame, words, own, others, tuple(named))


@cache
def _neutral(lemma: Lemma) -> Palette:
    """The general palette without people and adjectives that decide for some sense of the lemma.

    So nobody is told by an engineer that the crane at the lake is a bird.
    """
    deciding = {w for sense in lemma.senses for words in sense.slots.values() for w in words}
    people = ("grown", "person")
    nouns = {name: [n for n in GENERAL.nouns[name] if n.english not in deciding] for name in people}
    describing = {
        noun: [adjective for adjective in adjectives if adjective.english not in deciding]
        for noun, adjectives in GENERAL.describing.items()
    }
    return replace(GENERAL, nouns={**GENERAL.nouns, **nouns}, describing=describing)


_DEVOUR = next(
    sense.word
    for lemma in MORE
    for sense in lemma.senses
    if isinstance(sense.word, Verb) and sense.word.german == "fressen"
)
"""What animals do to their food: "eat" once more, for the frames of "it"."""


def palette(
    base: Palette, slots: Mapping[str, tuple[str, ...]], word: Word | None = None
) -> Palette:
    """A palette with the slots of a sense added, and with `W` for its word."""
    nouns, verbs, adjectives = dict(base.nouns), dict(base.verbs), dict(base.adjectives)
    prepositions = {}
    for name, words in slots.items():
        if name == "act" or name.startswith("act_"):
            verbs[name.replace("_", " ")] = [VERB[w] for w in words]
        elif name.startswith("look"):
            adjectives[name] = [ADJECTIVE[w] for w in words]
        elif name.startswith("at_"):
            prepositions[name] = words[0]
        else:
            nouns[name] = [noun for w in words for noun in _nouns(w)]
    if isinstance(word, Noun):
        nouns["W"] = [word]
    elif isinstance(word, Verb):
        verbs["W"] = [word]
    elif isinstance(word, Adjective):
        adjectives["W"] = [word]
    verbs["devour"] = [_DEVOUR]
    fixed = frozenset({"W", *slots, *(name.replace("_", " ") for name in slots)})
    return Palette(nouns, verbs, adjectives, base.describing, prepositions, fixed)


def _nouns(word: str) -> Sequence[Noun]:
    """The nouns of a class (@person), or the one noun of that name."""
    return GENERAL.nouns[word[1:]] if word.startswith("@") else [NOUN[word]]


def contexts_of_it() -> tuple[Context, ...]:
    """The contexts of the pronoun "it"."""
    slots = IT_NOUNS | {f"look_{name}": text for name, text in IT_ADJECTIVES.items()}
    words = {name: tuple(text.split()) for name, text in slots.items()}
    shared = palette(GENERAL, words)
    found = []
    for frames in IT_PAIRS:
        parsed = [parse_frame(frame) for frame in frames]
        readings = [Reading(f, shared, (), (), (f.text.rpartition(".")[2],)) for f in parsed]
        found.append(Context("it", tuple(readings)))
    for frame in IT_TRIPLES:
        filled = [palette(GENERAL, words | {"thing": tuple(t.split())}) for t in IT_THINGS.values()]
        triple = tuple(Reading(parse_frame(frame), p, (), (), ("thing",)) for p in filled)
        found.append(Context("it", triple))
    return tuple(found)


LEMMAS: tuple[Lemma, ...] = (*HOMONYMS, *MORE)
"""Every ambiguous word but "it"."""
