"""Fill a frame: draw the words and make them agree.

The number of draws depends on the frame and never on the words drawn, so two palettes that differ
in one slot give, from the same seed, two sentences that differ in that slot: a minimal pair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeVar

from seq2seq.data.phrasebook.additions import asked, draw_adverb, existential
from seq2seq.data.phrasebook.frames import ClauseSpec, FrameSpec, NounSpec, PlaceSpec, PropertySpec
from seq2seq.data.phrasebook.modifiers import NUMBERS, PREPOSITION
from seq2seq.data.phrasebook.moods import (
    Mood,
    Role,
    draw_article,
    draw_mood,
    pick,
    suitable_article,
)
from seq2seq.data.phrasebook.phrases import (
    IT,
    LINK,
    MODAL,
    PRONOUN,
    Clause,
    Degree,
    Gap,
    NounPhrase,
    Phrase,
    PrepositionalPhrase,
    Pronoun,
    Property,
    Sentence,
    Tense,
)
from seq2seq.data.phrasebook.words import Adjective, Noun, Verb

Word = Noun | Verb | Adjective
W = TypeVar("W", Noun, Verb, Adjective)

_POSSESSIVE = {
    "I": "my",
    "you": "your",
    "he": "his",
    "she": "her",
    "we": "our",
    "they": "their",
}
_PERSONAL = ("person", "grown")
_TIMELESS = ("that", "where", "why", "until", "so", "but", "and", "trying")
"""Links whose clause cannot open the sentence."""


@dataclass(frozen=True)
class Palette:
    """The words that a frame's names may stand for."""

    nouns: Mapping[str, Sequence[Noun]]
    verbs: Mapping[str, Sequence[Verb]]
    adjectives: Mapping[str, Sequence[Adjective]]
    describing: Mapping[Noun, Sequence[Adjective]]
    """The adjectives that may be added freely to a noun."""
    prepositions: Mapping[str, str] = field(default_factory=dict)
    """Names that stand for another preposition."""
    fixed: frozenset[str] = frozenset()
    """Names that hold an ambiguous word or what decides it: nothing is added to them."""


@dataclass(frozen=True)
class Filled:
    """A sentence, and the words drawn for the fixed names of its palette."""

    sentence: Sentence
    chosen: Mapping[str, Word]


def fill(frame: FrameSpec, palette: Palette, random: Random) -> Filled | None:
    """One sentence from a frame, or None where what was drawn does not go together."""
    questions = not frame.tied
    scene = Scene(palette, random, draw_mood(random, frame, questions))
    main = scene.main_clause(frame)
    tied = []
    for name, spec in frame.tied:
        tense: Tense = "past" if scene.mood.past else "present"
        tied.append((LINK[name], scene.clause(spec, Mood(tense))))
    first = random.random() < 0.3 and len(tied) == 1 and frame.tied[0][0] not in _TIMELESS
    clauses = [main, *(clause for _, clause in tied)]
    if any(_reads_as_present(clause) or _says_twice(clause) for clause in clauses):
        return None
    first = first and not main.asked and main.adverb is None and "it" not in frame.flags
    return Filled(Sentence(main, tuple(tied), first), scene.chosen)


def _reads_as_present(clause: Clause) -> bool:
    """True for "they read" in the past, which nothing tells from the present."""
    verb, subject = clause.verb, clause.subject
    bare = clause.tense == "past" and not (clause.modal or clause.negated)
    same = bare and verb.english_past == verb.english
    third = not isinstance(subject, Pronoun) or subject.person == 3
    if same and (subject.plural or not third):
        return True
    phrases = (subject, *clause.objects)
    relatives = [phrase.relative for phrase in phrases if isinstance(phrase, NounPhrase)]
    return any(_reads_as_present(relative) for relative in relatives if relative)


def _says_twice(clause: Clause) -> bool:
    """True for "the fresh cake is fresh"."""
    if not (isinstance(clause.predicate, Property) and isinstance(clause.subject, NounPhrase)):
        return False
    return clause.predicate.adjective in clause.subject.adjectives


def pronoun_for(phrase: Phrase | None) -> Pronoun:
    """The pronoun that takes up a phrase: he for the king, it (er) for the dog, they for two."""
    if isinstance(phrase, Pronoun):
        return phrase
    if phrase is None or phrase.plural:
        return PRONOUN["they"]
    if "person" in phrase.noun.tags:
        return PRONOUN["she" if phrase.noun.gender == "f" else "he"]
    return IT[phrase.noun.gender]


@dataclass
class Scene:
    """One sentence in the making: what was drawn already and must be agreed with."""

    palette: Palette
    random: Random
    mood: Mood
    used: set[Noun] = field(default_factory=set)
    subject: Phrase | None = None
    thing: Phrase | None = None
    """The first object or place of the main clause."""
    chosen: dict[str, Word] = field(default_factory=dict)
    """What was drawn for the fixed names of the palette."""

    def choose(self, name: str, options: Sequence[W]) -> W:
        """Draw a word for a name of the frame, and note it if it may decide."""
        word = pick(self.random, options)
        if name in self.palette.fixed:
            self.chosen[name] = word
        return word

    def main_clause(self, frame: FrameSpec) -> Clause:
        """The main clause, with its adverb, modal, negation and question."""
        clause = self.clause(frame.main, self.mood, main=True)
        calm = not frame.flags.isdisjoint({"calm", "there"})
        chance = 0.0 if calm else 0.12 if frame.tied else 0.3
        adverb = draw_adverb(self.random, clause, self.mood, chance)
        fronted = self.random.random() < 0.5
        clause = replace(
            clause,
            adverb=adverb,
            fronted=adverb is not None and adverb.kind != "often" and fronted,
            modal=MODAL[self.mood.modal] if self.mood.modal else None,
            negated=self.mood.negated,
            contracted=self.mood.contracted,
        )
        if "there" in frame.flags:
            return existential(self.random, clause, self.mood.asked)
        return asked(self.random, clause, bool(self.palette.fixed)) if self.mood.asked else clause

    def clause(
        self, spec: ClauseSpec, mood: Mood, main: bool = False, gap: Gap | None = None
    ) -> Clause:
        """Fill one clause in a mood."""
        verb = self.verb(spec.verbs)
        subject = self.noun_phrase(spec.subject, "subject", gap, verb)
        self.subject = subject if main else self.subject
        objects = [self.noun_phrase(thing, "object", gap) for thing in spec.objects]
        places = [self.place(p, gap) for p in spec.places if self.wanted(p)]
        if main:  # what "it" may take up
            self.thing = [*objects, *(place.phrase for place in places), None][0]
        predicate = self.predicate(spec.predicate) if spec.predicate else None
        tense = mood.tense
        if verb.stative and "progressive" in tense:
            tense = "past" if mood.past else "present"
        return Clause(subject, verb, tuple(objects), tuple(places), predicate, tense)

    def wanted(self, place: PlaceSpec) -> bool:
        """Whether an optional place is spoken of."""
        return self.random.random() < 0.35 or not place.optional

    def verb(self, names: tuple[str, ...]) -> Verb:
        """One of the verbs; a name may stand for several."""
        name = pick(self.random, names)
        return self.choose(name, self.palette.verbs[name])

    def noun(self, name: str) -> Noun:
        """A noun not used yet; one draw."""
        options = self.palette.nouns.get(name) or [
            noun for part in name.split("|") for noun in self.palette.nouns[part]
        ]
        start = int(self.random.random() * len(options))
        for step in range(len(options)):
            noun = options[(start + step) % len(options)]
            if noun not in self.used:
                break
        self.used.add(noun)
        if name in self.palette.fixed:
            self.chosen[name] = noun
        return noun

    def place(self, spec: PlaceSpec, gap: Gap | None = None) -> PrepositionalPhrase:
        """A prepositional phrase."""
        phrase = self.noun_phrase(spec.noun, "place", gap)
        name = self.palette.prepositions.get(spec.preposition, spec.preposition)
        return PrepositionalPhrase(PREPOSITION[name], phrase)

    def predicate(self, spec: PropertySpec | NounSpec) -> Property | NounPhrase:
        """What someone or something is."""
        if isinstance(spec, NounSpec):
            noun = self.noun(spec.head)
            plural = self.subject is not None and self.subject.plural
            return NounPhrase(noun, "a", plural, self.adjectives(spec, noun))
        adjective = self.choose(spec.adjective, self.palette.adjectives[spec.adjective])
        very = self.random.random() < 0.2
        if spec.than:
            return Property(adjective, "than", self.noun_phrase(spec.than, "object"))
        degree: Degree = "too" if spec.degree == "too" else "very" if very else ""
        return Property(adjective, "" if spec.degree == "plain" else degree)

    def adjectives(self, spec: NounSpec, noun: Noun) -> tuple[Adjective, ...]:
        """The adjective that the frame asks for, or freely none, one or two; three draws."""
        draws = [self.random.random() for _ in range(3)]
        if spec.adjective:
            options = self.palette.adjectives[spec.adjective]
            if not options:  # as the plain "tower" has an adjective where "Eiffel tower" has none
                self.random.random()
            return (self.choose(spec.adjective, options),) if options else ()
        options = self.palette.describing.get(noun, ())
        if spec.head in self.palette.fixed or not options or draws[0] > 0.46:
            return ()
        if draws[0] > 0.08:
            return (options[int(draws[1] * len(options))],)
        last = [adjective for adjective in options if "last" in adjective.tags]
        inner = [adjective for adjective in options if "last" not in adjective.tags]
        return tuple(o[int(d * len(o))] for o, d in zip((inner, last), draws[1:], strict=True) if o)

    def noun_phrase(
        self, spec: NounSpec, role: Role, gap: Gap | None = None, verb: Verb | None = None
    ) -> Phrase:
        """Fill a noun phrase."""
        if spec.head == "_" and gap:
            return gap
        if spec.head in ("^S", "^O"):
            return pronoun_for(self.subject if spec.head == "^S" else self.thing)
        if spec.head == "weather":
            return PRONOUN["weather"]
        draws = [self.random.random() for _ in range(3)]
        noun = self.noun(spec.head)
        forced = not noun.tags.isdisjoint({"pair", "plural"})
        many = draws[0] < 0.28 and (verb is None or "core" in verb.flags)
        many = many and (not self.palette.fixed or spec.head in ("W", "food"))
        plural = forced or ("core" in noun.tags and many)
        name = draw_article(self.random, role, plural, self.mood.negated)
        number = pick(self.random, NUMBERS[:11] if role == "subject" else NUMBERS)
        name = suitable_article(name, noun, role)
        article = self.own() if name == "own" else number if name == "number" else name
        phrase = NounPhrase(noun, article, plural, self.adjectives(spec, noun))
        bare = not (spec.determiner or spec.adjective or spec.attached or spec.relative)
        if bare and spec.head in _PERSONAL and draws[1] < (0.22 if role == "subject" else 0.1):
            return self.pronoun(draws[2], verb, gap is None)
        return self.completed(spec, phrase)

    def completed(self, spec: NounSpec, phrase: NounPhrase) -> NounPhrase:
        """Add a fixed determiner, what is attached, and the relative clause."""
        name = "name" in phrase.noun.tags
        if name and not spec.adjective:
            phrase = replace(phrase, adjectives=())
        if spec.determiner and not name:
            article = self.own() if spec.determiner == "own" else spec.determiner
            if article == "one":
                article = "the" if phrase.plural else phrase.determiner
            bare = article == "a" and "mass" in phrase.noun.tags
            plural = not phrase.noun.tags.isdisjoint({"pair", "plural"})
            if article == "count":
                article, plural = pick(self.random, NUMBERS), True
            phrase = replace(phrase, determiner="" if bare else article, plural=plural)
        if spec.attached:
            phrase = replace(phrase, attached=self.place(spec.attached))
        if spec.relative:
            past = self.random.random() < 0.4 or self.mood.past
            mood, gap = Mood("past" if past else "present"), Gap(phrase.noun, phrase.plural)
            relative = self.clause(spec.relative, mood, gap=gap)
            phrase = phrase if name else replace(phrase, relative=relative)
        return phrase

    def own(self) -> str:
        """The possessive of the main subject."""
        if isinstance(self.subject, Pronoun):
            return _POSSESSIVE.get(self.subject.english, "the")
        if isinstance(self.subject, NounPhrase) and "person" in self.subject.noun.tags:
            if self.subject.plural:
                return "their"
            if "kid" not in self.subject.noun.tags:
                return "her" if self.subject.noun.gender == "f" else "his"
        return "the"

    def pronoun(self, draw: float, verb: Verb | None, main: bool) -> Pronoun:
        """A personal pronoun that suits the verb, the mood and the subject.

        First and second persons stand in main clauses and with common verbs only (`verb` is given
        for subjects), so that each of their many forms is seen often.
        """
        names = ["he", "she"]
        first = self.subject is None and main and not self.palette.fixed
        if verb is None or (first and "core" in verb.flags):
            names += ["they", "we"]
        if verb is None or (first and "near" in verb.flags):
            names += [] if self.mood.asked else ["I", "I"]
            names += [] if self.mood.past else ["you", "you"]
        chosen = PRONOUN[names[int(draw * len(names))]]
        return PRONOUN["he"] if chosen == self.subject else chosen
