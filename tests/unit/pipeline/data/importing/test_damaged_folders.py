"""A folder of recordings in several layouts of which some are damaged: none vanishes, and none is silently wrong."""

import gzip
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.importing.collection import import_recordings
from edgehar.pipeline.data.importing.options import Options

ROWS: Final = 120
G: Final = 9.81
_GRID: Final = np.arange(ROWS)[:, np.newaxis]
SAMPLES: Final = np.array([0.06, 0.98, -0.15]) + 0.2 * np.sin(_GRID * [0.3, 0.5, 0.7])
SAMPLES.setflags(write=False)

Damage = Callable[[bytes, random.Random], bytes]


def _rows(form: Callable[[int, list[str]], str], scale: float = 1.0) -> str:
    """Return a line for every sample."""
    cells = [[f"{value:.5f}" for value in row] for row in (SAMPLES * scale).tolist()]
    return "".join(form(row, values) + "\n" for row, values in enumerate(cells))


def _german(row: int, cells: list[str]) -> str:
    """Return a row with decimal commas."""
    return ";".join([f"{row * 0.02:.2f}", *cells]).replace(".", ",")


_NAMES_OF_GERMAN: Final = ";".join(["Zeit (s)", *(f"Beschleunigung {axis} (m/s^2)" for axis in "xyz")])
_APP_S: Final = 1_700_000_000


def _of_app(row: int, cells: list[str]) -> str:
    """Return a row with the axes backwards."""
    return ",".join([f"{_APP_S * 10**9 + row * 20_000_000}", f"{row * 0.02:.2f}", *cells[::-1]])


LAYOUTS: Final = {
    "walk_{n}.csv": "time,x,y,z\n" + _rows(lambda row, cells: f"{row * 0.02:.2f}," + ",".join(cells)),
    "Messung {n}.csv": _NAMES_OF_GERMAN + "\n" + _rows(_german, G),
    "bare/log{n}.txt": _rows(lambda row, cells: "\t".join([str(row * 20), *cells])),
    "lab/rec-{n}.csv.gz": "timestamp,acc_x,acc_y,acc_z,activity\n"
    + _rows(lambda row, cells: f"{1_700_000_000_000 + row * 20},{','.join(cells)},{'walking' if row < 60 else 'sit'}"),
    "dev/h{n}.csv": "# device: logger 7\n# rate: 50 Hz\nx (g),y (g),z (g)\n" + _rows(lambda _, cells: ",".join(cells)),
    "app/{n}/Accelerometer.csv": "time,seconds_elapsed,z,y,x\n" + _rows(_of_app, G),
}  # fmt: skip


def _one_row(content: bytes, _: random.Random) -> bytes:
    """Keep what stands before the table, and a row."""
    lines = content.split(b"\n")
    first = next(at for at, line in enumerate(lines) if line[:1].isdigit())
    return b"\n".join(lines[: first + 1]) + b"\n"


def _only_nan(content: bytes, _: random.Random) -> bytes:
    """Replace every number of the table."""
    lines = content.split(b"\n")
    return b"\n".join(b"NaN,NaN,NaN,NaN" if line[:1].isdigit() else line for line in lines)


def _overwritten(content: bytes, chance: random.Random) -> bytes:
    """Replace some bytes by others."""
    at = chance.randrange(len(content))
    return content[:at] + chance.randbytes(30) + content[at + 30 :]


DAMAGES: Final[dict[str, Damage]] = {
    "cut anywhere": lambda content, chance: content[: chance.randrange(1, len(content))],
    "cut in the first line": lambda content, chance: content[: chance.randrange(1, content.index(b"\n"))],
    "without its beginning": lambda content, chance: content[chance.randrange(1, 300) :],
    "emptied": lambda content, _: b"",
    "the first line alone": lambda content, _: content[: content.index(b"\n") + 1],
    "one row": _one_row,
    "noise": lambda _, chance: chance.randbytes(chance.randrange(10, 400)),
    "overwritten": _overwritten,
    "zeros": lambda content, _: bytes(len(content)),
    "no numbers": _only_nan,
    "another encoding": lambda content, _: content.decode().encode("utf-16-le"),
}


def _is_part(samples: npt.NDArray[np.float32]) -> bool:
    """Tell whether samples are neighbours among the true ones."""
    starts = range(ROWS - len(samples) + 1)
    return any(np.allclose(SAMPLES[start : start + len(samples)], samples, atol=2e-3) for start in starts)


@pytest.mark.parametrize("seed", range(2))
def test_every_damaged_file_is_right_or_put_aside(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    damaged: dict[str, str] = {}
    whole: set[str] = set()
    for number in range(150):
        pattern, text = chance.choice(list(LAYOUTS.items()))
        file = tmp_path / pattern.format(n=number)
        inner = file.relative_to(tmp_path).as_posix().removesuffix(".gz")
        content = text.encode()
        if chance.random() < 0.3:
            damaged[inner], damage = chance.choice(list(DAMAGES.items()))
            content = damage(content, chance)
        else:
            whole.add(inner)
        if file.suffix == ".gz":
            content = gzip.compress(content)
            if inner in damaged and chance.random() < 0.5:
                content = content[: chance.randrange(1, len(content) - 8)]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        if file.name == "Accelerometer.csv":
            (file.parent / "Gyroscope.csv").write_text(text if chance.random() < 0.8 else "")
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "device.csv").write_text("property,value\na,b\n")
    (tmp_path / "people.csv").write_text("subject,age,height\nanna,30,170\nbert,20,180\n")
    (tmp_path / "README.txt").write_text("These are recordings\nof several people.\n")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    data = import_recordings(tmp_path)
    name = lambda path: Path(path).relative_to(tmp_path).as_posix().removesuffix(".gz")  # noqa: E731
    quarantined, passed_over = set(map(name, data.quarantined)), set(map(name, data.passed_over))
    taken = {item.recording_id.partition("#")[0]: item for item in data.recordings}
    imported = {inner for inner in whole | set(damaged) if inner.rpartition(".")[0] in taken}
    gyroscopes = {item for item in passed_over if item.endswith("Gyroscope.csv")}
    assert passed_over - gyroscopes == {"meta/device.csv", "people.csv", "README.txt"}
    assert len(gyroscopes) == len(list(tmp_path.rglob("Gyroscope.csv")))
    assert whole <= imported
    assert set(damaged) == quarantined | (imported - whole)
    assert not quarantined & imported
    assert len(imported) + len(quarantined) + len(passed_over) + 1 == sum(f.is_file() for f in tmp_path.rglob("*"))
    assert all(any(problem.startswith(f"{item}") for problem in data.problems) for item in quarantined)
    assert any("Not looked into" in note and "1 .jpg" in note for note in data.notes)
    for inner in imported - whole:
        item = taken[inner.rpartition(".")[0]]
        assert _is_part(item.samples) or item.problems, damaged[inner]
    assert set(data.activities) == {"walking", "sit"}


@pytest.mark.parametrize("row", [1, ROWS - 1])
@pytest.mark.parametrize("pattern", list(LAYOUTS))
def test_a_file_cut_at_any_byte_of_a_row_is_no_silent_loss(tmp_path: Path, pattern: str, row: int) -> None:
    content = LAYOUTS[pattern].encode()
    lines = content.splitlines(keepends=True)
    head = len(lines) - ROWS
    start = sum(map(len, lines[: head + row]))
    for at in range(start, start + len(lines[head + row]) + 1):
        (tmp_path / f"file{at}.csv").write_bytes(content[:at])
    for number in range(60):
        (tmp_path / f"whole_{number}.csv").write_bytes(content)
    data = import_recordings(tmp_path)
    cut = [item for item in data.recordings if item.recording_id.startswith("file")]
    assert len(cut) + len(data.quarantined) == len(lines[head + row]) + 1
    assert data.passed_over == ()
    for item in cut:
        assert len(item) in (row, row + 1)
        np.testing.assert_allclose(item.samples, SAMPLES[: len(item)], atol=2e-3)


def test_a_last_line_that_is_cut_is_told_by_the_lines_before_it(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    text = LAYOUTS["walk_{n}.csv"]
    file.write_text(text[:-3])
    with pytest.raises(
        DataError, match=r"line 121: expected a whole last line, got one that is cut off at '-?0\.\d{3}'"
    ):
        import_recordings(file)
    (recording,) = import_recordings(file, Options(drop_bad_rows=True)).recordings
    assert len(recording) == ROWS - 1
    assert any("1 bad row left out (line 121" in problem for problem in recording.problems)
    file.write_text(text[:-1])
    assert len(import_recordings(file).recordings[0]) == ROWS


def test_names_that_are_lost_are_missed_among_files_that_have_them(tmp_path: Path) -> None:
    text = LAYOUTS["walk_{n}.csv"]
    for number in range(4):
        (tmp_path / f"walk_{number}.csv").write_text(text)
    (tmp_path / "walk_4.csv").write_text(text.partition("\n")[2])
    data = import_recordings(tmp_path)
    assert data.quarantined == (str(tmp_path / "walk_4.csv"),)
    assert any("expected the names" in problem and "(time, x, y, z)" in problem for problem in data.problems)


def test_what_stands_beside_a_recording_of_an_app_is_passed_over(tmp_path: Path) -> None:
    """Empatica writes seven files; the one of the button is empty where nobody pressed it."""
    samples = "\n".join(",".join(map(str, row)) for row in np.round(SAMPLES * 64).astype(int).tolist())
    for session in ("a", "b", "c"):
        folder = tmp_path / session
        folder.mkdir()
        start = "1544027337.000000"
        (folder / "ACC.csv").write_text(f"{start}, {start}, {start}\n32.0, 32.0, 32.0\n{samples}\n")
        for name in ("BVP", "EDA", "HR", "TEMP"):
            (folder / f"{name}.csv").write_text(f"{start}\n4.0\n" + "0.35\n" * 20)
        (folder / "tags.csv").write_text("")
    (tmp_path / "c" / "ACC.csv").write_text("")
    data = import_recordings(tmp_path)
    assert len(data.recordings) == 2
    assert data.quarantined == (str(tmp_path / "c" / "ACC.csv"),)
    assert len(data.passed_over) == 15


def test_a_broken_archive_and_a_link_to_nothing_do_not_abort_a_folder(tmp_path: Path) -> None:
    (tmp_path / "walk.csv").write_text(LAYOUTS["walk_{n}.csv"])
    (tmp_path / "more.zip").write_bytes(b"PK\x03\x04 cut")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    with zipfile.ZipFile(tmp_path / "good.zip", "w") as archive:
        archive.writestr("a.csv", LAYOUTS["walk_{n}.csv"])
    data = import_recordings(tmp_path)
    assert {item.recording_id for item in data.recordings} == {"walk", "good/a"}
    assert set(data.quarantined) == {str(tmp_path / "more.zip"), str(tmp_path / "gone.csv")}


def test_files_that_differ_by_suffix_alone_are_all_kept(tmp_path: Path) -> None:
    text = LAYOUTS["walk_{n}.csv"]
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "a.txt").write_text(text)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert {item.recording_id for item in import_recordings(tmp_path).recordings} == {"a.csv", "a.txt", "a.csv.gz"}


def test_declared_columns_that_one_file_lacks_do_not_abort_a_folder(tmp_path: Path) -> None:
    text = LAYOUTS["walk_{n}.csv"]
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "notes.csv").write_text("when,what,who\n1,2,3\n2,3,4\n")
    assert len(import_recordings(tmp_path, Options(axes=("x", "y", "z"))).recordings) == 1
    with pytest.raises(UsageError, match="column 'q' is not there"):
        import_recordings(tmp_path, Options(axes=("q", "y", "z")))
