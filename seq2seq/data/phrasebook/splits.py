"""Train, validation and test sets, and the minimal pairs, all drawn from one seed.

A share of the sentences holds an ambiguous word, so that a small model sees every sense a few
hundred times. No source stands in two sets, and none twice in one.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Literal

from seq2seq.data.phrasebook import english, german
from seq2seq.data.phrasebook.ambiguity import (
    LEMMAS,
    Context,
    Example,
    contexts,
    contexts_of_it,
    example,
    holds_only,
    words_of,
)
from seq2seq.data.phrasebook.frames import FrameSpec, parse_frame
from seq2seq.data.phrasebook.grammar import FRAMES, GENERAL
from seq2seq.data.phrasebook.moods import Weighted, pick, seeded
from seq2seq.data.phrasebook.scene import fill
from seq2seq.data.phrasebook.words import Noun

Name = Literal["train", "validation", "test"]

SIZES: dict[Name, int] = {"train": 40_000, "validation": 500, "test": 1_000}
"""Sentence pairs in each split, in the order in which they are drawn."""
_SEEN = 10
"""How often, at least, a German form of a test sentence stands in the training set."""
_AMBIGUOUS_SHARE = 0.31
_IT_SHARE = 0.075
_MINIMAL = 20
_MINIMAL_IT = 60
"""Sentences in the minimal pairs of one lemma, and of "it"."""


@dataclass(frozen=True)
class PhrasePair:
    """A sentence and its translation, detokenised and cased, with the final mark."""

    source: str
    """English."""
    target: str
    """German."""


@dataclass(frozen=True)
class AmbiguousPair(PhrasePair):
    """A pair whose translation hangs on one word."""

    word: str
    """The ambiguous English word as it stands in the source: bank."""
    sense: str
    """The German form that stands for it in the target: Ufer."""
    others: tuple[str, ...]
    """German forms of the competing senses, none of which may stand instead."""
    decider: str
    """What decides, as it stands in the source: river. Rarely two words: eye doctor."""
    group: int
    """The members of a minimal pair or triple share this number."""


@dataclass(frozen=True)
class _Tables:
    """All frames, ready to be drawn from."""

    frames: Weighted[FrameSpec]
    by_lemma: list[tuple[Context, ...]]
    lemmas: Weighted[tuple[Context, ...]]
    it: tuple[Context, ...]


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    frames = Weighted([(parse_frame(frame), weight) for weight, frame in FRAMES])
    by_lemma = [contexts(lemma) for lemma in LEMMAS]
    weights = [lemma.weight for lemma in LEMMAS]
    weighted = Weighted(zip(by_lemma, weights, strict=True))
    return _Tables(frames, by_lemma, weighted, contexts_of_it())


def sentences(random: Random) -> Iterator[PhrasePair]:
    """Endless sentence pairs, a third of them with an ambiguous word; they may repeat."""
    tables = _tables()
    while True:
        kind = random.random()
        if kind < _AMBIGUOUS_SHARE + _IT_SHARE:
            several = tables.it if kind < _IT_SHARE else tables.lemmas.pick(random)
            context = pick(random, several)
            if found := example(context, pick(random, context.readings), random):
                yield PhrasePair(found.source, found.target)
        elif filled := fill(tables.frames.pick(random), GENERAL, random):
            yield PhrasePair(english.sentence(filled.sentence), german.sentence(filled.sentence))


@lru_cache(maxsize=4)
def _splits(seed: int) -> tuple[dict[Name, tuple[PhrasePair, ...]], Counter[str]]:
    """The splits, and how often each German form stands in the training set."""
    stream = sentences(seeded(2 * seed))
    taken: set[str] = set()
    counts: Counter[str] = Counter()
    splits: dict[Name, tuple[PhrasePair, ...]] = {}
    for name, size in SIZES.items():
        pairs: list[PhrasePair] = []
        while len(pairs) < size:
            pair = next(stream)
            if pair.source not in taken and (name == "train" or _is_known(pair.target, counts)):
                taken.add(pair.source)
                pairs.append(pair)
        splits[name] = tuple(pairs)
        if name == "train":
            counts.update(word for pair in pairs for word in words_of(pair.target))
    return splits, counts


def _is_known(target: str, counts: Counter[str]) -> bool:
    """Whether every form of a sentence was seen in training: tests are of grammar, not of luck."""
    return all(counts[word] >= _SEEN for word in words_of(target))


def split(name: Name, seed: int = 0) -> list[PhrasePair]:
    """One of the three splits.

    Raises:
        ValueError: there is no split of that name.
    """
    if name not in SIZES:
        raise ValueError(f"name must be one of {', '.join(SIZES)}, got {name!r}")
    return list(_splits(seed)[0][name])


def ambiguous(seed: int = 0) -> list[AmbiguousPair]:
    """Minimal pairs for every ambiguous word, none of whose sources stands in a split."""
    return list(_ambiguous(seed))


@lru_cache(maxsize=4)
def _ambiguous(seed: int) -> tuple[AmbiguousPair, ...]:
    random = seeded(2 * seed + 1)
    tables = _tables()
    splits, counts = _splits(seed)
    taken = {pair.source for pairs in splits.values() for pair in pairs}
    found: list[AmbiguousPair] = []
    group = 0
    for several, wanted in [
        *((lemma, _MINIMAL) for lemma in tables.by_lemma),
        (tables.it, _MINIMAL_IT),
    ]:
        usable = [context for context in several if len(context.readings) > 1]
        start, turn = len(found), 0
        while usable and len(found) - start < wanted:
            members = _group(usable[turn % len(usable)], random, taken, counts)
            found += [_pair(member, group) for member in members]
            taken.update(member.source for member in members)
            group, turn = group + 1, turn + 1
    return tuple(found)


def _pair(found: Example, group: int) -> AmbiguousPair:
    return AmbiguousPair(
        found.source, found.target, found.word, found.sense, found.others, found.decider, group
    )


def _group(
    context: Context, random: Random, taken: set[str], counts: Counter[str]
) -> list[Example]:
    """Sentences of several readings from one seed, as near to each other as can be found."""
    best: list[Example] = []
    fewest = 99
    for _ in range(40):
        seed = int(random.random() * 2**40)
        drawn = [example(context, reading, seeded(seed)) for reading in context.readings]
        members = [
            found
            for found in drawn
            if found and found.source not in taken and _is_known(found.target, counts)
        ]
        if len(members) < len(drawn) or len({member.source for member in members}) < len(drawn):
            continue
        difference = max(_difference(members[0], member) for member in members)
        if difference < fewest:
            best, fewest = members, difference
        if fewest <= 1:
            break
    return best


def _difference(first: Example, second: Example) -> int:
    """How many words of one sentence are not in the other; a and an count as the same."""
    alike = [
        {"a" if word == "an" else word for word in words_of(e.source)} for e in (first, second)
    ]
    return max(len(alike[0] - alike[1]), len(alike[1] - alike[0]))


def sense_is_right(example: AmbiguousPair, hypothesis: str) -> bool:
    """Whether the right form stands in a translation as a word, and no competing form does.

    Upper and lower case are the same; a compound such as Eiffelturm is a word of its own.
    """
    return holds_only(hypothesis, example.sense, example.others)


def count_sentences() -> int:
    """A lower bound on the number of distinct sentence pairs.

    Counted are only "The (adjective) noun verb-ed the (adjective) noun." of the frames with one
    subject and one object, each verb in its most fruitful frame. Different choices give different
    strings, since each choice fills a place of its own.
    """
    by_verb: dict[str, int] = {}
    for _, text in FRAMES:
        main = parse_frame(text).main
        plain = not (main.predicate or main.places or parse_frame(text).tied)
        if plain and len(main.objects) == 1 and "[" not in text and "." not in text:
            subjects, objects = (_nouns(spec.head) for spec in (main.subject, main.objects[0]))
            count = sum(
                _phrases(subject) * _phrases(thing)
                for subject in subjects
                for thing in objects
                if subject != thing
            )
            by_verb |= {verb: max(count, by_verb.get(verb, 0)) for verb in main.verbs}
    return sum(by_verb.values())


def _nouns(head: str) -> set[Noun]:
    return {noun for part in head.split("|") for noun in GENERAL.nouns[part]}


def _phrases(noun: Noun) -> int:
    """How many phrases "the noun" and "the adjective noun" there are."""
    return 1 if "name" in noun.tags else 1 + len(GENERAL.describing[noun])
