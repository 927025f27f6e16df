"""Charts as inline SVG: numbers in, markup out. Colours come from the page's style; every mark says its number."""

from edgehar.reporting.charts.bands import BandRow, Span
from edgehar.reporting.charts.bars import Bar, bar_chart
from edgehar.reporting.charts.calibration import ConfidenceBin, calibration_chart
from edgehar.reporting.charts.day_strips import NOT_WORN, DayStrip, Stretch, day_strips
from edgehar.reporting.charts.dot_range import DotRange, dot_range_chart
from edgehar.reporting.charts.dot_rows import DotRow, dot_rows_chart
from edgehar.reporting.charts.heat_map import heat_map
from edgehar.reporting.charts.lines import Series, line_chart
from edgehar.reporting.charts.scatter import Point, scatter_chart
from edgehar.reporting.charts.traces import Trace, small_traces

__all__ = [
    "NOT_WORN",
    "BandRow",
    "Bar",
    "ConfidenceBin",
    "DayStrip",
    "DotRange",
    "DotRow",
    "Point",
    "Series",
    "Span",
    "Stretch",
    "Trace",
    "bar_chart",
    "calibration_chart",
    "day_strips",
    "dot_range_chart",
    "dot_rows_chart",
    "heat_map",
    "line_chart",
    "scatter_chart",
    "small_traces",
]
