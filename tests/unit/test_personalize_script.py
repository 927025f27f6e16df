"""The guide of har record --guide personalize: under five minutes, and enough for `har personalize --mounting`."""

from collections import Counter

import pytest

from edgehar.firmware_bridge.record.guides import steps_of_guide
from edgehar.models.contract import ACTIVITIES
from edgehar.models.errors import UsageError
from edgehar.models.mounting import STILL_S, WALKING_S
from edgehar.pipeline.training.personalization.personal import MOST_MISSING

READY_S = 5.0


def test_it_takes_less_than_five_minutes_and_covers_what_can_be_done_at_home() -> None:
    steps = steps_of_guide("personalize")
    assert sum(step.seconds + READY_S for step in steps) < 300
    done = Counter(step.activity for step in steps)
    assert set(ACTIVITIES) - set(done) == {"Elevator Up", "Elevator Down"}
    assert len(set(ACTIVITIES) - set(done)) <= MOST_MISSING * len(ACTIVITIES)
    assert max(done.values()) == 2
    # One take of three windows is the least that is learned from.
    assert min(step.seconds for step in steps) >= 6


def test_it_begins_with_what_shows_the_mounting() -> None:
    standing, walking, *_ = steps_of_guide("personalize")
    assert (standing.activity, walking.activity) == ("Standing", "Walking Forward")
    assert standing.seconds > STILL_S + 1
    assert walking.seconds > WALKING_S + 1


def test_other_guides_are_refused() -> None:
    with pytest.raises(UsageError, match="--guide: expected personalize, got 'dance'"):
        steps_of_guide("dance")
