"""The page of a benchmark: every number of every row, the machine, and the command that made it."""

import re
from dataclasses import replace

from edgehar.firmware_bridge.benchmark.page import benchmark_page, benchmark_sections


def test_every_row_is_in_pictures_and_tables(result):
    page = benchmark_page(result, command_line="har bench 'out/lstm' --html x.html")
    for text in ("lstm on Test CPU &lt;9&gt;", "har bench 'out/lstm' --html x.html", "13,324 parameters"):
        assert text in page
    assert "edgehar 0" in page
    for number in ("105 µs", "1.07 ms", "4 ms", "2.1e-7", "1,234", "19,000"):
        assert number in page
    assert page.count("killed by SIGSEGV [segfault]") == 3 + 1
    assert page.count("<svg") == 2 * 3
    assert "load average 1.9" in page


def test_the_lead_names_the_fastest(result):
    page = benchmark_page(result, command_line="har bench x")
    assert "lstm is fastest on onnxruntime: 105 µs a window" in page


def test_other_converters_are_grey_and_ours_keep_their_engine_s_colour(result):
    page = benchmark_page(result, command_line="har bench x")
    dots = re.findall(r'<g class="(s\d+)"><title>(\w+) ([\w.]+)', page)
    assert ("s9", "litert", "peer.tflite") in dots
    assert ("s2", "onnxruntime", "model.float32.onnx") in dots
    assert "Grey: files made by other converters" in page


def test_a_run_without_results_still_makes_a_page(result):
    failed = replace(result, rows=result.rows[3:], interrupted=True)
    page = benchmark_page(failed, command_line="har bench x")
    assert "Nothing could be measured" in page
    assert "The run was interrupted" in page


def test_sections_can_join_another_report(result):
    titles = [section.title for section in benchmark_sections(result)]
    assert titles == ["lstm"]
