"""The frame of a model, as far as its bundle says it."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from edgehar.models.errors import DataError
from edgehar.models.mounting import UPRIGHT, Frame
from edgehar.models.normalization import Normalization


def manifest(random_bundle: Any, mounting: str, mean_g: tuple[float, ...]) -> Any:
    """Return a manifest that says this of its mounting."""
    found = random_bundle("simple_rnn").manifest
    window = dataclasses.replace(found.window, mounting=mounting)
    return dataclasses.replace(found, window=window, normalization=Normalization(mean_g, (0.5,) * len(mean_g)))


@pytest.mark.parametrize(
    ("mounting", "up", "forward"),
    [
        ("front-right-hip, x-gravity-y-walking-direction-z-vertical-to-walking-direction", 0, 1),
        ("front right hip of a virtual person, x up, y forward, z right", 0, 1),
        ("wrist, Z up, X forward", 2, 0),
    ],
)
def test_axes_are_read(random_bundle: Any, mounting: str, up: int, forward: int) -> None:
    mean_g = np.eye(3)[up] * 0.9
    frame = Frame.of_model(manifest(random_bundle, mounting, tuple(mean_g.tolist())))
    assert frame.up.argmax() == up
    assert frame.forward.argmax() == forward
    assert np.allclose(frame.axes @ frame.axes.T, np.eye(3))


def test_up_is_where_the_training_people_had_it_if_that_is_near(random_bundle: Any) -> None:
    leaning = Frame.of_model(manifest(random_bundle, "x up, y forward", (0.8, 0.2, 0.0)))
    assert np.allclose(leaning.up, np.array([0.8, 0.2, 0.0]) / np.hypot(0.8, 0.2))
    turning = Frame.of_model(manifest(random_bundle, "x up, y forward", (0.8, 0.2, 0.0, 90.0, -50.0, 0.0)))
    assert np.allclose(turning.up, leaning.up)
    lying = Frame.of_model(manifest(random_bundle, "x up, y forward", (0.1, 0.8, 0.0)))
    assert lying.up.tolist() == [1, 0, 0]


@pytest.mark.parametrize("mounting", ["", "waist", "not stated by the training recordings", "x up", "x up, x forward"])
def test_a_model_that_does_not_say_it_is_refused(random_bundle: Any, mounting: str) -> None:
    with pytest.raises(DataError, match="expected a model that says which axis points up"):
        Frame.of_model(manifest(random_bundle, mounting, (0.8, 0.2, 0.0)))


def test_up_is_what_people_felt_who_stood_and_walked_if_the_bundle_keeps_it(random_bundle: Any) -> None:
    def up(upright_g: Any) -> list[float]:
        found = manifest(random_bundle, "x up, y forward", (0.8, 0.2, 0.0))
        configuration = {**found.provenance.configuration, UPRIGHT: upright_g}
        provenance = dataclasses.replace(found.provenance, configuration=configuration)
        return Frame.of_model(dataclasses.replace(found, provenance=provenance)).up.tolist()

    fallback = up(None)
    assert np.allclose(up([0.96, 0.28, 0]), [0.96, 0.28, 0])
    for hostile in ([0, 1, 0], [0, 0, 0], [float("nan"), 0, 0], [1, 0], "abc", [True, 0, 0], {"x": 1}, [[1, 0, 0]] * 3):
        assert up(hostile) == fallback
