"""The unambiguous part of the language: its frames, and the palette that fills them.

Each line of the table is a weight and a frame (see `frames`). Verbs meet only classes of nouns
that make sense with them: teachers read letters, letters do not eat streets.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from seq2seq.data.phrasebook.modifiers import ADJECTIVE, NUMBER
from seq2seq.data.phrasebook.nouns import NOUNS
from seq2seq.data.phrasebook.scene import Palette
from seq2seq.data.phrasebook.verbs import VERB
from seq2seq.data.phrasebook.words import Adjective, Noun

W = TypeVar("W")

_SIMPLE = """
6 person read|write text ?in:place
5 person buy|sell|look_for|find|lose|need|have thing
3 person buy|sell|repair|wash|need vehicle
6 person see|meet|visit|call|invite|love|like|greet person
4 person help|thank|follow|trust person
3 person observe|admire|hug|pick_up person
3 person see|feed|catch|love|follow|look_at|observe|draw animal
3 person buy|sell|cook|need|bring|order|like|want food
1 person bake cake
2 person drink|order drink ?in:room
1 person like|buy drink
3 person wear|buy|try_on|wash|look_for clothes
2 person buy|need|look_for|sharpen scissors
2 person play instrument
2 person sing|hear|like|love song
3 person open|close opening
3 person turn_on|turn_off|repair device
5 person take_along|bring_back|hide|steal|carry|take|lift|choose thing
3 person give|show|send|lend person thing
2 person send|show|give person text
2 person tell person tale
2 person explain person riddle
2 person understand|forget|describe riddle
3 person clean_up|leave|enter room
3 person build|paint|see|admire building
2 person draw|describe|water plant
2 person visit town|museum|island
2 !state person live in:town|country
2 !state person live in:house|village|city
2 person listen_to singer|musician|teacher
2 person sleep|laugh|cry|wait|work|dance
4 person come_back|wake_up|get_up|fall_asleep|arrive
3 person sit|work|wait|sleep|dance in:place
2 person stand|wait at:site
2 person wait await:person
2 person wait await:ride
2 person think thinking:person
2 person talk about:plan
2 person talk with:person ?in:place
3 person go|run|come to:place
3 person drive|fly|travel to:town|country
2 person swim in:water_body
2 person sit|wait|work by:the.shore
3 animal sit|lie|sleep by:the.shore
2 person wait|stand|sit behind:the.building
2 animal sit|lie|sleep beside:the.plant
2 person run|go through:lush
2 person buy thing for:person
3 animal sleep|lie|sit|run in:lush
3 animal run|go through:lush
3 furry roam lush
1 wild roam lush
2 wild chase animal
2 animal drink the.water
1 bird fly over:place
2 pet sit|lie|sleep under:furniture
2 vessel drift on:water_body
2 flat lie on:furniture
2 upright stand on:furniture
3 person carry|bring thing into:room
2 person climb onto:height
"""

_DEEDS = """
4 person check|correct|forge document
1 person note answer|idea|price
4 person chew|swallow|taste food
3 person postpone|prepare|cancel exam|plan
2 person celebrate decision|plan
2 person enjoy song|story|video
1 person win trophy
1 person watch video
2 person burn|throw_away letter|envelope|picture|invoice
2 person strike|burn candle|torch|lantern|pipe
5 person oil|install|replace|operate|rent device
3 person bend|polish|replace spoon|ring|ladder|lamp
3 person pollute|discover|reach river|lake|stream|island|cave|village
3 person feed|tame|stroke it_animal
2 person swing|lift hammer|ladder|rope|paddle
2 person iron clothes
3 person varnish|polish furniture
1 person file key|ring|knife
3 person fill|empty bottle|bucket|vase|cup|jug
1 person rob church|museum|hotel|castle
1 person break vase|cup|plate|mirror
2 person teach|examine person
2 person see|find|feed the.pet@of:the.mentor
3 person see|draw|examine the.body@of:the.patient
"""

_STATES = """
4 !state person be =mood
2 !state animal be =creatural
2 !state !calm male be ==job
2 !state !calm male be ==job+praise
2 !state !calm female be ==hers
1 !state !calm female be ==hers+praise
3 !state !calm person be =than.trait person
2 !state !calm vehicle be =than.motion one.vehicle
2 !state !calm thing be =than.worth one.thing
2 !state tale be =tale
2 !state the.path be =way
2 !state object be =object
2 !state food be =edible
2 !state the.part@of:the.owned be =important
3 person see|describe|forget the.part@of:the.owned
3 person be =plain.years
2 animal be =plain.years
3 person buy|sell|find|see|need count.core_thing
1 person have count.core_thing
3 !state !there animal be in:lush
2 !state !there somebody be in:place
2 !state !there thing be in:room
"""

_RELATIVE = """
3 person [ _ read|write text ] be =mood
2 person [ _ live in:town ] visit person
3 person see|meet person [ _ repair|wash vehicle ]
3 thing [ person buy|find|lose _ ] be =object
2 text [ person read|write _ ] be =tale
2 person [ person help|thank|follow _ ] be =mood
3 person love|visit|meet person [ person invite|call _ ]
2 person [ person see|meet _ ] go|come to:place
2 the.house [ person live in:_ ] be =building
2 the.room [ person sleep|work in:_ ] be =place
2 animal [ _ sleep|lie in:lush ] be =creatural
2 person read|write text [ person like|understand _ ]
2 person [ _ work|sit in:place ] sing|hear song
2 animal [ _ chase|follow animal ] be =creatural
2 the.person [ person give|show _ thing ] be =mood
2 the.person [ person wait await:_ ] live in:town
2 the.person [ person dance|talk with:_ ] be =mood
"""

_TIED = """
4 grown cry|laugh|dance ;because ^S be =feeling
2 grown sleep|wait ;because ^S be =weary
4 grown go|run|come to:place ;because ^S look_for|need thing
2 grown call|visit person ;because ^S be =feeling
3 grown sell vehicle ;because ^S need a.money
2 !present grown believe|say|hope ;that animal sleep|be in:lush
4 !present grown believe|say|hope ;that person read|write|understand text
3 !present grown believe|say|hope ;that person be =mood
2 !present grown say|believe ;that person buy|sell|repair vehicle
2 !present grown hope ;that person call|visit person
2 !present grown hope|believe ;that person come_back|sleep|work
3 grown lose own.thing ;so ^S look_for ^O
2 grown buy it_thing ;because ^S like|need ^O
3 grown find thing ;and ^S hide|carry ^O
2 grown repair|wash vehicle ;before ^S sell ^O
2 grown be =mood ;so ^S drink drink
2 grown be =tiredness ;but ^S work|dance in:place
2 grown look_for own.thing ;but ^S find thing
3 grown take thing ;and ^S go to:place
2 grown call person ;and ^S invite ^O
2 grown open opening ;and ^S see animal
3 grown sing|laugh|work|read ;while person sleep|laugh|cry
2 grown drink drink ;before ^S go to:place
3 grown read|write text ;when person arrive|sleep|come_back
2 grown work|sing ;although ^S be =tiredness
2 grown buy clothes ;although ^S be =poverty
2 grown wait in:place ;until person arrive|come_back
3 !present weather rain|snow ;so person take_along|need umbrella
3 !present person sleep|read|work in:room ;when weather rain|snow
2 !present person visit museum ;if weather rain|snow
2 grown go to:market ;to ^S buy food
3 grown go|drive to:site ;to ^S meet|visit|pick_up person
3 grown come to:place ;to ^S read|write text
3 grown try ;trying ^S open|close opening
3 grown try ;trying ^S repair|sell|find device
3 grown try ;trying ^S call|help|understand person
2 animal run through:lush ;because wild chase|follow ^S
2 animal sleep|lie in:lush ;because ^S be =weary
2 the.animal [ _ roam lush ] sleep ;because ^S be =weary
"""


def _frames(*tables: str) -> tuple[tuple[int, str], ...]:
    lines = (line.split(" ", 1) for table in tables for line in table.strip().splitlines())
    return tuple((int(weight), frame) for weight, frame in lines)


FRAMES: tuple[tuple[int, str], ...] = _frames(_SIMPLE, _DEEDS, _STATES, _RELATIVE, _TIED)
"""Weights and frames of the unambiguous sentences."""

_DESCRIBED = {
    "object": ["thing", "clothes", "furniture", "vehicle", "bike", "instrument", "upright"],
    "edible": ["food", "drink"],
    "sugary": ["fruit", "sweet"],
    "way": ["path"],
    "tree": ["plant"],
    "paper": ["text", "document"],
    "cloth": ["clothes"],
    "metal": ["tool", "vehicle", "device", "gear"],
}
"""Which classes of nouns an adjective's tag speaks of, where the names differ."""

_PREDICATES = {
    "creatural": "tired hungry thirsty sick old young strong big small",
    "tiredness": "tired sick nervous weak",
    "weary": "tired sick weak hungry thirsty",
    "poverty": "poor",
    "emptiness": "empty dirty full",
    "flaw": "dirty strange ugly",
    "feeling": "happy sad angry nervous",
    "praise": "famous clever friendly young strange",
    "trait": "old young rich poor friendly happy brave strong",
    "motion": "fast slow old expensive cheap",
    "worth": "expensive cheap old big small heavy",
}
"""Adjectives for predicates and comparisons."""

_OWNED = [
    "car",
    "house",
    "ship",
    "bicycle",
    "picture",
    "book",
    "hat",
    "dress",
    "clock",
    "ring",
    "guitar",
    "coat",
    "camera",
    "castle",
]
"""What is said to have an owner, a price and a color: few, as each has a genitive to learn."""
_MENTORS = ("teacher", "singer", "artist", "musician", "coach", "principal", "king")
_PATIENTS = ("cat", "owl", "horse", "tiger", "lion", "frog", "dog")
"""The same for the owners of animals, and of noses and legs."""


def _years(english: str, german: str) -> Adjective:
    """Twenty-three years old: a predicate like any other adjective."""
    return Adjective(f"{english} years old", "", f"{german} Jahre alt", "", frozenset())


def _describes(adjective: Adjective, noun: Noun) -> bool:
    tags = {name for tag in adjective.tags for name in _DESCRIBED.get(tag, [tag])}
    return not tags.isdisjoint(noun.tags)


def _by_tag(words: Iterable[W], tags: Callable[[W], frozenset[str]]) -> dict[str, list[W]]:
    found: dict[str, list[W]] = {}
    for word in words:
        for tag in sorted(tags(word)):
            found.setdefault(tag, []).append(word)
    return found


def _general() -> Palette:
    nouns = {noun.english: [noun] for noun in NOUNS} | _by_tag(NOUNS, lambda noun: noun.tags)
    nouns["grown"] = [n for n in nouns["person"] if "kid" not in n.tags]
    nouns["owned"] = [n for n in NOUNS if n.english in _OWNED]
    nouns["core thing"] = [n for n in nouns["thing"] if "core" in n.tags]
    nouns["it thing"] = [n for n in nouns["it"] if "animal" not in n.tags]
    nouns["it animal"] = [n for n in nouns["it"] if "animal" in n.tags]
    nouns["mentor"] = [n for n in NOUNS if n.english in _MENTORS and "person" in n.tags]
    nouns["patient"] = [n for n in NOUNS if n.english in _PATIENTS]
    nouns["male"] = [n for n in nouns["plain"] if n.gender == "m"]
    nouns["female"] = [n for n in nouns["plain"] if n.gender == "f"]
    nouns["adult"] = [n for n in nouns["grown"] if "name" not in n.tags]
    nouns["somebody"] = [n for n in nouns["person"] if "name" not in n.tags]
    nouns["object"] = [n for n in NOUNS if not n.tags.isdisjoint(_DESCRIBED["object"])]
    adjectives = _by_tag(ADJECTIVE.values(), lambda adjective: adjective.tags)
    adjectives |= {name: [adjective] for name, adjective in ADJECTIVE.items()}
    adjectives["years"] = [_years(*number) for number in NUMBER.items()]
    for name, words in _PREDICATES.items():
        adjectives[name] = [ADJECTIVE[word] for word in words.split()]
    describing = {n: [a for a in ADJECTIVE.values() if _describes(a, n)] for n in NOUNS}
    return Palette(nouns, {name: [verb] for name, verb in VERB.items()}, adjectives, describing)


GENERAL: Palette = _general()
"""The palette of the unambiguous sentences, on which those of ambiguous words are built."""
