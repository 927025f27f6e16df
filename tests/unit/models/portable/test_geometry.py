"""Where layers stand along a window: the places of TensorFlow, and no more memory than filters see."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.architecture import Architecture, AveragePooling1D, Conv1D, Layer, named_architecture
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


def test_the_busiest_sample_is_the_last_one_of_a_backward_layer() -> None:
    assert skeleton(named_architecture("bi_gru")).runs_per_step == (1, 200)
    conv, pool, second, *_ = skeleton(named_architecture("cnn").deployed).runs_per_step
    assert (conv, pool, second) == (1, 0, 1)


def test_a_ring_is_never_longer_than_the_window() -> None:
    (part,) = parts(architecture_of(Conv1D("c", 2, 9, "relu", "causal", 4)))
    assert ring_of(part.structure, 5) == 5
