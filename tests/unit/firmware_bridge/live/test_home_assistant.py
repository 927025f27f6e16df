"""What Home Assistant is told: one device, topics that no text of a stranger reaches, templates that are constant."""

import json

from hypothesis import given
from hypothesis import strategies as st

from edgehar.firmware_bridge.live.sinks.home_assistant import announcements

LABELS = ("Sitting", "{{ states('lock.door') }}", "a/b#+")


def test_three_entities_of_one_device() -> None:
    told = announcements("home/wearer", labels=LABELS, model_id="lstm")
    assert len(told) == 3
    assert len({json.dumps(entity["device"]) for entity in told.values()}) == 1
    assert len({entity["unique_id"] for entity in told.values()}) == 3
    (activity,) = [entity for entity in told.values() if entity["name"] == "Activity"]
    assert activity["options"] == [*LABELS, "unknown"]
    assert activity["state_topic"] == "home/wearer/label"
    assert {entity["availability_topic"] for entity in told.values()} == {"home/wearer/state"}


def test_a_model_that_has_an_activity_called_unknown_names_it_once() -> None:
    told = announcements("t", labels=("unknown", "Sitting"), model_id="lstm")
    assert [entity["options"] for entity in told.values() if "options" in entity] == [["unknown", "Sitting"]]


@given(st.text(min_size=1), st.text(min_size=1))
def test_topics_are_plain_and_different(one: str, other: str) -> None:
    topics = [set(announcements(text, labels=LABELS, model_id="m")) for text in (one, other)]
    for topic in topics[0]:
        assert all(
            part and part.isascii() and part.replace("_", "").replace("-", "").isalnum() for part in topic.split("/")
        )
    assert (one == other) == bool(topics[0] & topics[1])
