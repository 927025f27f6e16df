"""The script that leads a wearer: prompts, takes, second thoughts."""

from typing import Any

import pytest

from edgehar.firmware_bridge.record.script import Phase, Session, Step, parse_script, parse_step
from edgehar.models.errors import UsageError

WALK, SIT = Step("walk", 10.0), Step("sit", 20.0)


def begun(*steps: Step) -> Session:
    """Return a session in its first take, which began at 100 s of the sensor's time."""
    session = Session(steps or (WALK, SIT), ready_s=5.0)
    session.tick(host_s=0.0, sensor_s=95.0)
    session.tick(host_s=5.0, sensor_s=100.0)
    assert session.phase is Phase.TAKE
    return session


def test_a_script_is_lines_with_comments() -> None:
    text = "# morning\nwalk:60\n\nwalk up stairs: 30  # twice\n"
    assert parse_script(text) == (Step("walk", 60.0), Step("walk up stairs", 30.0))


@pytest.mark.parametrize("text", ["walk", "walk:", ":60", "walk:-1", "walk:0", "walk:nan", "walk:inf", "walk:soon"])
def test_other_steps_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="ACTIVITY:SECONDS"):
        parse_step(text)


def test_it_counts_down_by_the_host_and_takes_by_the_samples() -> None:
    session = Session((WALK, SIT), ready_s=5.0)
    assert session.tick(host_s=50.0, sensor_s=None) == []
    session.tick(host_s=53.0, sensor_s=2.0)
    assert (session.phase, session.left_s) == (Phase.READY, 2.0)
    assert session.tick(host_s=55.0, sensor_s=4.0) == [{"event": "begin", "take": 1, "activity": "walk", "t_s": 4.0}]
    assert session.tick(host_s=999.0, sensor_s=9.0) == [], "a line that stood still brings no walking"
    assert session.left_s == 5.0
    assert session.tick(host_s=1000.0, sensor_s=14.0) == [{"event": "end", "take": 1, "t_s": 14.0}]
    assert (session.phase, session.step) == (Phase.READY, SIT)


def test_a_take_waits_for_the_first_sample() -> None:
    session = Session((WALK,), ready_s=0.0)
    assert session.tick(host_s=0.0, sensor_s=None) == []
    assert session.tick(host_s=9.0, sensor_s=0.0)[0]["event"] == "begin"


def test_discarding_asks_again() -> None:
    session = begun()
    assert session.press("d", sensor_s=103.0) == [{"event": "discard", "take": 1}]
    assert (session.phase, session.step, session.kept) == (Phase.READY, WALK, [])
    session.tick(host_s=6.0, sensor_s=104.0)
    (again,) = session.tick(host_s=11.0, sensor_s=109.0)
    assert (again["take"], again["activity"]) == (2, "walk")


def test_discarding_while_getting_ready_is_about_the_take_before() -> None:
    session = begun()
    session.tick(host_s=20.0, sensor_s=110.0)
    assert session.press("d", sensor_s=111.0) == [{"event": "discard", "take": 1}]
    assert session.step is WALK
    assert session.press("d", sensor_s=111.0) == [], "there is nothing left to discard"


@pytest.mark.parametrize("when", ["during", "after"])
def test_relabelling(when: str) -> None:
    session = begun()
    if when == "after":
        session.tick(host_s=20.0, sensor_s=110.0)
    assert session.press("2", sensor_s=111.0) == [{"event": "relabel", "take": 1, "activity": "sit"}]
    session.tick(host_s=21.0, sensor_s=112.0)
    assert session.kept[0].activity == "sit"


def test_a_discarded_take_is_not_the_one_that_is_relabelled() -> None:
    session = begun(WALK, SIT)
    session.tick(host_s=20.0, sensor_s=110.0)
    session.press("n", sensor_s=110.0)
    session.press("d", sensor_s=112.0)
    assert session.press("2", sensor_s=112.0) == [{"event": "relabel", "take": 1, "activity": "sit"}]


def test_next_ends_a_take_early_and_begins_one_without_waiting() -> None:
    session = begun()
    assert session.press("n", sensor_s=104.0) == [{"event": "end", "take": 1, "t_s": 104.0}]
    assert session.kept[0].seconds == 4.0
    assert session.press("n", sensor_s=105.0)[0] == {"event": "begin", "take": 2, "activity": "sit", "t_s": 105.0}


def test_pausing_ends_the_take_and_going_on_counts_down_again() -> None:
    session = begun()
    assert session.press("p", sensor_s=104.0)[0]["event"] == "end"
    assert session.tick(host_s=500.0, sensor_s=500.0) == []
    session.press("p", sensor_s=500.0)
    session.tick(host_s=501.0, sensor_s=501.0)
    assert (session.phase, session.left_s) == (Phase.READY, 5.0)


def test_the_end_keeps_the_take_that_runs() -> None:
    session = begun()
    assert session.finish(sensor_s=103.0) == [{"event": "end", "take": 1, "t_s": 103.0}]
    assert session.phase is Phase.DONE


@pytest.mark.parametrize("key", ["x", "3", "0", "\n", "é", "²"])
def test_other_keys_do_nothing(key: str) -> None:
    session = begun()
    events: list[dict[str, Any]] = session.press(key, sensor_s=101.0)
    assert events == []
    assert session.phase is Phase.TAKE
