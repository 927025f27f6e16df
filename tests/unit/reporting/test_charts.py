"""Charts: well-formed pictures for every width, every number in them, no text outside the frame, names escaped."""

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.reporting.charts import (
    BandRow,
    Bar,
    ConfidenceBin,
    DotRange,
    DotRow,
    Point,
    Series,
    Span,
    Trace,
    bar_chart,
    calibration_chart,
    dot_range_chart,
    dot_rows_chart,
    heat_map,
    line_chart,
    scatter_chart,
    small_traces,
)
from edgehar.reporting.charts.canvas import LAYOUTS, label_width
from edgehar.reporting.numbers import byte_size, duration_us

NASTY = '<script>"&'
NARROW, MEDIUM, WIDE = range(3)
LABELS = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)


def _parsed(chart: str, layout: int = WIDE) -> ElementTree.Element:
    """Parse a chart, hold the coordinates and texts of every layout to its frame, and return one layout."""
    root = ElementTree.fromstring(chart)
    names = [each.get("class") for each in root]
    assert names == [f"at-{each.name}" for each in LAYOUTS]
    pictures = [each[0] for each in root]
    for picture in pictures:
        _hold_to_frame(picture)
    assert "nan" not in re.sub(r">[^<]*<", "><", chart).lower()
    return pictures[layout]


def _hold_to_frame(picture: ElementTree.Element) -> None:
    """Fail where a mark or a text leaves its picture."""
    assert picture.tag == "svg"
    assert picture.get("role") == "img"
    assert picture.get("aria-label")
    _, _, width, height = map(float, picture.get("viewBox", "").split())
    for mark in picture.iter():
        for name, limit in (("x", width), ("x1", width), ("x2", width), ("cx", width)):
            assert -1 <= float(mark.get(name, 0)) <= limit + 1, (mark.tag, mark.attrib)
        for name, limit in (("y", height), ("y1", height), ("y2", height), ("cy", height)):
            assert -1 <= float(mark.get(name, 0)) <= limit + 1, (mark.tag, mark.attrib)
        if mark.tag == "text":
            left, right = _extent(mark)
            assert left >= -1, (mark.text, left)
            assert right <= width + 1, (mark.text, right, width)


def _extent(text: ElementTree.Element) -> tuple[float, float]:
    """Return the first and last pixel that a text may take."""
    classes = text.get("class", "")
    x, wide = float(text.get("x", 0)), label_width(text.text or "", classes)
    names = classes.split()
    left = x - wide if "end" in names else x - wide / 2 if "middle" in names else x
    return left, left + wide


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


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(1e-2, 1e8), st.floats(1, 50), st.floats(1, 50), st.floats(1, 50)), min_size=1))
def test_any_quantiles_fit_into_the_frame(rows):
    made = [(p50, p50 * a, p50 * a * b, p50 * a * b * c) for p50, a, b, c in rows]
    _parsed(dot_range_chart([DotRange("row", "x", quantiles, "1×") for quantiles in made], label="times"))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(1, 1e9), st.floats(1e-2, 1e8)), min_size=1, max_size=30))
def test_any_points_fit_and_their_names_do_not_lie_on_each_other(values):
    points = [Point(f"point {index}", x, y) for index, (x, y) in enumerate(values)]
    picture = scatter_chart(points, label="s", x_label="x", y_label="y", x_written=byte_size, y_written=duration_us)
    root = ElementTree.fromstring(picture)[WIDE][0]
    names = [mark for mark in root.iter("text") if (mark.text or "").startswith("point ")]
    assert len(names) == len(points)
    places = sorted((float(mark.get("x", 0)), float(mark.get("y", 0))) for mark in names)
    for index, (x, y) in enumerate(places):
        for other_x, other_y in places[index + 1 :]:
            assert abs(x - other_x) > 40 or abs(y - other_y) >= 12


def test_bars_are_as_long_as_their_values():
    bars = [Bar("a", 0.25), Bar("b", 0.5, interval=(0.4, 0.6)), Bar("c", 0.0), Bar(NASTY, 1.0, note="best")]
    root = _parsed(bar_chart(bars, label="F1", limit=1.0, reference=("mean", 0.44), written=lambda v: f"{v:.2f}"))
    widths = [float(bar.get("width", 0)) for bar in _marks(root, "rect", "mark")]
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.01)
    assert widths[2] < 2
    assert {"0.50 (0.40–0.60)", "1.00 best", "mean 0.44", NASTY} <= set(_texts(root))


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
    assert [texts.count(number) for number in ("90", "10", "<1", "99")] == [1, 1, 1, 1]
    assert "walk: 10 of 100 labelled as " + NASTY in _texts(root, "title")
    assert {"was done ↓", "labelled as →", "windows"} <= set(texts)
    assert "1,000" in texts


def test_a_heat_map_colours_mistakes_unlike_what_is_right():
    root = _parsed(heat_map([[5, 5], [0, 1]], ["a", "b"], label="confusion"))
    classes = [mark.get("class") for mark in root.iter("rect") if "share" in mark.get("class", "")]
    assert classes == ["cell share s1", "cell share s4", "cell share s1"]


def test_a_long_line_is_thinned_and_keeps_its_peaks():
    x = [index / 100 for index in range(60_000)]
    y = [math.sin(value) for value in x]
    y[31_111], y[44_444] = 9.0, -9.0
    root = _parsed(line_chart([Series("z", x, y)], label="trace", x_label="s", y_label="g"))
    (line,) = root.iter("polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]
    assert len(points) <= 2 * LAYOUTS[WIDE].width
    assert [point[0] for point in points] == sorted(point[0] for point in points)
    heights = [point[1] for point in points]
    floor, middle = max(heights), sorted(heights)[len(heights) // 2]
    assert floor - middle > 60
    assert middle - min(heights) > 60


def test_the_legend_of_bands_names_every_label_and_looks_like_the_bands():
    spans = [Span(0, 90, "Walking"), Span(90, 90.5, "Jumping Up", 3), Span(90.5, 100, NASTY, 4)]
    series = [Series("x", [0, 100], [0, 1])]
    root = _parsed(line_chart(series, label="t", x_label="s", y_label="g", bands=[BandRow("true", spans)]))
    texts = _texts(root)
    assert [texts.count(name) for name in ("Walking", "Jumping Up", NASTY)] == [2, 1, 2]
    assert len(_marks(root, "rect", "band")) == len(_marks(root, "rect", "edge")) == 2 * 3
    assert not _marks(root, "rect", "mark")
    assert "true: Jumping Up, 90 to 90.5" in _texts(root, "title")


def test_one_epoch_is_a_dot_and_the_marker_is_named():
    root = _parsed(
        line_chart([Series("F1", [1], [0.5])], label="t", x_label="n", y_label="F1", marker=("kept", 1.0), whole_x=True)
    )
    assert len(_marks(root, "circle", "mark")) == 1
    assert "kept" in _texts(root)


def test_flat_lines_and_forced_limits_are_drawn():
    root = _parsed(line_chart([Series("a", [0, 1], [0.7, 0.7])], label="t", x_label="x", y_label="y", y_include=[0, 1]))
    assert {"0", "1"} <= set(_texts(root))


def _every_chart(first: str, second: str) -> dict[str, str]:
    """Return every chart with two labels, whatever they are."""
    spans = [Span(0, 40, first), Span(40, 41, second, 1), Span(41, 100, "unknown", -1)]
    lines = [Series(first, [0, 100], [0, 1]), Series(second, [0, 100], [1, 0], 1)]
    points = [Point(first, 20e3, 70.0), Point(second, 21e3, 4e3, 1)]
    rows = [DotRange(first, second, (75, 80, 90, 4e6), first), DotRange(second, first, None, second)]
    return {
        "bars": bar_chart(
            [Bar(first, 0.2, interval=(0.1, 0.3)), Bar(second, 1.0)], label="b", limit=1.0, reference=(first, 1.0)
        ),
        "dot range": dot_range_chart(rows, label="d", remark_heading=second),
        "heat map": heat_map([[90, 10], [1, 99_999]], [first, second], label="h"),
        "lines": line_chart(
            lines, label="l", x_label=first, y_label=second, marker=(first, 99.0), bands=[BandRow(first, spans)]
        ),
        "scatter": scatter_chart(
            points, label="s", x_label=first, y_label=second, x_written=byte_size, y_written=duration_us
        ),
        "calibration": calibration_chart([(first, [ConfidenceBin(0.5, 0.4, 10)]), (second, [])], label="c"),
    }


@settings(max_examples=25, deadline=None)
@given(LABELS, LABELS)
def test_no_text_leaves_its_picture_whatever_the_labels(first: str, second: str):
    for chart in _every_chart(first, second).values():
        _parsed(chart)


@pytest.mark.parametrize("name", ["bars", "dot range", "heat map", "lines", "scatter"])
def test_a_cut_label_is_whole_when_pointed_at(name: str):
    long = "an activity with a name that is far too long for any of the charts of this page " * 2
    for layout in (NARROW, MEDIUM, WIDE):
        picture = _parsed(_every_chart(long, "short")[name], layout)
        cut = [text for text in picture.iter("text") if (text.text or "").endswith("…")]
        assert cut
        assert all(any(long in (title.text or "") for title in text.iter("title")) for text in cut)


@pytest.mark.parametrize("layout", [NARROW, MEDIUM, WIDE])
def test_texts_of_rows_do_not_lie_on_each_other(layout: int):
    names = ["Walking Downstairs", "Elevator Up"]
    for chart in _every_chart(*names).values():
        texts = [(float(text.get("y", 0)), *_extent(text), text.text) for text in _parsed(chart, layout).iter("text")]
        for index, (y, left, right, written) in enumerate(texts):
            for other_y, other_left, other_right, other in texts[index + 1 :]:
                apart = abs(y - other_y) >= 9 or right <= other_left + 1 or other_right <= left + 1
                assert apart, (written, other)


def test_forty_classes_fit_a_phone():
    labels = [f"activity {number}" for number in range(40)]
    counts = [[int(row == column) * 50 + 1 for column in range(40)] for row in range(40)]
    picture = _parsed(heat_map(counts, labels, label="h"), NARROW)
    assert not [text for text in _texts(picture) if text == "56"]
    assert len(_marks(picture, "rect", "cell")) == 2 * 1600


def test_traces_share_one_scale_and_name_their_activity():
    traces = [Trace("still", [[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]), Trace(NASTY, [[-2.0, 2.0], [0.0, 0.1], [1.0, 1.0]])]
    root = ElementTree.fromstring(f"<div>{small_traces(traces, unit='g')}</div>")
    pictures = [picture for picture in root.iter("svg") if picture.get("role") == "img"]
    assert [picture.get("aria-label") for picture in pictures] == ["Signal of still", f"Signal of {NASTY}"]
    assert "all from −2 to 2 g" in [span.text for span in root.iter("span")]
    heights = [float(line.get("points", "").split(",")[-1]) for line in pictures[0].iter("polyline")]
    assert heights[0] == heights[1] == pytest.approx(48, abs=1)


def test_a_calibration_chart_sizes_dots_by_their_windows():
    bins = [ConfidenceBin(0.3, 0.25, 10), ConfidenceBin(0.9, 0.7, 1000)]
    small, large = (
        float(dot.get("r", 0))
        for dot in _marks(_parsed(calibration_chart([("raw", bins)], label="c")), "circle", "dot")
    )
    assert large > 3 * small / 1.1
    assert "raw: 1,000 windows at 90.0 %, 70.0 % right" in _texts(
        _parsed(calibration_chart([("raw", bins)], label="c")), "title"
    )


def test_every_dot_of_a_row_is_drawn_in_every_layout() -> None:
    rows = [DotRow("one", [[(0.0, "a < b"), (1.0, "c")], [(0.5, "d")]]), DotRow("two", [[], [(-2.0, "e")]])]
    chart = dot_rows_chart(rows, [("x", 0), ("y", 1)], label="Dots", include=[-1.0, 1.0])
    assert chart.count('class="dot faint"') == 4 * 3
    assert "a &lt; b" in chart
