"""What a run reads: corpora, how they are filtered and packed, and how text is cut into pieces."""

from dataclasses import dataclass
from typing import Literal

from seq2seq.errors import require, require_at_least, require_fraction


@dataclass(frozen=True)
class Corpus:
    """Where sentence pairs come from: exactly one of files, a hub id or the phrasebook.

    In a recipe a plain string is enough for the common cases: `train.{lang}.gz` (two parallel text
    files), `pairs.tsv`, `pairs.jsonl`, `pairs.parquet`, `hub://owner/name` or `phrasebook://train`.

    Attributes:
        path: Parallel text with `{lang}` where the language stands (`train.{lang}`, also `.gz`), or
            one file of pairs: .tsv, .jsonl or .parquet.
        source: Source text file, for parallel files whose names fit no `{lang}` pattern.
        target: Target text file, beside `source`.
        hub: Hugging Face dataset id, such as `wmt/wmt14`.
        hub_config: Configuration of the hub dataset, such as `de-en`.
        split: Split of the hub dataset.
        phrasebook: Part of the embedded phrasebook: train, validation, test or ambiguous.
        source_column: Column of the source in a table, by name or in TSV by number from 1 (default:
            the language code; TSV: the first).
        target_column: Column of the target (default: the language code; TSV: the second).
        weight: How often an epoch holds this corpus: 2 is twice, 0.5 every other pair.
        name: What `evaluate --split` and reports call it (default: the split it stands under).
    """

    path: str | None = None
    source: str | None = None
    target: str | None = None
    hub: str | None = None
    hub_config: str | None = None
    split: str | None = None
    phrasebook: Literal["train", "validation", "test", "ambiguous"] | None = None
    source_column: str | None = None
    target_column: str | None = None
    weight: float = 1.0
    name: str | None = None

    def __post_init__(self) -> None:
        origins = [self.path, self.source, self.hub, self.phrasebook]
        given = [origin for origin in origins if origin is not None]
        require(len(given) == 1, "corpus", "one of path, source, hub or phrasebook", given)
        require(
            (self.source is None) == (self.target is None),
            "corpus",
            "source and target together",
            self.source or self.target,
        )
        require(self.weight > 0, "corpus.weight", "a number above 0", self.weight)


@dataclass(frozen=True)
class DataConfig:
    """Which pairs are read, which are kept, and the shape they are packed into.

    Attributes:
        source_language: Language code of the source, which fills `{lang}` and names columns.
        target_language: Language code of the target.
        train: Corpora to train on.
        validation: Corpora to validate on during training.
        test: Test sets; `evaluate --split NAME` scores one, `test` is the first.
        max_length: Longest sentence kept for training, in tokens with the end symbol, either side.
        max_length_ratio: Largest ratio of the two lengths in tokens that is kept for training.
        drop_duplicates: Whether a pair seen before is dropped from training.
        undecodable: What invalid UTF-8 in a training file does: stop with its line, or be dropped.
        lowercase: Whether all text is lower-cased, in training as in translation.
        normalize_punctuation: Whether quotes, dashes and the like become ASCII's, as in Moses.
        tokenizer: What sets spaces between words and punctuation before text is cut into pieces,
            and takes them out of translations: nothing, or Moses's rules for the language.
        source_row_length: Tokens in one packed source row (S).
        target_row_length: Tokens in one packed target row (T).
        cache: Folder of prepared corpora (default: $XDG_CACHE_HOME/seq2seq or ~/.cache/seq2seq).
    """

    source_language: str = "en"
    target_language: str = "de"
    train: tuple[Corpus, ...] = ()
    validation: tuple[Corpus, ...] = ()
    test: tuple[Corpus, ...] = ()
    max_length: int = 128
    max_length_ratio: float = 9.0
    drop_duplicates: bool = True
    undecodable: Literal["error", "drop"] = "error"
    lowercase: bool = False
    normalize_punctuation: bool = False
    tokenizer: Literal["none", "moses"] = "none"
    source_row_length: int = 128
    target_row_length: int = 128
    cache: str | None = None

    def __post_init__(self) -> None:
        require_at_least("data.max_length", self.max_length, 2)
        require_at_least("data.max_length_ratio", self.max_length_ratio, 1)
        for side in ("source", "target"):
            length = getattr(self, f"{side}_row_length")
            wanted = f"at least data.max_length ({self.max_length})"
            require(length >= self.max_length, f"data.{side}_row_length", wanted, length)


@dataclass(frozen=True)
class VocabularyConfig:
    """How text is cut into pieces by SentencePiece.

    Attributes:
        kind: SentencePiece's algorithm.
        size: Number of pieces, the special symbols included.
        joint: One vocabulary for both languages (the paper's choice) or one for each.
        character_coverage: Share of the characters of the training text that must be covered.
        user_defined_symbols: Strings that always are a piece of their own, such as `<tag>`.
        byte_fallback: Whether an unknown character is spelt in bytes instead of becoming unknown.
        training_pairs: Pairs, drawn at random, that the pieces are learnt from.
        sampling: Subword regularisation: BPE-dropout rate (bpe), or the smoothing α (unigram); 0 is
            off.
        segmentations: Number of sampled segmentations prepared; epoch e reads number e mod this.
    """

    kind: Literal["bpe", "unigram"] = "bpe"
    size: int = 37000
    joint: bool = True
    character_coverage: float = 1.0
    user_defined_symbols: tuple[str, ...] = ()
    byte_fallback: bool = False
    training_pairs: int = 5_000_000
    sampling: float = 0.0
    segmentations: int = 8

    def __post_init__(self) -> None:
        require_at_least("vocabulary.size", self.size, 8)
        coverage = self.character_coverage
        require(0 < coverage <= 1, "vocabulary.character_coverage", "a share in (0, 1]", coverage)
        require_fraction("vocabulary.sampling", self.sampling)
        require_at_least("vocabulary.segmentations", self.segmentations, 1)
        require_at_least("vocabulary.training_pairs", self.training_pairs, 1)
