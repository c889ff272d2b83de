"""Every sentence in one queue, near its like, in few static shapes."""

from itertools import chain

import jax
import pytest

from seq2seq.config import DecodingConfig
from seq2seq.decoding.batching import padded_length, queues

DEVICES = jax.device_count()
DECODING = DecodingConfig(batch_tokens=512)


def of_lengths(*lengths):
    return [list(range(10, 10 + length)) for length in lengths]


def test_queues_hold_every_sentence_once_the_longest_first():
    sources = of_lengths(3, 0, 60, 5, 5, 31, 200, 1, 12)
    found = list(queues(sources, DECODING))
    dealt = list(chain(*(queue.sentences for queue in found)))
    assert sorted(dealt) == [i for i, source in enumerate(sources) if source]
    lengths = [len(sources[i]) for i in dealt]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize("budget", [512, 3200])
@pytest.mark.parametrize("count", [1, 7, 8, 9, 300, 5000])
def test_a_queue_holds_its_sentences_within_the_budget(count, budget):
    sources = of_lengths(*(1 + i * 7 % 90 for i in range(count)))
    for queue in queues(sources, DecodingConfig(batch_tokens=budget)):
        rows = queue.shape.rows * DEVICES
        assert len(queue.sentences) <= queue.capacity
        assert queue.capacity % rows == 0
        assert queue.shape.rows < 8 or queue.shape.rows % 8 == 0
        assert rows * queue.length <= max(budget, DEVICES * queue.length)
        assert queue.shape.room > queue.length


def test_what_belongs_to_sentences_stands_where_the_queue_says():
    sources = of_lengths(4, 2, 7, 0, 3)
    [queue] = queues(sources, DECODING)
    rows = queue.array(sources, length=9, empty=-1)
    assert rows.shape == (queue.capacity, 9)
    places = queue.places()
    assert len(set(places)) == 4
    for i, place in zip(queue.sentences, places, strict=True):
        assert rows[place].tolist() == sources[i] + [-1] * (9 - len(sources[i]))
    assert (rows != -1).any(axis=1).sum() == 4


def test_devices_have_equally_many_sentences_from_their_first_row_on(monkeypatch):
    monkeypatch.setattr(jax, "device_count", lambda: 4)
    [queue] = queues(of_lengths(*range(1, 11)), DecodingConfig(batch_tokens=512))
    share = queue.capacity // 4
    by_device = [[p % share for p in queue.places() if p // share == d] for d in range(4)]
    assert [sorted(rows) for rows in by_device] == [[0, 1, 2], [0, 1, 2], [0, 1], [0, 1]]


def test_there_is_room_for_the_longest_translation_if_asked():
    for length in (1, 7, 30, 100):
        sources = of_lengths(length)
        [usual] = queues(sources, DECODING)
        [whole] = queues(sources, DECODING, whole=True)
        assert usual.shape.room <= whole.shape.room
        assert whole.shape.room >= length + 1 + DECODING.max_extra_tokens
    [short] = queues(of_lengths(5), DecodingConfig(max_extra_tokens=2))
    assert short.shape.room == short.length + 2


def test_shapes_are_few():
    lengths = {padded_length(length) for length in range(1, 1025)}
    assert len(lengths) == 8
    assert padded_length(1025) == 2048
    assert all(padded_length(length) >= length for length in range(1, 5000))
    sources = of_lengths(*(1 + i * 13 % 60 for i in range(3000)))
    found = {(queue.length, queue.capacity, queue.shape) for queue in queues(sources, DECODING)}
    assert len(found) <= 5


def test_a_few_long_sentences_take_shorter_ones_with_them():
    sources = of_lengths(60, *[10] * 3)
    [queue] = queues(sources, DecodingConfig(batch_tokens=2048))
    assert len(queue.sentences) == 4
    assert queue.length == 64


def test_a_sentence_by_itself_has_a_small_program(monkeypatch):
    monkeypatch.setattr(jax, "device_count", lambda: 2)
    [one] = queues(of_lengths(10), DecodingConfig(batch_tokens=2048))
    [many] = queues(of_lengths(*[10] * 200), DecodingConfig(batch_tokens=2048))
    assert (one.shape.rows, one.capacity) == (8, 16)
    assert (many.shape.rows, many.capacity) == (64, 1024)


@pytest.mark.parametrize("devices", [1, 2, 6])
@pytest.mark.parametrize(
    ("full", "sizes"),
    [
        (64, {8, 16, 32, 40, 48, 56, 64}),
        (128, {8, 16, 32, 64, 80, 96, 112, 128}),
        (512, {8, 16, 32, 64, 128, 256, 320, 384, 448, 512}),
    ],
)
def test_rows_fit_the_sentences_in_few_sizes(devices, full, sizes, monkeypatch):
    monkeypatch.setattr(jax, "device_count", lambda: devices)
    decoding, found = DecodingConfig(batch_tokens=full * 16 * devices), set()
    for count in range(1, 3 * full * devices, 5):
        [queue] = queues(of_lengths(*[10] * count), decoding)
        found.add(queue.shape.rows)
        rows = queue.shape.rows * devices
        assert rows >= min(count, full * devices)
        assert rows < 2 * count or rows == 8 * devices
        assert rows - count < full // 8 * devices or 2 * rows <= full * devices
        assert queue.capacity == (rows if queue.shape.rows < full else 8 * rows)
    assert found == sizes
