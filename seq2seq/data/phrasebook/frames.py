"""The little language in which sentence patterns are written, and its parser.

A frame names roles and leaves words, tense, number and articles open:

    person read|write text ?in:place          The teacher reads a letter in the garden.
    person lose own.money ;so ^S go to:place  ... lost his money, so he went to the park.
    text [ person write _ ] be =too.tale      The letter that the man wrote is too long.

- A head (`person`, `text`) is a class of nouns, a noun, or a slot of the palette it is filled from.
  `det.head` fixes the article (`one.` is any singular, `count.` a
  number), `head+slot` adds an adjective, `head@in:place` attaches a place.
- `^S` and `^O` are pronouns for the main subject and the main object; `_` is the gap of a
  relative clause, which stands in brackets behind its head.
- `verb|verb` is a choice; `prep:head` a prepositional phrase, `?` before it makes it optional.
- `=slot`, `=too.slot`, `=than.slot head` are predicative adjectives, `==head` a noun.
- `;because` and the other links of `phrases.LINK` open the next clause.
"""

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class NounSpec:
    """How a noun phrase is to be filled."""

    head: str
    determiner: str = ""
    adjective: str = ""
    attached: "PlaceSpec | None" = None
    relative: "ClauseSpec | None" = None


@dataclass(frozen=True)
class PlaceSpec:
    """How a prepositional phrase is to be filled."""

    preposition: str
    noun: NounSpec
    optional: bool = False


@dataclass(frozen=True)
class PropertySpec:
    """How a predicative adjective is to be filled."""

    adjective: str
    degree: str = ""
    than: NounSpec | None = None


@dataclass(frozen=True)
class ClauseSpec:
    """How a clause is to be filled."""

    subject: NounSpec
    verbs: tuple[str, ...]
    objects: tuple[NounSpec, ...] = ()
    places: tuple[PlaceSpec, ...] = ()
    predicate: "PropertySpec | NounSpec | None" = None


@dataclass(frozen=True)
class FrameSpec:
    """A whole sentence: the main clause and those tied to it, by the name of their link."""

    text: str
    main: ClauseSpec
    tied: tuple[tuple[str, ClauseSpec], ...] = ()
    flags: frozenset[str] = frozenset()
    """Written `!flag` in front: present, past (fixed tense), state (never in progress), calm (no
    question, no adverb), not (negated), it (the dependent clause stays last), there (there is)."""

    @property
    def restricted(self) -> bool:
        """True where an object has a relative clause: simple tenses only, as German brackets it."""
        return any(thing.relative for thing in self.main.objects)


@cache
def parse_frame(text: str) -> FrameSpec:
    """Read a frame.

    Raises:
        ValueError: the text is not a frame.
    """
    words = text.split()
    flags = frozenset(word[1:] for word in words if word.startswith("!"))
    pieces = " ".join(word for word in words if not word.startswith("!")).split(" ;")
    tied = []
    for piece in pieces[1:]:
        link, _, rest = piece.partition(" ")
        tied.append((link, _parse_clause(rest.split())))
    return FrameSpec(text, _parse_clause(pieces[0].split()), tuple(tied), flags)


def _parse_clause(tokens: list[str]) -> ClauseSpec:
    subject, tokens = _take_noun(tokens)
    if not tokens:
        raise ValueError(f"a frame's clause wants a subject and a verb, got only {subject.head!r}")
    verbs, tokens = tuple(tokens[0].replace("_", " ").split("|")), tokens[1:]
    objects: list[NounSpec] = []
    places: list[PlaceSpec] = []
    predicate: PropertySpec | NounSpec | None = None
    while tokens:
        token = tokens[0]
        if token.startswith("=="):
            predicate, tokens = _take_noun([token[2:], *tokens[1:]])
        elif token.startswith("="):
            predicate, tokens = _take_property(tokens)
        elif ":" in token.split("@")[0]:
            place, tokens = _take_place(tokens)
            places.append(place)
        else:
            noun, tokens = _take_noun(tokens)
            objects.append(noun)
    return ClauseSpec(subject, verbs, tuple(objects), tuple(places), predicate)


def _take_property(tokens: list[str]) -> tuple[PropertySpec, list[str]]:
    degree, _, slot = tokens[0][1:].rpartition(".")
    if degree == "than":
        noun, rest = _take_noun(tokens[1:])
        return PropertySpec(slot, degree, noun), rest
    return PropertySpec(slot, degree), tokens[1:]


def _take_place(tokens: list[str]) -> tuple[PlaceSpec, list[str]]:
    preposition, _, noun_text = tokens[0].partition(":")
    noun, rest = _take_noun([noun_text, *tokens[1:]])
    return PlaceSpec(preposition.lstrip("?"), noun, preposition.startswith("?")), rest


def _take_noun(tokens: list[str]) -> tuple[NounSpec, list[str]]:
    """Read a noun phrase and the relative clause behind it; return what is left as well."""
    text, rest = tokens[0], tokens[1:]
    text, _, attached_text = text.partition("@")
    attached = _take_place([attached_text])[0] if attached_text else None
    text, _, adjective = text.partition("+")
    determiner, _, head = text.rpartition(".")
    relative = None
    if rest and rest[0] == "[":
        end = rest.index("]")
        relative, rest = _parse_clause(rest[1:end]), rest[end + 1 :]
    head = head if head == "_" else head.replace("_", " ")
    return NounSpec(head, determiner, adjective, attached, relative), rest
