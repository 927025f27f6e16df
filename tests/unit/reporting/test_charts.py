"""Charts: well-formed pictures with every number in them, nothing outside the frame, names escaped."""

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.reporting.charts import (
    BandRow,
    Bar,
    DotRange,
    Point,
    Series,
    Span,
    bar_chart,
    dot_range_chart,
    heat_map,
    line_chart,
    scatter_chart,
)
from edgehar.reporting.numbers import byte_size, duration_us

NASTY = '<script>"&'


def _parsed(picture: str) -> ElementTree.Element:
    """Parse a picture, and hold every coordinate to its frame."""
    root = ElementTree.fromstring(picture)
    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert "nan" not in re.sub(r">[^<]*<", "><", picture).lower()
    _, _, width, height = map(float, root.get("viewBox", "").split())
    for mark in root.iter():
        for name, limit in (("x", width), ("x1", width), ("x2", width), ("cx", width)):
            assert -1 <= float(mark.get(name, 0)) <= limit + 1, (mark.tag, mark.attrib)
        for name, limit in (("y", height), ("y1", height), ("y2", height), ("cy", height)):
            assert -1 <= float(mark.get(name, 0)) <= limit + 1, (mark.tag, mark.attrib)
    return root


def _texts(root: ElementTree.Element, tag: str = "text") -> list[str]:
    return [mark.text or "" for mark in root.iter(tag)]


def _marks(root: ElementTree.Element, tag: str, name: str) -> list[ElementTree.Element]:
    return [mark for mark in root.iter(tag) if name in mark.get("class", "").split()]


def test_a_dot_range_chart_draws_medians_in_order_of_size():
    rows = [
        DotRange("fast", "a", (75, 80, 90, 400), "1.0×", 0),
        DotRange("slow", "b", (4200, 4300, 5000, 9000), "56×", 1),
        DotRange(NASTY, "c", None, "was killed & gone", 2),
    ]
    root = _parsed(dot_range_chart(rows, label="times", remark_heading="vs fastest"))
    dots = [float(dot.get("cx", 0)) for dot in _marks(root, "circle", "mark")]
    assert len(dots) == 2
    assert dots[0] < dots[1]
    assert {"75 µs", "4.20 ms", "56×", "was killed & gone", NASTY, "vs fastest"} <= set(_texts(root))
    assert "slow b: p50 4.20 ms, p95 4.30 ms, p99 5 ms, max 9 ms" in _texts(root, "title")


def test_a_dot_range_chart_of_failures_alone_is_still_a_picture():
    root = _parsed(dot_range_chart([DotRange("a", "b", None, "no engine")], label="times"))
    assert "no engine" in _texts(root)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(1e-2, 1e8), st.floats(1, 50), st.floats(1, 50), st.floats(1, 50)), min_size=1))
def test_any_quantiles_fit_into_the_frame(rows):
    made = [(p50, p50 * a, p50 * a * b, p50 * a * b * c) for p50, a, b, c in rows]
    _parsed(dot_range_chart([DotRange("row", "x", quantiles, "1×") for quantiles in made], label="times"))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(1, 1e9), st.floats(1e-2, 1e8)), min_size=1, max_size=30))
def test_any_points_fit_and_their_names_do_not_lie_on_each_other(values):
    points = [Point(f"point {index}", x, y) for index, (x, y) in enumerate(values)]
    picture = scatter_chart(points, label="s", x_label="x", y_label="y", x_written=byte_size, y_written=duration_us)
    root = ElementTree.fromstring(picture)
    names = [mark for mark in root.iter("text") if (mark.text or "").startswith("point ")]
    assert len(names) == len(points)
    places = sorted((float(mark.get("x", 0)), float(mark.get("y", 0))) for mark in names)
    for index, (x, y) in enumerate(places):
        for other_x, other_y in places[index + 1 :]:
            assert abs(x - other_x) > 40 or abs(y - other_y) >= 12


def test_bars_are_as_long_as_their_values():
    bars = [Bar("a", 0.25), Bar("b", 0.5, spread=0.1), Bar("c", 0.0), Bar(NASTY, 1.0, note="best")]
    root = _parsed(bar_chart(bars, label="F1", limit=1.0, reference=("mean", 0.44), written=lambda v: f"{v:.2f}"))
    widths = [float(bar.get("width", 0)) for bar in _marks(root, "rect", "mark")]
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.01)
    assert widths[2] < 2
    assert {"0.50 ± 0.10", "1.00 best", "mean 0.44", NASTY} <= set(_texts(root))


def test_bars_below_zero_go_the_other_way():
    root = _parsed(bar_chart([Bar("gain", 2.0), Bar("loss", -1.0)], label="points"))
    gain, loss = _marks(root, "rect", "mark")
    assert float(loss.get("x", 0)) + float(loss.get("width", 0)) == pytest.approx(float(gain.get("x", 0)), abs=0.02)
    assert float(gain.get("width", 0)) == pytest.approx(2 * float(loss.get("width", 0)), abs=0.05)


def test_a_heat_map_tells_shares_and_counts():
    counts = [[90, 10, 0], [0, 0, 0], [1, 0, 999]]
    root = _parsed(heat_map(counts, ["walk", NASTY, "sit"], label="confusion"))
    cells = _marks(root, "rect", "cell")
    assert len(_marks(root, "rect", "empty")) == 9
    assert len(cells) == 9 + 4
    texts = _texts(root)
    assert [texts.count(number) for number in ("90", "10", "<1", "100")] == [1, 1, 1, 2]
    assert "walk: 10 of 100 were labelled " + NASTY in _texts(root, "title")
    assert "1,000" in texts


def test_a_heat_map_colours_mistakes_unlike_what_is_right():
    root = _parsed(heat_map([[5, 5], [0, 1]], ["a", "b"], label="confusion"))
    classes = [mark.get("class") for mark in root.iter("rect") if "mark" in mark.get("class", "")]
    assert classes == ["cell mark s1", "cell mark s4", "cell mark s1"]


def test_a_long_line_is_thinned_and_keeps_its_peaks():
    x = [index / 100 for index in range(60_000)]
    y = [math.sin(value) for value in x]
    y[31_111], y[44_444] = 9.0, -9.0
    root = _parsed(line_chart([Series("z", x, y)], label="trace", x_label="s", y_label="g"))
    (line,) = root.iter("polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]
    assert len(points) <= 1600
    assert [point[0] for point in points] == sorted(point[0] for point in points)
    heights = [point[1] for point in points]
    floor, middle = max(heights), sorted(heights)[len(heights) // 2]
    assert floor - middle > 60
    assert middle - min(heights) > 60


def test_labels_that_do_not_fit_their_stretch_are_in_a_legend():
    spans = [Span(0, 90, "Walking"), Span(90, 90.5, "Jumping Up", 3), Span(90.5, 100, NASTY, 4)]
    series = [Series("x", [0, 100], [0, 1])]
    root = _parsed(line_chart(series, label="t", x_label="s", y_label="g", bands=[BandRow("true", spans)]))
    texts = _texts(root)
    assert texts.count("Walking") == 1
    assert texts.count("Jumping Up") == 1
    assert len(_marks(root, "rect", "band")) == 3
    assert "true: Jumping Up, 90 to 90.5" in _texts(root, "title")


def test_one_epoch_is_a_dot_and_the_marker_is_named():
    root = _parsed(
        line_chart([Series("F1", [1], [0.5])], label="t", x_label="epoch", y_label="F1", marker=("kept", 1.0))
    )
    assert len(_marks(root, "circle", "mark")) == 1
    assert "kept" in _texts(root)


def test_flat_lines_and_forced_limits_are_drawn():
    root = _parsed(line_chart([Series("a", [0, 1], [0.7, 0.7])], label="t", x_label="x", y_label="y", y_include=[0, 1]))
    assert {"0", "1"} <= set(_texts(root))
