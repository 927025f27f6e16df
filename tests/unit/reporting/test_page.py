"""A page is one well-formed file that loads nothing from anywhere."""

import re
import subprocess
import sys
from html.parser import HTMLParser

from edgehar.reporting.markup import Markup
from edgehar.reporting.page import (
    Column,
    KeyFigure,
    Section,
    code,
    command,
    definitions,
    details,
    figure,
    key_figures,
    note,
    paragraph,
    render_page,
    table,
)

VOID = {"meta", "br", "hr"}


class _Balance(HTMLParser):
    """Fails on tags that do not close in order; remembers what is there."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.seen)


def _page() -> str:
    columns = [Column("engine"), Column("p50", numeric=True, meaning="the median"), Column("p99", numeric=True)]
    return render_page(
        kicker="kind",
        title="A <b> title",
        lead="What & why.",
        footer="made by",
        sections=[
            Section(
                "One",
                [
                    key_figures([KeyFigure("fastest", "75 µs", "litert"), KeyFigure("n", "2")]),
                    figure(Markup("<svg></svg>"), "caption"),
                    table(columns, [["numpy", "1", "2"], ["litert", "killed <here>"]], caption="times"),
                    paragraph("see ", code("a<b")),
                ],
                lead="first",
            ),
            Section("Two", [command("har bench x"), definitions([("cpu", "x")]), details("how", note("careful"))]),
        ],
    )


def test_it_is_well_formed_and_says_everything():
    seen = _Balance(_page())
    assert {"A <b> title", "What & why.", "killed <here>", "a<b", "har bench x", "careful"} <= set(seen.text)
    assert seen.count("section") == 2
    assert seen.count("table") == 1


def test_it_needs_nothing_from_anywhere():
    source = _page()
    assert not re.search(r"https?:|//\w|url\(|@import|\bsrc=|\bhref=|<script|<link|<img", source)
    policy = [attributes for tag, attributes in _Balance(source).seen if attributes.get("http-equiv")]
    assert policy == [
        {"http-equiv": "Content-Security-Policy", "content": "default-src 'none'; style-src 'unsafe-inline'"}
    ]


def test_it_serves_light_dark_and_paper():
    source = _page()
    assert "prefers-color-scheme: dark" in source
    assert "@media print" in source
    assert '<meta name="viewport"' in source


def test_every_series_colour_is_defined_for_light_and_dark():
    style = _page().partition("<style>")[2].partition("</style>")[0]
    light, _, dark = style.partition("prefers-color-scheme: dark")
    for index in range(1, 13):
        assert f"--s{index}:" in light
        assert f"--s{index}:" in dark
        assert f".s{index} " in style


def test_a_short_row_spans_the_numbers_it_lacks():
    made = table([Column("a"), Column("b", True), Column("c", True)], [["x", "reason"], ["y", "1", "2"]])
    failed = '<th role="rowheader" scope="row">x</th><td role="cell" colspan="2">reason</td>'
    assert f'<tr role="row" class="failed">{failed}</tr>' in made
    assert '<td role="cell" data-label="b" class="number">1</td>' in made


def test_a_wide_table_is_set_smaller():
    columns = [Column(str(index)) for index in range(9)]
    assert '<table role="table" class="wide dense">' in table(columns, [])
    assert '<table role="table" class="wide">' in table(columns[:8], [])
    assert '<table role="table" class="many">' in table(columns[:6], [])
    assert '<table role="table">' in table(columns[:3], [])


def test_reports_need_the_standard_library_only():
    code_ = (
        "import sys; before = set(sys.modules); import edgehar.reporting.page, edgehar.reporting.charts;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names);"
        "print(sorted(new))"
    )
    done = subprocess.run([sys.executable, "-c", code_], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['edgehar']"
