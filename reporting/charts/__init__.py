"""Charts as inline SVG: numbers in, markup out. Colours come from the page's style; every mark says its number."""

from edgehar.reporting.charts.bars import Bar, bar_chart
from edgehar.reporting.charts.dot_range import DotRange, dot_range_chart
from edgehar.reporting.charts.heat_map import heat_map
from edgehar.reporting.charts.lines import BandRow, Series, Span, line_chart
from edgehar.reporting.charts.scatter import Point, scatter_chart

__all__ = [
    "Bar",
    "BandRow",
    "DotRange",
    "Point",
    "Series",
    "Span",
    "bar_chart",
    "dot_range_chart",
    "heat_map",
    "line_chart",
    "scatter_chart",
]
