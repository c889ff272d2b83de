"""The embedded phrasebook: an English-German corpus generated from a grammar.

It lets the whole path from raw text to measured translations run with no network, and it holds
what attention is for: words whose translation hangs on other words, near or far.
"""

from seq2seq.data.phrasebook.splits import (
    AmbiguousPair,
    PhrasePair,
    ambiguous,
    count_sentences,
    sense_is_right,
    split,
)

__all__ = [
    "AmbiguousPair",
    "PhrasePair",
    "ambiguous",
    "count_sentences",
    "sense_is_right",
    "split",
]
