"""Learning a vocabulary from text by SentencePiece: byte-pair encoding or a unigram model.

The result depends on the texts and the configuration alone. SentencePiece's own normalisation is
replaced by the table of `normalization_rules`, which travels inside the model; why is told in
`seq2seq.vocabulary`.
"""

import io
import itertools
import re
import sys
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from seq2seq.config import VocabularyConfig
from seq2seq.errors import UserError
from seq2seq.vocabulary import SYMBOLS, Vocabularies, Vocabulary

_SPACES = [
    *range(9, 14),
    0x85,
    0xA0,
    0x1680,
    *range(0x2000, 0x200B),
    0x2028,
    0x2029,
    0x202F,
    0x205F,
    0x3000,
]
_INVISIBLE = [0xAD, 0x200B, 0x2060, 0xFEFF]
"""Soft hyphen, zero-width space, word joiner, byte order mark. The zero-width joiners stay: Persian
and the scripts of India are spelt with them."""


def train_vocabularies(
    sources: Iterable[str], targets: Iterable[str], config: VocabularyConfig
) -> Vocabularies:
    """Learns one joint vocabulary, or one for each side.

    Args:
        sources: Source texts.
        targets: Target texts.
        config: Algorithm, size and the rest.

    Raises:
        UserError: The text does not support so large a vocabulary, or needs a larger one.
    """
    if config.joint:
        joint = train(itertools.chain(sources, targets), config)
        return Vocabularies(joint, joint)
    return Vocabularies(train(sources, config), train(targets, config))


def train(texts: Iterable[str], config: VocabularyConfig) -> Vocabulary:
    """Learns one vocabulary from texts, quietly and always the same.

    Raises:
        UserError: The text does not support so large a vocabulary, or needs a larger one.
    """
    model = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.tsv"
        rules.write_text("".join(_as_line(*rule) for rule in sorted(normalization_rules().items())))
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(texts),
                model_writer=model,
                model_type=config.kind,
                vocab_size=config.size,
                character_coverage=config.character_coverage,
                user_defined_symbols=list(config.user_defined_symbols),
                byte_fallback=config.byte_fallback,
                normalization_rule_tsv=str(rules),
                pad_id=SYMBOLS.pad,
                bos_id=SYMBOLS.start,
                eos_id=SYMBOLS.end,
                unk_id=SYMBOLS.unknown,
                minloglevel=_SILENT,
            )
        except RuntimeError as error:
            raise UserError(_explanation(str(error), config)) from error
    return Vocabulary.from_model(_without_path(model.getvalue()))


def _without_path(model: bytes) -> bytes:
    """Removes from a model where the table of rules once lay: it must not differ by the day."""
    proto: Any = sentencepiece_model_pb2  # its classes are made as it is imported
    content = proto.ModelProto.FromString(model)
    content.normalizer_spec.ClearField("normalization_rule_tsv")
    return content.SerializeToString(deterministic=True)


_SILENT = 4


def _explanation(message: str, config: VocabularyConfig) -> str:
    """Says in our words why SentencePiece refused to train."""
    if most := re.search(r"value <= (\d+)", message):
        wanted = f"at most {most[1]}, which is all that the training text supports"
        return f"vocabulary.size: expected {wanted}, found {config.size}"
    if least := re.search(r"required_chars.*?\d+ vs (\d+)", message):
        wanted = f"at least {least[1]}, a piece for each character of the training text"
        hint = "or a lower vocabulary.character_coverage"
        return f"vocabulary.size: expected {wanted} ({hint}), found {config.size}"
    if "sentences_.empty()" in message or "all_chars_count" in message:
        return "data.train: expected text to learn a vocabulary from, found none"
    return f"vocabulary: SentencePiece cannot learn one from this text: {message}"


def normalization_rules() -> dict[str, str]:
    """Returns what normalisation replaces: a sequence of characters, and what stands for it.

    That is: canonical composition (NFC), white space to a plain space, and control characters and
    invisible breaks to nothing.
    """
    rules = dict(_compositions())
    rules |= {chr(code): "" for code in [*range(1, 32), *range(127, 160), *_INVISIBLE]}
    rules |= {chr(code): " " for code in _SPACES}
    return rules


def _compositions() -> Iterator[tuple[str, str]]:
    """Yields every character that NFC replaces, and every decomposed spelling of one it keeps."""
    for character in map(chr, range(sys.maxunicode + 1)):
        composed = unicodedata.normalize("NFC", character)
        decomposed = unicodedata.normalize("NFD", character)
        if composed != character:
            yield character, composed
        elif decomposed != character:
            yield decomposed, character


def _as_line(found: str, replacement: str) -> str:
    """Writes a rule as SentencePiece reads it: code points in hexadecimal."""
    sides = (" ".join(f"{ord(character):X}" for character in side) for side in (found, replacement))
    return "\t".join(sides) + "\n"
