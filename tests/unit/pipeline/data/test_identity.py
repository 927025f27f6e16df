"""A person is a data set and a name, or the content of a recording; never a name alone."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.errors import DataError
from edgehar.pipeline.data.identity import MAX_FINGERPRINTS, Person, fingerprint, known_among, people_of
from edgehar.pipeline.data.mixing import mix
from edgehar.pipeline.data.recordings import Dataset, Recording


def _dataset(name: str, subjects: dict[str, int], *, takes: int = 2) -> Dataset:
    recordings = tuple(
        Recording(f"{subject}/{take}", subject, np.full((10, 3), seed + take / 100, np.float32), 100.0)
        for subject, seed in subjects.items()
        for take in range(takes)
    )
    return Dataset(name, (), recordings)


def test_the_same_name_in_another_data_set_is_somebody_else() -> None:
    learned = people_of(_dataset("USC-HAD", {"7": 1, "8": 2})).values()
    assert known_among(_dataset("walks", {"7": 3, "8": 4}), learned) == ()


def test_the_same_data_set_and_name_is_the_same_person_whatever_was_recorded() -> None:
    learned = people_of(_dataset("USC-HAD", {"7": 1, "8": 2})).values()
    assert known_among(_dataset("USC-HAD", {"8": 5, "9": 6}), learned) == ("8",)


def test_the_same_recordings_under_other_names_are_the_same_person() -> None:
    learned = people_of(_dataset("USC-HAD", {"7": 1, "8": 2})).values()
    assert known_among(_dataset("copy", {"anna": 1, "ben": 3}), learned) == ("anna",)


def test_one_common_recording_is_enough_and_labels_do_not_count(small_dataset: Dataset) -> None:
    learned = people_of(small_dataset).values()
    part = Dataset("part", (), (replace(small_dataset.recordings[1], subject="x", labels=(), recording_id="other"),))
    assert known_among(part, learned) == ("x",)


def test_people_stay_who_they_are_in_a_mix() -> None:
    alone = _dataset("USC-HAD", {"7": 1})
    mixed = mix([alone, _dataset("walks", {"7": 3})])
    assert mixed.subjects == ("USC-HAD:7", "walks:7")
    assert people_of(mixed)["USC-HAD:7"] == people_of(alone)["7"]
    assert known_among(mixed, people_of(alone).values()) == ("USC-HAD:7",)


def test_a_bundle_keeps_few_fingerprints_and_any_large_part_shares_one() -> None:
    (person,) = people_of(_dataset("d", {"1": 1}, takes=60)).values()
    entry = person.as_json()
    assert len(entry["fingerprints"]) == MAX_FINGERPRINTS
    kept = Person.from_json(entry)
    assert kept.is_same_as(replace(person, dataset="copy"))


@given(st.lists(st.text(max_size=3), max_size=3), st.text(), st.text())
def test_json_gives_back_the_person(prints: list[str], name: str, subject: str) -> None:
    person = Person(name, subject, tuple(prints))
    assert Person.from_json(person.as_json()) == person


@pytest.mark.parametrize("entry", [None, [], "7", {}, {"dataset": "d", "subject": 7, "fingerprints": []}])
def test_anything_else_is_refused(entry: object) -> None:
    with pytest.raises(DataError, match="expected a person"):
        Person.from_json(entry)


def test_fingerprint_sees_every_sample(make_recording: Callable[..., Recording]) -> None:
    samples = np.zeros((600_000, 3), np.float32)
    before = fingerprint(samples)
    samples[-1, 2] = 1e-3
    assert fingerprint(samples) != before
