"""The verbs whose German is the same everywhere, with their principal parts.

A line reads `base/past/participle/ing infinitive/third/preterite/participle cases flags...`;
regular parts are left out (English from the right, German anywhere). `an|rufen` is separable. Cases
name the objects in order, a accusative and d dative, `-` none. Flags: `sein` (auxiliary of the
perfect), `stative` (no progressive), `core` (used in the plural as well), `near` (used with "I" and
"you" as well), `to` (the receiver comes last in English, behind "to").
"""

from seq2seq.data.phrasebook.words import Verb, parse_verb, rows

_INTRANSITIVE = """
sleep/slept schlafen/schläft/schlief/geschlafen - core near
laugh lachen -
cry weinen -
wait warten - core near
work arbeiten - core near
dance tanzen - core
swim/swam/swum/swimming schwimmen//schwamm/geschwommen - sein
run/ran/run/running laufen/läuft/lief/gelaufen - sein core
go/went/gone gehen//ging/gegangen - sein core near
come/came/come kommen//kam/gekommen - sein core
fly/flew/flown fliegen//flog/geflogen - sein
drive/drove/driven fahren/fährt/fuhr/gefahren - sein core
travel reisen - sein
climb klettern - sein
drift treiben//trieb/getrieben - sein
live wohnen - stative core near
sit/sat/sat/sitting sitzen//saß/gesessen - core
stand/stood stehen//stand/gestanden -
lie/lay/lain/lying liegen//lag/gelegen - core
arrive an|kommen//kam/gekommen - sein
come_back/came/come zurück|kommen//kam/gekommen - sein
get_up/got/gotten/getting auf|stehen//stand/gestanden - sein
wake_up/woke/woken auf|wachen - sein core
fall_asleep/fell/fallen ein|schlafen/schläft/schlief/geschlafen - sein
talk sprechen/spricht/sprach/gesprochen - core near
think/thought denken//dachte/gedacht - core near
fit/fitted/fitted/fitting passen - stative
rain regnen -
snow schneien -
be/was/been sein/ist/war/gewesen - sein stative core near
"""

_TRANSITIVE = """
have/had/had/having haben/hat/hatte/gehabt a stative core near
read/read lesen/liest/las/gelesen a core near
write/wrote/written schreiben//schrieb/geschrieben a core near
buy/bought kaufen a core near
sell/sold verkaufen a core near
see/saw/seen sehen/sieht/sah/gesehen a stative core near
find/found finden//fand/gefunden a stative core near
lose/lost verlieren//verlor/verloren a stative core near
look_for suchen a core near
need brauchen a stative core near
love lieben a stative core near
like mögen/mag/mochte/gemocht a stative
drink/drank/drunk trinken//trank/getrunken a core near
cook kochen a
bake backen/backt/backte/gebacken a
carry tragen/trägt/trug/getragen a
wear/wore/worn tragen/trägt/trug/getragen a
bring/brought bringen//brachte/gebracht a
take/took/taken nehmen/nimmt/nahm/genommen a stative
open öffnen a core
close schließen//schloss/geschlossen a
repair reparieren a
wash waschen/wäscht/wusch/gewaschen a
build/built bauen a
paint malen a
break/broke/broken zerbrechen/zerbricht/zerbrach/zerbrochen a
catch/caught fangen/fängt/fing/gefangen a
meet/met treffen/trifft/traf/getroffen a core
visit besuchen a core
hear/heard hören a stative
understand/understood verstehen//verstand/verstanden a stative core
describe beschreiben//beschrieb/beschrieben a
forget/forgot/forgotten/forgetting vergessen/vergisst/vergaß/vergessen a stative core
observe beobachten a
admire bewundern a
examine untersuchen a
cross überqueren a
enter betreten/betritt/betrat/betreten a
reach erreichen a stative
leave/left verlassen/verlässt/verließ/verlassen a
roam durchstreifen a core
chase jagen a core
feed/fed füttern a
discover entdecken a stative
steal/stole/stolen stehlen/stiehlt/stahl/gestohlen a
hide/hid/hidden/hiding verstecken a
order bestellen a
draw/drew/drawn zeichnen a
greet begrüßen a
hug/hugged/hugged/hugging umarmen///umarmt a
enjoy genießen//genoss/genossen a
lift heben//hob/gehoben a
teach/taught unterrichten a
choose/chose/chosen/choosing wählen a
want wollen/will/wollte/gewollt a stative
play spielen a
sing/sang/sung singen//sang/gesungen a
call an|rufen//rief/gerufen a core near
invite ein|laden/lädt/lud/geladen a core
pick_up ab|holen a
turn_on ein|schalten a
turn_off aus|schalten a
look_at an|sehen/sieht/sah/gesehen a
bring_back zurück|bringen//brachte/gebracht a
take_along/took/taken mit|nehmen/nimmt/nahm/genommen a
try_on/tried an|probieren a
clean_up auf|räumen a
cancel ab|sagen a
prepare vor|bereiten///bereitet a
"""

_WITH_DATIVE = """
help helfen/hilft/half/geholfen d core near
thank danken d core
follow folgen d sein
trust vertrauen d stative
listen_to zu|hören d
give/gave/given geben/gibt/gab/gegeben da core near
show/showed/shown zeigen da
send/sent schicken da
lend/lent leihen//lieh/geliehen da
tell/told erzählen da
explain erklären da to
"""

_OF_THE_MIND = """
say/said sagen - stative core
believe glauben - stative core
hope hoffen - stative core
try versuchen - stative core
"""

_DEEDS = """
strike/struck/struck an|zünden a
burn verbrennen//verbrannte/verbrannt a
throw_away/threw/thrown weg|werfen/wirft/warf/geworfen a
win/won/won/winning gewinnen//gewann/gewonnen a stative
watch sehen/sieht/sah/gesehen a
postpone verschieben//verschob/verschoben a
chew kauen a
swallow schlucken a
taste probieren a
check prüfen a
note notieren a
correct korrigieren a
bend/bent biegen//bog/gebogen a
oil ölen a
replace ersetzen a
install ein|bauen a
celebrate feiern a
pollute verschmutzen a
iron bügeln a
file feilen a
polish polieren a
varnish lackieren a
sharpen schärfen a
tame zähmen a
stroke streicheln a
forge fälschen a
fill füllen a
empty leeren a
water gießen//goss/gegossen a
rob/robbed/robbed/robbing aus|rauben a
operate bedienen a
rent mieten a
swing/swung schwingen//schwang/geschwungen a
"""

VERBS: tuple[Verb, ...] = tuple(
    parse_verb(cells)
    for table in (_INTRANSITIVE, _TRANSITIVE, _WITH_DATIVE, _OF_THE_MIND, _DEEDS)
    for cells in rows(table)
)
"""Every unambiguous verb, in table order."""

VERB: dict[str, Verb] = {verb.english: verb for verb in VERBS}
"""The same by their English base form."""
