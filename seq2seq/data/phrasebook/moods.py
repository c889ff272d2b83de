"""What is drawn once for a clause (tense, negation, question), and how likely articles are.

All chance comes from `Random.random()`, whose sequence is the same on every Python version.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Generic, Literal, TypeVar

from seq2seq.data.phrasebook.frames import FrameSpec
from seq2seq.data.phrasebook.phrases import MODAL, Tense
from seq2seq.data.phrasebook.words import Noun

T = TypeVar("T")
Role = Literal["subject", "object", "place"]


def seeded(seed: int) -> Random:
    """The source of all chance, the same on every version of Python."""
    return Random(seed)  # noqa: S311  sentences are no secrets


def pick(random: Random, options: Sequence[T]) -> T:
    """One of the options, by one call of `random()`."""
    return options[int(random.random() * len(options))]


class Weighted(Generic[T]):
    """Options with weights, to be drawn from."""

    def __init__(self, options: Iterable[tuple[T, int]]) -> None:
        self._options, weights = zip(*options, strict=True)
        self._bounds = list(accumulate(weights))

    def pick(self, random: Random) -> T:
        """One of the options in proportion to the weights, by one call of `random()`."""
        mark = random.random() * self._bounds[-1]
        option: T = self._options[bisect_right(self._bounds, mark)]
        return option


@dataclass(frozen=True)
class Mood:
    """Tense, modal, negation and question of a clause."""

    tense: Tense = "present"
    modal: str = ""
    negated: bool = False
    contracted: bool = False
    asked: bool = False

    @property
    def past(self) -> bool:
        """Whether it speaks of the past."""
        modal_past = self.modal != "" and MODAL[self.modal].past
        return self.tense in ("past", "was progressive") or modal_past


_TENSES: Weighted[Tense] = Weighted(
    [
        ("present", 30),
        ("past", 32),
        ("perfect", 16),
        ("future", 11),
        ("progressive", 11),
        ("was progressive", 5),
    ]
)


_MODALS = tuple(MODAL)


def draw_mood(random: Random, frame: FrameSpec, questions: bool) -> Mood:
    """The mood of the main clause, by six draws."""
    draws = [random.random() for _ in range(5)]
    tense = _TENSES.pick(random)
    contracted = draws[0] < 0.5
    if frame.tied or frame.flags & {"present", "past"}:
        now = "present" in frame.flags or ("past" not in frame.flags and draws[1] < 0.4)
        return Mood("present" if now else "past", "", "not" in frame.flags, contracted)
    if frame.restricted:
        return Mood("present" if draws[1] < 0.4 else "past", contracted=contracted)
    asked = questions and draws[4] < 0.17 and "calm" not in frame.flags
    negated = draws[3] < 0.16 and not asked and "count." not in frame.text
    if frame.main.verbs == ("be",) or "state" in frame.flags:  # never in progress, seldom perfect
        future = tense == "future" and "there" not in frame.flags
        tense = "future" if future else "present" if draws[1] < 0.5 else "past"
        return Mood(tense, "", negated, contracted, asked)
    if (negated or asked) and "progressive" in tense:
        tense = "present" if tense == "progressive" else "past"
    if draws[2] < 0.12:
        return Mood("present", _MODALS[int(draws[1] * len(_MODALS))], negated, contracted, asked)
    return Mood(tense, "", negated, contracted, asked)


def _weights(text: str) -> Weighted[str]:
    words = text.split()
    return Weighted(zip(words[::2], map(int, words[1::2]), strict=True))


_ARTICLES: dict[tuple[Role, bool], Weighted[str]] = {
    ("subject", False): _weights("the 54 a 24 this 7 my 7 our 4 every 4"),
    ("object", False): _weights("the 42 a 38 this 6 own 10 my 4"),
    ("place", False): _weights("the 82 a 8 this 5 own 5"),
    ("subject", True): _weights("the 38 this 8 many 10 some 8 number 30 my 6"),
    ("object", True): _weights("the 25 this 7 many 8 some 7 number 37 a 12 own 4"),
    ("place", True): _weights("the 85 this 15"),
}
_NEGATED_ARTICLES: dict[tuple[Role, bool], Weighted[str]] = {
    ("subject", False): _weights("the 70 this 15 my 15"),
    ("object", False): _weights("the 50 a 40 own 10"),
    ("place", False): _weights("the 90 this 10"),
    ("subject", True): _weights("the 70 this 15 my 15"),
    ("object", True): _weights("the 50 any 50"),
    ("place", True): _weights("the 100"),
}
_OWNABLE = frozenset(
    ("thing", "clothes", "vehicle", "bike", "text", "family", "mine", "pet", "money", "instrument")
)


def draw_article(random: Random, role: Role, plural: bool, negated: bool) -> str:
    """A determiner, "own" (the possessive of the subject) or "number"; one draw."""
    return (_NEGATED_ARTICLES if negated else _ARTICLES)[role, plural].pick(random)


def suitable_article(name: str, noun: Noun, role: Role) -> str:
    """The drawn determiner, or another one where the noun cannot bear it."""
    if "name" in noun.tags:
        return ""
    if "mass" in noun.tags:
        bare = role == "object" and name in ("a", "any", "own", "my")
        return "" if bare else "the"
    if name in ("own", "my", "our") and not noun.tags & _OWNABLE:
        return "the"
    if "pair" in noun.tags and name not in ("the", "a", "any", "this", "my", "own"):
        return "the"
    if name == "every" and not noun.tags & {"person", "animal"}:
        return "the"
    return name
