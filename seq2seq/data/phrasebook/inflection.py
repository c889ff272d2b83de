"""German morphology: endings of determiners, adjectives, nouns and verbs.

Everything here is a function of single words; the order of words is the business of `german`.
"""

from typing import Literal

from seq2seq.data.phrasebook.words import Case, Gender, Noun, Verb

Slot = Literal["m", "f", "n", "plural"]
"""A column of the declension tables: a gender of the singular, or the plural."""

_CASES: tuple[Case, ...] = ("nominative", "accusative", "dative", "genitive")
_SLOTS: tuple[Slot, ...] = ("m", "f", "n", "plural")


def _paradigm(*lines: str) -> dict[tuple[Case, Slot], str]:
    """A table of four cases (rows) by m, f, n, plural (columns); "-" is no ending."""
    return {
        (case, slot): ending.replace("-", "")
        for case, line in zip(_CASES, lines, strict=True)
        for slot, ending in zip(_SLOTS, line.split(), strict=True)
    }


_DER = _paradigm("der die das die", "den die das die", "dem der dem den", "des der des der")
_DIESER = _paradigm("er e es e", "en e es e", "em er em en", "es er es er")
_EIN = _paradigm("- e - e", "en e - e", "em er em en", "es er es er")
_WEAK = _paradigm("e e e en", "en e e en", "en en en en", "en en en en")
_MIXED = _paradigm("er e es en", "en e es en", "en en en en", "en en en en")
_STRONG = _paradigm("er e es e", "en e es e", "em er em en", "en er en er")

_DER_WORDS = {"this": "dies", "every": "jed", "which": "welch"}
_EIN_WORDS = {
    "a": "ein",
    "no": "kein",
    "any": "kein",
    "my": "mein",
    "your": "dein",
    "his": "sein",
    "her": "ihr",
    "our": "unser",
    "their": "ihr",
}
_PLURAL_WORDS = {"many": "viel", "some": "einig", "how many": "wie viel"}


def determiner(name: str, case: Case, slot: Slot) -> str:
    """The German determiner for an English one; empty where there is none."""
    if name == "the":
        return _DER[case, slot]
    if name in _DER_WORDS:
        return _DER_WORDS[name] + _DIESER[case, slot]
    if name in _EIN_WORDS:
        return _EIN_WORDS[name] + _EIN[case, slot]
    if name in _PLURAL_WORDS:
        return _PLURAL_WORDS[name] + _STRONG[case, "plural"]
    return ""


def adjective(german: str, name: str, case: Case, slot: Slot) -> str:
    """The attributive form of an adjective behind the determiner of that English name."""
    if name == "the" or name in _DER_WORDS:
        ending = _WEAK[case, slot]
    elif name in _EIN_WORDS:
        ending = _MIXED[case, slot]
    else:
        ending = _STRONG[case, slot]
    return _attributive_stem(german) + ending


def _attributive_stem(german: str) -> str:
    if german == "hoch":
        return "hoh"
    if german.endswith("el"):  # dunkel: dunkle
        return german[:-2] + "l"
    if german.endswith("euer") or german.endswith("auer"):  # teuer: teure
        return german[:-2] + "r"
    return german.removesuffix("e")


def slot_of(gender: Gender, plural: bool) -> Slot:
    """The column of the declension tables."""
    return "plural" if plural else gender


def noun(word: Noun, case: Case, plural: bool) -> str:
    """A noun in a case: den Studenten, des Hauses, den Kindern."""
    if plural:
        needs_n = case == "dative" and not word.german_plural.endswith(("n", "s"))
        return word.german_plural + "n" * needs_n
    if word.weak and case != "nominative":
        return word.german + ("n" if word.german.endswith(("e", "ar", "er")) else "en")
    if case == "genitive" and word.gender != "f":
        return word.german + _genitive_ending(word.german)
    return word.german


def _genitive_ending(german: str) -> str:
    if german.endswith(("s", "ß", "x", "z", "sch", "st")):
        return "es"
    return "es" if _syllables(german) == 1 and german[-1] not in "aeiou" else "s"


def _syllables(german: str) -> int:
    lower = german.lower()
    vowels = sum(letter in "aeiouäöü" for letter in lower)
    return vowels - sum(lower.count(pair) for pair in ("ei", "au", "eu", "äu", "ie", "aa", "ee"))


_PRESENT: dict[str, tuple[str, str, str]] = {  # ich, du, wir
    "sein": ("bin", "bist", "sind"),
    "haben": ("habe", "hast", "haben"),
    "werden": ("werde", "wirst", "werden"),
}
_INSEPARABLE = ("be", "ge", "er", "ver", "zer", "ent", "emp", "über", "unter", "durch")


def _stem(infinitive: str) -> str:
    if infinitive.endswith("en"):
        return infinitive[:-2]
    return infinitive.removesuffix("n")


def _needs_e(stem: str) -> bool:
    """True where t and st want an e before them: arbeitet, öffnet."""
    return stem.endswith(("t", "d", "chn")) or (
        stem.endswith(("m", "n")) and stem[-2] not in "aeiouäöürlhmn"
    )


def present(verb: Verb, person: int, plural: bool) -> str:
    """The present tense without the separable prefix."""
    if plural:
        return _PRESENT[verb.german][2] if verb.german in _PRESENT else verb.german
    if person == 3:
        return verb.third or _regular_third(verb.german)
    if verb.german in _PRESENT:
        return _PRESENT[verb.german][person - 1]
    return _first(verb) if person == 1 else _second(verb)


def _regular_third(infinitive: str) -> str:
    stem = _stem(infinitive)
    return stem + ("et" if _needs_e(stem) else "t")


def _first(verb: Verb) -> str:
    if verb.third and not verb.third.endswith("t"):  # mag, weiß, will
        return verb.third
    stem = _stem(verb.german)
    if stem.endswith("el"):
        stem = stem[:-2] + "l"
    return stem + "e"


def _second(verb: Verb) -> str:
    third = verb.third or _regular_third(verb.german)
    if verb.german == "halten":
        return "hältst"
    if not third.endswith("t"):
        return third + ("t" if third.endswith("ß") else "st")
    stem = third.removesuffix("t")
    return stem + ("t" if stem.endswith(("s", "ß", "z")) else "st")


def preterite(verb: Verb, person: int, plural: bool) -> str:
    """The simple past without the separable prefix."""
    stem = _stem(verb.german)
    third = verb.preterite or stem + ("ete" if _needs_e(stem) else "te")
    if plural:
        return third + ("n" if third.endswith("e") else "en")
    if person == 2:
        return third + ("est" if third.endswith(("s", "ß", "t", "d")) else "st")
    return third


def participle(verb: Verb) -> str:
    """The past participle, prefix included: angerufen, verkauft, repariert."""
    if verb.participle:
        return verb.prefix + verb.participle
    stem = _stem(verb.german)
    bare = stem + ("et" if _needs_e(stem) else "t")
    unstressed = verb.german.endswith("ieren") or verb.german.startswith(_INSEPARABLE)
    return verb.prefix + ("" if unstressed else "ge") + bare


def infinitive(verb: Verb, with_zu: bool = False) -> str:
    """The infinitive: anrufen, or with zu: anzurufen, zu kaufen."""
    if with_zu:
        return f"{verb.prefix}zu{verb.german}" if verb.prefix else f"zu {verb.german}"
    return verb.prefix + verb.german
