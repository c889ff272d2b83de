"""The pronoun "it", whose German gender depends on what it refers to.

    The animal didn't cross the street because it was too tired.   ... weil es zu müde war.
    The animal didn't cross the street because it was too wide.    ... weil sie zu breit war.

Each context is a pair of frames, alike up to the predicate: the one suits the subject (`^S`), the
other the thing it did not cross, enter or fit into (`^O`). Or it is one frame with a slot `thing`
filled by masculine, feminine and neuter nouns in turn. An adjective always speaks of the same side,
subject or other thing, whatever the frame.
"""

from seq2seq.data.phrasebook.words import Gender

IT_NOUNS: dict[str, str] = {
    "beast": "animal dog cat horse cow goat rabbit fox bear duck pig creature elephant lion",
    "lane": "street bridge square field path",
    "brook": "river stream lake ditch swamp pond",
    "wheels": "truck bus car taxi limousine",
    "pass": "bridge street field valley meadow",
    "goods": "ball trophy picture vase doll pillow gift lamp book hat",
    "case": "suitcase bag box basket backpack drawer cupboard chest",
    "dish": "cake soup fish apple cheese salad sausage bread egg meat",
}
IT_ADJECTIVES: dict[str, str] = {
    "weary": "tired hungry weak sick frightened thirsty",
    "laneish": "wide long slippery muddy dangerous",
    "brookish": "deep wide cold dangerous muddy",
    "wheelish": "heavy slow big",
    "passish": "narrow slippery muddy steep",
    "bulky": "big bulky thick",
    "cramped": "small narrow full",
    "stale": "hot cold salty sour dry spicy",
    "fault": "old ugly expensive broken",
    "merit": "cheap beautiful new old elegant expensive",
}
_PAIRS = (
    ("!past one.beast cross the.lane", "weary", "laneish"),
    ("!past one.beast cross the.brook", "weary", "brookish"),
    ("!present one.beast cross the.lane", "weary", "laneish"),
    ("!past one.wheels cross the.pass", "wheelish", "passish"),
    ("!past one.goods fit into:the.case", "bulky", "cramped"),
    ("!present one.goods fit into:the.case", "bulky", "cramped"),
    ("!past one.beast devour the.dish", "weary", "stale"),
)
IT_THINGS: dict[Gender, str] = {
    "m": "mirror table chair suitcase hat coat",
    "f": "lamp clock bag camera guitar vase jacket",
    "n": "bed sofa phone dress shirt book bicycle",
}
IT_PAIRS: tuple[tuple[str, str], ...] = tuple(
    (
        f"!not !it {main} ;because ^S be =too.look_{own}",
        f"!not !it {main} ;because ^O be =too.look_{other}",
    )
    for main, own, other in _PAIRS
)
"""Frames whose "it" is the subject, and the same whose "it" is the other thing."""

IT_TRIPLES: tuple[str, ...] = (
    "!it plain buy|need the.thing ;because ^O be =look_merit",
    "!it plain sell|look_for the.thing ;although ^O be =look_merit",
    "!it plain find the.thing ;but ^O be =look_fault",
)
"""Frames whose "it" is a slot, to be filled by a noun of each gender."""
