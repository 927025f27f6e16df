"""MATLAB 5 files: as SciPy reads them where they are whole, one sentence and bounded memory where they are not."""

import contextlib
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import loadmat, savemat

from edgehar.models.errors import DataError
from edgehar.pipeline.data.readers import mat5
from edgehar.pipeline.data.readers.mat5 import read_mat5

HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
ANY_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def _element(kind: int, data: bytes, *, claim: int | None = None) -> bytes:
    return struct.pack("<II", kind, len(data) if claim is None else claim) + data + b"\0" * (-len(data) % 8)


def _matrix(rows: int, columns: int, data: bytes, *, kind: int = 9) -> bytes:
    parts = (
        _element(6, struct.pack("<II", 6, 0)),
        _element(5, struct.pack("<ii", rows, columns)),
        _element(1, b"m"),
        _element(kind, data),
    )
    return _element(14, b"".join(parts))


def _compressed(element: bytes) -> bytes:
    data = zlib.compress(element)
    return struct.pack("<II", 15, len(data)) + data


def test_all_usc_had_files_read_as_scipy_reads_them(usc_had_path: Path) -> None:
    files = sorted(usc_had_path.rglob("a*t*.mat"))
    assert len(files) == 840
    for file in files:
        theirs = {name: value for name, value in loadmat(file).items() if not name.startswith("__")}
        ours = read_mat5(file)
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            if value.dtype.kind == "U":
                assert ours[name] == (str(value.flat[0]) if value.size else "")
            else:
                np.testing.assert_array_equal(ours[name], value)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_every_number_type(tmp_path: Path, dtype: str, compressed: bool) -> None:
    values = np.arange(21).reshape(7, 3).astype(dtype)
    savemat(tmp_path / "a.mat", {"m": values, "text": "walking – ü", "empty": ""}, do_compression=compressed)
    read = read_mat5(tmp_path / "a.mat")
    np.testing.assert_array_equal(read["m"], values)
    assert read["text"] == "walking – ü"
    assert read["empty"] == ""


def test_cells_structures_and_complex_numbers_are_passed_over(tmp_path: Path) -> None:
    cells = np.empty((1, 2), dtype=object)
    cells[0, 0], cells[0, 1] = np.eye(2), np.eye(1)
    content = {"cell": cells, "struct": {"a": {"b": 1.0}}, "complex": np.array([[1j]]), "m": np.eye(3)}
    savemat(tmp_path / "a.mat", content)
    assert read_mat5(tmp_path / "a.mat").keys() == {"m"}


def test_nested_cells_are_not_followed(tmp_path: Path) -> None:
    inner = b""
    for _ in range(5000):
        flags, sizes = _element(6, struct.pack("<II", 1, 0)), _element(5, struct.pack("<ii", 1, 1))
        inner = _element(14, flags + sizes + _element(1, b"c") + inner)
    (tmp_path / "deep.mat").write_bytes(HEADER + _compressed(inner))
    assert read_mat5(tmp_path / "deep.mat") == {}


def test_a_small_file_cannot_become_a_large_one(tmp_path: Path) -> None:
    bomb = _compressed(_matrix(2**20, 24, b"\0" * (2**20 * 24 * 8)))
    (tmp_path / "bomb.mat").write_bytes(HEADER + bomb * 4)
    assert (tmp_path / "bomb.mat").stat().st_size < 2**20
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="inflate to more than"):
            read_mat5(tmp_path / "bomb.mat")
        assert tracemalloc.get_traced_memory()[1] < 3 * mat5.MAX_INFLATED_BYTES
    finally:
        tracemalloc.stop()


def test_many_variables_share_one_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mat5, "MAX_INFLATED_BYTES", 5000)
    one = _compressed(_matrix(100, 2, b"\0" * 1600))
    (tmp_path / "a.mat").write_bytes(HEADER + one * 2)
    assert read_mat5(tmp_path / "a.mat").keys() == {"m"}
    (tmp_path / "a.mat").write_bytes(HEADER + one * 4)
    with pytest.raises(DataError, match="inflate"):
        read_mat5(tmp_path / "a.mat")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "header"),
        (b"\0" * 200, "header"),
        (HEADER[:126] + b"MI" + b"\0" * 8, "header"),
        (HEADER + _matrix(2**31 - 1, 2**31 - 1, b"\0" * 16), "claims 2147483647 x 2147483647"),
        (HEADER + _matrix(3, 1, b"\0" * 16), "claims 3 x 1"),
        (HEADER + _matrix(1, 1, b"\0" * 8, kind=99), "type 99"),
        (HEADER + _element(14, b"", claim=2**32 - 1), "claims 4294967295 bytes"),
        (HEADER + _element(14, b""), "lacks its flags"),
        (HEADER + _compressed(_matrix(1, 1, b"\0" * 8))[:-6], "cut short|claims"),
        (HEADER + struct.pack("<II", 15, 4) + b"abcd", "incorrect header check"),
        (HEADER + _matrix(1, 1, b"\0" * 8) * 300, "more than 256 variables"),
        (HEADER + b"\1\2\3", "cut short"),
    ],
)
def test_damage_is_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_mat5(tmp_path / "a.mat")
    assert caught.value.details["path"] == str(tmp_path / "a.mat")


@ANY_FOLDER
@given(st.data())
def test_any_damage_ends_in_a_result_or_a_sentence(tmp_path: Path, data: st.DataObject) -> None:
    body = _matrix(2, 3, bytes(48)) + _compressed(_matrix(2, 3, bytes(48)))
    whole = bytearray(HEADER + body)
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(124, len(whole) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "a.mat").write_bytes(whole[: data.draw(st.integers(100, len(whole)))])
    with contextlib.suppress(DataError):
        assert all(isinstance(value, (str, np.ndarray)) for value in read_mat5(tmp_path / "a.mat").values())


@ANY_FOLDER
@given(st.binary(max_size=300))
def test_any_element_ends_in_a_result_or_a_sentence(tmp_path: Path, element: bytes) -> None:
    for content in (HEADER + element, HEADER + _element(14, element), HEADER + _compressed(element)):
        (tmp_path / "a.mat").write_bytes(content)
        with contextlib.suppress(DataError):
            read_mat5(tmp_path / "a.mat")
