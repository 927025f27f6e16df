"""Long numbers by PyArrow's parser: bit for bit what NumPy's gives, or left to it."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.pipeline.data.importing import long_numbers
from edgehar.pipeline.data.importing.long_numbers import read_long_numbers
from edgehar.pipeline.data.readers import load_dataset

pytest.importorskip("pyarrow")

DTYPE = np.dtype([("c0", "f8"), ("c1", "S8"), ("c2", "S1"), ("c3", "f8")])


@pytest.fixture(autouse=True)
def short_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PyArrow read short chunks as well."""
    monkeypatch.setattr(long_numbers, "_FEWEST_BYTES", 0)
    monkeypatch.setattr(long_numbers, "_LONG_CELL_BYTES", 0)


def by_numpy(chunk: bytes, dtype: np.dtype = DTYPE) -> np.ndarray | None:
    """Read a chunk with NumPy's parser."""
    try:
        return np.loadtxt(io.BytesIO(chunk), dtype, comments=None, delimiter=",", ndmin=1, encoding="latin1")
    except (ValueError, OverflowError):
        return None


@given(st.lists(st.tuples(st.floats(allow_nan=False), st.sampled_from(["walk", "sit", ""]), st.floats()), min_size=1))
def test_numbers_are_the_same_to_the_last_bit(rows: list[tuple[float, str, float]]) -> None:
    chunk = "".join(f"{first!r},{text},not wanted,{last:.20g}\n" for first, text, last in rows).encode()
    table, expected = read_long_numbers(chunk, DTYPE, ",", len(rows)), by_numpy(chunk)
    assert table is not None
    assert expected is not None
    for name in ("c0", "c3"):
        np.testing.assert_array_equal(table[name], expected[name])
    np.testing.assert_array_equal(table["c1"], expected["c1"])


CELL = st.text(st.sampled_from("0123456789.+-eEnaifxN_ \t#;"), max_size=12)


@given(st.lists(st.lists(CELL, min_size=3, max_size=5), min_size=1, max_size=4))
def test_what_pyarrow_takes_numpy_takes_and_reads_alike(rows: list[list[str]]) -> None:
    chunk = "".join(",".join(row) + "\n" for row in rows).encode()
    table, expected = read_long_numbers(chunk, DTYPE, ",", len(rows)), by_numpy(chunk)
    if table is None or len(table) != len(rows):
        return
    assert expected is not None
    for name in ("c0", "c3"):
        np.testing.assert_array_equal(table[name], expected[name])


def test_a_file_of_long_numbers_is_imported_alike_with_and_without_pyarrow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(5).normal([0, 0, 1], 0.2, (600, 3)).tolist()
    rows = [f"{row / 50!r},{x!r},{y!r},{z!r},{'walk' if row < 300 else 'sit'}" for row, (x, y, z) in enumerate(values)]
    (tmp_path / "a.csv").write_text("\n".join(["time_s,x,y,z,label", *rows]) + "\n")
    used = []
    read = long_numbers.read_long_numbers
    monkeypatch.setattr(
        "edgehar.pipeline.data.importing.parser.read_long_numbers", lambda *given: used.append(read(*given)) or used[-1]
    )
    (fast,) = load_dataset(tmp_path / "a.csv").recordings
    assert any(table is not None for table in used)
    monkeypatch.setattr(long_numbers, "_has_pyarrow", lambda: False)
    (plain,) = load_dataset(tmp_path / "a.csv").recordings
    np.testing.assert_array_equal(fast.samples, plain.samples)
    assert (fast.labels, fast.gaps, fast.rate_hz) == (plain.labels, plain.gaps, plain.rate_hz)
