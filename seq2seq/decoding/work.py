"""What a search is asked for: sentences, and what their translations have to be like."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from seq2seq.decoding.shortlist import Shortlist, places

Hypothesis = tuple[list[int], float]
"""Token ids of a translation without the end symbol, and its score."""


class Work(NamedTuple):
    """Sentences to be translated, as token ids."""

    sources: Sequence[list[int]]
    """Without the end symbol; an empty one is left out."""
    prefixes: Sequence[list[int]] = ()
    """With what their translations begin; none where all are free."""
    numbers: Sequence[int] = ()
    """Those of the sentences in the whole input, from 0; default as they stand here."""
    forced: Sequence[Sequence[Sequence[int]]] = ()
    """Phrases that each translation has to hold; none where all are free."""
    banned: Sequence[Sequence[int]] = ()
    """Sequences that no translation may hold."""
    also_banned: Sequence[Sequence[Sequence[int]]] = ()
    """Sequences that the translation of each sentence may not hold either; none where there will be
    none, but an empty list for each where some may be found: so the program is the same."""
    pieces: Sequence[list[int]] = ()
    """What the translation of each sentence may be made of; none where it is all pieces. What the
    fields above say of translations is in places of these lists then."""

    def number(self, i: int) -> int:
        """The number of sentence `i` in the whole input."""
        return self.numbers[i] if self.numbers else i

    def listed(self, shortlist: Shortlist) -> "Work":
        """The same with a list of pieces for each sentence, which has what is asked of it."""
        every = range(len(self.sources))
        needed = [
            itertools.chain(
                self.prefixes[i] if self.prefixes else (),
                *(self.forced[i] if self.forced else ()),
            )
            for i in every
        ]
        pieces = [shortlist.of(self.sources[i], needed[i]) for i in every]
        banned = [[*self.banned, *own] for own in self.also_banned or [()] * len(pieces)]
        return self._replace(
            prefixes=[places(pieces[i], [one])[0] for i, one in enumerate(self.prefixes)],
            forced=[places(pieces[i], some) for i, some in enumerate(self.forced)],
            banned=(),
            also_banned=[places(pieces[i], some) for i, some in enumerate(banned)]
            if self.banned or self.also_banned
            else (),
            pieces=pieces,
        )
