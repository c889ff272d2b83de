"""The English side: articles, agreement, do-support and the order of words."""

from dataclasses import replace

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

_PARTICLES = ("up", "on", "off", "along", "back", "away", "in")
_NEGATIVE = {
    "am": "am not",
    "will": "won't",
    "can": "can't",
}
_BE = {(1, False): "am", (3, False): "is"}


def sentence(item: Sentence) -> str:
    """The whole sentence, with capital and final mark."""
    main = clause(item.main)
    if item.dependent_first:
        text = f"{_tied(*item.tied[0])}, {main}"
    else:
        text = main
        for link, dependent in item.tied:
            text += (", " if link.comma else " ") + _tied(link, dependent)
    return text[0].upper() + text[1:] + ("?" if item.main.asked else ".")


def _tied(link: Link, dependent: Clause) -> str:
    if link.order == "infinitive":
        return _join(
            [link.english, *_split(dependent.verb.english, dependent), *_ending(dependent)]
        )
    return _join([link.english, clause(dependent, silent=link.order == "shared")])


def clause(item: Clause, silent: bool = False) -> str:
    """A statement, question or dependent clause; `silent` leaves the subject out."""
    auxiliary, verb = _verb_forms(item)
    subject = "" if silent else phrase(item.subject)
    if item.existential:
        order = [auxiliary, "there"] if item.asked else ["there", auxiliary]
        return _join([*order, subject, *_ending(item)])
    often = item.adverb.english if item.adverb and item.adverb.kind == "often" else ""
    negation = _negate(auxiliary, item) if item.negated else auxiliary
    rest = [often, *_split(verb, item), *_ending(item)]
    if item.asked in ("polar", "object", "adverb"):
        opening = _asked(item)
        return _join([opening, auxiliary, subject, *rest])
    time = item.adverb.english if item.adverb and item.fronted and not often else ""
    return _join([time, subject, negation, *rest])


def _asked(item: Clause) -> str:
    if item.asked == "adverb":
        return item.question_word[0]
    return phrase(item.objects[-1], as_object=True) if item.asked == "object" else ""


def _negate(auxiliary: str, item: Clause) -> str:
    if not item.contracted:
        return "cannot" if auxiliary == "can" else f"{auxiliary} not"
    return _NEGATIVE.get(auxiliary, auxiliary + "n't")


def _split(verb: str, item: Clause) -> list[str]:
    """The verb and its objects; a pronoun goes before the particle: picks him up."""
    objects = _objects(item)
    head, _, particle = verb.rpartition(" ")
    if particle in _PARTICLES and item.objects and isinstance(item.objects[0], Pronoun):
        return [head, *objects, particle]
    return [verb, *objects]


def _objects(item: Clause) -> list[str]:
    shown = item.objects[:-1] if item.asked == "object" else item.objects
    words = [phrase(thing, as_object=True) for thing in shown]
    if "to" in item.verb.flags and words[0]:
        return [*words[1:], "to", words[0]]
    return words


def _ending(item: Clause) -> list[str]:
    """Predicate, places and time, in this order."""
    words = [_predicate(item.predicate)] if item.predicate else []
    words += [prepositional(place) for place in item.places]
    if item.adverb and item.adverb.kind != "often":
        at_front = item.fronted and item.asked == ""
        words += [] if at_front else [item.adverb.english]
    return words


def _predicate(item: Property | NounPhrase) -> str:
    if isinstance(item, NounPhrase):
        return phrase(item)
    if item.degree == "than" and item.than:
        return f"{item.adjective.english_comparative} than {phrase(item.than, as_object=True)}"
    return _join([item.degree, item.adjective.english])


def _verb_forms(item: Clause) -> tuple[str, str]:
    """The auxiliary (empty if none) and the rest of the verb."""
    does = item.negated or item.asked in ("polar", "object", "adverb")
    verb = item.verb
    if item.modal:
        if not item.modal.with_do:
            return item.modal.english, verb.english
        want, _, to = item.modal.english.partition(" ")
        past = "had" if want == "have" else f"{want}ed"
        auxiliary, form = _simple(item, want, past if item.modal.past else "", does)
        return auxiliary, f"{form} {to} {verb.english}"
    if item.tense == "future":
        return "will", verb.english
    if item.tense == "perfect":
        return ("has" if _third(item.subject) else "have"), verb.english_participle
    if item.tense in ("progressive", "was progressive"):
        return _be(item.subject, item.tense == "was progressive"), verb.english_ing
    if verb.english == "be":
        return _be(item.subject, item.tense == "past"), ""
    return _simple(item, verb.english, verb.english_past if item.tense == "past" else "", does)


def _simple(item: Clause, base: str, past: str, does: bool) -> tuple[str, str]:
    """The present, or the past if one is given; with do in questions and negations."""
    if does:
        auxiliary = "did" if past else "does" if _third(item.subject) else "do"
        return auxiliary, base
    return "", past or (third_person(base) if _third(item.subject) else base)


def _be(subject: Phrase, past: bool) -> str:
    person = subject.person if isinstance(subject, Pronoun) else 3
    key = (person, is_plural(subject))
    if past:
        return "was" if key in _BE else "were"
    return _BE.get(key, "are")


def _third(subject: Phrase) -> bool:
    if isinstance(subject, Pronoun):
        return subject.person == 3 and not subject.plural
    return not is_plural(subject)


def third_person(base: str) -> str:
    """The third person singular: goes, carries, looks for, has."""
    word, _, tail = base.partition(" ")
    if word == "have":
        word = "has"
    elif word.endswith(("s", "x", "z", "ch", "sh", "o")):
        word += "es"
    elif word.endswith("y") and word[-2] not in "aeiou":
        word = word[:-1] + "ies"
    else:
        word += "s"
    return _join([word, tail])


def is_plural(item: Phrase) -> bool:
    """Whether the English verb must be plural."""
    if isinstance(item, Pronoun):
        return item.plural
    return item.plural or item.noun.english_is_plural


def phrase(item: Phrase, as_object: bool = False) -> str:
    """A noun phrase or pronoun; a gap is silent."""
    if isinstance(item, Gap):
        return ""
    if isinstance(item, Pronoun):
        return item.english_object if as_object else item.english
    plural = is_plural(item)
    words = [a.english for a in item.adjectives]
    words.append(item.noun.english_plural if plural else item.noun.english)
    words.insert(0, _determiner(item.determiner, plural, words[0]))
    if item.attached:
        words.append(prepositional(item.attached))
    if item.relative:
        words.append(_relative(item, item.relative))
    return _join(words)


def _determiner(name: str, plural: bool, following: str) -> str:
    if name == "this" and plural:
        return "these"
    if name == "a":
        return "" if plural else "an" if following[0].lower() in "aeiou" else "a"
    return name


def _relative(head: NounPhrase, item: Clause) -> str:
    person = "person" in head.noun.tags
    if isinstance(item.subject, Gap):
        return _join(["who" if person else "that", clause(item)])
    for place in item.places:
        if isinstance(place.phrase, Gap):
            item = replace(item, places=tuple(p for p in item.places if p is not place))
            which = "whom" if person else "which"
            return _join([place.preposition.english, which, clause(item)])
    if len(item.objects) == 2 and isinstance(item.objects[0], Gap):
        return _join(["to whom" if person else "to which", clause(item)])
    return _join(["whom" if person else "that", clause(item)])


def prepositional(item: PrepositionalPhrase) -> str:
    """A prepositional phrase."""
    return _join([item.preposition.english, phrase(item.phrase, as_object=True)])


def _join(words: list[str]) -> str:
    return " ".join(word for word in words if word)
