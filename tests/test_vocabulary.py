"""Text to token ids and back."""

import random
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq.config import VocabularyConfig
from seq2seq.data.vocabulary_training import normalization_rules, train, train_vocabularies
from seq2seq.errors import UserError
from seq2seq.vocabulary import Symbols, Vocabularies, Vocabulary

ENGLISH = ["The bank by the river is green.", "A mole dug under the bank; it is tired."] * 20
GERMAN = ["Das Ufer am Fluss ist grün.", "Ein Maulwurf grub unter dem Ufer; er ist müde."] * 20
PRECIOUS = [
    "10² m² and ½ l of H₂O, 3 m/s, Acme™ © 2026 … pp.",
    "„Hallo“, “hi”, ‘so’, «là» - – — 5 % 5°",
    "全角，文字（テスト）。ｆｕｌｌ ﬁne ①",
    "가 한국어 हिन्दी می‌خواهم",
    "🙂 👩‍👩‍👧 a_b <b> </s> <unk> <pad>",
]
SMALL = VocabularyConfig(size=60)
WORDS = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in ("l", "nd", "st", "rm", "")]
VARIED = [" ".join(random.Random(seed).choices(WORDS, k=8)) for seed in range(200)]
LARGE = VocabularyConfig(size=250)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return train(ENGLISH + GERMAN + PRECIOUS, LARGE)


def test_what_a_translator_needs_comes_back_unchanged(vocabulary: Vocabulary) -> None:
    texts = [unicodedata.normalize("NFC", text) for text in ENGLISH[:2] + GERMAN[:2] + PRECIOUS]
    assert vocabulary.decode(vocabulary.encode(texts)) == texts


def test_normalisation_composes_and_cleans(vocabulary: Vocabulary) -> None:
    dirty = "  gru\u0308n\u00a0is\u2028\tthe\u200b ba\u00adnk \r\x07\ufeff"
    assert vocabulary.decode(vocabulary.encode([dirty])) == ["grün is the bank"]


def test_normalisation_agrees_with_nfc_on_every_character() -> None:
    rules = normalization_rules()
    for found, replacement in rules.items():
        assert replacement in ("", " ", unicodedata.normalize("NFC", found))
    for character in map(chr, range(sys.maxunicode + 1)):
        composed = unicodedata.normalize("NFC", character)
        assert rules.get(character, character) in ("", " ", composed)
        decomposed = unicodedata.normalize("NFD", composed)
        assert rules.get(decomposed, decomposed) in ("", " ", composed)


def test_ids_are_special_symbols_then_pieces(vocabulary: Vocabulary) -> None:
    assert vocabulary.symbols == Symbols(pad=0, start=1, end=2, unknown=3)
    assert len(vocabulary) == len(vocabulary.pieces) == LARGE.size
    ids = vocabulary.encode(["", "the bank", "</s>", "\u20ac"])
    assert ids[0] == []
    assert [vocabulary.pieces[i] for i in ids[1]] == ["▁the", "▁bank"]
    assert not {0, 1, 2} & {i for sequence in ids for i in sequence}
    assert 3 in ids[3]


def test_any_string_can_be_encoded(vocabulary: Vocabulary) -> None:
    odd = ["\0", "a\nb", "x" * 100_000, "🙂" * 1000, "\u0301", "the \ud800bank"]
    decoded = vocabulary.decode(vocabulary.encode(odd))
    assert decoded[1] == "a b"
    assert len(decoded[2]) >= 3
    assert decoded[5].startswith("the ")
    assert len(decoded) == len(odd)


def test_a_text_is_cut_into_one_piece_for_each_id(vocabulary: Vocabulary) -> None:
    for text in (*ENGLISH[:2], *PRECIOUS, "the 漢字 bank", ""):
        pieces, [ids] = vocabulary.cut(text), vocabulary.encode([text])
        assert len(pieces) == len(ids)
        assert "".join(pieces).replace("\u2581", " ").strip() == unicodedata.normalize("NFC", text)
        known = [(p, i) for p, i in zip(pieces, ids, strict=True) if i != 3]
        assert [vocabulary.pieces[i] for _, i in known] == [piece for piece, _ in known]


def test_decoding_drops_special_symbols_and_shows_unknown(vocabulary: Vocabulary) -> None:
    bank = vocabulary.encode(["bank"])[0]
    assert vocabulary.decode([[1, *bank, 2, 0, 0], [], [3]]) == ["bank", "", " ⁇ "]
    assert vocabulary.decode([]) == []


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_training_is_quiet_and_always_the_same(
    kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    config = VocabularyConfig(kind=kind, size=120)
    assert train(VARIED, config).model == train(iter(VARIED), config).model
    assert capfd.readouterr() == ("", "")


def test_options_reach_sentencepiece() -> None:
    symbols = ("<de>", "<a,b>")
    config = VocabularyConfig(size=350, user_defined_symbols=symbols, byte_fallback=True)
    vocabulary = train(ENGLISH, config)
    assert [vocabulary.pieces[i] for i in vocabulary.encode(["<de>bank<a,b>"])[0]].count(
        "<de>"
    ) == 1
    assert vocabulary.decode(vocabulary.encode(["€ 🙂"])) == ["€ 🙂"]
    rare = train([*ENGLISH, "ß"], replace(SMALL, character_coverage=0.99))
    assert rare.encode(["ß"])[0][-1] == rare.symbols.unknown


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (100_000, r"vocabulary\.size: expected at most \d+, .* found 100000"),
        (10, r"vocabulary\.size: expected at least \d+, .* found 10"),
    ],
)
@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_impossible_sizes(kind: str, size: int, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        train(ENGLISH, replace(SMALL, kind=kind, size=size))
    assert "\n" not in str(raised.value)


def test_nothing_to_learn_from() -> None:
    for texts in ([], ["", "  "]):
        with pytest.raises(UserError, match=r"data\.train: expected text"):
            train(texts, SMALL)


def test_joint_is_one_object_and_one_file(tmp_path: Path) -> None:
    joint = train_vocabularies(ENGLISH, GERMAN, LARGE.__class__(size=80))
    assert joint.joint
    assert joint.source is joint.target
    joint.save(tmp_path / "joint")
    assert len(list((tmp_path / "joint").rglob("*.model"))) == 1
    loaded = Vocabularies.load(tmp_path / "joint")
    assert loaded.joint
    assert loaded.target.encode(GERMAN) == joint.target.encode(GERMAN)


def test_separate_vocabularies_know_only_their_side(tmp_path: Path) -> None:
    separate = train_vocabularies(ENGLISH, GERMAN, replace(SMALL, joint=False))
    separate.save(tmp_path)
    loaded = Vocabularies.load(tmp_path)
    for vocabularies in (separate, loaded):
        assert not vocabularies.joint
        assert 3 in vocabularies.source.encode(["ü"])[0]
        assert vocabularies.target.decode(vocabularies.target.encode(GERMAN)) == GERMAN


def test_missing_and_damaged_folders(tmp_path: Path, vocabulary: Vocabulary) -> None:
    with pytest.raises(UserError, match=r"none/pieces\.json: expected a vocabulary, found no file"):
        Vocabularies.load(tmp_path / "none")
    vocabulary.save(tmp_path)
    (tmp_path / "sentencepiece.model").write_bytes(b"damaged")
    with pytest.raises(UserError, match="expected a vocabulary, found damage"):
        Vocabularies.load(tmp_path)


def test_a_published_table_gives_its_own_ids(vocabulary: Vocabulary, tmp_path: Path) -> None:
    pieces = [piece for piece in reversed(vocabulary.pieces) if piece != "▁bank"]
    pieces[pieces.index("<pad>")] = "[PAD]"
    places = {piece: i for i, piece in enumerate(pieces)}
    symbols = Symbols(places["[PAD]"], places["<s>"], places["</s>"], places["<unk>"])
    published = Vocabulary(vocabulary.model, pieces, symbols)
    published.save(tmp_path)
    for table in (published, Vocabulary.load(tmp_path)):
        assert table.encode(["the bank"]) == [[places["▁the"], symbols.unknown]]
        ids = table.encode(["Ein Maulwurf grub"])
        assert [table.pieces[i] for i in ids[0]] == [
            vocabulary.pieces[i] for i in vocabulary.encode(["Ein Maulwurf grub"])[0]
        ]
        assert table.decode([[symbols.start, *ids[0], symbols.end, symbols.pad]]) == [
            "Ein Maulwurf grub"
        ]


def test_text_is_prepared_without_jax() -> None:
    code = "import sys, seq2seq.data; print({'jax', 'datasets'} & {*sys.modules})"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"
