"""The clock of a device: loss, wraps, restarts, damaged ticks."""

import pytest

from edgehar.firmware_bridge.stream.device_clock import ClockStep, DeviceClock


def walk(ticks: list[float], *, tick_s: float = 1e-3, period_ticks: float = 10.0) -> list[ClockStep]:
    """Advance a clock through ticks."""
    clock = DeviceClock(tick_s=tick_s, period_ticks=period_ticks)
    return [clock.advance(tick) for tick in ticks]


def test_a_steady_stream_loses_nothing() -> None:
    steps = walk([1000 + 10 * i for i in range(50)])
    assert sum(step.lost for step in steps) == 0
    assert [step.time_s for step in steps] == pytest.approx([0.01 * i for i in range(50)])


@pytest.mark.parametrize("missing", [1, 2, 7, 99, 900])
def test_missing_samples_are_counted_exactly(missing: int) -> None:
    steps = walk([10 * i for i in range(20)] + [10 * (i + missing) for i in range(20, 40)])
    assert [step.lost for step in steps if step.lost] == [missing]
    assert all(step.usable for step in steps)


def test_the_period_is_refined_so_that_long_gaps_are_right() -> None:
    true_period_ms = 1000 / 104
    ticks = [float(round(true_period_ms * i)) for i in (*range(300), *range(700, 900))]
    assert sum(step.lost for step in walk(ticks)) == 400


@pytest.mark.parametrize(("modulus", "period"), [(2**8, 1.0), (2**16, 10.0), (2**32, 10_000.0)])
def test_a_counter_that_wraps_loses_nothing(modulus: int, period: float) -> None:
    ticks = [(modulus - 5 * period + i * period) % modulus for i in range(20)]
    steps = walk(ticks, period_ticks=period, tick_s=1.0)
    assert all(step == ClockStep(i * period) for i, step in enumerate(steps))


def test_loss_across_a_wrap_is_counted() -> None:
    modulus, period = 2**32, 10_000.0
    ticks = [(modulus - 5 * period + i * period) % modulus for i in (*range(4), *range(9, 20))]
    assert [step.lost for step in walk(ticks, period_ticks=period)][4] == 5


def test_a_repeated_tick_is_not_used_twice() -> None:
    steps = walk([0, 10, 10, 20])
    assert [step.repeated for step in steps] == [False, False, True, False]
    assert [step.usable for step in steps] == [True, True, False, True]


@pytest.mark.parametrize("damaged", [90_000.0, 3.0])
def test_one_damaged_tick_costs_one_sample(damaged: float) -> None:
    steps = walk([5000, 5010, damaged, 5030, 5040])
    assert [step.usable for step in steps] == [True, True, False, True, True]
    assert [step.lost for step in steps] == [0, 0, 0, 1, 0]
    assert not any(step.restarted for step in steps)


def test_a_restart_is_believed_when_confirmed() -> None:
    steps = walk([500_000, 500_010, 20, 30, 40])
    assert [step.restarted for step in steps] == [False, False, False, True, False]
    times = [step.time_s for step in steps if step.usable]
    assert times == sorted(times)


def test_an_announced_restart_is_believed_at_once() -> None:
    clock = DeviceClock(tick_s=1e-3, period_ticks=10)
    clock.advance(500_000)
    clock.announce_restart()
    step = clock.advance(20)
    assert step == ClockStep(0.01, restarted=True)


def test_a_long_confirmed_jump_is_loss() -> None:
    steps = walk([0, 10, 20, 60_020, 60_030])
    assert [step.usable for step in steps] == [True, True, True, False, True]
    assert steps[-1].lost == 6000


def test_time_begins_at_the_origin() -> None:
    clock = DeviceClock(tick_s=1.0, period_ticks=1.0, origin_s=5.0)
    assert [clock.advance(tick).time_s for tick in (70, 71)] == [5.0, 6.0]
