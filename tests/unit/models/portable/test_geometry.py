"""Where layers stand along a window: the places of TensorFlow, and no more memory than filters see."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.architecture import (
    LSTM,
    Architecture,
    AveragePooling1D,
    Bidirectional,
    Branches,
    Conv1D,
    Dense,
    Layer,
    MaxPooling1D,
    named_architecture,
)
from edgehar.models.portable.geometry import margins, place_of, ring_of
from edgehar.models.stepping import obstacle, parts, skeleton


def architecture_of(layer: Layer) -> Architecture:
    """Return an architecture of one layer, whose window is long enough for any of these."""
    return Architecture("one", 200, 3, (layer,))


PADDINGS = st.sampled_from(["valid", "same", "causal"])


@given(
    steps=st.integers(1, 60),
    size=st.integers(1, 9),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 4),
    padding=PADDINGS,
)
def test_filters_lie_where_the_architecture_says(steps, size, stride, dilation, padding) -> None:
    layer = Conv1D("c", 2, size, "relu", padding, dilation, strides=stride)
    (part,) = parts(architecture_of(layer))
    with contextlib.suppress(ValueError):
        expected = layer.places(steps)
        assert margins(part.structure, steps) == (expected.count, expected.before, expected.after)
        place = place_of(part.structure, 3, steps, ends=False)
        assert place.values == 2 + 3 * min(layer.reach + 1, steps)
        return
    with pytest.raises(ValueError, match="expected a window of at least"):
        margins(part.structure, steps)


@given(steps=st.integers(1, 40), size=st.integers(1, 6), apart=st.integers(0, 3), same=st.booleans())
def test_a_pool_keeps_one_vector(steps, size, apart, same) -> None:
    layer = AveragePooling1D("p", size, strides=size + apart, padding="same" if same else "valid")
    (part,) = parts(architecture_of(layer))
    if not same and size > steps:
        return
    place = place_of(part.structure, 3, steps, ends=False)
    assert (place.count, place.values, place.sums) == (layer.places(steps).count, 3, 3)


def test_what_the_named_models_keep() -> None:
    """A convolution of five steps keeps five vectors, where its whole output would be 196."""
    kept = {}
    for name in ("cnn", "cnn_gru", "tcn", "bi_gru", "attention", "dense", "majority"):
        architecture = named_architecture(name).deployed
        assert obstacle(architecture, "int8") is None
        model = skeleton(architecture)
        kept[name] = (model.kept_values, model.kept_sums)
    assert kept == {
        "cnn": (591, 64),
        "cnn_gru": (111, 0),
        "tcn": (6585, 24),
        "bi_gru": (728, 0),
        "attention": (4975, 32),
        "dense": (32, 32),
        "majority": (3, 3),
    }


def test_a_join_keeps_what_waits_for_the_slower_branch() -> None:
    """As many vectors as the slower branch is behind, and one: of two that look back just one."""

    def ring(*branches: tuple[Layer, ...], window: int = 200) -> int:
        block = Branches("b", "concat", branches)
        layers = (block, LSTM("l", 2), Dense("o", 2, "softmax"))
        model = skeleton(Architecture("one", window, 3, layers))
        return next(place.ring for place in model.places if place.ring)

    causal = Conv1D("c", 3, 5, "relu", "causal", 4)
    centred, again = (Conv1D(name, 3, 5, "relu", "same") for name in "de")
    assert ring((causal,), ()) == 1
    assert ring((centred,), ()) == ring((), (centred,)) == 3
    assert ring((centred, again), (Conv1D("f", 3, 3, "relu", "same"),)) == 5
    assert ring((Conv1D("f", 3, 4, "relu", "same", strides=2),), (MaxPooling1D("g", 2),)) == 1
    assert ring((Conv1D("f", 3, 9, "relu", "same", strides=2),), (MaxPooling1D("g", 2),)) == 3
    assert ring((Conv1D("f", 3, 1, "relu", "valid", strides=199),), (MaxPooling1D("g", 199, padding="same"),)) == 2
    assert ring((Bidirectional("f", "LSTM", 3, True),), ()) == 200
    nested = Branches("n", "sum", ((centred,), ()))
    assert ring((nested, again), ()) == 5


def test_the_busiest_sample_is_the_last_one_of_a_backward_layer() -> None:
    assert skeleton(named_architecture("bi_gru")).runs_per_step == (1, 200)
    conv, pool, second, *_ = skeleton(named_architecture("cnn").deployed).runs_per_step
    assert (conv, pool, second) == (1, 0, 1)


def test_a_ring_is_never_longer_than_the_window() -> None:
    (part,) = parts(architecture_of(Conv1D("c", 2, 9, "relu", "causal", 4)))
    assert ring_of(part.structure, 5) == 5
