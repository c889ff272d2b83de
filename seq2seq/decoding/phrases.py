"""Words and phrases that translations must hold, or may not: from text to tokens and back.

The search knows tokens only, and most words can be spelt in many pieces. A forced phrase is asked
for as the vocabulary itself spells it. A banned one must not stand in the text, however spelt: so
the vocabulary's own spelling is banned from the start, and each text that is found is read. Where a
phrase got through in other pieces, these are banned too, for this sentence alone (so that no
sentence hangs on its neighbours), and it is searched again.
"""

import itertools
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from seq2seq.config import DecodingConfig
from seq2seq.decoding.candidates import NEVER
from seq2seq.decoding.work import Hypothesis, Work
from seq2seq.errors import LineError, UserError
from seq2seq.preprocessing import Preprocessing, encodable
from seq2seq.vocabulary import Vocabulary

_TURNS = 8
"""How often a sentence is searched again for the spellings that were found."""
_SPACE = "\u2581"
"""What stands for a space in pieces."""

Advance = Callable[[int], None] | None
Find = Callable[[Work, DecodingConfig, Advance], Iterator[tuple[int, list[Hypothesis]]]]
"""`find(work, decoding, advance)`: the hypotheses of each sentence, with its number."""


class Writing:
    """How a target language is written: text as token ids, and token ids as text.

    Attributes:
        vocabulary: The target vocabulary.
    """

    def __init__(self, vocabulary: Vocabulary, preparation: Preprocessing) -> None:
        self.vocabulary = vocabulary
        self._preparation = preparation

    def spell(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the token ids of raw texts, as the vocabulary itself cuts them."""
        return self.vocabulary.encode(self._preparation.apply([encodable(text) for text in texts]))

    def read(self, tokens: Sequence[int]) -> str:
        """Returns the text of token ids, detokenised, in one line: bytes may spell a line's end."""
        text = self._preparation.undo(self.vocabulary.decode([tokens]))[0]
        return " ".join(text.splitlines())

    def forms(self, text: str, tokens: Sequence[int]) -> list[str]:
        """Returns a phrase as it may stand in a translation."""
        [plain] = self._preparation.comparable([" ".join(text.split())])
        return [form for form in dict.fromkeys(map(_composed, (plain, self.read(tokens)))) if form]

    def check(self, what: str, number: int, text: str, tokens: Sequence[int]) -> None:
        """Raises `LineError` on a text that the vocabulary cannot spell."""
        if self.vocabulary.symbols.unknown in tokens:
            raise LineError(what, number, f"expected characters of the vocabulary, found {text!r}")


class Bans:
    """Phrases that no translation may hold.

    Attributes:
        sequences: The phrases as the vocabulary spells them, behind a space.
    """

    def __init__(self, phrases: Sequence[str], writing: Writing) -> None:
        """Encodes the phrases; those without a character are no phrases.

        Raises:
            TypeError: `phrases` is a single string.
            LineError: A phrase cannot be spelt.
        """
        if isinstance(phrases, str):
            raise TypeError("banned: expected a list of phrases, found a string")
        self._writing = writing
        self.sequences: list[list[int]] = []
        self._patterns: dict[str, re.Pattern[str]] = {}
        spelt = writing.spell(phrases) if phrases else []
        for number, (phrase, tokens) in enumerate(zip(phrases, spelt, strict=True), start=1):
            writing.check("banned", number, phrase, tokens)
            if tokens and tokens not in self.sequences:
                self.sequences.append(tokens)
            forms = writing.forms(phrase, tokens) if tokens else []
            self._patterns.update((form, _whole(form)) for form in forms)

    def held(self, text: str) -> str | None:
        """Returns a banned phrase that a text holds as whole words; None if there is none."""
        text = _composed(text)
        return next(
            (p for p, whole in self._patterns.items() if p in text and whole.search(text)), None
        )

    def hold(self, tokens: Sequence[int]) -> bool:
        """Returns whether tokens spell a text that holds a banned phrase."""
        return bool(self._patterns) and self.held(self._writing.read(tokens)) is not None

    def search(
        self, find: Find, work: Work, decoding: DecodingConfig, advance: Advance = None
    ) -> Iterator[tuple[int, list[Hypothesis]]]:
        """Yields the hypotheses of each sentence, none of which holds a banned phrase.

        A sentence for which eight turns were not enough does without every piece that has a certain
        letter of the phrases it still holds, the one that the fewest pieces have: so they cannot be
        spelt at all, and there are at most as many turns more as there are phrases.

        Args:
            find: Finds hypotheses.
            work: What is translated.
            decoding: How to search.
            advance: Called with a number of sentences that are done.

        Raises:
            LineError: A phrase stands there without its letter, as detokenisation made it.
        """
        if not self.sequences:
            yield from find(work, decoding, advance)
            return
        own: list[list[list[int]]] = [[] for _ in work.sources]
        unspellable: dict[int, set[str]] = {}
        work = work._replace(banned=self.sequences, also_banned=own)
        again = set(range(len(own)))
        for turn in itertools.count():
            sources = [tokens if i in again else [] for i, tokens in enumerate(work.sources)]
            work, again = work._replace(sources=sources), set()
            for i, found in find(work, decoding, None if turn else advance):
                spellings = [s for tokens, _ in found if (s := self._spelling(tokens)) is not None]
                if not spellings:
                    yield i, found
                    continue
                again.add(i)
                own[i] += [list(s) for s in dict.fromkeys(map(tuple, spellings))]
                if turn >= _TURNS:
                    without = unspellable.setdefault(i, set())
                    number = work.number(i) + 1
                    own[i] += self._without_letters(spellings, without, number)
            if not again:
                return

    def _without_letters(
        self, spellings: list[list[int]], without: set[str], number: int
    ) -> list[list[int]]:
        """What to ban so that phrases cannot be spelt, which are then among those `without`."""
        banned: list[list[int]] = []
        texts = [self._writing.read(spelling) for spelling in spellings]
        for phrase in sorted({held for text in texts if (held := self.held(text)) is not None}):
            if phrase in without:
                wanted = f"a translation without the banned {phrase!r}"
                raise LineError("sentence", number, f"expected {wanted}, found none")
            banned += self._pieces_with_a_letter_of(phrase)
            without.add(phrase)
        return banned

    def _spelling(self, tokens: list[int]) -> list[int] | None:
        """The tokens of a translation that spell a banned phrase, from the beginning of a word.

        A beginning of the translation that ends within a longer word, and so seems to hold the
        phrase, does not count: the phrase ends where all that is longer holds it too.
        """
        if not self.hold(tokens):
            return None
        end = len(tokens)
        while end > 1 and self.hold(tokens[: end - 1]):
            end -= 1
        pieces = self._writing.vocabulary.pieces
        words = [i for i in reversed(range(end)) if pieces[tokens[i]].startswith(_SPACE)]
        start = next((i for i in words if self.hold(tokens[i:end])), 0)
        return tokens[start:end]

    def _pieces_with_a_letter_of(self, phrase: str) -> list[list[int]]:
        """All pieces with that letter of a phrase that the fewest have, each as a sequence."""
        vocabulary = self._writing.vocabulary
        pieces = [unicodedata.normalize("NFD", piece) for piece in vocabulary.pieces]
        text = [i for i in range(len(pieces)) if i not in vocabulary.symbols]
        letters = unicodedata.normalize("NFD", phrase)
        letters = "".join(filter(str.isalnum, letters)) or letters.replace(" ", "")

        def having(letter: str) -> list[list[int]]:
            byte = f"<0x{letter.encode()[-1]:02X}>"
            return [[i] for i in text if pieces[i] == byte or letter in pieces[i]]

        return min(map(having, dict.fromkeys(letters)), key=len)


def asked(
    work: Work,
    decoding: DecodingConfig,
    writing: Writing,
    bans: Bans,
    prefixes: Sequence[str] | None = None,
    forced: Sequence[Sequence[str]] | None = None,
) -> Work:
    """Returns the work with the tokens of what is asked of each translation.

    Args:
        work: Sentences.
        decoding: How to search.
        writing: How the translations are written.
        bans: What none of them may hold.
        prefixes: With what each begins.
        forced: The phrases that each has to hold, none or more.

    Raises:
        TypeError: A string stands for a list of phrases.
        ValueError: There are not as many prefixes, or lists of phrases, as sentences.
        UserError: Phrases are forced upon draws.
        LineError: A text cannot be spelt, does not fit or holds a banned phrase; or a translation
            would have to be longer than it may.
    """
    count = len(work.sources)
    if decoding.min_length or decoding.min_length_ratio:
        _check_shortest(work, decoding)
    if prefixes is not None:
        if len(prefixes) != count:
            raise ValueError(f"{len(prefixes)} prefixes do not match {count} sentences")
        work = work._replace(prefixes=_prefixes(prefixes, work, decoding, writing, bans))
    if forced is None:
        return work
    if len(forced) != count:
        raise ValueError(f"{len(forced)} lists of phrases do not match {count} sentences")
    if any(isinstance(phrases, str) for phrases in forced):
        raise TypeError("forced: expected a list of phrases for each sentence, found a string")
    if decoding.draws:
        raise UserError("forced phrases: expected a beam search, found decoding.sampling or mbr")
    return work._replace(forced=_forced(forced, work, decoding, writing, bans))


def _check_shortest(work: Work, decoding: DecodingConfig) -> None:
    """Raises `LineError` on a source whose shortest translation is longer than its longest."""
    for i, source in enumerate(work.sources):
        least, most = shortest(source, decoding), longest(source, decoding)
        if source and least > most:
            key = "min_length" if least == decoding.min_length else "min_length_ratio"
            wanted = f"at least {least:,} tokens by decoding.{key}"
            found = f"at most {most:,}, {_reason(source, decoding)}"
            raise LineError("sentence", work.number(i) + 1, f"expected {wanted}, found {found}")


def _prefixes(
    texts: Sequence[str], work: Work, decoding: DecodingConfig, writing: Writing, bans: Bans
) -> list[list[int]]:
    """Token ids of what translations begin with, which a search can follow."""
    encoded = writing.spell(texts)
    for i, (ids, source) in enumerate(zip(encoded, work.sources, strict=True)):
        number, most = work.number(i) + 1, longest(source, decoding)
        if source and len(ids) > most:
            wanted = f"at most {most:,} tokens, {_reason(source, decoding)}"
            raise LineError("prefix", number, f"expected {wanted}, found {len(ids):,}")
        writing.check("prefix", number, texts[i], ids)
        if phrase := bans.held(writing.read(ids)):
            raise LineError("prefix", number, f"expected nothing banned, found {phrase!r}")
    return encoded


def _reason(source: Sequence[int], decoding: DecodingConfig) -> str:
    """Why a translation can be no longer than it can."""
    most = longest(source, decoding)
    if most == decoding.max_length:
        return "by decoding.max_length"
    if most < len(source) + decoding.max_extra_tokens:
        return f"by decoding.max_length_ratio, as its source has {len(source):,}"
    return f"as its source has {len(source):,}"


def _forced(
    forced: Sequence[Sequence[str]],
    work: Work,
    decoding: DecodingConfig,
    writing: Writing,
    bans: Bans,
) -> list[list[list[int]]]:
    """Token ids of the phrases of each sentence, without those that others hold."""
    spelt = iter(writing.spell([phrase for phrases in forced for phrase in phrases]))
    result = []
    for i, (phrases, source) in enumerate(zip(forced, work.sources, strict=True)):
        number, encoded = work.number(i) + 1, [next(spelt) for _ in phrases]
        for phrase, tokens in zip(phrases, encoded, strict=True):
            writing.check("forced", number, phrase, tokens)
            if bans.held(writing.read(tokens)) or any(
                _holds(tokens, one) for one in bans.sequences
            ):
                raise LineError("forced", number, f"expected nothing banned, found {phrase!r}")
        some = [list(tokens) for tokens in dict.fromkeys(map(tuple, encoded)) if tokens]
        some = [one for one in some if not any(_holds(x, one) for x in some if x is not one)]
        begun = len(work.prefixes[i]) if work.prefixes else 0
        room, count = longest(source, decoding) - begun, sum(map(len, some))
        if source and count > room:
            wanted = f"at most {room:,} tokens, {_reason(source, decoding)}"
            wanted += f" and its prefix {begun:,}" if begun else ""
            raise LineError("forced", number, f"expected {wanted}, found {count:,}")
        result.append(some)
    return result


def check_found(work: Work, i: int, found: Sequence[Hypothesis]) -> None:
    """Raises `LineError` where sentence `i` has no translation that holds what it has to hold."""
    if found[0][1] > NEVER / 2:
        return
    number = work.number(i) + 1
    if work.forced and work.forced[i]:
        reason = "expected a translation with these phrases, found none that is not banned"
        raise LineError("forced", number, reason)
    wanted = "a translation that what is banned and the rules of decoding allow"
    raise LineError("sentence", number, f"expected {wanted}, found none")


def longest(source: Sequence[int], decoding: DecodingConfig) -> int:
    """Most tokens of a source's translation, the end symbol not counted."""
    most = len(source) + decoding.max_extra_tokens
    if decoding.max_length_ratio is not None:
        most = min(most, _multiple(source, decoding.max_length_ratio))
    return min(most, decoding.max_length or most)


def shortest(source: Sequence[int], decoding: DecodingConfig) -> int:
    """Fewest tokens of a source's translation, the end symbol not counted."""
    return max(_multiple(source, decoding.min_length_ratio), decoding.min_length)


def _multiple(source: Sequence[int], ratio: float) -> int:
    """So many times as many tokens as a source's, rounded up: in float32, as the search does."""
    return math.ceil(np.float32(len(source)) * np.float32(ratio))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _whole(phrase: str) -> re.Pattern[str]:
    """The phrase as whole words: no letter or digit goes on where it begins or ends with one."""
    before = r"(?<!\w)" if re.match(r"\w", phrase) else ""
    after = r"(?!\w)" if re.search(r"\w$", phrase) else ""
    return re.compile(f"{before}{re.escape(phrase)}{after}")


def _holds(tokens: Sequence[int], phrase: Sequence[int]) -> bool:
    width = len(phrase)
    return any(tokens[i : i + width] == phrase for i in range(len(tokens) - width + 1))
