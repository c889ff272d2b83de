"""What is drawn of a sentence's attention."""

import numpy as np
import pytest

from seq2seq.pictures.views import Choice, views


def test_everything_is_there_by_kind_and_layer(duck):
    found = views(duck, Choice())
    kinds = [(view.kind, view.layer) for view in found]
    decoder = [(kind, layer) for kind in ("decoder", "cross") for layer in (1, 2, 3)]
    assert kinds == [("encoder", 1), ("encoder", 2), *decoder]
    names = {"encoder": ("source", "source"), "decoder": ("target", "read")}
    for view in found:
        rows, columns = names.get(view.kind, ("target", "source"))
        assert (view.rows, view.columns) == (getattr(duck, rows), getattr(duck, columns))
        np.testing.assert_array_equal(view.weights, getattr(duck, view.kind)[view.layer - 1])
        assert view.heads == (1, 2, 3, 4)


def test_layers_and_heads_are_chosen_by_number(duck):
    found = views(duck, Choice(("cross", "encoder"), layers=(3, 2), heads=(4, 2)))
    assert [(v.kind, v.layer) for v in found] == [("encoder", 2), ("cross", 2), ("cross", 3)]
    np.testing.assert_array_equal(found[2].weights, duck.cross[2, [1, 3]])
    assert found[2].heads == (2, 4)


@pytest.mark.parametrize("choice", [{"layers": (9,)}, {"heads": (5,)}, {"kinds": ()}])
def test_a_choice_of_nothing(duck, choice):
    with pytest.raises(ValueError, match="expected layers and heads of the model, found Choice"):
        views(duck, Choice(**choice))


def test_a_word_is_found_in_the_rows(duck):
    encoder, *_, cross = views(duck, Choice())
    assert encoder.row_of("Bank") == 6
    assert cross.row_of("ufer") == 6
    assert cross.row_of("bank") is None
    assert encoder.row_of(None) is None
