"""Which target pieces a sentence's translation may be made of, when not all of them are looked at.

The product with the output matrix and the search among its scores are half of the work of a large
vocabulary's decoder step, and most of it is for pieces that have nothing to do with the sentence
(Jean et al., 2015, section 3.3; Marian's lexical shortlists). A list is a sentence's own, not its
batch's: so what a sentence gives does not depend on its neighbours.

Within the search a piece goes by its place in the sentence's list, in which the four symbols come
first: so a search among listed pieces is the same as one among all of a small vocabulary.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Int32

from seq2seq.checkpoints import storage_errors
from seq2seq.errors import UserError
from seq2seq.text_io import replacing
from seq2seq.vocabulary import SYMBOLS

_FILE = "shortlist.npz"
_LEAST = 256
"""Pieces for which there is room at least; otherwise a power of two."""


@dataclass(frozen=True, eq=False)
class Shortlist:
    """What the lists of all sentences are made from.

    Attributes:
        frequent: Target pieces that every list has: the four symbols, then the most frequent ones.
        best: The most probable translations of every source piece, then -1.
    """

    frequent: Int32[np.ndarray, " F"]
    best: Int32[np.ndarray, "V N"]

    def of(self, source: Sequence[int], also: Iterable[int] = ()) -> list[int]:
        """The pieces of a sentence's translation: the symbols, then ascending.

        Args:
            source: Its tokens.
            also: Pieces that it needs besides, as those of its prefix.
        """
        own = self.best[np.asarray(source, np.int32)].ravel()
        symbols, usual = np.split(self.frequent, [len(SYMBOLS)])
        every = np.concatenate([usual, own[own >= 0], np.fromiter(also, np.int32)])
        return [*symbols.tolist(), *np.setdiff1d(every, symbols).tolist()]

    def save(self, run: Path) -> None:
        """Writes it into a run's folder."""
        path = run / _FILE
        with storage_errors(path), replacing(path) as draft, draft.open("wb") as file:
            np.savez(file, frequent=self.frequent, best=self.best)

    def digest(self) -> str:
        """A digest of all lists."""
        return hashlib.sha256(self.frequent.tobytes() + self.best.tobytes()).hexdigest()

    @classmethod
    def load(cls, run: Path) -> "Shortlist | None":
        """Reads what `save` wrote; None where nothing was.

        Raises:
            UserError: The file is damaged.
        """
        path = run / _FILE
        if not path.exists():
            return None
        try:
            with path.open("rb") as file, np.load(file) as found:
                return cls(found["frequent"], found["best"])
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            wanted = "what seq2seq shortlist writes"
            raise UserError(f"{path}: expected {wanted}, found damage ({error})") from None


def room(lists: Iterable[Sequence[int]], pieces: int) -> int:
    """For how many pieces a sentence has room, so that there are few shapes; at most all."""
    longest = max(map(len, lists))
    return min(pieces, max(_LEAST, 1 << (longest - 1).bit_length()))


def places(pieces: Sequence[int], sequences: Iterable[Sequence[int]]) -> list[list[int]]:
    """Sequences of pieces by their places in a list; those with a piece that it lacks left out."""
    known = {piece: place for place, piece in enumerate(pieces)}
    return [[known[x] for x in one] for one in sequences if known.keys() >= set(one)]
