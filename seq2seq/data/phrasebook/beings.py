"""The table of people and animals; `nouns` tells how to read it, and has the rest.

Tags of people: `plain` (man, aunt, Peter: what a sentence is likely to be about), `job` (what one
can be: Er ist Richter), `kid` (never taken up by a pronoun, since German is torn between es and
sie), `family` and `mine` (whom one calls "my"). Tags of animals: `it`, `pet`, `wild`, `furry`.
"""

PEOPLE = """
man/men Mann/Männer m person core plain
woman/women Frau/Frauen f person core plain
boy Junge/Jungen m! person core
girl Mädchen/Mädchen n person core kid
child/children Kind/Kinder n person core kid
teacher Lehrer/Lehrer m person core job mine
doctor Arzt/Ärzte m person core job mine
student Student/Studenten m! person core plain
neighbor Nachbar/Nachbarn m! person core plain mine
farmer Bauer/Bauern m! person core job
friend Freund/Freunde m person core plain mine
king König/Könige m person
queen Königin/Königinnen f person
prince Prinz/Prinzen m! person
mother Mutter/Mütter f person family plain
father Vater/Väter m person family plain
brother Bruder/Brüder m person family core plain
sister Schwester/Schwestern f person family core plain
aunt Tante/Tanten f person family plain
uncle Onkel/Onkel m person family plain
grandmother Großmutter/Großmütter f person family plain
grandfather Großvater/Großväter m person family plain
nurse Krankenschwester/Krankenschwestern f person
artist Künstler/Künstler m person job
baker Bäcker/Bäcker m person job
pilot Pilot/Piloten m! person job
policeman Polizist/Polizisten m! person job
judge Richter/Richter m person job
lawyer Anwalt/Anwälte m person job mine
hunter Jäger/Jäger m person job
waiter Kellner/Kellner m person job
cook Koch/Köche m person job
singer Sängerin/Sängerinnen f person
actress Schauspielerin/Schauspielerinnen f person
tourist Tourist/Touristen m! person core
soldier Soldat/Soldaten m! person job
journalist Journalist/Journalisten m! person job
thief Dieb/Diebe m person
gardener Gärtner/Gärtner m person job
guest Gast/Gäste m person core mine
fisherman Fischer/Fischer m person job
swimmer Schwimmer/Schwimmer m person
sailor Matrose/Matrosen m! person job
robber Räuber/Räuber m person
customer Kunde/Kunden m! person core
manager Manager/Manager m person job
cashier Kassiererin/Kassiererinnen f person
accountant Buchhalter/Buchhalter m person job
merchant Händler/Händler m person job
coach Trainer/Trainer m person job
referee Schiedsrichter/Schiedsrichter m person job
goalkeeper Torwart/Torwarte m person
player Spieler/Spieler m person core
captain Kapitän/Kapitäne m person job
athlete Sportler/Sportler m person
runner Läufer/Läufer m person
carpenter Tischler/Tischler m person job
craftsman Handwerker/Handwerker m person job
blacksmith Schmied/Schmiede m person job
optician Optiker/Optiker m person job
chemist Chemiker/Chemiker m person job
biologist Biologe/Biologen m! person job
zookeeper Tierpfleger/Tierpfleger m person job
mechanic Mechaniker/Mechaniker m person job
engineer Ingenieur/Ingenieure m person job
worker Arbeiter/Arbeiter m person core
architect Architekt/Architekten m! person job
tailor Schneider/Schneider m person job
bride Braut/Bräute f person
groom Bräutigam/Bräutigame m person
hairdresser Friseurin/Friseurinnen f person
lumberjack Holzfäller/Holzfäller m person job
forester Förster/Förster m person job
musician Musiker/Musiker m person job
notary Notar/Notare m person job
diver Taucher/Taucher m person
surgeon Chirurg/Chirurgen m! person job
dermatologist Hautarzt/Hautärzte m person job
eye_doctor Augenarzt/Augenärzte m person job
principal Schulleiter/Schulleiter m person job
taxi_driver Taxifahrer/Taxifahrer m person job
Anna Anna/Anna f person name plain
Maria Maria/Maria f person name plain
Peter Peter/Peter m person name plain
Thomas Thomas/Thomas m person name plain
"""

HER_JOBS = """
teacher Lehrerin/Lehrerinnen f hers
doctor Ärztin/Ärztinnen f hers
pilot Pilotin/Pilotinnen f hers
lawyer Anwältin/Anwältinnen f hers
judge Richterin/Richterinnen f hers
journalist Journalistin/Journalistinnen f hers
architect Architektin/Architektinnen f hers
cook Köchin/Köchinnen f hers
artist Künstlerin/Künstlerinnen f hers
biologist Biologin/Biologinnen f hers
nurse Krankenschwester/Krankenschwestern f hers
singer Sängerin/Sängerinnen f hers
"""

ANIMALS = """
animal Tier/Tiere n animal core it furry
creature Kreatur/Kreaturen f animal core it furry
dog Hund/Hunde m animal core it pet furry
cat Katze/Katzen f animal core it pet furry
horse Pferd/Pferde n animal core it
bird Vogel/Vögel m animal core
cow Kuh/Kühe f animal core it
goat Ziege/Ziegen f animal it
pig Schwein/Schweine n animal it
donkey Esel/Esel m animal it
rabbit Kaninchen/Kaninchen n animal it pet furry
kitten Kätzchen/Kätzchen n animal it pet furry
lion Löwe/Löwen m! animal it wild
bear Bär/Bären m! animal it wild
tiger Tiger/Tiger m animal it wild
elephant Elefant/Elefanten m! animal it wild
monkey Affe/Affen m! animal wild
fox Fuchs/Füchse m animal it wild
wolf/wolves Wolf/Wölfe m animal it wild
camel Kamel/Kamele n animal it
mouse/mice Maus/Mäuse f animal it
duck Ente/Enten f animal it
frog Frosch/Frösche m animal
swan Schwan/Schwäne m animal
spider Spinne/Spinnen f animal
owl Eule/Eulen f animal wild
squirrel Eichhörnchen/Eichhörnchen n animal it wild furry
"""
