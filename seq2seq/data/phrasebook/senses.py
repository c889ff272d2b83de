"""The ambiguous nouns of two or three senses, each with what decides between them.

Attention exists because a translation can hang on another word, near or far. Every frame here
holds `W`, the ambiguous word, and at least one slot that decides: an argument, an adjective, a
place, a word in another clause. The slots of two senses never share a word, so a sentence has one
reading; and the same frame serves several senses, so that minimal pairs exist.
"""

from seq2seq.data.phrasebook.lemmas import Lemma, noun_sense

_BANK = Lemma(
    "bank",
    (
        noun_sense(
            "bank Ufer/Ufer n",
            actor="fisherman sailor duck swan",
            thing="paddle net canoe boat ferry",
            look="muddy steep sandy rocky",
            vessel="boat ship canoe ferry",
            way="river stream",
            act_move="drift",
        ),
        noun_sense(
            "bank Bank/Banken f at=in",
            actor="robber accountant cashier manager",
            thing="card account loan money",
            look="reliable greedy bankrupt modern",
            vessel="taxi bus truck car",
            way="street",
            act_move="drive",
        ),
    ),
    (
        "actor wait|stand|sit at:the.W",
        "actor go|run to:the.W",
        "grown need a.thing ;so ^S go|run to:the.W",
        "grown lose own.thing ;so ^S go|come_back to:the.W",
        "grown see|describe|like the.W+look",
        "grown [ _ look_for a.thing ] wait|stand at:the.W",
        "vessel act_move along:the.way ;until ^S reach the.W",
    ),
    weight=4,
)
_DATE = Lemma(
    "date",
    (
        noun_sense(
            "date Datum/Daten n",
            look="exact wrong official important",
            act="note check correct",
            spot="letter contract invoice ticket",
        ),
        noun_sense(
            "date Verabredung/Verabredungen f",
            look="romantic secret unforgettable boring",
            act="postpone cancel enjoy",
            gift="ring rose dress suit",
        ),
        noun_sense(
            "date Dattel/Datteln f",
            look="sweet dried ripe juicy",
            act="chew swallow taste",
            spot="plate cake spoon salad",
        ),
    ),
    (
        "grown describe|forget|like the.W+look",
        "grown act the.W",
        "grown look_at|describe the.W@on:the.spot",
        "grown buy|need a.gift ;because ^S have a.W",
    ),
)
_MATCH = Lemma(
    "match",
    (
        noun_sense(
            "match Spiel/Spiele n",
            look="exciting fair boring important",
            act="win watch postpone",
            thing="ball coach referee trophy",
            loc="stadium Berlin Paris London",
        ),
        noun_sense(
            "match Streichholz/Streichhölzer n",
            look="damp burnt dry wet",
            act="strike burn throw_away",
            thing="candle torch lantern pipe",
            loc="box drawer bag basket",
        ),
    ),
    (
        "grown describe|need|see a.W+look",
        "grown act the.W",
        "grown find a.thing ;but ^S lose the.W",
        "grown see|forget the.W@in:the.loc",
        "grown be =feeling ;because ^S act the.W",
    ),
)
_SPRING = Lemma(
    "spring",
    (
        noun_sense(
            "spring Frühling/Frühlinge m",
            look="rainy sunny early warm",
            act="enjoy celebrate",
            loc="Italy France Japan Norway",
            act_go="visit",
        ),
        noun_sense(
            "spring Feder/Federn f",
            look="rusty steel bent broken",
            act="oil replace bend",
            loc="mattress clock lock machine",
            act_go="open",
        ),
        noun_sense(
            "spring Quelle/Quellen f",
            look="clear underground salty deep",
            act="pollute discover reach",
            loc="forest valley cave desert",
            act_go="leave",
        ),
    ),
    (
        "grown describe|like the.W+look",
        "grown act the.W",
        "grown talk about:the.W@in:the.loc",
        "grown act_go the.loc ;because ^S think thinking:the.W",
    ),
)
_BAT = Lemma(
    "bat",
    (
        noun_sense(
            "bat Fledermaus/Fledermäuse f",
            actor="biologist zookeeper hunter owl",
            look="nocturnal hungry young frightened",
            act="feed tame chase",
            loc="cave attic barn church",
        ),
        noun_sense(
            "bat Schläger/Schläger m",
            actor="coach referee goalkeeper player",
            look="wooden new expensive cheap",
            act="swing varnish polish",
            loc="bag stadium backpack suitcase",
        ),
    ),
    (
        "actor look_for|find|see W",
        "grown describe|see|draw a.W+look",
        "grown act W",
        "grown find|see W in:the.loc",
        "actor be =feeling ;because ^S find|see the.W",
    ),
)
_CRANE = Lemma(
    "crane",
    (
        noun_sense(
            "crane Kran/Kräne m",
            actor="worker engineer mechanic architect",
            look="rusty electric expensive modern",
            act="operate repair rent",
            loc="construction_site harbor factory airport",
        ),
        noun_sense(
            "crane Kranich/Kraniche m",
            actor="biologist zookeeper hunter fox",
            look="graceful hungry young thirsty",
            act="feed stroke tame",
            loc="lake pond river zoo",
        ),
    ),
    (
        "actor look_for|observe|see W",
        "grown describe|see|draw a.W+look",
        "grown act W",
        "grown see|draw W at:the.loc",
        "actor be =feeling ;because ^S see the.W",
    ),
)
_TIE = Lemma(
    "tie",
    (
        noun_sense(
            "tie Krawatte/Krawatten f",
            actor="groom tailor lawyer waiter",
            look="striped elegant blue ugly",
            act="wear iron wash",
        ),
        noun_sense(
            "tie Unentschieden/Unentschieden n",
            actor="coach referee goalkeeper player",
            look="surprising fair disappointing unforgettable",
            act="celebrate enjoy",
        ),
    ),
    (
        "actor talk about:the.W",
        "actor forget|describe|want a.W",
        "grown describe|see a.W+look",
        "grown act a.W",
        "actor be =feeling ;because ^S want the.W",
        "the.actor [ grown visit|call _ ] think thinking:the.W",
    ),
)
_NAIL = Lemma(
    "nail",
    (
        noun_sense(
            "nail Nagel/Nägel m",
            actor="worker mechanic carpenter blacksmith",
            look="rusty bent steel old",
            act="bend oil replace",
            loc="wall table door chair",
            at_loc="in",
        ),
        noun_sense(
            "nail Fingernagel/Fingernägel m",
            actor="bride singer hairdresser actress",
            look="varnished polished elegant beautiful",
            act="file varnish polish",
            loc="thumb finger hand",
            at_loc="hang",
        ),
    ),
    (
        "actor look_at|describe|examine W",
        "grown see|describe a.W+look",
        "grown act W",
        "grown look_at|examine the.W@at_loc:the.loc",
        "the.actor be =feeling ;because the.W be =flaw",
    ),
)
_PUPIL = Lemma(
    "pupil",
    (
        noun_sense(
            "pupil Schüler/Schüler m",
            actor="teacher principal musician artist",
            look="diligent lazy polite talented",
            act="teach invite greet",
            being="teacher singer artist musician",
        ),
        noun_sense(
            "pupil Pupille/Pupillen f",
            actor="doctor surgeon nurse optician",
            look="tiny narrow wide black",
            being="cat owl horse tiger",
        ),
    ),
    (
        "actor look_at|observe|describe the.W",
        "grown see|draw|describe a.W+look",
        "grown act W",
        "grown describe|observe|draw the.W@of:the.being",
        "actor be =feeling ;because ^S look_at the.W",
    ),
)
_SEAL = Lemma(
    "seal",
    (
        noun_sense(
            "seal Robbe/Robben f",
            actor="biologist zookeeper hunter diver",
            look="playful hungry young clever",
            act="feed tame stroke",
            loc="rock ice island raft",
        ),
        noun_sense(
            "seal Siegel/Siegel n",
            actor="notary king judge lawyer",
            look="royal official broken golden",
            act="break forge check",
            loc="letter contract certificate envelope",
        ),
    ),
    (
        "actor see|describe|look_at the.W",
        "grown see|describe a.W+look",
        "grown act W",
        "grown look_at|describe the.W@on:the.loc",
        "actor be =feeling ;because ^S see|find the.W",
    ),
)

HOMONYMS: tuple[Lemma, ...] = (
    _BANK,
    _DATE,
    _MATCH,
    _SPRING,
    _BAT,
    _CRANE,
    _TIE,
    _NAIL,
    _PUPIL,
    _SEAL,
)
"""Ten nouns; `senses_more` has the others."""
