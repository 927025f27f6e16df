"""The script that leads a wearer: prompts, takes, second thoughts."""

from typing import Any

import pytest

from edgehar.firmware_bridge.record.script import Phase, ScriptRunner, Step, parse_script, parse_step
from edgehar.models.errors import UsageError

WALK, SIT = Step("walk", 10.0), Step("sit", 20.0)


def begun(*steps: Step) -> ScriptRunner:
    """Return a script in its first take, which began at 100 s of the sensor's time."""
    script = ScriptRunner(steps or (WALK, SIT), ready_s=5.0)
    script.tick(host_s=0.0, sensor_s=95.0)
    script.tick(host_s=5.0, sensor_s=100.0)
    assert script.phase is Phase.TAKE
    return script


def test_a_script_is_lines_with_comments() -> None:
    text = "# morning\nwalk:60\n\nwalk up stairs: 30  # twice\n"
    assert parse_script(text) == (Step("walk", 60.0), Step("walk up stairs", 30.0))


@pytest.mark.parametrize("text", ["walk", "walk:", ":60", "walk:-1", "walk:0", "walk:nan", "walk:inf", "walk:soon"])
def test_other_steps_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="ACTIVITY:SECONDS"):
        parse_step(text)


def test_it_counts_down_by_the_host_and_takes_by_the_samples() -> None:
    script = ScriptRunner((WALK, SIT), ready_s=5.0)
    assert script.tick(host_s=50.0, sensor_s=None) == []
    script.tick(host_s=53.0, sensor_s=2.0)
    assert (script.phase, script.left_s) == (Phase.READY, 2.0)
    assert script.tick(host_s=55.0, sensor_s=4.0) == [{"event": "begin", "take": 1, "activity": "walk", "t_s": 4.0}]
    assert script.tick(host_s=999.0, sensor_s=9.0) == [], "a line that stood still brings no walking"
    assert script.left_s == 5.0
    assert script.tick(host_s=1000.0, sensor_s=14.0) == [{"event": "end", "take": 1, "t_s": 14.0}]
    assert (script.phase, script.step) == (Phase.READY, SIT)


def test_a_take_waits_for_the_first_sample() -> None:
    script = ScriptRunner((WALK,), ready_s=0.0)
    assert script.tick(host_s=0.0, sensor_s=None) == []
    assert script.tick(host_s=9.0, sensor_s=0.0)[0]["event"] == "begin"


def test_discarding_asks_again() -> None:
    script = begun()
    assert script.press("d", sensor_s=103.0) == [{"event": "discard", "take": 1}]
    assert (script.phase, script.step, script.kept) == (Phase.READY, WALK, [])
    script.tick(host_s=6.0, sensor_s=104.0)
    (again,) = script.tick(host_s=11.0, sensor_s=109.0)
    assert (again["take"], again["activity"]) == (2, "walk")


def test_discarding_while_getting_ready_is_about_the_take_before() -> None:
    script = begun()
    script.tick(host_s=20.0, sensor_s=110.0)
    assert script.press("d", sensor_s=111.0) == [{"event": "discard", "take": 1}]
    assert script.step is WALK
    assert script.press("d", sensor_s=111.0) == [], "there is nothing left to discard"


@pytest.mark.parametrize("when", ["during", "after"])
def test_relabelling(when: str) -> None:
    script = begun()
    if when == "after":
        script.tick(host_s=20.0, sensor_s=110.0)
    assert script.press("2", sensor_s=111.0) == [{"event": "relabel", "take": 1, "activity": "sit"}]
    script.tick(host_s=21.0, sensor_s=112.0)
    assert script.kept[0].activity == "sit"


def test_a_discarded_take_is_not_the_one_that_is_relabelled() -> None:
    script = begun(WALK, SIT)
    script.tick(host_s=20.0, sensor_s=110.0)
    script.press("n", sensor_s=110.0)
    script.press("d", sensor_s=112.0)
    assert script.press("2", sensor_s=112.0) == [{"event": "relabel", "take": 1, "activity": "sit"}]


def test_next_ends_a_take_early_and_begins_one_without_waiting() -> None:
    script = begun()
    assert script.press("n", sensor_s=104.0) == [{"event": "end", "take": 1, "t_s": 104.0}]
    assert script.kept[0].seconds == 4.0
    assert script.press("n", sensor_s=105.0)[0] == {"event": "begin", "take": 2, "activity": "sit", "t_s": 105.0}


def test_pausing_ends_the_take_and_going_on_counts_down_again() -> None:
    script = begun()
    assert script.press("p", sensor_s=104.0)[0]["event"] == "end"
    assert script.tick(host_s=500.0, sensor_s=500.0) == []
    script.press("p", sensor_s=500.0)
    script.tick(host_s=501.0, sensor_s=501.0)
    assert (script.phase, script.left_s) == (Phase.READY, 5.0)


def test_the_end_keeps_the_take_that_runs() -> None:
    script = begun()
    assert script.finish(sensor_s=103.0) == [{"event": "end", "take": 1, "t_s": 103.0}]
    assert script.phase is Phase.DONE


@pytest.mark.parametrize("key", ["x", "3", "0", "\n", "é", "²"])
def test_other_keys_do_nothing(key: str) -> None:
    script = begun()
    events: list[dict[str, Any]] = script.press(key, sensor_s=101.0)
    assert events == []
    assert script.phase is Phase.TAKE
