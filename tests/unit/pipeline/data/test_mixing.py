"""Mixed data sets: people apart, activities united, nothing twice, nothing lost silently."""

import numpy as np
import pytest

from edgehar.models.errors import UsageError
from edgehar.pipeline.data.mixing import mix, plain_label, united_spellings
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.splits import leave_one_subject_out
from edgehar.pipeline.data.windows import make_windows


def _dataset(name: str, labels: list[str], *, seed: int = 0, subjects: int = 2) -> Dataset:
    rng = np.random.default_rng(seed)
    recordings = tuple(
        Recording(
            f"r{number}",
            str(number),
            rng.normal(size=(300 * len(labels), 3)).astype(np.float32),
            100.0,
            tuple(LabelInterval(300 * at, 300 * at + 300, label) for at, label in enumerate(labels)),
        )
        for number in range(1, subjects + 1)
    )
    return Dataset(name, tuple(labels), recordings, (f"Odd {name}.",), (f"Noted {name}.",), f"Terms {name}.")


def test_subjects_of_equal_names_stay_apart() -> None:
    mixed = mix([_dataset("a", ["Sitting"]), _dataset("b", ["Sitting"], seed=1)])
    assert mixed.name == "a + b"
    assert mixed.subjects == ("a:1", "a:2", "b:1", "b:2")
    assert [item.recording_id for item in mixed.recordings] == ["a:r1", "a:r2", "b:r1", "b:r2"]
    assert mixed.problems == ("a: Odd a.", "b: Odd b.")
    assert mixed.notes == ("a: Noted a.", "b: Noted b.")
    assert "a: Terms a." in mixed.terms
    for split in leave_one_subject_out(make_windows(mixed)):
        assert len(split.test_subjects) == 1


def test_data_sets_of_equal_names_stay_apart() -> None:
    mixed = mix([_dataset("walks", ["Sitting"]), _dataset("walks", ["Sitting"], seed=1)])
    assert set(mixed.subjects) == {"walks:1", "walks:2", "walks-2:1", "walks-2:2"}
    assert {item.origin for item in mixed.recordings} == {("walks", "1"), ("walks", "2")}


def test_labels_that_differ_in_writing_only_are_one_and_said() -> None:
    mixed = mix([_dataset("a", ["WALKING_UPSTAIRS", "Jog"]), _dataset("b", ["Walking Upstairs", "jog "], seed=1)])
    assert mixed.activities == ("Jog", "Walking Upstairs")
    assert "The labels 'Jog', 'jog ' are taken as one, 'Jog'." in mixed.notes


def test_a_map_unites_activities() -> None:
    label_map = {"walking": "Walking Forward", "Walk": "walking forward", "Other": ""}
    mixed = mix([_dataset("a", ["Walking", "Sitting"]), _dataset("b", ["walk", "Other"], seed=1)], label_map=label_map)
    assert mixed.activities == ("Walking Forward", "Sitting")
    assert [label.activity for label in mixed.recordings[2].labels] == ["Walking Forward"]


def test_neighbours_that_become_one_label_are_joined() -> None:
    one = mix([_dataset("a", ["left", "right"], subjects=1)], label_map={"left": "walk", "RIGHT": "walk"})
    assert one.subjects == ("1",)
    assert one.recordings[0].labels == (LabelInterval(0, 600, "walk"),)


def test_a_map_of_something_that_is_not_there_lists_what_is() -> None:
    with pytest.raises(UsageError, match=r"the label 'Runing' is in none of the data; there are Sitting") as caught:
        mix([_dataset("a", ["Sitting"])], label_map={"Runing": "Running"})
    assert caught.value.exit_code == 2


def test_no_recording_is_there_twice() -> None:
    mixed = mix([_dataset("a", ["Sitting"]), _dataset("copy", ["Sitting"])])
    assert mixed.subjects == ("a:1", "a:2")
    assert "copy:r1 was left out: it has the same samples as a:r1." in mixed.problems


def test_one_data_set_alone_stays_what_it_is() -> None:
    alone = _dataset("a", ["Sitting"])
    assert mix([alone]) is alone
    with pytest.raises(UsageError, match="at least one"):
        mix([])


def test_a_mix_can_be_mixed_again_and_stored(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from edgehar.pipeline.data.store import load_store, save_store

    mixed = mix([_dataset("a", ["Sitting"]), _dataset("b", ["Sitting"], seed=1)])
    save_store(mixed, tmp_path / "store")
    opened = load_store(tmp_path / "store")
    assert [item.origin for item in opened.recordings] == [item.origin for item in mixed.recordings]
    again = mix([opened, _dataset("c", ["Sitting"], seed=2)])
    assert again.subjects[0] == "a + b:a:1"
    assert again.recordings[0].origin == ("a", "1")


@pytest.mark.parametrize("name", ["WALKING_FORWARD", "walking-forward", " Walking  Forward"])
def test_known_activities_keep_their_spelling(name: str) -> None:
    assert united_spellings([name]) == {name: "Walking Forward"}
    assert plain_label(name) == "walking forward"
