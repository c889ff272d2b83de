"""What a main clause may get on top: an adverbial, a question, "there is"."""

from dataclasses import replace
from random import Random

from seq2seq.data.phrasebook.modifiers import ADVERBS
from seq2seq.data.phrasebook.moods import Mood, pick
from seq2seq.data.phrasebook.phrases import PRONOUN, Asked, Clause, NounPhrase, Phrase, Tense
from seq2seq.data.phrasebook.words import Adverb

_KINDS: dict[Tense, tuple[str, ...]] = {
    "present": ("present", "any", "often"),
    "past": ("past", "past", "any", "often"),
    "future": ("future",),
    "perfect": ("often",),
}
"""Kinds of adverbials that go with a tense."""
_BY_KIND = {
    kind: [adverb for adverb in ADVERBS if adverb.kind == kind]
    for kind in ("past", "present", "future", "any", "often")
}


def draw_adverb(random: Random, clause: Clause, mood: Mood, chance: float) -> Adverb | None:
    """An adverbial that suits the clause; two draws, and a third if there is one."""
    draws = [random.random() for _ in range(2)]
    kinds = _KINDS.get(clause.tense, ())
    if mood.modal:
        kinds = ("past", "any") if mood.past else ("future", "any")
    if (clause.verb.stative and clause.verb.english != "be") or _has_relative(clause):
        kinds = ()
    if mood.negated or mood.asked or _is_many(clause.subject) or any(map(_is_many, clause.objects)):
        kinds = tuple(kind for kind in kinds if kind != "often")
    if not kinds or draws[0] > chance:
        return None
    return pick(random, _BY_KIND[kinds[int(draws[1] * len(kinds))]])


def _is_many(phrase: Phrase) -> bool:
    """Every, some and many do not go with often and never."""
    return isinstance(phrase, NounPhrase) and phrase.determiner in ("every", "some", "many")


def _has_relative(clause: Clause) -> bool:
    phrases = (clause.subject, *clause.objects)
    return any(isinstance(phrase, NounPhrase) and phrase.relative for phrase in phrases)


def existential(random: Random, clause: Clause, is_question: bool) -> Clause:
    """There is something in a place; its article is a, no or many, and there is no adverb."""
    subject = clause.subject
    if isinstance(subject, NounPhrase):
        indefinite = "a" if not subject.plural else pick(random, ("two", "many", "some"))
        subject = replace(subject, determiner="no" if clause.negated else indefinite)
    asked: Asked = "polar" if is_question else ""
    return replace(clause, subject=subject, existential=True, adverb=None, asked=asked)


def asked(random: Random, clause: Clause, whole: bool) -> Clause:
    """Turn a main clause into a question; `whole` keeps its subject and object."""
    draws = [random.random() for _ in range(3)]
    kinds: list[Asked] = ["polar", "polar", "adverb"]
    if not whole:
        kinds += ["subject"] * _is_person(clause.subject)
        kinds += ["object", "object"] * bool(clause.objects)
    kind = kinds[int(draws[0] * len(kinds))]
    clause = replace(clause, asked=kind, fronted=False)
    if kind == "subject":
        return replace(clause, subject=PRONOUN["who"])
    if kind == "object":
        thing = _asked_object(clause.objects[-1], draws[1])
        return replace(clause, objects=(*clause.objects[:-1], thing))
    if kind == "adverb":
        return replace(clause, question_word=_question_word(clause, draws[1]))
    return _polar(clause)


def _polar(clause: Clause) -> Clause:
    """Rare verbs do not open a sentence, lest their capitalised forms be seen too seldom."""
    if clause.tense != "present" or clause.modal or "core" in clause.verb.flags:
        return clause
    now = clause.adverb is not None and clause.adverb.kind == "present"
    return replace(clause, tense="past", adverb=None if now else clause.adverb)


def _question_word(clause: Clause, draw: float) -> tuple[str, str]:
    lasting = clause.verb.stative or "progressive" in clause.tense
    words = [("why", "warum")]
    if not (clause.predicate or clause.adverb or lasting):
        words.append(("when", "wann"))
        words += [] if clause.places else [("where", "wo")]
    return words[int(draw * len(words))]


def _asked_object(thing: Phrase, draw: float) -> Phrase:
    """What one asks for instead of an object: who, what, which book, how many books."""
    if not isinstance(thing, NounPhrase) or "person" in thing.noun.tags:
        return PRONOUN["who"]
    if draw < 0.4 or "mass" in thing.noun.tags:
        return PRONOUN["what"]
    plural = "core" in thing.noun.tags and draw < 0.7
    return NounPhrase(thing.noun, "how many" if plural else "which", plural)


def _is_person(phrase: Phrase) -> bool:
    return isinstance(phrase, NounPhrase) and "person" in phrase.noun.tags
