"""Whom a bundle is judged on: people it has never seen, unless it is said loudly."""

from dataclasses import replace

import numpy as np
import pytest

from edgehar.models.bundle import Bundle
from edgehar.models.errors import BundleError, DataError, UsageError
from edgehar.pipeline.data.identity import people_of
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.splits import leave_one_subject_out
from edgehar.pipeline.data.synthetic import synthetic_dataset
from edgehar.pipeline.data.windows import Windows, make_windows
from edgehar.pipeline.evaluation.held_out import check_activities, check_apart, choose_judged


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return synthetic_dataset(people=4, seconds_per_activity=4)


@pytest.fixture(scope="module")
def windows(dataset: Dataset) -> Windows:
    return make_windows(dataset)


@pytest.fixture
def bundle(random_bundle, dataset: Dataset) -> Bundle:
    made = random_bundle("simple_rnn")
    origin = replace(
        made.manifest.provenance,
        dataset=dataset.name,
        configuration={"train_subjects": ["1", "2"], "held_out_subjects": ["3", "4"]},
    )
    return replace(made, manifest=replace(made.manifest, provenance=origin))


def renamed(dataset: Dataset, **changes: object) -> Dataset:
    return replace(dataset, **changes)


def test_by_default_those_held_out(bundle: Bundle, dataset: Dataset, windows: Windows) -> None:
    judged = choose_judged(bundle, dataset, windows)
    assert judged.subjects == ("3", "4")
    assert judged.is_honest
    assert judged.protocol == "Judged on subjects 3, 4, never seen in training"
    assert set(windows.subjects[judged.indices(windows)]) == {"3", "4"}


def test_people_learned_from_are_named_loudly(bundle: Bundle, dataset: Dataset, windows: Windows) -> None:
    for found in (
        choose_judged(bundle, dataset, windows, subjects=["4", "2"]),
        choose_judged(bundle, dataset, windows, everyone=True),
    ):
        assert not found.is_honest
        assert found.protocol.startswith("NOT HONEST")
        assert "learned from" in found.protocol


def test_one_of_those_held_out_is_honest(bundle: Bundle, dataset: Dataset, windows: Windows) -> None:
    judged = choose_judged(bundle, dataset, windows, subjects=["4"])
    assert judged.is_honest
    assert judged.protocol == "Judged on subject 4, never seen in training"


def test_another_data_set_has_other_people(bundle: Bundle, dataset: Dataset, windows: Windows) -> None:
    judged = choose_judged(bundle, renamed(dataset, name="garden"), windows)
    assert judged.subjects == ("1", "2", "3", "4")
    assert judged.is_honest
    assert "garden" in judged.protocol
    assert dataset.name in judged.protocol


def test_people_are_recognised_by_their_recordings(bundle: Bundle, dataset: Dataset, windows: Windows) -> None:
    people = people_of(dataset)
    origin = bundle.manifest.provenance
    configuration = {**origin.configuration, "train_people": [people[name].as_json() for name in ("1", "2")]}
    knowing = replace(
        bundle, manifest=replace(bundle.manifest, provenance=replace(origin, configuration=configuration))
    )
    copied = renamed(dataset, name="garden")
    assert choose_judged(knowing, copied, windows).subjects == ("3", "4")
    everybody = choose_judged(knowing, copied, windows, everyone=True)
    assert everybody.known == ("1", "2")
    assert "NOT HONEST" in everybody.protocol
    learned_only = windows.subset(np.flatnonzero(np.isin(windows.subjects, ["1", "2"])))
    with pytest.raises(DataError, match=r"never seen, got recordings of 1, 2"):
        choose_judged(knowing, copied, learned_only)


def test_the_same_name_elsewhere_is_somebody_else(bundle: Bundle, windows: Windows) -> None:
    capture = renamed(synthetic_dataset(people=4, seconds_per_activity=4, seed=9), name="capture")
    found = choose_judged(bundle, capture, make_windows(capture), subjects=["1"])
    assert found.is_honest
    assert found.protocol.startswith("Judged on subject 1 of capture; trained on")


def test_a_copy_under_another_name_is_no_split(dataset: Dataset, windows: Windows) -> None:
    check_apart(dataset, leave_one_subject_out(windows))
    first = dataset.of_subject("1")[0]
    copy = replace(first, recording_id="copy", subject="9")
    copied = renamed(dataset, recordings=(*dataset.recordings, copy))
    with pytest.raises(DataError, match=r"subject-1: expected people that share no recording, subject 9 to learn from"):
        check_apart(copied, leave_one_subject_out(make_windows(copied)))


def test_an_unknown_subject_is_wrong_usage(bundle: Bundle, dataset: Dataset, windows: Windows) -> None:
    with pytest.raises(UsageError, match=r"'7'.*1, 2, 3, 4"):
        choose_judged(bundle, dataset, windows, subjects=["7"])


def test_recordings_without_any_held_out_subject(bundle: Bundle, dataset: Dataset, windows: Windows) -> None:
    known = windows.subset(np.flatnonzero(windows.subjects == "1"))
    with pytest.raises(DataError, match=r"3, 4.*got recordings of 1.*--subjects"):
        choose_judged(bundle, dataset, known)


def test_a_bundle_that_does_not_say_whom_it_learned_from(bundle: Bundle, dataset: Dataset, windows: Windows) -> None:
    origin = replace(bundle.manifest.provenance, configuration={})
    silent = replace(bundle, manifest=replace(bundle.manifest, provenance=origin))
    with pytest.raises(BundleError, match="train_subjects"):
        choose_judged(silent, dataset, windows)


def test_activities_without_a_label_are_refused(bundle: Bundle, dataset: Dataset) -> None:
    check_activities(bundle, dataset, common_only=False)
    labels = (*bundle.manifest.labels[:-1], "Cycling")
    other = replace(bundle, manifest=replace(bundle.manifest, labels=labels))
    with pytest.raises(DataError, match=r"Cycling; got Elevator Down.*--common-activities"):
        check_activities(other, dataset, common_only=False)
    check_activities(other, dataset, common_only=True)
    strange = replace(bundle, manifest=replace(bundle.manifest, labels=tuple(map(str, range(12)))))
    for common_only in (False, True):
        with pytest.raises(DataError, match="train a model"):
            check_activities(strange, dataset, common_only=common_only)
