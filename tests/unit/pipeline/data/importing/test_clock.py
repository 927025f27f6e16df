"""Times as they are: even, jittering, in bursts, rounded; lost samples are gaps, and nothing else is."""

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgehar.pipeline.data.importing.clock as module
from edgehar.pipeline.data.importing.clock import SECONDS, Clock, guess_time_unit, look_at_steps, read_clock
from edgehar.pipeline.data.importing.spool import Spool

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


def _read(stamps: Floats) -> tuple[Clock, Floats]:
    times, out = Spool(np.float64), Spool(np.float64)
    times.append(stamps)
    steps = look_at_steps(times, 0, len(stamps))
    assert steps is not None
    clock = read_clock(times, 0, len(stamps), steps, out)
    return clock, out.read(0, len(out))


def test_examples_in_docstrings_run() -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@given(rate=st.floats(8.1, 499), unit=st.sampled_from(sorted(SECONDS)))
def test_time_unit_is_found_for_every_rate(rate: float, unit: str) -> None:
    times = Spool(np.float64)
    times.append(np.arange(50) / rate / SECONDS[unit])
    steps = look_at_steps(times, 0, 50)
    assert steps is not None
    assert guess_time_unit(steps.usual) == unit


@pytest.mark.parametrize("rate_hz", [1, 2, 5, 7.9])
def test_rates_too_slow_for_movements_are_never_guessed(rate_hz: float) -> None:
    assert guess_time_unit(1 / rate_hz) is None


@given(rate=st.floats(20, 400), lost=st.sets(st.integers(10, 480), max_size=12), seed=st.integers(0, 2**16))
def test_every_lost_sample_of_a_steady_clock_is_a_gap(rate: float, lost: set[int], seed: int) -> None:
    kept = np.array([index for index in range(500) if index not in lost])
    jitter = np.random.default_rng(seed).uniform(-0.05, 0.05, 500)
    clock, _ = _read((np.arange(500) + jitter)[kept] / rate)
    assert set(clock.gaps) == set((np.flatnonzero(np.diff(kept) > 1) + 1).tolist())
    assert clock.rate_hz == pytest.approx(rate, rel=2e-3)
    assert clock.missing_s == pytest.approx(len(lost) / rate, abs=0.3 * max(1, len(lost)) / rate)


@settings(max_examples=60)
@given(rate=st.floats(20, 400), size=st.integers(2, 20), inner_us=st.sampled_from([0.0, 1.0, 30.0]), lost=st.booleans())
def test_bursts_have_the_rate_of_their_packets(rate: float, size: int, inner_us: float, lost: bool) -> None:
    packets = np.repeat(np.arange(40), size)
    stamps = packets * size / rate + np.tile(np.arange(size), 40) * inner_us * 1e-6
    if lost:
        stamps = stamps[(packets != 20)]
    clock, seconds = _read(stamps)
    assert clock.rate_hz == pytest.approx(rate, rel=0.01)
    assert clock.gaps == ((20 * size,) if lost else ())
    assert (np.diff(seconds) > 0).all()
    if lost:
        assert clock.missing_s == pytest.approx(size / rate, rel=0.05)


@pytest.mark.parametrize("rate", [600.0, 800.0, 1000.5, 1600.0, 3200.0])
def test_times_rounded_to_milliseconds(rate: float) -> None:
    exact = np.arange(2000) / rate
    clock, seconds = _read(np.floor(exact * 1000) / 1000)
    assert clock.rate_hz == pytest.approx(rate, rel=2e-3)
    assert clock.gaps == ()
    assert (np.diff(seconds) > 0).all()
    assert np.abs(seconds - exact).max() < 2.5e-3


@pytest.mark.parametrize("rate", [20.0, 50.0, 100.0])
@pytest.mark.parametrize("lost", [0, 1])
def test_whole_second_stamps(rate: float, lost: int) -> None:
    exact = np.arange(int(rate * 12)) / rate + 0.37
    exact = exact[~((exact >= 5) & (exact < 5 + lost))]
    clock, seconds = _read(np.floor(exact))
    assert clock.rate_hz == pytest.approx(rate, rel=0.01)
    assert len(clock.gaps) == lost
    assert (np.diff(seconds) > 0).all()


def test_a_long_recording_is_read_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgehar.pipeline.data.importing.spool.BLOCK_ROWS", 1000)
    exact = np.arange(10_000) / 50.0
    stamps = exact + np.where(np.arange(10_000) >= 4000, 2.0, 0.0)
    for written in (stamps, np.floor(stamps)):
        clock, seconds = _read(written)
        assert clock.rate_hz == pytest.approx(50, rel=0.005)
        assert clock.gaps == (4000,)
        assert (np.diff(seconds) > 0).all()
        assert len(seconds) == 10_000


def test_row_numbers_are_seen() -> None:
    times = Spool(np.float64)
    times.append(np.arange(300.0))
    steps = look_at_steps(times, 0, 300)
    assert steps is not None
    assert steps.whole_ones


@pytest.mark.parametrize("stamps", [[], [1.0], [3.0, 3.0, 3.0]])
def test_time_that_does_not_pass_has_no_steps(stamps: list[float]) -> None:
    times = Spool(np.float64)
    times.append(np.array(stamps))
    assert look_at_steps(times, 0, len(stamps)) is None
