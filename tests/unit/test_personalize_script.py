"""The script of docs/how-to/personalize.md: under five minutes, and enough for `har personalize --mounting`."""

from collections import Counter
from pathlib import Path

from edgehar.firmware_bridge.record.script import parse_script
from edgehar.models.contract import ACTIVITIES
from edgehar.models.mounting import STILL_S, WALKING_S
from edgehar.pipeline.training.personalization.personal import MOST_MISSING

SCRIPT = Path(__file__).parents[2] / "docs" / "how-to" / "personalize.script"
READY_S = 5.0


def test_it_takes_less_than_five_minutes_and_covers_what_can_be_done_at_home() -> None:
    steps = parse_script(SCRIPT.read_text(encoding="utf-8"))
    assert sum(step.seconds + READY_S for step in steps) < 300
    done = Counter(step.activity for step in steps)
    assert set(ACTIVITIES) - set(done) == {"Elevator Up", "Elevator Down"}
    assert len(set(ACTIVITIES) - set(done)) <= MOST_MISSING * len(ACTIVITIES)
    assert max(done.values()) == 2
    # One take of three windows is the least that is learned from.
    assert min(step.seconds for step in steps) >= 6


def test_it_begins_with_what_shows_the_mounting() -> None:
    standing, walking, *_ = parse_script(SCRIPT.read_text(encoding="utf-8"))
    assert (standing.activity, walking.activity) == ("Standing", "Walking Forward")
    assert standing.seconds > STILL_S + 1
    assert walking.seconds > WALKING_S + 1
