"""The nouns whose German is the same everywhere (those that depend on context are in `senses`).

A line reads `english/plural German/Plural gender tags...`; a regular English plural is left out,
`m!` marks the n-declension. Tags are semantic classes that frames ask for, except: `core` (the
plural is used too; other nouns stay singular so that every form is frequent), `mass` (no
indefinite article), `name` (no article), `pair` (plural in English, singular in German).
"""

from seq2seq.data.phrasebook.beings import ANIMALS, HER_JOBS, PEOPLE
from seq2seq.data.phrasebook.words import Noun, parse_noun, rows

_FOOD = """
bread Brot/Brote n food mass
cheese Käse/Käse m food mass
meat Fleisch/- n food mass
cake Kuchen/Kuchen m food sweet
apple Apfel/Äpfel m food core fruit
pear Birne/Birnen f food core fruit
cherry Kirsche/Kirschen f food core fruit
egg Ei/Eier n food core
soup Suppe/Suppen f food hot
potato/potatoes Kartoffel/Kartoffeln f food core
fish/fish Fisch/Fische m food
salad Salat/Salate m food
sausage Wurst/Würste f food
carrot Karotte/Karotten f food core
coffee Kaffee/- m drink mass hot
tea Tee/- m drink mass hot
water Wasser/- n drink mass hot
milk Milch/- f drink mass hot
juice Saft/Säfte m drink mass sweet
wine Wein/Weine m drink mass
"""

_THINGS = """
book Buch/Bücher n text thing core flat it
newspaper Zeitung/Zeitungen f text flat core
report Bericht/Berichte m text
story Geschichte/Geschichten f text tale core
poem Gedicht/Gedichte n text tale
message Nachricht/Nachrichten f text
letter Brief/Briefe m text core flat document
contract Vertrag/Verträge m document
invoice Rechnung/Rechnungen f document
document Dokument/Dokumente n document
certificate Urkunde/Urkunden f document
ticket Fahrkarte/Fahrkarten f thing core flat
envelope Umschlag/Umschläge m flat container
ball Ball/Bälle m thing core content
key Schlüssel/Schlüssel m thing core flat
bag Tasche/Taschen f thing core container it heavy
box Kiste/Kisten f thing core container it heavy
suitcase Koffer/Koffer m thing container it heavy
basket Korb/Körbe m thing container it heavy
backpack Rucksack/Rucksäcke m container it
drawer Schublade/Schubladen f container
cupboard Schrank/Schränke m furniture container
chest Truhe/Truhen f container
bottle Flasche/Flaschen f thing core upright content
cup Tasse/Tassen f thing core upright
vase Vase/Vasen f thing upright content it
lamp Lampe/Lampen f thing upright content it device
bucket Eimer/Eimer m upright thing
plate Teller/Teller m upright
jug Krug/Krüge m upright
knife/knives Messer/Messer n thing flat
spoon Löffel/Löffel m flat
hammer Hammer/Hämmer m thing
hat Hut/Hüte m thing clothes core it
coat Mantel/Mäntel m clothes it
dress Kleid/Kleider n clothes core it
shirt Hemd/Hemden n clothes core it
jacket Jacke/Jacken f clothes it
suit Anzug/Anzüge m clothes
trousers/trousers Hose/Hosen f clothes pair
scissors/scissors Schere/Scheren f tool pair
umbrella Regenschirm/Regenschirme m thing
picture Bild/Bilder n thing core it content
gift Geschenk/Geschenke n thing core content
trophy Pokal/Pokale m content
doll Puppe/Puppen f content thing
pillow Kissen/Kissen n content
phone Telefon/Telefone n thing it
computer Computer/Computer m thing device
camera Kamera/Kameras f thing it device
mirror Spiegel/Spiegel m thing it
ring Ring/Ringe m thing
stone Stein/Steine m thing core heavy
flower Blume/Blumen f thing core plant
rose Rose/Rosen f thing core plant
tree Baum/Bäume m core plant
oak Eiche/Eichen f plant
pine Kiefer/Kiefern f plant
birch Birke/Birken f plant
willow Weide/Weiden f plant
candle Kerze/Kerzen f thing upright
table Tisch/Tische m furniture core it heavy
chair Stuhl/Stühle m furniture core it
bed Bett/Betten n furniture it heavy
sofa Sofa/Sofas n furniture it
shelf/shelves Regal/Regale n furniture
mattress Matratze/Matratzen f furniture
clock Uhr/Uhren f thing it
machine Maschine/Maschinen f device
engine Motor/Motoren m device
lock Schloss/Schlösser n gear
door Tür/Türen f opening
window Fenster/Fenster n opening core
gate Tor/Tore n opening
wall Wand/Wände f
car Auto/Autos n vehicle core it
bus Bus/Busse m vehicle it
train Zug/Züge m ride it
plane Flugzeug/Flugzeuge n ride
truck Lastwagen/Lastwagen m vehicle it
taxi Taxi/Taxis n vehicle it
limousine Limousine/Limousinen f vehicle it
bicycle Fahrrad/Fahrräder n it bike core
ship Schiff/Schiffe n ride vessel
boat Boot/Boote n vessel core
canoe Kanu/Kanus n vessel
ferry Fähre/Fähren f vessel ride
raft Floß/Flöße n vessel
paddle Paddel/Paddel n tool
net Netz/Netze n tool
rope Seil/Seile n tool
ladder Leiter/Leitern f tool
guitar Gitarre/Gitarren f instrument it
piano Klavier/Klaviere n instrument
violin Geige/Geigen f instrument
torch Fackel/Fackeln f kindle
lantern Laterne/Laternen f kindle
pipe Pfeife/Pfeifen f kindle
card Karte/Karten f money
account Konto/Konten n money
loan Kredit/Kredite m money
check Scheck/Schecks m money
coin Münze/Münzen f money core
money Geld/- n money mass
nose Nase/Nasen f body
cheek Wange/Wangen f body
neck Hals/Hälse m body
arm Arm/Arme m body
shoulder Schulter/Schultern f body
leg Bein/Beine n body
finger Finger/Finger m body
thumb Daumen/Daumen m body
hand Hand/Hände f body
eye Auge/Augen n body
"""

_PLACES = """
garden Garten/Gärten m place core at=in to=in
park Park/Parks m place at=in to=in
city Stadt/Städte f place core at=in to=in
village Dorf/Dörfer n place at=in to=in
school Schule/Schulen f place
kitchen Küche/Küchen f place room at=in to=in
library Bibliothek/Bibliotheken f place at=in to=in
office Büro/Büros n place room at=in to=in
hotel Hotel/Hotels n place building at=in
restaurant Restaurant/Restaurants n place at=in to=in
theater Theater/Theater n place building at=in to=in
museum Museum/Museen n place building at=in to=in
hospital Krankenhaus/Krankenhäuser n place building at=in to=in
factory Fabrik/Fabriken f place building at=in
station Bahnhof/Bahnhöfe m site
airport Flughafen/Flughäfen m site
harbor Hafen/Häfen m site
beach Strand/Strände m site
market Markt/Märkte m site at=auf to=auf
construction_site Baustelle/Baustellen f site at=auf
stadium Stadion/Stadien n place at=in to=in
zoo Zoo/Zoos m place at=in to=in
circus Zirkus/Zirkusse m place at=in to=in
forest Wald/Wälder m place core lush at=in to=in
cave Höhle/Höhlen f place at=in to=in
barn Scheune/Scheunen f place at=in to=in
attic Dachboden/Dachböden m place at=auf to=auf
house Haus/Häuser n building core
church Kirche/Kirchen f building at=in to=in
castle Schloss/Schlösser n fort
hall Saal/Säle m room at=in to=in
room Zimmer/Zimmer n room core at=in to=in
bridge Brücke/Brücken f path core
street Straße/Straßen f path core
river Fluss/Flüsse m path water_body core shore
stream Bach/Bäche m path water_body shore
lake See/Seen m path water_body shore
sea Meer/Meere n water_body shore
pond Teich/Teiche m water_body shore
field Feld/Felder n path lush at=auf to=auf
meadow Wiese/Wiesen f path lush at=auf to=auf
path Weg/Wege m path
square Platz/Plätze m path
valley Tal/Täler n path lush
desert Wüste/Wüsten f path
ditch Graben/Gräben m path
swamp Sumpf/Sümpfe m path
river_bank Flussufer/Flussufer n shore
mountain Berg/Berge m height
hill Hügel/Hügel m height
rock Felsen/Felsen m height
island Insel/Inseln f island
Berlin Berlin/- n town name at=in to=nach
Paris Paris/- n town name at=in to=nach
London London/- n town name at=in to=nach
Italy Italien/- n country name at=in to=nach
France Frankreich/- n country name at=in to=nach
Spain Spanien/- n country name at=in to=nach
Japan Japan/- n country name at=in to=nach
Norway Norwegen/- n country name at=in to=nach
Greece Griechenland/- n country name at=in to=nach
"""

_IDEAS = """
question Frage/Fragen f ask core riddle
answer Antwort/Antworten f
exam Prüfung/Prüfungen f riddle
task Aufgabe/Aufgaben f riddle core
exercise Übung/Übungen f riddle
riddle Rätsel/Rätsel n riddle
decision Entscheidung/Entscheidungen f riddle
song Lied/Lieder n song core
idea Idee/Ideen f
plan Plan/Pläne m plan
file Datei/Dateien f data
photo Foto/Fotos n data core
text Text/Texte m data
program Programm/Programme n data
video Video/Videos n data
sun Sonne/Sonnen f sky
moon Mond/Monde m sky
time Zeit/- f mass thrift
energy Energie/- f mass thrift
fuel Benzin/- n mass thrift
electricity Strom/- m mass thrift
color Farbe/Farben f part
price Preis/Preise m part
owner Besitzer/Besitzer m part
oxygen Sauerstoff/- m mass substance
hydrogen Wasserstoff/- m mass substance
nitrogen Stickstoff/- m mass substance
carbon_dioxide Kohlendioxid/- n mass substance
salt Salz/- n mass substance
sugar Zucker/- m mass substance
iron Eisen/- n mass substance
wood Holz/Hölzer n mass solid
ice Eis/- n mass solid
"""

NOUNS: tuple[Noun, ...] = tuple(
    parse_noun(cells)
    for table in (HER_JOBS, PEOPLE, ANIMALS, _FOOD, _THINGS, _PLACES, _IDEAS)
    for cells in rows(table)
)
"""Every unambiguous noun, in table order."""

NOUN: dict[str, Noun] = {noun.english: noun for noun in NOUNS}
"""The same by their English singular."""
