"""Adjectives, adverbials, prepositions and numbers, in both languages.

An adjective's tags say which classes of nouns it may describe. Its line reads
`english/comparative deutsch/komparativ tags...`; without comparatives it is never compared.
"""

from seq2seq.data.phrasebook.words import (
    Adjective,
    Adverb,
    Preposition,
    parse_adjective,
    rows,
)

_ADJECTIVES = """
beautiful schön object building place
strange seltsam tale animal
famous berühmt person
rich/richer reich/reicher person
poor/poorer arm/ärmer person
friendly/friendlier freundlich/freundlicher person mood
happy/happier glücklich/glücklicher person mood
sad traurig person mood
angry wütend person mood
clever klug person animal mood
lazy faul person animal
brave/braver mutig/mutiger person mood
strong/stronger stark/stärker person animal mood
tired müde person animal mood
hungry hungrig person animal mood
thirsty durstig person animal mood
sick krank person animal mood
nervous nervös person mood
curious neugierig person animal mood
polite höflich person
quiet/quieter ruhig/ruhiger place
weak/weaker schwach/schwächer
fluffy flauschig furry
big/bigger groß/größer animal object building
small/smaller klein/kleiner animal object building
expensive/more_expensive teuer/teurer object
cheap/cheaper billig/billiger object
heavy/heavier schwer/schwerer heavy
dirty schmutzig object
broken kaputt device
fast/faster schnell/schneller vehicle
slow/slower langsam/langsamer vehicle
fresh frisch edible
warm warm hot
cold kalt hot
hot heiß hot
sweet süß sugary
interesting interessant tale
boring langweilig tale
important wichtig tale
funny lustig tale
long/longer lang/länger tale
short/shorter kurz/kürzer tale
wide/wider breit/breiter way
narrow schmal way
deep/deeper tief/tiefer water_body
steep steil height
dark/darker dunkel/dunkler place
verdant sattgrün lush
dangerous gefährlich wild
old/older alt/älter person animal object building last
young/younger jung/jünger person animal last
new neu object building last
modern modern building last
red rot object last
blue blau object animal last
green grün object last
black schwarz object animal last
white weiß object animal last
empty leer
full voll
wet nass object
dry trocken cloth
thick dick text
ripe reif fruit
juicy saftig fruit
rusty rostig metal
wooden hölzern furniture
steel stählern tool
elegant elegant cloth
golden golden tool money
secret geheim paper
wild wild wild
exciting spannend tale
romantic romantisch tale song
muddy schlammig way
sandy sandig way
rocky felsig height
"""

_SPECIAL = """
reliable zuverlässig person vehicle
greedy gierig person
bankrupt bankrott job
exact genau answer plan
wrong falsch answer plan
official offiziell paper
unforgettable unvergesslich song
disappointing enttäuschend song tale
dried getrocknet fruit
fair fair
burnt verbrannt food
damp feucht cloth
tiny winzig animal object
rainy regnerisch
sunny sonnig place
early früh ride
blind blind animal
round rund furniture
bent verbogen tool
clear klar water_body
underground unterirdisch room
salty salzig food
nocturnal nachtaktiv wild
graceful anmutig pet
electric elektrisch device vehicle
striped gestreift cloth
surprising überraschend answer song
polished poliert upright
varnished lackiert furniture
diligent fleißig person
talented begabt person
royal königlich building
playful verspielt pet
sour sauer fruit
rotten faul food
spicy scharf food
frightened verängstigt animal person
slippery rutschig
flooded überschwemmt way
bulky sperrig furniture
noisy laut vehicle
ugly hässlich object
"""

ADJECTIVE: dict[str, Adjective] = {
    adjective.english: adjective
    for table in (_ADJECTIVES, _SPECIAL)
    for adjective in map(parse_adjective, rows(table))
}
"""Every adjective whose German is the same everywhere, by its English."""

_ADVERBS = """
today heute present
now jetzt present
this_week diese_Woche present
in_the_evening am_Abend any
in_the_morning am_Morgen any
on_Monday am_Montag any
on_Sunday am_Sonntag any
in_winter im_Winter any
at_night in_der_Nacht any
yesterday gestern past
last_week letzte_Woche past
last_year letztes_Jahr past
two_days_ago vor_zwei_Tagen past
tomorrow morgen future
next_week nächste_Woche future
soon bald future
often oft often
always immer often
never nie often
sometimes manchmal often
"""

ADVERBS: tuple[Adverb, ...] = tuple(Adverb(*cells) for cells in rows(_ADVERBS))
"""Every adverbial of time or frequency."""

PREPOSITION: dict[str, Preposition] = {
    "in": Preposition("in", "in", "dative"),
    "into": Preposition("into", "in", "accusative"),
    "on": Preposition("on", "auf", "dative"),
    "onto": Preposition("onto", "auf", "accusative"),
    "set": Preposition("on", "auf", "accusative"),
    "hang": Preposition("on", "an", "dative"),
    "at": Preposition("at", "at", "dative"),
    "by": Preposition("by", "an", "dative"),
    "to": Preposition("to", "to", "dative"),
    "with": Preposition("with", "mit", "dative"),
    "for": Preposition("for", "für", "accusative"),
    "through": Preposition("through", "durch", "accusative"),
    "along": Preposition("along", "entlang", "accusative"),
    "over": Preposition("over", "über", "accusative"),
    "under": Preposition("under", "unter", "dative"),
    "behind": Preposition("behind", "hinter", "dative"),
    "beside": Preposition("next to", "neben", "dative"),
    "about": Preposition("about", "über", "accusative"),
    "await": Preposition("for", "auf", "accusative"),
    "thinking": Preposition("of", "an", "accusative"),
    "of": Preposition("of", "", "genitive"),
    "measure": Preposition("of", "", "nominative"),
}
"""By the name that frames use; "at" and "to" are completed by the noun."""

_SMALL = """
two zwei
three drei
four vier
five fünf
six sechs
seven sieben
eight acht
nine neun
ten zehn
eleven elf
twelve zwölf
thirteen dreizehn
fourteen vierzehn
fifteen fünfzehn
sixteen sechzehn
seventeen siebzehn
eighteen achtzehn
nineteen neunzehn
"""
_TENS = """
twenty zwanzig
thirty dreißig
forty vierzig
fifty fünfzig
sixty sechzig
seventy siebzig
eighty achtzig
ninety neunzig
"""


def _numbers() -> dict[str, str]:
    small = dict(rows(_SMALL))
    units = [("one", "ein"), *list(small.items())[:8]]
    numbers = dict(small)
    for ten, zehner in rows(_TENS):
        numbers[ten] = zehner
        numbers |= {f"{ten}-{unit}": f"{einer}und{zehner}" for unit, einer in units}
    return numbers


NUMBER: dict[str, str] = _numbers()
"""Two to ninety-nine in words; all of them behave like a determiner of the plural."""

NUMBERS: tuple[str, ...] = tuple(NUMBER)
"""The English ones, in order of size."""
