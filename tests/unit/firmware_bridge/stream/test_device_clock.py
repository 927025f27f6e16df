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


@pytest.mark.parametrize("modulus", [2**8, 2**16, 2**32])
@pytest.mark.parametrize("share", [0.2, 0.25])
def test_a_loss_of_up_to_a_quarter_of_the_counter_is_counted_across_its_wrap(modulus: int, share: float) -> None:
    period = max(1.0, modulus / 1000)
    before = modulus - 3 * period
    missing = int(share * modulus / period) - 1
    ticks = [before - 5 * period, before - 4 * period, before, (before + (missing + 1) * period) % modulus]
    steps = walk(ticks, period_ticks=period, tick_s=1.0)
    assert steps[-1].lost == missing
    assert steps[-1].usable


@pytest.mark.parametrize("modulus", [2**8, 2**16])
def test_a_step_back_of_more_than_a_quarter_short_of_a_wrap_is_no_wrap(modulus: int) -> None:
    period = max(1.0, modulus / 1000)
    last = modulus - 3 * period
    (*_, step) = walk([last - period, last, (last + 0.3 * modulus) % modulus], period_ticks=period, tick_s=1.0)
    assert not step.usable


def test_a_counter_wraps_again_and_again() -> None:
    ticks = [i * 10.0 % 2**16 for i in range(30_000)]
    steps = walk(ticks, period_ticks=10.0)
    assert not any(step.lost or step.restarted or not step.usable for step in steps)
    assert steps[-1].time_s == pytest.approx(299.99)


def test_a_doubt_is_over_with_the_next_good_tick() -> None:
    """Two damaged ticks that would confirm each other, with good ones between, are no restart."""
    steps = walk([5000, 5010, 20, 5030, 5040, 30, 5060])
    assert [step.usable for step in steps] == [True, True, False, True, True, False, True]
    assert not any(step.restarted for step in steps)
    assert [step.lost for step in steps] == [0, 0, 0, 1, 0, 0, 1]


def test_a_doubt_is_over_when_it_was_confirmed() -> None:
    steps = walk([500_000, 500_010, 20, 30, 40, 5, 50])
    assert [step.restarted for step in steps] == [False, False, False, True, False, False, False]
    assert not steps[5].usable
    steps = walk([0, 10, 20, 30_020, 30_030, 30_040, 25, 30_050])
    assert [step.usable for step in steps] == [True, True, True, False, True, True, False, True]


@pytest.mark.parametrize(("step", "usable", "lost"), [(10_000, True, 999), (10_001, False, 0)])
def test_a_step_of_a_thousand_periods_is_believed_at_once(step: int, usable: bool, lost: int) -> None:
    (*_, found) = walk([0, 10, 10 + step])
    assert (found.usable, found.lost) == (usable, lost)


@pytest.mark.parametrize(("step", "lost"), [(15, 0), (15.1, 1), (24.9, 1), (25.1, 2)])
def test_a_step_of_more_than_one_and_a_half_periods_is_a_loss(step: float, lost: int) -> None:
    assert walk([0, 10, 10 + step])[-1].lost == lost


def test_an_announcement_holds_for_one_tick() -> None:
    clock = DeviceClock(tick_s=1e-3, period_ticks=10)
    clock.advance(500_000)
    clock.announce_restart()
    assert clock.advance(500_010) == ClockStep(0.01), "it went on after all"
    assert not clock.advance(20).usable


def test_time_goes_on_by_what_is_known_after_a_restart() -> None:
    clock = DeviceClock(tick_s=1e-3, period_ticks=10)
    times = [clock.advance(tick) for tick in (1000, 1010, 20, 30, 40, 60)]
    # The tick that was doubted and the one that confirmed it are two periods.
    assert [step.time_s for step in times] == pytest.approx([0.0, 0.01, 0.01, 0.03, 0.04, 0.06])
    assert [step.lost for step in times] == [0, 0, 0, 1, 0, 1]


def test_the_period_follows_a_sensor_slowly_and_is_said_in_seconds() -> None:
    clock = DeviceClock(tick_s=1e-3, period_ticks=10)
    assert clock.period_s == pytest.approx(0.01)
    for index in range(20):
        clock.advance(12 * index)
    assert clock.period_s == pytest.approx(0.01), "nineteen periods say too little"
    clock.advance(12 * 20)
    assert clock.period_s == pytest.approx(0.012)
    for index in range(21, 1001):
        clock.advance(12 * index)
    for index in range(1, 1001):
        clock.advance(12_000 + 9 * index)
    assert clock.period_s == pytest.approx(0.009)


def test_a_long_loss_does_not_spoil_the_period() -> None:
    """More missing samples than ten are counted with the period, so they must not be averaged into it."""
    clock = DeviceClock(tick_s=1e-3, period_ticks=10)
    ticks = [*range(0, 100, 10), *range(300, 700, 10)]
    for tick in ticks:
        clock.advance(tick + (7 if tick >= 300 else 0))
    assert clock.period_s == pytest.approx(0.01)


@pytest.mark.parametrize(("missing", "period_s"), [(10, 0.0102), (11, 0.01)])
def test_ten_missing_samples_are_counted_right_while_the_period_is_known_roughly(missing: int, period_s: float) -> None:
    """The average goes on across a loss whose size is sure, and begins anew behind a longer one."""
    clock = DeviceClock(tick_s=1e-3, period_ticks=10)
    steps = [clock.advance(10.2 * index) for index in (*range(15), 15 + missing)]
    assert steps[-1].lost == missing
    assert clock.period_s == pytest.approx(period_s)


@pytest.mark.parametrize(
    ("confirming", "usable"), [(30_020, False), (30_021, True), (30_520, True), (40_020, True), (40_021, False)]
)
def test_a_jump_is_confirmed_by_a_tick_that_follows_it(confirming: float, usable: bool) -> None:
    assert walk([0, 10, 20, 30_020, confirming])[-1].usable is usable


def test_what_was_confirmed_confirms_nothing_more() -> None:
    steps = walk([500_000, 500_010, 20, 30, 25, 50])
    assert [step.restarted for step in steps] == [False, False, False, True, False, False]
    assert [step.usable for step in steps] == [True, True, False, True, False, True]


def test_a_period_that_was_averaged_over_a_thousand_is_kept_for_a_thousand() -> None:
    clock = DeviceClock(tick_s=1e-3, period_ticks=10)
    periods = [clock.period_s for index in range(2001) if clock.advance(float(round(9.613 * index))).usable]
    assert len(set(periods[20:1000])) > 100, "until then every sample refines it"
    assert set(periods[1000:2000]) == {periods[1000]}
    assert periods[1000] == pytest.approx(0.009613, rel=1e-3)


def test_the_average_begins_anew_with_the_device() -> None:
    clock = DeviceClock(tick_s=1e-3, period_ticks=10)
    for index in range(16):
        clock.advance(12 * index)
    clock.announce_restart()
    for index in range(10):
        clock.advance(12 * index)
    assert clock.period_s == pytest.approx(0.01), "less than twenty periods on either side"


def test_a_wrap_of_more_than_a_thousand_periods_is_a_damaged_tick() -> None:
    steps = walk([64_990, 65_000, (65_000 + 12_000) % 2**16, 65_020])
    assert [(step.usable, step.lost) for step in steps] == [(True, 0), (True, 0), (False, 0), (True, 1)]
