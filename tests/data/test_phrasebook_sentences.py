"""The grammar against sentences translated by hand.

Each case names a frame, an English sentence and its German. The frame is filled over many seeds
until the English comes out, which shows that the language has it; its German must be the one
written here. Senses of ambiguous words are named by their German: `the.Ufer`, `legen`.
"""

from collections.abc import Iterator

import pytest

from seq2seq.data.phrasebook import english, german
from seq2seq.data.phrasebook.ambiguity import LEMMAS
from seq2seq.data.phrasebook.frames import parse_frame
from seq2seq.data.phrasebook.grammar import GENERAL
from seq2seq.data.phrasebook.moods import seeded
from seq2seq.data.phrasebook.nouns import NOUNS
from seq2seq.data.phrasebook.scene import Palette, fill
from seq2seq.data.phrasebook.verbs import VERB
from seq2seq.data.phrasebook.words import Adjective, Noun, Verb

PAIRS = """
!past !not the.animal cross the.street ;because ^S be =too.tired
    The animal didn't cross the street because it was too tired.
    Das Tier überquerte die Straße nicht, weil es zu müde war.
!past !not the.animal cross the.street ;because ^O be =too.wide
    The animal didn't cross the street because it was too wide.
    Das Tier überquerte die Straße nicht, weil sie zu breit war.
!past !not the.doll fit into:the.suitcase ;because ^S be =too.big
    The doll didn't fit into the suitcase because it was too big.
    Die Puppe passte nicht in den Koffer, weil sie zu groß war.
!past !not the.doll fit into:the.suitcase ;because ^O be =too.small
    The doll didn't fit into the suitcase because it was too small.
    Die Puppe passte nicht in den Koffer, weil er zu klein war.
!past creature roam the.forest+verdant
    A fluffy blue creature roamed the verdant forest.
    Eine flauschige blaue Kreatur durchstreifte den sattgrünen Wald.
the.boat drift along:the.river ;until ^S reach the.Ufer
    The boat drifted along the river until it reached the bank.
    Das Boot trieb den Fluss entlang, bis es das Ufer erreichte.
the.bus drive along:the.street ;until ^S reach the.Bank
    The bus drove along the street until it reached the bank.
    Der Bus fuhr die Straße entlang, bis er die Bank erreichte.
the.woman lose own.card ;so ^S go to:the.Bank
    The woman lost her card, so she went to the bank.
    Die Frau verlor ihre Karte, also ging sie zur Bank.
the.animal+tired sit by:the.river_bank
    The tired animal sat by the river bank.
    Das müde Tier saß am Flussufer.
the.teacher read the.letter
    The teacher reads the letter.
    Der Lehrer liest den Brief.
the.man buy a.car+red
    Today the man buys a red car.
    Heute kauft der Mann ein rotes Auto.
student help the.king+old
    The students do not help the old king.
    Die Studenten helfen dem alten König nicht.
the.man call the.woman
    The man calls the woman.
    Der Mann ruft die Frau an.
the.nurse hope ;that the.man call the.woman
    The nurse hopes that the man calls the woman.
    Die Krankenschwester hofft, dass der Mann die Frau anruft.
the.neighbor repair the.car
    Did the neighbor repair the car?
    Hat der Nachbar das Auto repariert?
the.boy buy the.key
    Where did the boy buy the key?
    Wo hat der Junge den Schlüssel gekauft?
person read the.letter
    Who reads the letter?
    Wer liest den Brief?
the.woman read book
    Which book does the woman read?
    Welches Buch liest die Frau?
the.cook buy apple
    How many apples did the cook buy?
    Wie viele Äpfel hat der Koch gekauft?
the.king be =than.old the.queen
    The king is older than the queen.
    Der König ist älter als die Königin.
sister be ==Lehrerin
    My sister is a teacher.
    Meine Schwester ist Lehrerin.
brother be ==doctor
    My brother is not a doctor.
    Mein Bruder ist kein Arzt.
the.judge be =plain.years
    The judge is forty-two years old.
    Der Richter ist zweiundvierzig Jahre alt.
!present person have count.book
    I have twenty-three books.
    Ich habe dreiundzwanzig Bücher.
!there fox be in:the.forest
    There is a fox in the forest.
    Im Wald ist ein Fuchs.
!there child be in:the.park
    There are many children in the park.
    Im Park sind viele Kinder.
the.letter [ the.man write _ ] be =important
    The letter that the man wrote is important.
    Der Brief, den der Mann schrieb, ist wichtig.
the.house [ the.farmer live in:_ ] be =old
    The house in which the farmer lives is old.
    Das Haus, in dem der Bauer wohnt, ist alt.
the.child [ the.doctor help _ ] be =sad
    The child whom the doctor helps is sad.
    Das Kind, dem der Arzt hilft, ist traurig.
the.guest wait await:the.train
    The guest waits for the train.
    Der Gast wartet auf den Zug.
the.thief try ;trying ^S open the.window
    The thief tries to open the window.
    Der Dieb versucht, das Fenster zu öffnen.
the.cook go to:the.market ;to ^S buy a.bread+fresh
    The cook goes to the market to buy fresh bread.
    Der Koch geht auf den Markt, um frisches Brot zu kaufen.
weather rain ;so the.girl take_along the.umbrella
    It rains, so the girl takes along the umbrella.
    Es regnet, also nimmt das Mädchen den Regenschirm mit.
person visit the.museum ;if weather snow
    If it snows, we visit the museum.
    Wenn es schneit, besuchen wir das Museum.
the.tourist fly to:Berlin
    The tourist will fly to Berlin tomorrow.
    Der Tourist wird morgen nach Berlin fliegen.
the.child swim in:the.river
    The child must not swim in the river.
    Das Kind darf nicht im Fluss schwimmen.
the.grandmother tell child a.story+funny
    The grandmother told the children a funny story.
    Die Großmutter erzählte den Kindern eine lustige Geschichte.
the.judge explain the.lawyer the.task
    The judge explained the task to the lawyer.
    Der Richter erklärte dem Anwalt die Aufgabe.
the.mother pick_up person
    The mother picked him up.
    Die Mutter holte ihn ab.
person come_back
    He has come back.
    Er ist zurückgekommen.
person buy a.car
    He has never bought a car.
    Er hat nie ein Auto gekauft.
the.nurse give person a.key
    The nurse gave him a key.
    Die Krankenschwester gab ihm einen Schlüssel.
Anna sleep ;because ^S be =tired
    Because she was tired, Anna slept.
    Weil sie müde war, schlief Anna.
the.cat run through:the.valley ;because a.wolf chase ^S
    Because a wolf chased it, the cat ran through the valley.
    Weil ein Wolf sie jagte, lief die Katze durch das Tal.
the.woman drink a.coffee
    The woman is drinking coffee.
    Die Frau trinkt gerade Kaffee.
the.optician wash the.Brille
    The optician washed the glasses.
    Der Optiker wusch die Brille.
the.waiter wash the.Gläser
    The waiter washed the glasses.
    Der Kellner wusch die Gläser.
the.man legen the.book set:the.table
    The man put the book on the table.
    Der Mann legte das Buch auf den Tisch.
the.man stellen the.bottle set:the.table
    The man put the bottle on the table.
    Der Mann stellte die Flasche auf den Tisch.
the.dog fressen the.sausage
    The dog ate the sausage.
    Der Hund fraß die Wurst.
the.king essen the.sausage
    The king ate the sausage.
    Der König aß die Wurst.
person wissen ;where the.tailor live
    She knows where the tailor lives.
    Sie weiß, wo der Schneider wohnt.
person kennen the.teacher
    She knows the teacher.
    Sie kennt den Lehrer.
Peter take the.cup ;and ^S stellen ^O set:the.table
    Peter takes the cup and puts it on the table.
    Peter nimmt die Tasse und stellt sie auf den Tisch.
the.tourist visit the.Eiffelturm
    The tourist visited the Eiffel tower.
    Der Tourist besuchte den Eiffelturm.
the.chemist need count.Mol@measure:a.carbon_dioxide
    The chemist needs two moles of carbon dioxide.
    Der Chemiker braucht zwei Mol Kohlendioxid.
the.dermatologist see the.Muttermal
    The dermatologist sees the mole.
    Der Hautarzt sieht das Muttermal.
the.gardener see the.Maulwurf
    The gardener sees the mole.
    Der Gärtner sieht den Maulwurf.
the.room be =hell
    The room is light.
    Das Zimmer ist hell.
the.suitcase be =leicht
    The suitcase is light.
    Der Koffer ist leicht.
"""


def _cases() -> list[tuple[str, str, str]]:
    lines = [line.strip() for line in PAIRS.strip().splitlines()]
    return list(zip(lines[::3], lines[1::3], lines[2::3], strict=True))


def _literal() -> Palette:
    """Every word under its own name; the senses of ambiguous words under their German."""
    nouns = {noun.german: [noun] for noun in NOUNS if "hers" in noun.tags}
    nouns |= {noun.english: [noun] for noun in NOUNS} | {"person": GENERAL.nouns["person"]}
    verbs = {name: [verb] for name, verb in VERB.items()}
    adjectives = dict(GENERAL.adjectives)
    for word in (sense.word for lemma in LEMMAS for sense in lemma.senses):
        if isinstance(word, Noun):
            nouns[word.german_plural if word.german == "Glas" else word.german] = [word]
        elif isinstance(word, Verb):
            verbs[word.german] = [word]
        elif isinstance(word, Adjective):
            adjectives[word.german] = [word]
    return Palette(nouns, verbs, adjectives, GENERAL.describing)


LITERAL = _literal()


def translations(frame: str, source: str, seeds: int) -> Iterator[str]:
    """What the frame gives for an English sentence, over many seeds."""
    parsed = parse_frame(frame)
    for seed in range(seeds):
        filled = fill(parsed, LITERAL, seeded(seed))
        if filled and english.sentence(filled.sentence) == source:
            yield german.sentence(filled.sentence)


@pytest.mark.parametrize(("frame", "source", "target"), _cases())
def test_translation_by_hand(frame: str, source: str, target: str) -> None:
    assert next(translations(frame, source, 20_000), None) == target
