"""Markup in text: what it is, and how it is taken out before a line is translated.

Items are tags, URLs, e-mail addresses and placeholders: a model that never saw them garbles them.
What stands for a word takes with it what belongs to that word: `file{n}.txt`, `({name})`.
`reinsertion` puts them back.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

Kind = Literal["open", "close", "alone", "word"]

_TAG = r"<!--.*?-->|</?[A-Za-z][^<>]*>"
_BRACED = r"\{[^{}\s]*\}"
_URL = rf"(?:(?:https?|ftp)://|www\.)(?:[!#-;=?-z|~À-ɏ]|{_BRACED})*(?:[A-Za-z0-9À-ɏ_/&=#+~%$@*-]|{_BRACED})"
_MAIL = r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"
_BRACES = rf"\{{\{{[^{{}}]*\}}\}}|\$?{_BRACED}"
_PERCENT = (
    r"%%|%(?:\d+\$)?(?:\(\w+\))?[-+0#]*\d*(?:\.\d+)?(?:hh|ll|[hlqjztL])?[diouxXeEfFgGcsaA@](?!\w)"
)
_ITEM = re.compile(f"(?P<tag>{_TAG})|{_URL}|{_MAIL}|{_BRACES}|{_PERCENT}")
_NAME = re.compile(r"</?([A-Za-z][^\s/>]*)")
_BLOCKS = frozenset(("br", "dd", "div", "dt", "h1", "h2", "h3", "hr", "li", "p", "td", "th", "tr"))
"""Tags between which words end, also without a space."""
_HIDDEN = "\ue000"
OPENING, CLOSING = "([{«„“‚‹\"'¿¡", ")]}»”“’›\"'.,;:!?…"
"""Punctuation that stands before a word without a space, and after one."""
_PARTNERS = {"(": ")", "[": "]", "«": "»", "»": "«", "„": "“", "“": "”", "‚": "‘", "‹": "›"}
_PARTNERS |= {'"': '"', "'": "'"}

Span = tuple[int, int]
"""First character, and the one after the last."""


class Item(NamedTuple):
    """Something that is not translated."""

    text: str
    kind: Kind
    """A tag that opens, closes or stands alone, or what stands for a word."""
    start: int
    """Where it stood in the line."""
    place: int
    """Where it belongs in the plain text: in front of this character."""
    left: bool
    """Whether it stood apart from what is on its left."""
    right: bool


class Marked(NamedTuple):
    """A line without its markup."""

    line: str
    plain: str
    items: tuple[Item, ...]


def items(line: str) -> list[str]:
    """All items of a line, in order."""
    return [match[0] for match in _ITEM.finditer(line)]


def words(text: str) -> list[Span]:
    """Where the words of a text stand: what is between spaces."""
    return [match.span() for match in re.finditer(r"\S+", text)]


def take_out(line: str) -> Marked:
    """Takes the markup out of a line; what is left reads as if it had not been there."""
    plain, found, end = "", list[Item](), 0
    for start, stop, kind in _units(line):
        plain = _appended(plain, line[end:start])
        text, end = line[start:stop], stop
        left, right = line[start - 1 : start].strip() == "", line[stop : stop + 1].strip() == ""
        name = _NAME.match(text)
        if kind == "word" and plain.endswith(" ") and line[stop : stop + 1] in CLOSING:
            plain = plain[:-1]
        found.append(Item(text, kind, start, len(plain), left, right))
        if kind != "word" and name and name[1].lower() in _BLOCKS and plain.strip():
            plain = plain if plain.endswith(" ") else f"{plain} "
    plain = _appended(plain, line[end:]).rstrip()
    places = itertools.accumulate((item.place for item in reversed(found)), min, initial=len(plain))
    ordered = zip(found, reversed([*places][1:]), strict=True)
    return Marked(line, plain, tuple(item._replace(place=place) for item, place in ordered))


def _appended(plain: str, text: str) -> str:
    """Puts text behind what is there, with no space where one stands already."""
    return plain + (text.lstrip() if not plain or plain.endswith(" ") else text)


def _units(line: str) -> Iterator[tuple[int, int, Kind]]:
    """Yields where tags stand, and whole words that hold other items, with their kinds."""
    matches = list(_ITEM.finditer(line))
    tags = [match for match in matches if match["tag"]]
    kinds = _kinds([match[0] for match in tags])
    hidden = list(line)  # spaces inside of items part no words
    for match in matches:
        hidden[match.start() : match.end()] = _HIDDEN * len(match[0])
    masked, end, begun = "".join(hidden), 0, False
    for tag, kind in [*zip(tags, kinds, strict=True), (None, "alone")]:
        start = len(line) if tag is None else tag.start()
        for token in re.finditer(r"\S+", masked[end:start]):
            if _HIDDEN in token[0]:
                first, last = _core(token[0], begun)
                yield end + token.start() + first, end + token.start() + last, "word"
            begun = True
        if tag is not None:
            yield tag.start(), tag.end(), kind
            end = tag.end()


def _core(token: str, begun: bool) -> tuple[int, int]:
    """The part of a token that goes with its items: all but punctuation around it.

    Args:
        token: A word whose items are hidden.
        begun: Whether something stands before it; a line does not begin with punctuation.
    """
    first, last = token.index(_HIDDEN), token.rindex(_HIDDEN) + 1
    last += max((match.end() for match in re.finditer(r"\w", token[last:])), default=0)
    if re.search(r"\w", token[:first]):
        first = 0
    while first and last < len(token) and _PARTNERS.get(token[first - 1]) == token[last]:
        first, last = first - 1, last + 1
    return first, last if begun else len(token)


def _kinds(tags: Sequence[str]) -> list[Kind]:
    """Which tags are pairs; one without a partner, or crossing another pair, stands alone."""
    kinds: list[Kind] = ["alone"] * len(tags)
    waiting: list[tuple[str, int]] = []
    for number, tag in enumerate(tags):
        name = _NAME.match(tag)
        if name is None or tag.endswith("/>"):
            continue
        if not tag.startswith("</"):
            waiting.append((name[1], number))
            continue
        while any(name[1] == other for other, _ in waiting):
            other, opening = waiting.pop()
            if other == name[1]:
                kinds[opening], kinds[number] = "open", "close"
                break
    return kinds


def cleaned(text: str) -> str:
    """A translation without what looks like an item."""
    while _ITEM.search(text):
        text = re.sub(" +", " ", _ITEM.sub(" ", text)).strip(" ")
    return text
