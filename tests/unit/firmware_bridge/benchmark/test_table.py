"""The table on a terminal: sorted, never cut, narrower where the terminal is."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from edgehar.firmware_bridge.benchmark.results import BenchmarkResult, DeviceFacts, Row
from edgehar.firmware_bridge.benchmark.table import print_result


def _printed(result: BenchmarkResult, width: int) -> list[str]:
    stream = io.StringIO()
    print_result(result, Console(file=stream, width=width, highlight=False, color_system=None))
    return stream.getvalue().splitlines()


def test_the_fastest_row_comes_first_with_its_ratio(result):
    lines = _printed(result, 200)
    rows = [line for line in lines if "×" in line]
    assert [line.split()[0] for line in rows] == ["onnxruntime", "litert", "numpy"]
    assert [line.split()[-1] for line in rows] == ["1.0×", "10×", "38×"]
    assert "from_keras_model" in rows[1]


def test_a_failure_is_told_in_words_below_the_table(result):
    lines = _printed(result, 200)
    (failure,) = [line for line in lines if "✗" in line]
    assert failure == "✗ litert model.int8.tflite: killed by SIGSEGV [segfault]"


def test_floats_that_are_not_the_oracle_s_on_these_windows_are_told_in_words(result):
    """Rounded files are expected to differ, and are not."""
    rows = tuple(replace(row, max_abs_error=8.7e-5, top1_agreement=1.0) for row in result.rows)
    said = [line for line in _printed(replace(result, rows=rows), 200) if "from the oracle's" in line]
    assert len(said) == len([row for row in rows if row.quantization == "float32" and row.error is None])
    assert "8.7e-05" in said[0] or "8.7e-5" in said[0]
    exact = tuple(replace(row, max_abs_error=9e-6) for row in result.rows)
    assert not any("from the oracle's" in line for line in _printed(replace(result, rows=exact), 200))


@pytest.mark.parametrize("width", [80, 90, 100, 120, 200])
def test_no_number_is_ever_cut(result, width):
    lines = _printed(result, width)
    assert not any("…" in line for line in lines)
    rows = [line for line in lines if "×" in line]
    assert all(len(line) <= width for line in rows)
    assert "105" in rows[0]
    assert "1.0×" in rows[0]


def test_a_wide_terminal_shows_everything_and_a_narrow_one_the_essence(result):
    wide, narrow = "\n".join(_printed(result, 200)), "\n".join(_printed(result, 80))
    for word in ("bytes", "load", "p95", "max", "peak", "model.float32.onnx", "1,234"):
        assert word in wide
    for word in ("p50", "p99", "largest", "fastest"):
        assert word in narrow


def test_the_machine_and_its_other_work_are_told(result):
    text = " ".join(_printed(result, 200))
    assert "Test CPU <9>" in text
    assert "The processor had other things to do before (load average 1.9)" in text
    idle = replace(result, machine=replace(result.machine, load_average=0.0))
    assert "The processor" not in " ".join(_printed(idle, 200))


def test_a_model_of_which_nothing_ran_has_its_reasons(result):
    only_failure = replace(result, rows=result.rows[3:])
    text = "\n".join(_printed(only_failure, 100))
    assert "killed by SIGSEGV" in text
    assert "p50" not in text


def _with_device(result: BenchmarkResult, unit: str) -> BenchmarkResult:
    """Return the result with one more row, of a device that counts in this unit."""
    facts = DeviceFacts(unit, 512_345, 520_001, 530_002, 540_003, 7, 31_072, 1_876)
    timed = {"latency_us": replace(result.rows[1].latency_us, p50=512_345.0)} if unit == "microseconds" else {}
    row = Row("lstm-0123", "device", "model.int8.harc", "int8", "direct", 999, "board [x]", device=facts, **timed)
    return replace(result, rows=(*result.rows, row))


@pytest.mark.parametrize("unit", ["microseconds", "cycles", "instructions"])
@pytest.mark.parametrize("width", [100, 200])
def test_a_device_is_a_row_of_the_table_whatever_it_counts(result, unit, width):
    lines = _printed(_with_device(result, unit), width)
    (row,) = [line for line in lines if "device" in line and "int8" in line and "✗" not in line]
    assert f"512,345 {unit}" in row
    if width == 200:
        for number in ("31,072", "1,876", "board [x]"):
            assert number in row
    if unit != "microseconds":
        assert row == [line for line in lines if "×" in line or line == row][-1], "rows without times come last"
    assert not any("a window (p95" in line for line in lines), "no sentence below the table repeats it"


def test_columns_of_devices_are_there_only_for_devices(result):
    assert "flash" not in "\n".join(_printed(result, 250))
