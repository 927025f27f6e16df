"""What is said about a stream that is not what was declared."""

import numpy as np
import pytest

from edgehar.firmware_bridge.stream.checks import SilenceCheck, StreamChecks
from edgehar.firmware_bridge.stream.rate import RateEstimate
from edgehar.firmware_bridge.stream.samples import SampleBlock, StreamCounts
from edgehar.models.units import parse_unit

G = parse_unit("g")
FINE = StreamCounts(bytes_read=9000, samples=300)


def checks(rate_hz: float = 100.0) -> StreamChecks:
    """Return the checks of a stream."""
    return StreamChecks(declared_rate_hz=rate_hz, window_length=200)


def blocks(vector: tuple[float, float, float], count: int = 200) -> list[SampleBlock]:
    """Return a constant stream."""
    return [SampleBlock(np.tile(np.float32(vector), (count, 1)), np.arange(count) / 100, 0.0)]


@pytest.mark.parametrize(
    ("vector", "hint"),
    [((9.7, 1.0, 0.3), "--unit m/s2"), ((0.0, 0.0, 0.1), "linear acceleration"), ((30.0, 1.0, 1.0), "really sends")],
)
def test_missing_gravity_is_noticed_once(vector: tuple[float, float, float], hint: str) -> None:
    watch = checks()
    (remark,) = watch.after_read(blocks(vector), FINE, G)
    assert remark.warning
    assert hint in remark.text
    assert watch.after_read(blocks(vector), FINE, G) == []


@pytest.mark.parametrize("vector", [(0.0, -1.0, 0.0), (0.7, 0.7, 0.1), (1.0, 0.8, 0.3)])
def test_gravity_in_any_direction_is_fine(vector: tuple[float, float, float]) -> None:
    assert checks().after_read(blocks(vector), FINE, G) == []


def test_gravity_is_looked_for_in_a_whole_window() -> None:
    watch = checks()
    assert watch.after_read(blocks((0, 0, 0), 100), FINE, G) == []
    assert len(watch.after_read(blocks((0, 0, 0), 100), FINE, G)) == 1


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (RateEstimate(100.5, 0.01, 20.0), False),
        (RateEstimate(104.0, 0.1, 20.0), True),
        (RateEstimate(104.0, 2.0, 20.0), False),
        (RateEstimate(104.0, 0.1, 3.0), False),
        (RateEstimate(50.0, 0.1, 6.0), True),
    ],
)
def test_a_wrong_rate_is_noticed_when_it_is_sure(rate: RateEstimate, said: bool) -> None:
    watch = checks()
    remarks = watch.of_rate(rate)
    assert bool(remarks) is said
    if said:
        assert f"--rate {rate.rate_hz:.4g}" in remarks[0].text
    assert watch.of_rate(rate) == []


def test_a_replay_is_no_excuse_for_the_sensors_own_clock() -> None:
    (by_host,) = checks().of_rate(RateEstimate(104.0, 0.1, 20.0))
    (by_device,) = checks().of_rate(RateEstimate(104.0, 0.1, 20.0, by_device=True))
    assert "replay" in by_host.text
    assert "--rate" not in by_device.text
    assert "replay" not in by_device.text


def test_lines_with_impossible_values_are_no_garbage() -> None:
    assert checks().after_read([], StreamCounts(bytes_read=4000, damaged=100, implausible=100), G) == []


def test_garbage_is_named() -> None:
    (remark,) = checks().after_read([], StreamCounts(bytes_read=4000), None)
    assert "baud" in remark.text


def test_silence_before_and_in_a_stream() -> None:
    silence = SilenceCheck(port="/dev/x", baud=9600, started_s=0.0)
    assert silence.waited(1.0) == []
    assert "9600 baud" in silence.waited(2.5)[0].text
    assert silence.waited(60.0) == []
    assert "again after 61.0 s" in silence.heard(61.0)[0].text
    assert silence.heard(61.1) == []
    assert "nothing has arrived for 2 s" in silence.waited(63.2)[0].text
