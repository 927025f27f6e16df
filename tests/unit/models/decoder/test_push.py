"""The push of an elevator: direction from physics, never from orientation, gone after movement; mass is only moved."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgehar.models.bundle.manifest import DecoderSpec, PushSpec
from edgehar.models.decoder import UNDECODED, Decoder, PushDetector, redistribute

SPEC = PushSpec("up", "down")
LABELS = ("up", "down", "stand")


def rest(seconds: float, rate_hz: float = 100.0) -> NDArray[np.float64]:
    """Return lengths of acceleration, in g, of somebody who stands."""
    return np.ones(round(seconds * rate_hz))


def ride(towards: int, rate_hz: float = 100.0, *, push_g: float = 0.08, seconds: float = 10.0) -> NDArray[np.float64]:
    """Return lengths of acceleration, in g, of a ride: a push of 1.2 s, nothing, and the opposite push."""
    push = 1 + towards * push_g * np.sin(np.pi * np.linspace(0, 1, round(1.2 * rate_hz)))
    return np.concatenate([push, rest(seconds, rate_hz), 2 - push, rest(2, rate_hz)])


def walk(seconds: float) -> NDArray[np.float64]:
    """Return lengths of acceleration, in g, of somebody who walks."""
    return 1 + 0.3 * np.sin(2 * np.pi * 2 * np.arange(round(100 * seconds)) / 100)


def samples(lengths: NDArray[np.float64], seed: int = 0, noise_g: float = 0.003) -> NDArray[np.float64]:
    """Return samples (n, 3) of these lengths, the sensor mounted anyhow, with noise."""
    generator = np.random.default_rng(seed)
    axis = generator.normal(size=3)
    return np.outer(lengths, axis / np.linalg.norm(axis)) + generator.normal(0, noise_g, (len(lengths), 3))


def directions(*parts: NDArray[np.float64], rate_hz: float = 100.0, seed: int = 0) -> NDArray[np.int8]:
    """Return the direction after each sample of a stream."""
    return PushDetector(SPEC, rate_hz=rate_hz).feed(samples(np.concatenate(parts), seed))


@given(st.integers(0, 999), st.sampled_from([25.0, 50.0, 100.0, 200.0]), st.floats(0.06, 0.1))
def test_the_first_push_is_the_direction_at_any_rate_and_mounting(seed: int, rate_hz: float, push_g: float) -> None:
    for towards in (1, -1):
        parts = (rest(5, rate_hz), ride(towards, rate_hz, push_g=push_g))
        found = directions(*parts, rate_hz=rate_hz, seed=seed)
        begun = len(parts[0])
        assert not found[:begun].any(), "standing has no direction"
        assert (found[begun + round(1.2 * rate_hz) :] == towards).all(), "the opposite push does not turn it"


def test_rides_follow_each_other() -> None:
    order = (1, -1, -1, 1, 1)
    parts = [ride(towards) for towards in order]
    found = directions(rest(5), *parts)
    ends = 500 + np.cumsum([len(part) for part in parts])
    assert [int(found[end - 1]) for end in ends] == list(order)


def test_movement_forgets_the_ride() -> None:
    found = directions(rest(5), ride(1), walk(4), rest(5))
    assert found[500 + len(ride(1)) - 1] == 1
    assert not found[-500:].any()


def test_walking_has_no_direction() -> None:
    assert not directions(rest(3), walk(60))[600:].any()


@pytest.mark.parametrize("offset_g", [0.03, -0.03, 0.3])
def test_another_orientation_is_no_ride_for_long(offset_g: float) -> None:
    # A sensor whose axes differ in scale measures another length of gravity when it lies otherwise.
    found = directions(rest(10), rest(20) + offset_g)
    assert not found[-1000:].any()


@given(st.integers(0, 99), st.lists(st.integers(1, 2000), max_size=6))
def test_blocks_do_not_matter(seed: int, cuts: list[int]) -> None:
    stream = samples(np.concatenate([rest(4), ride(-1), walk(2), rest(3), ride(1)]), seed)
    whole = PushDetector(SPEC, rate_hz=100.0).feed(stream)
    parts = PushDetector(SPEC, rate_hz=100.0)
    blocks = np.split(stream, sorted(cut for cut in cuts if cut < len(stream)))
    assert np.array_equal(np.concatenate([parts.feed(block) for block in blocks]), whole)
    parts.restart()
    assert np.array_equal(parts.feed(stream), whole)


@given(
    seed=st.integers(0, 999),
    odds=st.tuples(st.floats(-30, 30), st.floats(-30, 30)),
    zero=st.sampled_from([(), (0,), (0, 1)]),
)
def test_only_the_two_classes_share_their_mass(seed: int, odds: tuple[float, float], zero: tuple[int, ...]) -> None:
    posterior = np.random.default_rng(seed).dirichlet([0.6] * 5)
    posterior[list(zero)] = 0.0
    low, high = (redistribute(posterior, up=0, down=1, log_odds=value) for value in sorted(odds))
    for found in (low, high):
        assert np.array_equal(found[2:], posterior[2:])
        assert found[:2].sum() == pytest.approx(posterior[:2].sum())
        assert (found >= 0).all()
    assert high[0] >= low[0] - 1e-12
    assert np.array_equal(redistribute(posterior, up=0, down=1, log_odds=0.0), posterior)
    if posterior[:2].all() and odds[0]:
        moved = redistribute(posterior, up=0, down=1, log_odds=odds[0])
        change = np.log(moved[0] / moved[1]) - np.log(posterior[0] / posterior[1])
        assert change == pytest.approx(odds[0], abs=1e-6)


def test_a_decoder_uses_the_direction_of_its_stream() -> None:
    tool = Decoder(replace(UNDECODED, push=SPEC), LABELS, hop=100, spec_hop=100, window_length=200)
    assert not tool.changes_nothing
    unsure = np.array([0.34, 0.36, 0.3])
    assert tool.decode(unsure, int(tool.watch(samples(rest(5)))[-1])).label == "down"
    assert tool.decode(unsure, int(tool.watch(samples(ride(1)))[-1])).label == "up"
    assert tool.decode(unsure, int(tool.watch(samples(np.concatenate([rest(3), ride(-1)])))[-1])).label == "down"
    tool.restart()
    assert tool.decode(unsure, int(tool.watch(samples(rest(1)))[-1])).label == "down"


@given(st.integers(0, 99))
def test_without_elevators_samples_do_not_matter(seed: int) -> None:
    spec = DecoderSpec(1, 0.0, 1, stay_probability=0.9)
    tool, deaf = (Decoder(spec, LABELS, hop=100, spec_hop=100, window_length=200) for _ in range(2))
    for row in np.random.default_rng(seed).dirichlet([0.5] * 3, 10):
        direction = int(tool.watch(samples(ride(1), seed))[-1])
        assert np.array_equal(tool.decode(row, direction).posterior, deaf.decode(row).posterior)
