"""Tokens as the Moses scripts cut them (Koehn et al., 2007), by `sacremoses`.

Half of the literature trains on such tokens and nearly all of it before 2018 measures BLEU on them.
`sacremoses` gives what Moses's `tokenizer.perl` gave when those papers were written; later versions
of the script also split the full stop off a last word that is an abbreviation or a single letter.

Moses then writes `&apos;` for an apostrophe and so on. Here characters stay as they are: the
escapes are one for one, so that no token, and no BLEU, is another one for it.
"""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any

_WITHOUT_PREFIXES = frozenset(("ja", "ko"))
"""Languages that Moses knows although it lists no abbreviations of theirs."""


def sacremoses_version() -> str:
    """The version of `sacremoses`, on which tokens may depend."""
    return version("sacremoses")


@cache
def rules(language: str) -> str:
    """Returns the language whose rules apply: its own, or English where Moses knows none.

    Args:
        language: A code such as `de`, `pt-BR` or `zh_CN`; what stands behind the first part is a
            country or script, which changes no rule.
    """
    from sacremoses.corpus import NonbreakingPrefixes

    code = language.lower().replace("_", "-").partition("-")[0]
    known = _WITHOUT_PREFIXES.union(NonbreakingPrefixes().available_langs.values())
    return code if code in known else "en"


def tokenise(texts: Iterable[str], language: str) -> list[str]:
    """Returns each text in one line with a space between any two tokens; hyphens stay in words."""
    tokenizer = _tool("MosesTokenizer", rules(language))
    return [" ".join(tokenizer.tokenize(text, escape=False)) for text in texts]


def detokenise(texts: Iterable[str], language: str) -> list[str]:
    """Returns tokenised texts as people write them, as far as it can be told.

    Among what cannot: whether a space stood before an ellipsis, or around a German apostrophe.
    """
    detokenizer = _tool("MosesDetokenizer", rules(language))
    return [detokenizer.detokenize(text.split(), unescape=False) for text in texts]


def normalise_punctuation(texts: Iterable[str], language: str) -> list[str]:
    """Returns texts with quotes, dashes and apostrophes of ASCII, by `normalize-punctuation.perl`.

    Spaces before punctuation vanish too, and quotes and full stops change places as the language
    has it.
    """
    normalizer = _tool("MosesPunctNormalizer", rules(language), perl_parity=True)
    return [normalizer.normalize(text) for text in texts]


@cache
def _tool(name: str, language: str, **options: bool) -> Any:
    """Returns an instance of one of sacremoses's classes; importing it takes a quarter second."""
    import sacremoses

    return getattr(sacremoses, name)(lang=language, **options)
