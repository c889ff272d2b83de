"""What a config says of a search is what the search is told."""

from seq2seq.config import DecodingConfig
from seq2seq.decoding.options import SearchOptions
from seq2seq.decoding.sampling import Draw
from seq2seq.vocabulary import Symbols

SYMBOLS = Symbols(pad=9, start=8, end=7, unknown=6)


def test_a_search_is_told_everything():
    config = DecodingConfig(
        beam_size=5,
        n_best=3,
        length_penalty=0.7,
        endings="candidates",
        stopping="limit",
        diversity=0.4,
    )
    assert SearchOptions.of(config, SYMBOLS) == SearchOptions(
        beam_size=5,
        results=3,
        alpha=0.7,
        start_id=8,
        end_id=7,
        banned=(9, 8, 6),
        endings="candidates",
        stopping="limit",
        diversity=0.4,
    )


def test_draws_are_told_everything():
    restricted = {"temperature": 1.3, "top_k": 6, "top_p": 0.8, "min_p": 0.1}
    drawing = DecodingConfig(sampling=True, n_best=12, seed=5, **restricted)
    found = SearchOptions.of(drawing, SYMBOLS)
    assert found.draw == Draw(5, 1.3, 6, 0.8, 0.1)
    assert (found.beam_size, found.results) == (12, 12)
    found = SearchOptions.of(DecodingConfig(mbr=16, n_best=2, seed=5, **restricted), SYMBOLS)
    assert found.draw == Draw(5, 1.3, 6, 0.8, 0.1)
    assert (found.beam_size, found.results) == (16, 16)
