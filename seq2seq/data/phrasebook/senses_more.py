"""More ambiguous words: nouns with three readings, compounds, and the adjectives and verbs.

See `senses` for what a lemma holds; the two modules are one table, cut for length.
"""

from seq2seq.data.phrasebook.lemmas import Lemma, adjective_sense, noun_sense, verb_sense

_MOLE = Lemma(
    "mole",
    (
        noun_sense(
            "mole Maulwurf/Maulwürfe m",
            actor="gardener farmer fox cat",
            look="blind hungry young frightened",
            act="catch chase feed",
            loc="garden field meadow park",
            at_loc="in",
        ),
        noun_sense(
            "mole Muttermal/Muttermale n",
            actor="doctor surgeon nurse dermatologist",
            look="dark round tiny black",
            loc="cheek nose neck arm",
            at_loc="hang",
        ),
        noun_sense(
            "mole Mol/Mol n",
            substance="oxygen hydrogen nitrogen carbon_dioxide salt sugar",
        ),
    ),
    (
        "actor look_at|see|observe the.W",
        "grown draw|see|describe a.W+look",
        "grown act the.W",
        "grown look_at|describe|see the.W@at_loc:the.loc",
        "grown need|order|buy|want a.W@measure:a.substance",
        "grown need|order|buy count.W@measure:a.substance",
        "the.chemist need|look_for|order count.W@measure:a.substance",
        "actor be =feeling ;because ^S see the.W",
        (
            "grown describe|see|observe the.W@in:the.loc",
            "grown describe|see|observe the.W@hang:the.loc",
            "grown describe|see|observe the.W@measure:a.substance",
        ),
    ),
)
_GLASSES = Lemma(
    "glasses",
    (
        noun_sense(
            "glasses/glasses Brille/Brillen f pair",
            actor="optician eye_doctor pilot",
            act="wear try_on",
            act_do="read",
            thing="book newspaper letter poem",
        ),
        noun_sense(
            "glass/glasses Glas/Gläser n plural",
            actor="waiter cook guest",
            act="fill empty",
            act_do="order",
            thing="wine juice milk tea",
        ),
    ),
    (
        "actor bring|look_for|wash the.W",
        "grown act the.W",
        "grown need|look_for the.W ;because ^S act_do the.thing",
        "grown act_do the.thing ;but ^S lose the.W",
        "actor be =feeling ;because the.W be =flaw",
    ),
)
_TOWER = Lemma(
    "tower",
    (
        noun_sense("tower Turm/Türme m building", look="old wooden dark modern empty strange"),
        noun_sense("Eiffel_tower Eiffelturm/- m building", look=""),
        noun_sense("church_tower Kirchturm/Kirchtürme m building", look=""),
        noun_sense("water_tower Wasserturm/Wassertürme m building", look=""),
        noun_sense("clock_tower Uhrturm/Uhrtürme m building", look=""),
        noun_sense("television_tower Fernsehturm/Fernsehtürme m building", look=""),
    ),
    (
        "person see|describe|visit|admire|draw the.W+look",
        "person wait|stand at:the.W+look",
        "person go to:the.W+look",
        "person climb onto:the.W+look",
    ),
    weight=2,
)
_LIGHT = Lemma(
    "light",
    (
        adjective_sense("light leicht", thing="suitcase bag basket backpack chair ladder"),
        adjective_sense("light hell", thing="@room library church"),
    ),
    (
        "!calm the.thing be =W",
        "grown like|need|look_for a.thing+W",
        "the.thing [ grown see|find|like _ ] be =W",
        "grown choose the.thing ;because ^O be =W",
    ),
    weight=2,
)
_LIGHTS = Lemma(
    "light",
    (
        noun_sense(
            "light Licht/Lichter n",
            act="turn_on turn_off",
            source="candle lamp torch sun moon",
        ),
    ),
    ("grown act the.W ?in:the.room", "grown see|love|draw the.W@of:the.source"),
    weight=1,
)
_HARD = Lemma(
    "hard",
    (
        adjective_sense("hard hart", thing="bread stone ice wood bed chair"),
        adjective_sense("hard schwierig", thing="question exam task exercise riddle decision"),
    ),
    (
        "!calm the.thing be =W",
        "grown describe|forget a.thing+W",
        "the.thing [ grown describe|forget _ ] be =W",
        "grown talk about:the.thing+W",
    ),
    weight=2,
)
_TALL = Lemma(
    "tall",
    (
        adjective_sense("tall groß", thing="@adult"),
        adjective_sense("tall hoch", thing="@building castle tree oak mountain wall"),
    ),
    (
        "!calm the.thing be =W",
        "grown draw|see|admire a.thing+W",
        "the.thing [ grown see|love|draw _ ] be =W",
        "grown think thinking:the.thing+W",
    ),
    weight=2,
)
_KNOW = Lemma(
    "know",
    (
        verb_sense(
            "know/knew/known kennen//kannte/gekannt a stative",
            thing="@grown @town",
        ),
        verb_sense("know/knew/known wissen/weiß/wusste/gewusst - stative", thing=""),
    ),
    (
        ("!past grown W the.thing", "!past grown W ;that the.person sleep|work|wait"),
        ("!present grown W the.thing", "!present grown W ;where the.person live|work|sleep"),
        ("!past the.job W the.thing", "!past the.job W ;why person be =feeling"),
        ("!present grown W the.thing", "!present grown W ;that the.thief sell vehicle"),
        ("!past the.family W the.thing", "!past the.family W ;where person hide the.money"),
    ),
    weight=1,
)
_SAVE = Lemma(
    "save",
    (
        verb_sense("save retten a", thing="@grown @pet"),
        verb_sense("save sparen a", thing="money time energy fuel electricity water"),
        verb_sense("save speichern a", thing="@data report"),
    ),
    (
        "grown W a.thing",
        "grown try ;trying ^S W a.thing",
        "grown be =feeling ;because ^S W a.thing",
        "!present grown hope ;that person W a.thing",
        "grown go to:place ;to ^S W a.thing",
    ),
    weight=2,
)
_MISS = Lemma(
    "miss",
    (
        verb_sense("miss vermissen a", thing="friend mother dog brother child cat"),
        verb_sense("miss verpassen a", thing="train bus plane ferry exam ship"),
    ),
    (
        "grown W the.thing",
        "grown cry ;because ^S W the.thing",
        "grown be =feeling ;because ^S W the.thing",
        "!present grown believe|say ;that person W the.thing",
    ),
    weight=2,
)
_EAT = Lemma(
    "eat",
    (
        verb_sense(
            "eat/ate/eaten essen/isst/aß/gegessen a",
            eater="@grown",
        ),
        verb_sense(
            "eat/ate/eaten fressen/frisst/fraß/gefressen a",
            eater="@it_animal",
        ),
    ),
    (
        "eater W food",
        "the.eater be =weary ;so ^S W food",
        "the.eater [ person follow|see _ ] W food",
        "eater W food in:lush",
        "eater be =weary ;although ^S W the.food",
    ),
)
_PUT = Lemma(
    "put",
    (
        verb_sense(
            "put/put/put/putting legen a",
            thing="book letter newspaper ticket key spoon",
        ),
        verb_sense(
            "put/put/put/putting stellen a",
            thing="bottle cup vase lamp bucket plate",
        ),
    ),
    (
        "grown W the.thing set:furniture",
        "grown W a.thing set:the.furniture",
        "grown take the.thing ;and ^S W ^O set:the.furniture",
        "grown try ;trying ^S W the.thing set:the.furniture",
        "!present grown hope ;that person W the.thing set:the.furniture",
    ),
)

MORE: tuple[Lemma, ...] = (
    _MOLE,
    _GLASSES,
    _TOWER,
    _LIGHT,
    _LIGHTS,
    _HARD,
    _TALL,
    _KNOW,
    _SAVE,
    _MISS,
    _EAT,
    _PUT,
)
"""Twelve lemmas; `senses` has the others."""
