"""What users may rely on: a translation hangs on its sentence alone, and little is compiled.

Every test starts processes of its own, whose devices are counted: one here, eight there. They
compile as for users, with all of XLA's optimisation.
"""

import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest

COMPILED, MISSED, HIT = (
    "/jax/core/compile/backend_compile_duration",
    "/jax/compilation_cache/cache_misses",
    "/jax/compilation_cache/cache_hits",
)

WORDS = "ada bea cleo dora eva fay gus hal ida jo kim lea max nia ole pia"

TRANSLATED = """
import dataclasses, json, random, sys
import jax
from seq2seq.decoding.batching import queues
from seq2seq.translator import Translator

run, path, *ways = sys.argv[1:]
lines = open(path, encoding="utf-8").read().splitlines()
model = Translator.load(run)
usual = dataclasses.replace(model.config.decoding, beam_size=4, n_best=2)
compiled, shapes, found = [], set(), {}
jax.monitoring.register_event_duration_secs_listener(
    lambda name, seconds, **more: compiled.append(more["fun_name"])
    if name == "COMPILED" and more["fun_name"] == "jit(mapped)" else None
)
for way in [*ways, ways[0]]:
    before, order = len(compiled), list(range(len(lines)))
    if way == "shuffled":
        random.Random(1).shuffle(order)
    if way == "longest first":
        order.sort(key=lambda i: -len(lines[i]))
    budget = {"narrow": 64, "wide": 16384}.get(way, usual.batch_tokens)
    wanted = dataclasses.replace(usual, batch_tokens=budget)
    if way.endswith("drawn"):
        wanted = dataclasses.replace(wanted, sampling=True, temperature=1.5, seed=3)
    size = 37 if way in ("parts", "parts drawn") else len(lines)
    results = {}
    for first in range(0, len(order), size):
        part = order[first : first + size]
        texts = [lines[i] for i in part]
        results |= zip(part, model.translate(texts, wanted, first=first), strict=True)
        sources = model.vocabularies.source.encode(texts)
        for whole in (False, True):
            every = queues(sources, wanted, whole)
            shapes |= {
                (budget, wanted.draws, queue.length, queue.capacity, queue.shape)
                for queue in every
            }
    found[way] = [
        [[one.text, one.score] for one in (results[i], *results[i].others)]
        for i in range(len(lines))
    ]
print(json.dumps({
    "devices": jax.device_count(), "found": found,
    "shapes": len(shapes), "compiled": len(compiled), "again": len(compiled) - before,
}))
""".replace("COMPILED", COMPILED)


def process(code, *words, devices=1, **environment):
    flags = f"--xla_force_host_platform_device_count={devices}"
    path = os.pathsep.join(filter(None, sys.path))
    env = os.environ | {"XLA_FLAGS": flags, "PYTHONPATH": path} | environment
    command = [sys.executable, "-c", code, *map(str, words)]
    found = subprocess.run(command, env=env, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    draw = random.Random(0)
    lines = [" ".join(draw.choices(WORDS.split(" "), k=draw.randint(0, 12))) for _ in range(500)]
    path = tmp_path_factory.mktemp("guarantees") / "text"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_500_sentences_translate_alike_in_every_batching(trained, sentences):
    """Order, neighbours, padding, budget and devices change no text, and no score by 1e-5.

    The same goes for draws, but for the order: they hang on a sentence's number. And there are at
    most as many programs as there are shapes of queues; for work that was done before there is
    none.
    """
    ways = ("plain", "shuffled", "narrow", "wide", "parts", "drawn", "parts drawn")
    one = process(TRANSLATED, trained.path, sentences, *ways)
    eight = process(TRANSLATED, trained.path, sentences, "longest first", "drawn", devices=8)
    assert (one["devices"], eight["devices"]) == (1, 8)
    drawn = [
        one["found"].pop("drawn"),
        one["found"].pop("parts drawn"),
        eight["found"].pop("drawn"),
    ]
    compare(drawn, rtol=1e-6)  # a score of -40 has digits up to 4e-6
    assert drawn[0] != one["found"]["plain"]
    found = [*one["found"].values(), *eight["found"].values()]
    assert len(found) == 6
    compare(found)
    for counts in (one, eight):
        assert 0 < counts["compiled"] <= counts["shapes"] < 20
        assert counts["again"] == 0


def compare(found, rtol=0):
    """Asserts that all ways give the same texts, and scores within 1e-5."""
    texts = [[[text for text, _ in every] for every in results] for results in found]
    scores = [[score for every in results for _, score in every] for results in found]
    assert len(texts[0]) == 500
    assert len({text for every in texts[0] for text in every}) > 400
    for other in range(1, len(found)):
        assert texts[other] == texts[0]
        np.testing.assert_allclose(scores[other], scores[0], rtol=rtol, atol=1e-5)


STARTED = """
import json, sys
import jax
counts = {name: 0 for name in NAMES}
def count(name, *_, **__):
    if name in counts:
        counts[name] += 1
jax.monitoring.register_event_listener(count)
from seq2seq.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0
print(json.dumps(counts))
""".replace("NAMES", repr((MISSED, HIT)))


def test_a_second_start_compiles_nothing(trained, sentences, tmp_path):
    """Not even the smallest program: each is found again."""
    words = ("translate", trained.path, sentences, "--output", tmp_path / "out")
    first, second = (process(STARTED, *words, XDG_CACHE_HOME=str(tmp_path)) for _ in range(2))
    assert first[MISSED] > 0
    assert second[MISSED] == 0
    assert second[HIT] == first[MISSED] + first[HIT]
