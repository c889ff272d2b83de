"""Looking at attention weights: one named point, and no flag threaded through the model.

    with observing() as encoder:
        memory = model.encode(tokens, segments, positions)

`attention` hands its weights to `observe`, which keeps them while somebody is observing and does
nothing otherwise. A loop over layers that is compiled as one (`layers.scan`) collects the weights
of a layer by `inner`, makes them outputs of the loop and hands on all layers at once. So weights
never leak out of a loop, and whole functions stay pure: a compiled function must hold the `with`
and return what it has seen.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from jaxtyping import Array, Float

Weights = Float[Array, "..."]
"""Attention weights, [B, N, T, S] of one layer or [L, B, N, T, S] of several."""

_seen: ContextVar[list[Weights] | None] = ContextVar("attention weights", default=None)


@contextmanager
def observing() -> Iterator[list[Weights]]:
    """While it lasts, the list yielded takes the weights of every attention, in order of call.

    What stands in a `scan` over layers comes as one array for each attention of a layer, with a
    leading axis L. An observer within another one keeps what it sees to itself.
    """
    seen: list[Weights] = []
    token = _seen.set(seen)
    try:
        yield seen
    finally:
        _seen.reset(token)


@contextmanager
def inner() -> Iterator[list[Weights]]:
    """Inside the body of a loop: like `observing`, but idle unless somebody outside observes."""
    if not is_observed():
        yield []
        return
    with observing() as seen:
        yield seen


def observe(*weights: Weights) -> None:
    """Shows weights to the observer, if there is one."""
    seen = _seen.get()
    if seen is not None:
        seen.extend(weights)


def is_observed() -> bool:
    """Whether weights are asked for: then they must be computed, whatever way is faster."""
    return _seen.get() is not None
