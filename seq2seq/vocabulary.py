"""Text to token ids and back: SentencePiece (Kudo and Richardson, 2018) beside a table of our own.

SentencePiece cuts text into pieces; which id a piece has is said by our table, so that a published
vocabulary whose ids are not SentencePiece's can be held too. Ids of a vocabulary trained here:
padding 0, start 1, end 2, unknown 3, then the pieces.

What normalisation keeps: everything that a translator needs. SentencePiece's default (NFKC) turns
m² into m2, ½ into 1⁄2, ™ into TM, … into three dots and Chinese full-width punctuation into ASCII,
and what is lost in the training targets is lost in every translation. Here text is only brought
into composed form (NFC), white space of every kind becomes one plain space (none at the ends), and
control characters and invisible breaks (soft hyphen, zero-width space, byte order mark) vanish.
Apart from that `decode(encode([text]))` gives the text back, as far as its characters are known.

Importing this module does not import JAX, so that preparing data does not wait for it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import sentencepiece

from seq2seq.errors import UserError

MODEL_FILE = "sentencepiece.model"
PIECES_FILE = "pieces.json"


class Symbols(NamedTuple):
    """Ids of the four symbols that stand for no text."""

    pad: int = 0
    start: int = 1
    end: int = 2
    unknown: int = 3


SYMBOLS = Symbols()
"""The ids in a vocabulary that is trained here."""


class Vocabulary:
    """One language's pieces (or both languages' together) with their ids.

    Attributes:
        model: A serialised SentencePiece model, which cuts text into pieces.
        pieces: The piece of every id.
        symbols: Ids of padding, start, end and unknown.
    """

    def __init__(self, model: bytes, pieces: Sequence[str], symbols: Symbols = SYMBOLS) -> None:
        self.model = model
        self.pieces = tuple(pieces)
        self.symbols = symbols
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        self._numbers = ids = {piece: index for index, piece in enumerate(self.pieces)}
        known = (self._processor.id_to_piece(i) for i in range(self._processor.vocab_size()))
        table = [ids.get(piece, symbols.unknown) for piece in known]
        self._ids = None if table == list(range(len(table))) else table
        self._dropped = frozenset((symbols.pad, symbols.start, symbols.end))

    @classmethod
    def from_model(cls, model: bytes) -> "Vocabulary":
        """Returns the vocabulary that gives each piece the id that `model` gives it."""
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        pieces = [processor.id_to_piece(i) for i in range(processor.vocab_size())]
        symbols = Symbols(
            processor.pad_id(), processor.bos_id(), processor.eos_id(), processor.unk_id()
        )
        return cls(model, pieces, symbols)

    def __reduce__(self) -> tuple[Any, ...]:
        """Lets another process make the same vocabulary."""
        return Vocabulary, (self.model, self.pieces, self.symbols)

    def __len__(self) -> int:
        """Returns the number of ids (V)."""
        return len(self.pieces)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the token ids of each text, without start and end symbols; uses all cores.

        A lone surrogate, which is half a character, counts as a question mark.
        """
        try:
            sequences = self._processor.encode(list(texts), out_type=int, num_threads=-1)
        except TypeError:
            whole = [text.encode("utf-8", "replace").decode() for text in texts]
            sequences = self._processor.encode(whole, out_type=int, num_threads=-1)
        return self._from_model(sequences)

    def cut(self, text: str) -> list[str]:
        """Returns the pieces of a text, one for each id of `encode`, unknown ones as written."""
        return list(self._processor.encode(text, out_type=str))

    def ids(self, pieces: Iterable[str]) -> list[int]:
        """Returns the ids of pieces of this vocabulary, as `pieces` has them."""
        return [self._numbers[piece] for piece in pieces]

    def decode(self, sequences: Iterable[Sequence[int]]) -> list[str]:
        """Returns the text of each sequence of token ids.

        Padding, start and end symbols are dropped; an unknown token shows as ⁇.
        """
        pieces = [[self.pieces[i] for i in ids if i not in self._dropped] for ids in sequences]
        return list(self._processor.decode(pieces)) if pieces else []

    def save(self, folder: Path) -> None:
        """Writes the model and the table of pieces into the folder, which is made if needed."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MODEL_FILE).write_bytes(self.model)
        table = {"symbols": self.symbols._asdict(), "pieces": self.pieces}
        text = json.dumps(table, ensure_ascii=False, indent=0)
        (folder / PIECES_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Vocabulary":
        """Reads what `save` wrote.

        Raises:
            UserError: A file is missing, unreadable or damaged.
        """
        try:
            table = json.loads((folder / PIECES_FILE).read_text(encoding="utf-8"))
            model = (folder / MODEL_FILE).read_bytes()
            return cls(model, table["pieces"], Symbols(**table["symbols"]))
        except FileNotFoundError as error:
            raise UserError(f"{error.filename}: expected a vocabulary, found no file") from None
        except OSError as error:
            raise UserError(f"{error.filename}: cannot be read: {error.strerror}") from None
        except (ValueError, TypeError, KeyError, RuntimeError) as error:
            raise UserError(f"{folder}: expected a vocabulary, found damage ({error})") from error

    def _from_model(self, sequences: list[list[int]]) -> list[list[int]]:
        """Turns SentencePiece's ids into those of our table."""
        if self._ids is None:
            return sequences
        return [[self._ids[i] for i in sequence] for sequence in sequences]


@dataclass(frozen=True)
class Vocabularies:
    """The vocabularies of the two languages: the very same object where they are joint."""

    source: Vocabulary
    target: Vocabulary

    @property
    def joint(self) -> bool:
        """Whether both languages share one vocabulary."""
        return self.source is self.target

    def alike(self, other: "Vocabularies") -> bool:
        """Whether every id means the same piece, or the same symbol, in both."""
        sides = ((self.source, other.source), (self.target, other.target))
        return all((a.pieces, a.symbols) == (b.pieces, b.symbols) for a, b in sides)

    def save(self, folder: Path) -> None:
        """Writes one vocabulary into the folder, or two into its folders `source` and `target`."""
        if self.joint:
            self.source.save(folder)
        else:
            self.source.save(folder / "source")
            self.target.save(folder / "target")

    @classmethod
    def load(cls, folder: Path) -> "Vocabularies":
        """Reads what `save` wrote.

        Raises:
            UserError: A file is missing, unreadable or damaged.
        """
        if (folder / "source").is_dir():
            return cls(Vocabulary.load(folder / "source"), Vocabulary.load(folder / "target"))
        joint = Vocabulary.load(folder)
        return cls(joint, joint)
