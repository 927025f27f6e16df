"""The label file: what is written is read again, exactly; what is none is refused; other recordings stay."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models.errors import DataError
from edgehar.pipeline.data.label_file import (
    apply_labels,
    intervals_in_samples,
    intervals_in_seconds,
    is_label_file,
    label_file_of,
    label_file_text,
    read_label_file,
    with_label_file,
    write_label_file,
)
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording


def recording(name: str = "r", length: int = 100, times: np.ndarray | None = None, labels=()) -> Recording:
    samples = np.tile(np.float32([0, 0, 1]), (length, 1))
    return Recording(name, "1", samples, 50.0, tuple(labels), timestamps_s=times)


@st.composite
def labels_of(draw: st.DrawFn) -> tuple[Recording, tuple[LabelInterval, ...]]:
    """Return a recording, perhaps with uneven times since 1970, and labels on it."""
    length = draw(st.integers(2, 60))
    steps = draw(st.lists(st.integers(500, 90_000), min_size=length, max_size=length))
    first = draw(st.sampled_from([0.0, 12.5, 1.7e9]))
    times = draw(st.sampled_from([None, np.round(first + np.cumsum(steps) * 1e-6, 6)]))
    edges = sorted(draw(st.sets(st.integers(0, length), min_size=2, max_size=8)))
    names = st.text(min_size=1, max_size=9).filter(lambda text: text.strip() == text and text.isprintable())
    pairs = [pair for pair in pairwise(edges) if draw(st.booleans())]
    return recording("a,b", length, times), tuple(LabelInterval(*pair, draw(names)) for pair in pairs)


@settings(deadline=None, max_examples=60)
@given(case=labels_of())
def test_labels_come_back_exactly(case, tmp_path_factory: pytest.TempPathFactory) -> None:
    item, labels = case
    path = tmp_path_factory.mktemp("labels") / "x.labels.csv"
    write_label_file(path, {item.recording_id: intervals_in_seconds(item, labels)})
    assert is_label_file(path)
    assert intervals_in_samples(item, read_label_file(path)["a,b"]) == labels


@pytest.mark.parametrize(
    "text",
    [
        "",
        "start,end,label\n1,2,a\n",
        "recording,start_s,end_s,label\nr,1,2\n",
        "recording,start_s,end_s,label\nr,2,1,a\n",
        "recording,start_s,end_s,label\nr,one,2,a\n",
        "recording,start_s,end_s,label\nr,1,inf,a\n",
        "recording,start_s,end_s,label\nr,1,2,\n",
        "recording,start_s,end_s,label\n,1,2,a\n",
        'recording,start_s,end_s,label\nr,1,2,"a\x00',
    ],
)
def test_what_is_no_label_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.labels.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"x\.labels\.csv"):
        read_label_file(path)


def test_only_recordings_that_are_named_change() -> None:
    kept, emptied = LabelInterval(0, 10, "old"), LabelInterval(5, 20, "gone")
    items = (recording("a", labels=[kept]), recording("b", labels=[emptied]), recording("c"))
    dataset = Dataset("d", ("old", "gone"), items)
    found = apply_labels(dataset, {"b": [], "c": [(0.0, 1.0, "new")]}, name="x.labels.csv")
    assert [item.labels for item in found.recordings] == [(kept,), (), (LabelInterval(0, 50, "new"),)]
    assert found.activities == ("old", "new")


def test_a_file_of_other_recordings_is_refused() -> None:
    with pytest.raises(DataError, match="expected recordings of d"):
        apply_labels(Dataset("d", (), (recording("a"),)), {"elsewhere": []}, name="x.labels.csv")


def csv_of(folder: Path, name: str, first_s: float = 0.0) -> Path:
    path = folder / f"{name}.csv"
    rows = "\n".join(f"{first_s + at / 50:.2f},0.01,{(at % 5) / 100},1.0" for at in range(500))
    path.write_text(f"time_s,x,y,z\n{rows}\n")
    return path


@pytest.mark.parametrize("first_s", [0.0, 5.0, 1.7e9])
def test_a_label_file_beside_its_recording_is_read_with_it_and_in_its_folder(tmp_path: Path, first_s: float) -> None:
    folder = tmp_path / "walks"
    folder.mkdir()
    path = csv_of(folder, "anna", first_s)
    csv_of(folder, "bert", first_s)
    item = load_dataset(path, format="csv").recordings[0]
    label = LabelInterval(300, 310, "Jumping")
    write_label_file(label_file_of(path), {item.recording_id: intervals_in_seconds(item, [label])})
    assert load_dataset(path).recordings[0].labels == (label,)
    assert {each.recording_id: each.labels for each in load_dataset(folder).recordings} == {
        "anna": (label,),
        "bert": (),
    }


def test_a_label_file_beside_a_folder_is_read_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "walks"
    folder.mkdir()
    csv_of(folder, "anna")
    write_label_file(tmp_path / "walks.labels.csv", {"anna": [(1.0, 2.0, "Sitting")]})
    assert load_dataset(f"{folder}/").recordings[0].labels == (LabelInterval(50, 100, "Sitting"),)


def test_a_file_of_that_name_that_is_none_is_left_alone(tmp_path: Path) -> None:
    path = csv_of(tmp_path, "anna")
    label_file_of(path).write_text("start,end,label\n0,1,a\n")
    dataset = load_dataset(path)
    assert with_label_file(dataset, path) is dataset


def test_times_beyond_the_recording_are_cut() -> None:
    assert intervals_in_samples(recording(length=10), [(-5.0, 99.0, "a")]) == (LabelInterval(0, 10, "a"),)


def test_an_empty_recording_stays_named() -> None:
    assert label_file_text({"r": []}).splitlines()[1:] == ["r,,,"]
