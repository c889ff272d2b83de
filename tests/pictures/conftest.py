"""Attention of a made-up sentence, whose weights are known."""

import numpy as np
import pytest

from seq2seq.attention_maps import SentenceAttention


def softmax(x):
    raised = np.exp(x - x.max(axis=-1, keepdims=True))
    return (raised / raised.sum(axis=-1, keepdims=True)).astype(np.float32)


def attention_of(source, target, layers=(2, 3), heads=4, seed=0):
    """Random weights for the pieces of a source and a target, without their end symbols."""
    draw = np.random.default_rng(seed).standard_normal
    width, height = len(source) + 1, len(target) + 1
    future = np.where(np.tri(height) > 0, 0, -np.inf)
    return SentenceAttention(
        "".join(source).replace("\u2581", " ").strip(),
        "".join(target).replace("\u2581", " ").strip(),
        (*source, "</s>"),
        (*target, "</s>"),
        ("<s>", *target),
        softmax(3 * draw((layers[0], heads, width, width))),
        softmax(3 * draw((layers[1], heads, height, height)) + future),
        softmax(3 * draw((layers[1], heads, height, width))),
    )


def pieces(words):
    return [f"\u2581{word}" for word in words.split()]


@pytest.fixture
def duck():
    return attention_of(
        [*pieces("The duck wait"), "ed", *pieces("at the bank"), "."],
        [*pieces("Die Ente war"), "te", "te", *pieces("am Ufer"), "."],
    )


@pytest.fixture
def make():
    return attention_of
