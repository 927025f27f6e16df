"""`har data` as people and programs meet it: what is printed where, exit codes, and nothing half-written."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from edgehar.commands.data import app
from edgehar.models.errors import UsageError
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.store import load_store, save_store

RUNNER = CliRunner()


def _har(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgehar", "data", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def wisdm_like(tmp_path: Path) -> Path:
    """A file without names of columns: person, activity, nanoseconds, and m/s²."""
    rows = [
        f"33,{'Sit' if row < 300 else 'Stand'},{row * 20_000_000},0.1,9.75,{row % 7 / 100:.2f};" for row in range(500)
    ]
    file = tmp_path / "raw.txt"
    file.write_text("\n".join(rows))
    return file


def test_info_for_people(small_dataset: Dataset, tmp_path: Path) -> None:
    save_store(small_dataset, tmp_path / "store")
    result = RUNNER.invoke(app, ["info", str(tmp_path / "store")])
    assert result.exit_code == 0
    assert "2 people, 2 activities, 2 recordings, 0.2 min, 100 Hz, 1 gap" in result.stdout
    assert "a: Odd." in result.stdout
    assert "Terms: Free." in result.stdout
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["2", "Standing", "8", "72.7%", "2", "2", "6"] in rows
    assert ["10", "-", "6", "6"] in rows


def test_info_for_machines(small_dataset: Dataset, tmp_path: Path) -> None:
    save_store(small_dataset, tmp_path / "store")
    result = RUNNER.invoke(app, ["info", str(tmp_path / "store"), "--json"])
    facts = json.loads(result.stdout)
    assert facts["subjects"] == ["2", "10"]
    assert facts["seconds"] == facts["labelled_seconds"] == 11.0
    assert facts["rates_hz"] == {"100": 2}
    assert facts["seconds_by_subject"] == {"2": {"Sitting": 3.0, "Standing": 2.0}, "10": {"Standing": 6.0}}
    assert facts["problems"] == ["Whole.", "a: Odd."]
    assert facts["content_hash"] == small_dataset.content_hash


def test_wide_tables_are_not_cut(tmp_path: Path) -> None:
    rows = [f"{row / 50:.2f},0,0,1,activity number {row // 200}" for row in range(200 * 30)]
    (tmp_path / "many.csv").write_text("time,x,y,z,label\n" + "\n".join(rows))
    result = RUNNER.invoke(app, ["info", str(tmp_path / "many.csv")])
    assert "…" not in result.stdout
    assert any(line.split()[1:] == [*["4"] * 30, "120"] for line in result.stdout.splitlines() if "unknown" in line)


def test_import_declares_says_and_writes(wisdm_like: Path, tmp_path: Path) -> None:
    declared = ["--columns", "4,5,6", "--label-column", "2", "--subject-column", "1", "--time-column", "3"]
    result = RUNNER.invoke(app, ["import", str(wisdm_like), "--out", str(tmp_path / "store"), *declared])
    assert result.exit_code == 0
    assert "The unit is m/s2, as the file or its profile says; gravity measures 9.75" in result.stdout
    assert "Read as WISDM 1.1" in result.stdout
    (recording,) = load_store(tmp_path / "store").recordings
    assert recording.subject == "33"
    assert [label.activity for label in recording.labels] == ["Sit", "Stand"]
    np.testing.assert_allclose(recording.samples[0], np.float32([0.1, 9.75, 0]) / 9.80665, rtol=1e-6)


def test_import_as_json_is_one_object(tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["import", "synthetic:3", "--out", str(tmp_path / "store"), "--json"])
    facts = json.loads(result.stdout)
    assert facts["store"] == str(tmp_path / "store")
    assert facts["content_hash"] == load_dataset("synthetic:3").content_hash


def test_import_refuses_a_taken_place_before_reading(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    result = RUNNER.invoke(app, ["import", str(tmp_path / "not-there"), "--out", str(tmp_path)])
    assert isinstance(result.exception, UsageError)
    assert "existing store to replace" in str(result.exception)


def test_failures_are_one_sentence_and_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("time,x,y,z\n0,0,0,1\n0.02,0,nan,1\n0.04,0,0,1\n")
    (tmp_path / "empty").mkdir()
    for source, code, sentence in (
        (tmp_path / "bad.csv", 1, "line 3: expected a number in column 'y', got 'nan'"),
        (tmp_path / "empty", 1, "found an empty folder"),
        (tmp_path / "nowhere", 1, "expected a file or folder, found nothing"),
        ("synthetic:many", 2, "expected synthetic or synthetic:SEED"),
    ):
        result = _har("import", source, "--out", tmp_path / "store")
        assert result.returncode == code, result.stderr
        assert result.stdout == ""
        assert len(result.stderr.strip().splitlines()) == 1
        assert sentence in result.stderr
    assert sorted(item.name for item in tmp_path.iterdir()) == ["bad.csv", "empty"]


def test_wrong_number_of_columns_is_wrong_usage(wisdm_like: Path, tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["import", str(wisdm_like), "--out", str(tmp_path / "s"), "--columns", "4,5"])
    assert isinstance(result.exception, UsageError)


def test_real_data_set(usc_had_path: Path) -> None:
    facts = json.loads(_har("info", usc_had_path, "--json").stdout)
    assert facts["recordings"] == 840
    assert facts["samples"] == 2_811_490
    assert facts["rates_hz"] == {"100": 840}
    assert any("S14/a3t2: The file says activity 2" in problem for problem in facts["problems"])


def test_help_names_every_declaration() -> None:
    result = RUNNER.invoke(app, ["import", "--help"], env={"COLUMNS": "160"})
    for option in (
        "--columns",
        "--unit",
        "--rate",
        "--time-unit",
        "--file-pattern",
        "--drop-bad-rows",
        "--exclude-suspect",
    ):
        assert option in result.stdout


def _rows(label: str = "", *, bad: bool = False) -> str:
    rows = [f"{row / 50:.2f},0.1,0.97,{row % 7 / 100}{',' + label if label else ''}" for row in range(200)]
    if bad:
        rows[20] = "0.40,oops"
    return "\n".join(["time,x,y,z" + (",label" if label else ""), *rows])


def test_a_broken_file_is_put_aside_and_the_exit_code_says_so(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    for name in ("a", "b"):
        (tmp_path / "all" / f"{name}.csv").write_text(_rows())
    (tmp_path / "all" / "c.csv").write_text(_rows(bad=True))
    result = _har("import", tmp_path / "all", "--out", tmp_path / "store", "--json")
    assert result.returncode == 1
    assert "1 file could not be used, the rest was imported" in result.stderr
    facts = json.loads(result.stdout)
    assert facts["recordings"] == 2
    assert facts["quarantined"] == [str(tmp_path / "all" / "c.csv")]
    assert any("c.csv was put aside" in problem and "line 22" in problem for problem in facts["problems"])
    assert len(load_store(tmp_path / "store").recordings) == 2


def test_a_question_leaves_no_store(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(_rows().replace("time,x", "t,x").replace("0.", "0"))
    result = _har("import", tmp_path / "log.csv", "--out", tmp_path / "store")
    assert result.returncode == 1
    assert "--" in result.stderr
    assert not (tmp_path / "store").exists()


def test_labels_are_mapped_by_option_and_by_file(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(_rows("A"))
    (tmp_path / "key.txt").write_text("A = Walking Forward\n")
    for mapping in ("A=Walking Forward", str(tmp_path / "key.txt")):
        store = tmp_path / "store"
        result = RUNNER.invoke(app, ["import", str(tmp_path / "log.csv"), "--out", str(store), "--map", mapping])
        assert result.exit_code == 0
        assert load_store(store).activities == ("Walking Forward",)


def test_a_profile_is_named_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(_rows("1"))
    (tmp_path / "mine.toml").write_text('title = "Mine"\n[labels]\n1 = "Sitting"\n')
    declared = ["--profile", str(tmp_path / "mine.toml")]
    result = RUNNER.invoke(app, ["import", str(tmp_path / "log.csv"), "--out", str(tmp_path / "s"), *declared])
    assert result.exit_code == 0
    assert "Read as Mine" in result.stdout
    assert load_store(tmp_path / "s").activities == ("Sitting",)
    result = RUNNER.invoke(app, ["import", str(tmp_path / "log.csv"), "--out", str(tmp_path / "t"), "--profile", "no"])
    assert isinstance(result.exception, UsageError)


def test_export_to_edge_impulse(small_dataset: Dataset, tmp_path: Path) -> None:
    save_store(small_dataset, tmp_path / "store")
    result = RUNNER.invoke(app, ["export", str(tmp_path / "store"), "--out", str(tmp_path / "ei"), "--json"])
    assert json.loads(result.stdout) == {"path": str(tmp_path / "ei"), "files": 4}
    assert (tmp_path / "ei" / "info.labels").is_file()
    result = RUNNER.invoke(app, ["export", str(tmp_path / "store"), "--out", str(tmp_path / "x"), "--format", "y"])
    assert isinstance(result.exception, UsageError)
