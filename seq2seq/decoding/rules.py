"""What may follow in a translation: lengths, repetitions, banned and forced phrases, beginnings.

Each rule turns the logits of what may not follow into -1e9, in arrays over hypotheses and pieces;
the softmax is taken before, so that the probabilities of what remains are still the model's own.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Shaped

from seq2seq.config import DecodingConfig
from seq2seq.decoding.beam_search import Restrict
from seq2seq.decoding.candidates import NEVER
from seq2seq.decoding.constraints import affordable


def longest(lengths: Int[Array, " B"], decoding: DecodingConfig) -> Int[Array, " B"]:
    """The longest translation of sources of `lengths`, in tokens; each with its end symbol."""
    limits = lengths + decoding.max_extra_tokens
    if decoding.max_length_ratio is not None:
        limits = jnp.minimum(limits, _multiple(lengths - 1, decoding.max_length_ratio) + 1)
    return limits if decoding.max_length is None else jnp.minimum(limits, decoding.max_length + 1)


def shortest(lengths: Int[Array, " B"], decoding: DecodingConfig) -> Int[Array, " B"]:
    """The shortest translation, in tokens without the end symbol, of sources with theirs."""
    share = _multiple(lengths - 1, decoding.min_length_ratio)
    return jnp.maximum(share, decoding.min_length)


def _multiple(tokens: Int[Array, " B"], ratio: float) -> Int[Array, " B"]:
    """So many times as many tokens, rounded up."""
    return jnp.ceil(tokens.astype(jnp.float32) * ratio).astype(jnp.int32)


def restrict(
    decoding: DecodingConfig,
    end_id: int,
    prefixes: bool = False,
    forced: bool = False,
    banned: Int[Array, "sequences width"] | None = None,
    own_banned: bool = False,
) -> Restrict | None:
    """The rules that are set, one after the other; None if there are none.

    Args:
        decoding: The config.
        end_id: The end symbol.
        prefixes: Whether translations have to begin with what `memory.prefixes` says.
        forced: Whether they have to hold what `memory.forced` says.
        banned: Sequences that none may hold but within its prefix; each stands after -1.
        own_banned: Whether the same goes for what `memory.banned` says.
    """
    usual, last = _of_config(decoding, end_id), list[Restrict]()
    if prefixes:
        usual = [functools.partial(_behind_prefix, rule) for rule in usual]
    if banned is not None:
        last.append(
            lambda logits, tokens, lengths, _: _without(logits, tokens, lengths, banned[None])
        )
    if own_banned:
        last.append(
            lambda logits, tokens, lengths, memory: _without(logits, tokens, lengths, memory.banned)
        )
    if prefixes:
        last = [functools.partial(_behind_prefix, rule) for rule in last]
        last.append(lambda logits, _, lengths, memory: _begun(logits, lengths, memory.prefixes))
    if not (usual or last or forced):
        return None

    def apply(
        logits: Float[Array, "B K V"],
        tokens: Int[Array, "B K T"],
        lengths: Int[Array, " B"],
        memory: Any,
    ) -> Float[Array, "B K V"]:
        allowed = logits
        for rule in usual:
            allowed = rule(allowed, tokens, lengths, memory)
        if forced:
            allowed = affordable(logits, allowed, tokens, lengths, memory.forced, end_id)
        for rule in last:
            allowed = rule(allowed, tokens, lengths, memory)
        return allowed

    return apply


def _of_config(decoding: DecodingConfig, end_id: int) -> list[Restrict]:
    """The rules that a config sets."""
    rules: list[Restrict] = []
    if decoding.repetition_penalty != 1:
        rules.append(
            lambda logits, tokens, lengths, _: _penalised(
                logits, tokens, lengths, decoding.repetition_penalty
            )
        )
    if decoding.no_repeat_ngram:
        rules.append(
            lambda logits, tokens, lengths, _: _unrepeated(
                logits, tokens, lengths, decoding.no_repeat_ngram
            )
        )
    if decoding.min_length or decoding.min_length_ratio:
        rules.append(
            lambda logits, _, lengths, memory: _unended(logits, lengths < memory.least, end_id)
        )
    return rules


def _penalised(
    logits: Float[Array, "B K V"],
    tokens: Int[Array, "B K T"],
    lengths: Int[Array, " B"],
    penalty: float,
) -> Float[Array, "B K V"]:
    """Log-probabilities of pieces that a hypothesis holds already, times the penalty."""
    normaliser = jax.nn.logsumexp(logits, axis=-1, keepdims=True)
    there = (jnp.arange(tokens.shape[2])[None] < lengths[:, None])[:, None]
    held = _set(
        jnp.zeros(logits.shape, bool), jnp.where(there, tokens, logits.shape[2]), value=True
    )
    return jnp.where(held, normaliser + penalty * (logits - normaliser), logits)


def _unrepeated(
    logits: Float[Array, "B K V"],
    tokens: Int[Array, "B K T"],
    lengths: Int[Array, " B"],
    n: int,
) -> Float[Array, "B K V"]:
    """No piece follows that followed the same n - 1 tokens before."""
    windows = tokens.shape[2] - n + 1
    if windows < 1:
        return logits
    firsts = jnp.arange(windows, dtype=jnp.int32)
    alike = jnp.broadcast_to(
        (firsts[None] + n <= lengths[:, None])[:, None], (*tokens.shape[:2], windows)
    )
    for j in range(n - 1):
        last = jnp.maximum(lengths - (n - 1) + j, 0)[:, None, None]
        context = jnp.take_along_axis(tokens, last, axis=2)
        alike &= tokens[:, :, j : j + windows] == context
    follows = jnp.where(alike, tokens[:, :, n - 1 :], logits.shape[2])
    return _set(logits, follows, NEVER)


def _unended(
    logits: Float[Array, "B K V"], short: Bool[Array, " B"], end_id: int
) -> Float[Array, "B K V"]:
    """No end symbol where a translation would be too short."""
    ends = jnp.arange(logits.shape[2]) == end_id
    return jnp.where(short[:, None, None] & ends[None, None, :], NEVER, logits)


def _begun(
    logits: Float[Array, "B K V"], lengths: Int[Array, " B"], prefixes: Int[Array, "B P"]
) -> Float[Array, "B K V"]:
    """Only the prefix's next token, until it ends; then everything."""
    place = jnp.minimum(lengths, prefixes.shape[1] - 1)[:, None]
    token = jnp.where(
        lengths[:, None] < prefixes.shape[1], jnp.take_along_axis(prefixes, place, axis=1), -1
    )
    other = (token >= 0) & (jnp.arange(logits.shape[2])[None] != token)
    return jnp.where(other[:, None], NEVER, logits)


def _without(
    logits: Float[Array, "B K V"],
    tokens: Int[Array, "B K T"],
    lengths: Int[Array, " B"],
    sequences: Int[Array, "_ sequences width"],
) -> Float[Array, "B K V"]:
    """No last token of a sequence where a hypothesis ends with its others; they stand after -1."""
    width = sequences.shape[2]
    alike = jnp.ones((*tokens.shape[:2], sequences.shape[1]), bool)
    for j in range(width - 1):
        place = (lengths - (width - 1) + j)[:, None, None]
        said = jnp.take_along_axis(tokens, jnp.maximum(place, 0), axis=2)
        wanted = sequences[:, None, :, j]
        alike &= (wanted < 0) | ((wanted == said) & (place >= 0))
    final = sequences[:, None, :, -1]
    return _set(logits, jnp.where(alike & (final >= 0), final, logits.shape[2]), NEVER)


def _behind_prefix(
    rule: Restrict,
    logits: Float[Array, "B K V"],
    tokens: Int[Array, "B K T"],
    lengths: Int[Array, " B"],
    memory: Any,
) -> Float[Array, "B K V"]:
    """The rule where a prefix has ended."""
    free = lengths >= jnp.sum(memory.prefixes >= 0, axis=1)
    return jnp.where(free[:, None, None], rule(logits, tokens, lengths, memory), logits)


def _set(
    x: Shaped[Array, "B K V"], places: Int[Array, "B K C"], value: bool | float
) -> Shaped[Array, "B K V"]:
    """`x` with a value at some places of each hypothesis; what lies beyond the axis is left out."""
    sentences = jnp.arange(x.shape[0])[:, None, None]
    beams = jnp.arange(x.shape[1])[None, :, None]
    return x.at[sentences, beams, places].set(value, mode="drop")
