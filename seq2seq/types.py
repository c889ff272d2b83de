"""Glossary of axes, and the batch that data hands to training.

Every shape in this project is written in these letters, in signatures and in einsums alike:

    B  batch: sentences, or packed rows        N  attention heads
    S  source length                           H  width of one head (the paper's d_k, d_v)
    T  target length                           F  feed-forward width (d_ff)
    D  model width (d_model)                   V  vocabulary size
    K  beams: hypotheses per sentence          L  layers
"""

from typing import Any, NamedTuple

from jaxtyping import Array, Int

Params = dict[str, Any]
"""A model's parameters: a nested dict with arrays for leaves (or their shapes, where so said)."""


class Batch(NamedTuple):
    """Packed rows: each row holds several sentence pairs, told apart by their segment ids.

    Segment ids count from 1 within a row, and the k-th source sentence and the k-th target
    sentence of a row bear the same id; 0 is padding. Positions count from 0 within a sentence.
    All fields are int32.
    """

    source: Int[Array, "B S"]
    """Source token ids, each sentence closed by the end symbol."""
    source_segments: Int[Array, "B S"]
    source_positions: Int[Array, "B S"]
    target_inputs: Int[Array, "B T"]
    """What the decoder reads: the start symbol, then the target shifted right by one."""
    target_outputs: Int[Array, "B T"]
    """What the decoder must predict: the target, closed by the end symbol."""
    target_segments: Int[Array, "B T"]
    target_positions: Int[Array, "B T"]
