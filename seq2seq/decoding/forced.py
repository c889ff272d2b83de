"""What a model thinks of given translations: the probability of each of their tokens."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32

from seq2seq import parallel
from seq2seq.decoding.batching import padded_length
from seq2seq.model.ensemble import Model
from seq2seq.model.functional import Make
from seq2seq.parallel import Backend
from seq2seq.types import Params
from seq2seq.vocabulary import Vocabularies


class Pairs(NamedTuple):
    """Token ids of sources and of what is taken for their translations; segment 0 is padding."""

    source: Int[Array, "B S"]
    """With the end symbol."""
    source_segments: Int[Array, "B S"]
    inputs: Int[Array, "B T"]
    """The start symbol, then the translation."""
    outputs: Int[Array, "B T"]
    """The translation, then the end symbol."""
    segments: Int[Array, "B T"]


Force = Callable[[Params, Pairs], Float[Array, "B T"]]
"""`force(params, pairs)`: the log-probability of each output, over all devices."""


def force_function(make: Make, backend: Backend) -> Force:
    """The compiled forced decoding.

    Args:
        make: Makes the model from its parameters.
        backend: How devices share the work.
    """

    def one_device(params: Params, pairs: Pairs) -> Float[Array, "B T"]:
        return token_log_probs(make(params), pairs)

    return parallel.data_parallel(one_device, backend, outputs="cut")


def token_log_probs(model: Model, pairs: Pairs) -> Float[Array, "B T"]:
    """The log p(y_t | y_<t, x) of every output, float32; of padding, something finite.

    The logits of one sentence at a time stand in memory.
    """

    def of_sentence(
        part: tuple[Any, Int[Array, " T"]],
    ) -> Float[Array, " T"]:
        logits = model.logits(part[0])
        chosen = jnp.take_along_axis(logits, part[1][:, None], axis=1)[:, 0]
        return chosen - jax.nn.logsumexp(logits, axis=1)

    return jax.lax.map(of_sentence, (decoder_states(model, pairs), pairs.outputs))


def decoder_states(model: Model, pairs: Pairs) -> Any:
    """What the decoder makes of every input, for `model.logits`; its arrays are [B, T, ...]."""
    places, read = (
        jax.lax.broadcasted_iota(np.int32, tokens.shape, 1)
        for tokens in (pairs.source, pairs.inputs)
    )
    memory = model.encode(pairs.source, pairs.source_segments, places)
    return model.decode(pairs.inputs, pairs.segments, read, memory, pairs.source_segments)


def batches(
    sources: Sequence[Sequence[int]],
    targets: Sequence[Sequence[int]],
    vocabularies: Vocabularies,
    budget: int,
) -> Iterator[tuple[list[int], Pairs]]:
    """Pairs of similar length in arrays of few shapes, with their numbers, the longest first.

    Args:
        sources: Token ids, without the end symbol.
        targets: The same, as many.
        vocabularies: For the ids of the symbols.
        budget: Tokens of a batch on either side, padding counted.
    """
    start = vocabularies.target.symbols.start
    ends = (vocabularies.source.symbols.end, vocabularies.target.symbols.end)
    lengths = [max(len(pair[0]), len(pair[1])) + 1 for pair in zip(sources, targets, strict=True)]
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    while order:
        length = padded_length(lengths[order[0]])
        rows = parallel.local_rows(max(1, budget // length))[0]
        taken, order = order[:rows], order[rows:]
        source, source_segments = _padded(([*sources[i], ends[0]] for i in taken), rows, length)
        inputs, segments = _padded(([start, *targets[i]] for i in taken), rows, length)
        outputs, _ = _padded(([*targets[i], ends[1]] for i in taken), rows, length)
        arrays = (source, source_segments, inputs, outputs, segments)
        yield taken, Pairs(*map(jnp.asarray, arrays))


def _padded(
    sentences: Iterator[list[int]], rows: int, length: int
) -> tuple[Int32[np.ndarray, "B T"], Int32[np.ndarray, "B T"]]:
    """Token ids and segments."""
    tokens, segments = np.zeros((2, rows, length), np.int32)
    for row, ids in enumerate(sentences):
        tokens[row, : len(ids)], segments[row, : len(ids)] = ids, 1
    return tokens, segments
