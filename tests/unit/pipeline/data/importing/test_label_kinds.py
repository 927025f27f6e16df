"""Labels that came out wrong without a word: several columns of them, marks, beginnings and ends, whose they are."""

from pathlib import Path
from typing import Final

import numpy as np
import pytest

from edgehar.models.errors import DataError
from edgehar.pipeline.data.importing.collection import import_recordings
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.recordings import Dataset

ROWS: Final = 300
SAMPLES: Final = np.round(np.array([0.06, 0.98, -0.15]) + 0.2 * np.sin(np.arange(ROWS)[:, None] * [0.3, 0.5, 0.7]), 5)
NAMES: Final = ["walking"] * 150 + ["sitting"] * 150
CODES: Final = ["1"] * 150 + ["2"] * 150


def table(names: str = "", *columns: list[str]) -> str:
    """Return the text of a recording at 50 Hz with more columns behind it."""
    lines = ["time_ms,x,y,z" + names]
    lines += [",".join(map(str, [row * 20, *SAMPLES[row], *(each[row] for each in columns)])) for row in range(ROWS)]
    return "\n".join(lines) + "\n"


def read(folder: Path, files: dict[str, str], **declared: object) -> Dataset:
    """Import texts as files of a folder."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    path = folder / next(iter(files)) if len(files) == 1 else folder
    return import_recordings(path, Options(**declared))  # type: ignore[arg-type]


def spans(data: Dataset, recording: int = 0) -> list[tuple[int, int, str]]:
    """Return the labels of a recording."""
    return [(label.start, label.stop, label.activity) for label in data.recordings[recording].labels]


BOTH: Final = [(0, 150, "walking"), (150, 300, "sitting")]


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (",label,activity_name", (CODES, NAMES)),
        (",activity,activity_id", (NAMES, CODES)),
        (",predicted_activity,true_activity", (["lying"] * ROWS, NAMES)),
        (",activity,activity_confidence", (NAMES, ["0.9"] * ROWS)),
        (",label,label_time", (NAMES, [str(row) for row in range(ROWS)])),
        (",label,annotation", (NAMES, [""] * ROWS)),
        (",gt,prediction", (NAMES, CODES)),
        (",activity,text", (NAMES, ["fine", "so so", "windy"] * 100)),
    ],
)
def test_of_columns_that_agree_the_words_are_taken(tmp_path: Path, names: str, columns: tuple[list[str], ...]) -> None:
    assert spans(read(tmp_path, {"log.csv": table(names, *columns)})) == BOTH


def test_columns_that_contradict_each_other_are_asked_about(tmp_path: Path) -> None:
    text = table(",activity,label", ["lying"] * ROWS, NAMES)
    with pytest.raises(DataError, match=r"'activity' and column 'label'.*do not say the same.*--label-column"):
        read(tmp_path, {"log.csv": text})
    assert spans(read(tmp_path, {"log.csv": text}, label="label")) == BOTH


def test_columns_that_the_first_rows_do_not_tell_apart_are_said(tmp_path: Path) -> None:
    data = read(tmp_path, {"log.csv": table(",activity,label", ["lying"] * ROWS, ["7"] * ROWS)})
    assert spans(data) == [(0, 300, "lying")]
    assert any("'label' may hold it too" in problem for problem in data.all_problems)


def test_one_column_for_each_activity_is_asked_about(tmp_path: Path) -> None:
    flags = [["1"] * 150 + ["0"] * 150, ["0"] * 150 + ["1"] * 150]
    text = table(",label:WALKING,label:SITTING", *flags)
    with pytest.raises(DataError, match=r"0 or 1 each.*--label-column none"):
        read(tmp_path, {"log.csv": text})
    assert spans(read(tmp_path, {"log.csv": text}, label="none")) == []


def test_marks_on_single_rows_are_said(tmp_path: Path) -> None:
    marks = ["walking", *[""] * 149, "sitting", *[""] * 149]
    data = read(tmp_path, {"log.csv": table(",label", marks)})
    assert any("2 of 300 rows only, as marks do" in problem for problem in data.all_problems)


@pytest.mark.parametrize(
    "events",
    [
        "Time,Behavior,Behavior type\n0.0,walking,START\n2.0,walking,STOP\n3.0,sitting,START\n6.0,sitting,STOP\n",
        "time,label,event\n0,walking,begin\n2,walking,end\n3,sitting,begin\n6,sitting,end\n",
        "time,label\n0,walking start\n2,walking end\n3,sitting start\n6,sitting end\n",
        "time,label\n0,start_walking\n2,stop_walking\n3,start_sitting\n6,stop_sitting\n",
    ],
)
def test_beginnings_and_ends_make_intervals(tmp_path: Path, events: str) -> None:
    data = read(tmp_path, {"log.csv": table(), "events.csv": events})
    assert spans(data) == [(0, 100, "walking"), (150, 300, "sitting")]


def test_a_beginning_without_an_end_is_said(tmp_path: Path) -> None:
    events = "time,label,event\n0,walking,start\n2,walking,end\n3,sitting,start\n"
    data = read(tmp_path, {"log.csv": table(), "events.csv": events})
    assert spans(data) == [(0, 100, "walking")]
    assert any("1 row left out" in problem for problem in data.problems)


@pytest.mark.parametrize("header", ["start_sample,end_sample,label", "start index,end index,label", "start,end,label"])
def test_intervals_in_samples_are_not_taken_for_ms(tmp_path: Path, header: str) -> None:
    data = read(tmp_path, {"log.csv": table(), "labels.csv": f"{header}\n0,150,walking\n150,300,sitting\n"})
    assert spans(data) == BOTH


def test_numbers_of_video_frames_are_no_times(tmp_path: Path) -> None:
    data = read(tmp_path, {"log.csv": table(), "labels.csv": "start_frame,end_frame,label\n0,150,walking\n"})
    assert spans(data) == []
    assert any("numbers of video frames" in problem for problem in data.problems)


@pytest.mark.parametrize("column", [True, False])
def test_intervals_of_a_person_label_the_recordings_of_that_person(tmp_path: Path, column: bool) -> None:
    one, two = (table(",subject", [person] * ROWS) if column else table() for person in ("S1", "S2"))
    labels = "subject,start,end,label\nS1,0,3,walking\nS1,3,6,sitting\nS2,0,3,lying\nS2,3,6,running\n"
    data = read(tmp_path, {"S1.csv": one, "S2.csv": two.replace("0.98", "0.97"), "labels.csv": labels})
    assert spans(data) == BOTH
    assert spans(data, 1) == [(0, 150, "lying"), (150, 300, "running")]
    assert not any("begin before" in problem for problem in data.problems)


ONE: Final = "start,end,label\n0,3,walking\n3,6,sitting\n"
TWO: Final = "start,end,label\n0,3,lying\n3,6,running\n"


@pytest.mark.parametrize("stems", [("walk1", "walk2"), ("walk", "walk2"), ("walk", "walk_fast"), ("a1", "a10")])
@pytest.mark.parametrize(
    "form", ["{}_labels.csv", "labels_{}.csv", "{}.labels.csv", "{}.txt", "{}-annotation.csv", "labels/{}.csv"]
)
def test_a_table_labels_the_recording_it_is_named_after(tmp_path: Path, form: str, stems: tuple[str, str]) -> None:
    (tmp_path / "labels").mkdir()
    texts = [ONE, TWO]
    if form.endswith(".txt"):
        texts = [text.partition("\n")[2].replace(",", "\t") for text in texts]
    files = {f"{stems[0]}.csv": table(), f"{stems[1]}.csv": table().replace("0.98", "0.97")}
    data = read(tmp_path, files | {form.format(stem): text for stem, text in zip(stems, texts, strict=True)})
    labels = {item.recording_id: [label.activity for label in item.labels] for item in data.recordings}
    assert labels == {stems[0]: ["walking", "sitting"], stems[1]: ["lying", "running"]}
    assert not any("meet" in problem for problem in data.problems)


def test_tables_that_no_name_gives_to_a_recording_are_said(tmp_path: Path) -> None:
    files = {"rec1.csv": table(), "rec2.csv": table().replace("0.98", "0.97"), "l1.csv": ONE, "l2.csv": TWO}
    data = read(tmp_path, files)
    assert (spans(data), spans(data, 1)) == ([], [])
    assert any(
        "nothing says which are its own" in problem and "rec1.labels.csv" in problem for problem in data.problems
    )


@pytest.mark.parametrize("labels", [("1", "-1"), ("1.0", "10"), ("-2", "2")])
def test_numbers_are_no_spellings_of_each_other(tmp_path: Path, labels: tuple[str, str]) -> None:
    data = read(tmp_path, {"log.csv": table(",label", [labels[row // 150] for row in range(ROWS)])})
    assert spans(data) == [(0, 150, labels[0]), (150, 300, labels[1])]


@pytest.mark.parametrize("word", ["unlabeled", "Unlabelled", "no label", "undefined", "NaN", "?", "-"])
def test_words_for_no_label_are_none(tmp_path: Path, word: str) -> None:
    data = read(tmp_path, {"log.csv": table(",label", ["walking"] * 150 + [word] * 150)})
    assert spans(data) == [(0, 150, "walking")]
