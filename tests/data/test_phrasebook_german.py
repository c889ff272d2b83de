"""German and English morphology against paradigms written by hand."""

import pytest

from seq2seq.data.phrasebook import inflection
from seq2seq.data.phrasebook.ambiguity import LEMMAS
from seq2seq.data.phrasebook.english import third_person
from seq2seq.data.phrasebook.modifiers import ADJECTIVE, NUMBER
from seq2seq.data.phrasebook.nouns import NOUN, NOUNS
from seq2seq.data.phrasebook.verbs import VERB, VERBS
from seq2seq.data.phrasebook.words import Case, english_plural, parse_noun, parse_verb

CASES: tuple[Case, ...] = ("nominative", "accusative", "dative", "genitive")

# English determiner and noun; four cases of the singular, then four of the plural.
PARADIGMS = """
the king
der alte König; den alten König; dem alten König; des alten Königs
die alten Könige; die alten Könige; den alten Königen; der alten Könige
the woman
die alte Frau; die alte Frau; der alten Frau; der alten Frau
die alten Frauen; die alten Frauen; den alten Frauen; der alten Frauen
the child
das alte Kind; das alte Kind; dem alten Kind; des alten Kindes
die alten Kinder; die alten Kinder; den alten Kindern; der alten Kinder
no king
kein alter König; keinen alten König; keinem alten König; keines alten Königs
keine alten Könige; keine alten Könige; keinen alten Königen; keiner alten Könige
no woman
keine alte Frau; keine alte Frau; keiner alten Frau; keiner alten Frau
keine alten Frauen; keine alten Frauen; keinen alten Frauen; keiner alten Frauen
no child
kein altes Kind; kein altes Kind; keinem alten Kind; keines alten Kindes
keine alten Kinder; keine alten Kinder; keinen alten Kindern; keiner alten Kinder
this student
dieser alte Student; diesen alten Studenten; diesem alten Studenten; dieses alten Studenten
diese alten Studenten; diese alten Studenten; diesen alten Studenten; dieser alten Studenten
our house
unser altes Haus; unser altes Haus; unserem alten Haus; unseres alten Hauses
unsere alten Häuser; unsere alten Häuser; unseren alten Häusern; unserer alten Häuser
"""
# Determiners that have but one number, or none.
SINGULAR = """
a king: ein alter König; einen alten König; einem alten König; eines alten Königs
a woman: eine alte Frau; eine alte Frau; einer alten Frau; einer alten Frau
a child: ein altes Kind; ein altes Kind; einem alten Kind; eines alten Kindes
every lion: jeder alte Löwe; jeden alten Löwen; jedem alten Löwen; jedes alten Löwen
"""
PLURAL = """
many dog: viele alte Hunde; viele alte Hunde; vielen alten Hunden; vieler alter Hunde
some car: einige alte Autos; einige alte Autos; einigen alten Autos; einiger alter Autos
"""
# Present of ich, du, er, wir; the same in the past; participle and infinitive with zu.
VERB_FORMS = """
read
lese liest liest lesen; las - las lasen
gelesen; zu lesen
call
rufe rufst ruft rufen; rief riefst rief riefen
angerufen; anzurufen
work
arbeite arbeitest arbeitet arbeiten; arbeitete - arbeitete arbeiteten
gearbeitet; zu arbeiten
open
öffne öffnest öffnet öffnen; öffnete - öffnete öffneten
geöffnet; zu öffnen
draw
zeichne zeichnest zeichnet zeichnen; zeichnete - zeichnete zeichneten
gezeichnet; zu zeichnen
dance
tanze tanzt tanzt tanzen; tanzte - tanzte tanzten
getanzt; zu tanzen
repair
repariere reparierst repariert reparieren; reparierte - reparierte reparierten
repariert; zu reparieren
visit
besuche besuchst besucht besuchen; besuchte - besuchte besuchten
besucht; zu besuchen
hug
umarme umarmst umarmt umarmen; umarmte - umarmte umarmten
umarmt; zu umarmen
prepare
bereite bereitest bereitet bereiten; bereitete - bereitete bereiteten
vorbereitet; vorzubereiten
be
bin bist ist sind; war warst war waren
gewesen; zu sein
have
habe hast hat haben; hatte - hatte hatten
gehabt; zu haben
like
mag magst mag mögen; mochte - mochte mochten
gemocht; zu mögen
stroke
streichle streichelst streichelt streicheln; streichelte - streichelte streichelten
gestreichelt; zu streicheln
forget
vergesse vergisst vergisst vergessen; vergaß vergaßest vergaß vergaßen
vergessen; zu vergessen
cross
überquere überquerst überquert überqueren; überquerte - überquerte überquerten
überquert; zu überqueren
"""


def _phrase(name: str, english: str, case: Case, plural: bool) -> str:
    word = NOUN[english]
    slot = inflection.slot_of(word.gender, plural)
    determiner = inflection.determiner(name, case, slot)
    adjective = inflection.adjective("alt", name, case, slot)
    return f"{determiner} {adjective} {inflection.noun(word, case, plural)}"


def _threes(table: str) -> list[list[str]]:
    lines = table.strip().splitlines()
    return [lines[start : start + 3] for start in range(0, len(lines), 3)]


@pytest.mark.parametrize(("head", "singular", "plural"), _threes(PARADIGMS))
def test_declension(head: str, singular: str, plural: str) -> None:
    name, english = head.split()
    assert [_phrase(name, english, case, False) for case in CASES] == singular.split("; ")
    assert [_phrase(name, english, case, True) for case in CASES] == plural.split("; ")


@pytest.mark.parametrize(
    ("line", "plural"),
    [(line, False) for line in SINGULAR.strip().splitlines()]
    + [(line, True) for line in PLURAL.strip().splitlines()],
)
def test_declension_in_one_number(line: str, plural: bool) -> None:
    head, forms = line.split(": ")
    name, english = head.split()
    assert [_phrase(name, english, case, plural) for case in CASES] == forms.split("; ")


def test_strong_endings_without_a_determiner() -> None:
    forms = [inflection.adjective("frisch", "", case, "n") for case in CASES]
    assert forms == ["frisches", "frisches", "frischem", "frischen"]
    assert [inflection.adjective("frisch", "", case, "plural") for case in CASES] == [
        *("frische", "frische", "frischen", "frischer")
    ]


@pytest.mark.parametrize(
    ("german", "expected"),
    [
        ("dunkel", "dunkle"),
        ("teuer", "teure"),
        ("sauer", "saure"),
        ("hoch", "hohe"),
        ("müde", "müde"),
        ("trocken", "trockene"),
        ("hölzern", "hölzerne"),
    ],
)
def test_stems_before_an_ending(german: str, expected: str) -> None:
    assert inflection.adjective(german, "the", "nominative", "m") == expected


@pytest.mark.parametrize(("name", "finite", "others"), _threes(VERB_FORMS))
def test_conjugation(name: str, finite: str, others: str) -> None:
    present, past = finite.split("; ")
    verb = VERB[name]
    persons = [(1, False), (2, False), (3, False), (1, True)]
    assert [inflection.present(verb, *person) for person in persons] == present.split()
    for person, expected in zip(persons, past.split(), strict=True):
        assert expected in ("-", inflection.preterite(verb, *person))
    assert [inflection.participle(verb), inflection.infinitive(verb, with_zu=True)] == (
        others.split("; ")
    )


def test_no_participle_has_ge_before_an_unstressed_prefix() -> None:
    senses = [sense.word for lemma in LEMMAS for sense in lemma.senses]
    verbs = [*VERBS, *(word for word in senses if hasattr(word, "third"))]
    unstressed = ("be", "er", "ver", "zer", "ent", "über", "unter", "durch")
    regular = [verb for verb in verbs if not verb.participle]
    assert len(regular) > 60
    for verb in regular:
        inseparable = verb.german.startswith(unstressed) or verb.german.endswith("ieren")
        stem = inflection.participle(verb).removeprefix(verb.prefix)
        assert stem.startswith("ge") == (not inseparable or verb.german.startswith("ge")), verb


def test_numbers() -> None:
    assert len(NUMBER) == 98
    assert [NUMBER[n] for n in ("two", "sixteen", "seventeen", "thirty", "twenty-one")] == [
        *("zwei", "sechzehn", "siebzehn", "dreißig", "einundzwanzig")
    ]
    assert NUMBER["ninety-nine"] == "neunundneunzig"


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("go", "goes"),
        ("wash", "washes"),
        ("try on", "tries on"),
        ("play", "plays"),
        ("have", "has"),
        ("look for", "looks for"),
    ],
)
def test_third_person(base: str, expected: str) -> None:
    assert third_person(base) == expected


def test_english_plurals_and_pasts() -> None:
    assert [english_plural(n) for n in ("box", "city", "boy", "church")] == [
        *("boxes", "cities", "boys", "churches")
    ]
    carry = parse_verb(["carry", "tragen", "a"])
    assert (carry.english_past, carry.english_ing) == ("carried", "carrying")
    assert VERB["look for"].english_ing == "looking for"
    assert VERB["come back"].english_past == "came back"


def test_tables_are_sound() -> None:
    for noun in NOUNS:
        assert noun.german[0].isupper(), noun
        assert noun.at in ("an", "in", "auf"), noun
        assert noun.to in ("zu", "in", "auf", "nach"), noun
    for adjective in ADJECTIVE.values():
        assert bool(adjective.english_comparative) == bool(adjective.german_comparative), adjective
    assert parse_noun(["ox/oxen", "Ochse/Ochsen", "m!", "animal"]).weak
