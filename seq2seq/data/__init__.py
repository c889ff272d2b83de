"""Parallel text to packed batches: corpora are prepared once, and batches are planned from them.

`prepare` turns the corpora of a config into encoded, memory-mapped pairs; `Batches`, in
`seq2seq.data.batches`, serves them by step. (It is not exported here: it needs JAX's array types,
and preparing should not wait for JAX.)
"""

from seq2seq.data.corpora import read_texts
from seq2seq.data.prepare import Prepared, prepare
from seq2seq.data.report import Report
from seq2seq.data.storage import TokenPairs

__all__ = ["Prepared", "Report", "TokenPairs", "prepare", "read_texts"]
