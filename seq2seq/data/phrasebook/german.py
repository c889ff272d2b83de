"""The German side: cases, contractions and the order of words.

One builder puts a clause together from its finite verb, the middle field and the right bracket
(separable prefix, participle or infinitive); the kind of clause decides whether the finite verb
stands second (statements), first (questions, after a fronted clause) or last (subordinate ones).
"""

from dataclasses import replace
from typing import Literal

from seq2seq.data.phrasebook import inflection
from seq2seq.data.phrasebook.modifiers import NUMBER
from seq2seq.data.phrasebook.phrases import (
    Clause,
    Gap,
    Link,
    NounPhrase,
    Phrase,
    PrepositionalPhrase,
    Pronoun,
    Property,
    Sentence,
)
from seq2seq.data.phrasebook.verbs import VERB
from seq2seq.data.phrasebook.words import Case, Verb

Order = Literal["second", "first", "last", "shared", "infinitive"]

_CONTRACTIONS = {
    "an dem": "am",
    "bei dem": "beim",
    "in dem": "im",
    "von dem": "vom",
    "zu dem": "zum",
    "zu der": "zur",
    "an das": "ans",
    "in das": "ins",
}
_CASE_OF: dict[str, Case] = {"a": "accusative", "d": "dative"}
_CASE_INDEX: dict[Case, int] = {"nominative": 0, "accusative": 1, "dative": 2}
_WERDEN = Verb("", "", "", "", "werden", "wird", "wurde", "", "", "", frozenset())
_HABEN = VERB["have"]
_SEIN = VERB["be"]


def sentence(item: Sentence) -> str:
    """The whole sentence, with capital and final mark."""
    main = clause(item.main, "first" if item.dependent_first else "second")
    if item.dependent_first:
        text = f"{_tied(*item.tied[0])}, {main}"
    else:
        text = main
        for link, dependent in item.tied:
            text += (" " if link.order == "shared" else ", ") + _tied(link, dependent)
    text = text.replace(" ,", ",").replace(",,", ",").strip(" ,")
    return text[0].upper() + text[1:] + ("?" if item.main.asked else ".")


def _tied(link: Link, dependent: Clause) -> str:
    past = dependent.tense in ("past", "was progressive")
    return _join([(past and link.german_past) or link.german, clause(dependent, link.order)])


def clause(item: Clause, order: Order) -> str:
    """A clause with its verb in the place that `order` asks for."""
    finite, right = _verb_forms(item)
    subject = phrase(item.subject, "nominative")
    if order == "infinitive":
        zu = inflection.infinitive(item.verb, with_zu=True)
        return _join([*_pronouns(item), *_middle(item, opened=False), zu])
    if order == "last":
        bare = item.modal is None and item.verb.prefix and right == [item.verb.prefix]
        verbs = [right[0] + finite] if bare else [*right, finite]
        return _join([*_after_verb(item), *_middle(item, opened=False), *verbs])
    if order == "shared":
        return _join([finite, *_pronouns(item), *_middle(item, opened=False), *right])
    if order == "first" or item.asked == "polar":
        return _join([finite, *_after_verb(item), *_middle(item, opened=False), *right])
    if item.existential:
        return _join([*_middle(item, opened=False), finite, subject])
    middle = _middle(item, opened=True)
    if opening := _opening(item):
        return _join([opening, finite, *_after_verb(item), *middle, *right])
    return _join([subject, finite, *_pronouns(item), *middle, *right])


def _after_verb(item: Clause) -> list[str]:
    """The subject that does not open the clause, and the pronouns among the objects.

    A dative pronoun goes before a noun, weil ihm der Hund folgte; an accusative one does not, as
    "weil sie der Hund sah" would read as if she had seen the dog.
    """
    subject = phrase(item.subject, "nominative")
    dative = item.verb.cases.startswith("d") and not isinstance(item.subject, Pronoun)
    return [*_pronouns(item), subject] if dative else [subject, *_pronouns(item)]


def _opening(item: Clause) -> str:
    """What stands before the finite verb when the subject does not."""
    if item.asked == "adverb":
        return item.question_word[1]
    if item.asked == "object":
        return phrase(item.objects[-1], _CASE_OF[item.verb.cases[-1]])
    return item.adverb.german if item.adverb and item.fronted else ""


def _verb_forms(item: Clause) -> tuple[str, list[str]]:
    """The finite verb and the right bracket."""
    person = item.subject.person if isinstance(item.subject, Pronoun) else 3
    plural = is_plural(item.subject)
    if item.modal:
        negated = item.modal.german_negated if item.negated else None
        forms = negated or item.modal.german
        finite = forms[1] if plural else forms[2] if person == 2 else forms[0]
        return finite, [inflection.infinitive(item.verb)]
    if item.tense == "future":
        return inflection.present(_WERDEN, person, plural), [inflection.infinitive(item.verb)]
    if item.tense == "perfect" or _asks_for_perfect(item):
        auxiliary = _SEIN if item.verb.takes_sein else _HABEN
        return inflection.present(auxiliary, person, plural), [inflection.participle(item.verb)]
    past = item.tense in ("past", "was progressive")
    conjugate = inflection.preterite if past else inflection.present
    return conjugate(item.verb, person, plural), [item.verb.prefix] if item.verb.prefix else []


def _asks_for_perfect(item: Clause) -> bool:
    """Questions about the past take the perfect, as one speaks: Hat er das Buch gelesen?"""
    simple = item.verb in (_SEIN, _HABEN)
    return item.asked != "" and item.tense == "past" and not simple


def _middle(item: Clause, opened: bool) -> list[str]:
    """All between subject and right bracket: receiver, time, object, nicht, places.

    A definite object that is negated goes before the time: Er liest den Brief heute nicht.
    """
    opened_by_adverb = opened and item.fronted and item.asked == ""
    time = [item.adverb.german] if item.adverb and not opened_by_adverb else []
    if item.tense in ("progressive", "was progressive"):
        time.append("gerade")
    item, negation = _negation(item)
    receivers = _noun_objects(item, "d") if "a" in item.verb.cases else []
    things = _noun_objects(item, item.verb.cases[-1:])
    swapped = [*things, *time] if negation else [*time, *things]
    places = [prepositional(place) for place in item.places]
    return [*receivers, *swapped, *negation, *places, *_predicate(item)]


def _objects(item: Clause) -> list[tuple[Phrase, str]]:
    """The objects that do not open the clause, each with the letter of its case."""
    objects = list(zip(item.objects, item.verb.cases, strict=False))
    return objects[:-1] if item.asked == "object" else objects


def _pronouns(item: Clause) -> list[str]:
    """The pronouns among the objects, accusative first."""
    objects = [(case, thing) for thing, case in _objects(item) if isinstance(thing, Pronoun)]
    return [phrase(thing, _CASE_OF[case]) for case, thing in sorted(objects, key=lambda o: o[0])]


def _noun_objects(item: Clause, letter: str) -> list[str]:
    return [
        phrase(thing, _CASE_OF[case])
        for thing, case in _objects(item)
        if case == letter and not isinstance(thing, Pronoun)
    ]


def _negation(item: Clause) -> tuple[Clause, list[str]]:
    """Negate by kein where the object or predicate is indefinite, by nicht otherwise."""
    if not item.negated or item.existential:
        return item, []
    if item.objects and _indefinite(item.objects[-1]):
        return replace(item, objects=(*item.objects[:-1], _with_kein(item.objects[-1]))), []
    if isinstance(item.predicate, NounPhrase) and _indefinite(item.predicate):
        return replace(item, predicate=replace(item.predicate, determiner="no")), []
    return item, ["nicht"]


def _indefinite(item: Phrase) -> bool:
    return (
        isinstance(item, NounPhrase)
        and item.determiner in ("a", "any", "")
        and "name" not in item.noun.tags
    )


def _with_kein(item: Phrase) -> Phrase:
    return replace(item, determiner="no") if isinstance(item, NounPhrase) else item


def _predicate(item: Clause) -> list[str]:
    if isinstance(item.predicate, Property):
        return [_property(item.predicate)]
    if item.predicate is None:
        return []
    bare = not item.predicate.noun.tags.isdisjoint({"job", "hers"})
    bare = bare and not item.predicate.adjectives
    if bare and item.predicate.determiner == "a":  # Er ist Lehrer.
        return [inflection.noun(item.predicate.noun, "nominative", item.predicate.plural)]
    return [phrase(item.predicate, "nominative")]


def _property(item: Property) -> str:
    if item.degree == "than" and item.than:
        return f"{item.adjective.german_comparative} als {phrase(item.than, 'nominative')}"
    degree = {"too": "zu ", "very": "sehr "}.get(item.degree, "")
    return degree + item.adjective.german


def is_plural(item: Phrase) -> bool:
    """Whether the German verb must be plural; "the glasses are" is singular: die Brille ist."""
    if isinstance(item, Pronoun):
        return item.plural
    return item.plural and not item.noun.english_is_plural


def phrase(item: Phrase, case: Case) -> str:
    """A noun phrase or pronoun in a case; a gap is silent."""
    if isinstance(item, Gap):
        return ""
    if isinstance(item, Pronoun):
        return item.german[_CASE_INDEX[case]]
    plural = is_plural(item)
    slot = inflection.slot_of(item.noun.gender, plural)
    name = "" if item.determiner == "a" and plural else item.determiner
    words = [
        NUMBER.get(name) or inflection.determiner(name, case, slot),
        *(inflection.adjective(a.german, name, case, slot) for a in item.adjectives),
        inflection.noun(item.noun, case, plural),
    ]
    if item.attached:
        words.append(prepositional(item.attached))
    if item.relative:
        words.append(f", {_relative(item, item.relative)},")
    return _join(words)


def _relative(head: NounPhrase, item: Clause) -> str:
    """A relative clause: the pronoun in the case of its gap, then the clause verb-last."""
    slot = inflection.slot_of(head.noun.gender, is_plural(head))
    preposition, case = "", _gap_case(item)
    for place in item.places:
        if isinstance(place.phrase, Gap):
            preposition, case = _preposition(place, head)
            item = replace(item, places=tuple(p for p in item.places if p is not place))
    pronoun = inflection.determiner("the", case, slot)
    if slot == "plural" and case == "dative":
        pronoun = "denen"
    return _join([preposition, pronoun, clause(item, "last")])


def _gap_case(item: Clause) -> Case:
    for thing, case in zip(item.objects, item.verb.cases, strict=False):
        if isinstance(thing, Gap):
            return _CASE_OF[case]
    return "nominative"


def _preposition(item: PrepositionalPhrase, place: Phrase) -> tuple[str, Case]:
    """The German preposition and its case, asking the noun about "at" and "to"."""
    german, case = item.preposition.german, item.preposition.case
    if not isinstance(place, NounPhrase):
        return german, case
    if german == "at" or (german == "in" and case == "dative" and place.noun.at == "auf"):
        return place.noun.at, "dative"
    if german == "to":
        return place.noun.to, "dative" if place.noun.to in ("zu", "nach") else "accusative"
    return german, case


def prepositional(item: PrepositionalPhrase) -> str:
    """A prepositional phrase with its contraction: im Garten, zur Schule, den Fluss entlang."""
    german, case = _preposition(item, item.phrase)
    text = phrase(item.phrase, case)
    if isinstance(item.phrase, Gap):
        return ""
    if german == "entlang":
        return f"{text} entlang"
    words = f"{german} {text}".split(" ")
    article = isinstance(item.phrase, NounPhrase) and item.phrase.determiner == "the"
    start = " ".join(words[:2])
    if article and start in _CONTRACTIONS:
        words[:2] = [_CONTRACTIONS[start]]
    return " ".join(words).strip()


def _join(words: list[str]) -> str:
    return " ".join(word for word in words if word)
