"""Pages about a folder of labels: one for every person, and one of the cohort that leads to them."""

import datetime
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.models import __version__
from edgehar.models.errors import DataError
from edgehar.models.files import atomic_path
from edgehar.pipeline.bulk.archive import PUT_ASIDE, read_settings
from edgehar.pipeline.bulk.days import UNDATED, kind_of
from edgehar.pipeline.bulk.days_of_people import BINS, DayBins, Person, people_of
from edgehar.pipeline.bulk.wear import RULE
from edgehar.reporting.charts import NOT_WORN, Bar, DayStrip, Stretch, bar_chart, day_strips
from edgehar.reporting.markup import Markup, element
from edgehar.reporting.numbers import percent
from edgehar.reporting.page import (
    Column,
    KeyFigure,
    Section,
    figure,
    imprint,
    key_figures,
    note,
    paragraph,
    render_page,
    table,
)

FOLDER: Final = "report"
_MOST_DAYS: Final = 31
_MOST_ASIDE: Final = 50
_BIN_H: Final = 24 / BINS


def write_pages(folder: Path) -> Path:
    """Write the pages of a folder of labels, and return the one of the cohort.

    Raises
    ------
    DataError
        When the folder holds no labels.
    """
    settings = read_settings(folder)
    if settings is None:
        raise DataError(
            f"{folder}: expected a folder of labels by har classify, found none", next_step="Run har classify first."
        )
    labels, hop_s = tuple(settings["labels"]), float(settings["hop_s"])
    rows: list[_Row] = []
    for number, person in enumerate(people_of(folder, labels), 1):
        page = f"person-{number}-{re.sub(r'[^A-Za-z0-9]+', '-', person.name)[:40].strip('-') or 'unnamed'}.html"
        row = _Row(person, labels, hop_s, page)
        rows.append(row)
        _write(folder / FOLDER / page, _person_page(row, labels, settings))
    if not rows:
        raise DataError(f"{folder}: expected labels of at least one person, found none", next_step="Check the files.")
    index = folder / FOLDER / "index.html"
    _write(index, _cohort_page(rows, labels, settings, _put_aside(folder)))
    return index


class _Row:
    """What the page of the cohort says of a person."""

    def __init__(self, person: Person, labels: tuple[str, ...], hop_s: float, page: str) -> None:
        self.person, self.page = person, page
        windows = np.array([day.windows.sum(axis=0) for day in person.days.values()])
        minutes = windows * hop_s / 60
        self.days = sum(kind_of(name) != UNDATED for name in person.days)
        self.minutes: npt.NDArray[np.float64] = minutes[:, : len(labels)]
        self.worn_h = float(self.minutes.sum()) / 60
        self.not_worn_h = float(minutes[:, -1].sum()) / 60
        sure = sum(float(day.probability.sum()) for day in person.days.values())
        counted = float(windows[:, : len(labels)].sum())
        self.confidence = sure / counted if counted else None

    @property
    def worn(self) -> str:
        """How long the sensor was worn: a day, where there are days."""
        return f"{self.worn_h / self.days:.1f} hours a day" if self.days else f"{self.worn_h:.1f} hours"

    @property
    def daily(self) -> npt.NDArray[np.float64]:
        """Hours of each activity in 24 hours of wearing."""
        total = self.minutes.sum()
        return self.minutes.sum(axis=0) / total * 24 if total else np.zeros(self.minutes.shape[1])


def _person_page(row: _Row, labels: tuple[str, ...], settings: dict[str, Any]) -> str:
    """Return the page of a person."""
    person = row.person
    listed = list(person.days.items())[:_MOST_DAYS]
    shown = [(name, day) for name, day in listed if kind_of(name) != UNDATED]
    used = [place for place in np.argsort(-row.minutes.sum(axis=0)).tolist() if row.minutes[:, place].any()]
    keys = [(labels[place], _color(place, labels)) for place in used] + [("not worn", NOT_WORN)]
    strips = [DayStrip(name, _stretches(day, labels)) for name, day in shown]
    caption = (
        "Each strip is a day, in steps of five minutes: the activity that most windows show. The bar below is the "
        "darker the surer the labels are. A thin line is a sensor not worn; an empty strip, nothing recorded."
    )
    blocks = [figure(day_strips(strips, label=f"Days of person {person.name}", keys=keys), caption)] if shown else []
    if len(person.days) > len(listed):
        blocks.append(
            note(f"The first {len(listed)} of {len(person.days)} days are shown; summary.parquet has them all.")
        )
    if UNDATED in person.days:
        blocks.append(note("Recordings without a time of day have no strip: they are added up as undated."))
    total = row.minutes.sum(axis=0)
    bars = [Bar(labels[place], total[place] / max(1, row.days), _color(place, labels)) for place in used]
    title = f"Minutes {'a day ' if row.days else ''}of every activity"
    amounts = [figure(bar_chart(bars, label=title, written=_minutes))] if bars else []
    main = [Column(labels[place], numeric=True) for place in used[:4]]
    columns = [Column("day"), *(Column(name, numeric=True) for name in ("worn", "not worn", "sure")), *main]
    rows = [_day_row(name, day, used[:4], len(labels), float(settings["hop_s"])) for name, day in listed]
    problems = [problem for recording in person.recordings for problem in recording["problems"]]
    sections = [
        Section("Days", blocks),
        Section("Minutes", [*amounts, table(columns, rows)], lead="In all, and every day with the main activities."),
    ]
    if problems:
        sections.append(Section("What the files say against themselves", [paragraph(text) for text in problems[:20]]))
    back = element("a", "All people", href="index.html")
    return render_page(
        title=f"Person {person.name}", kicker="Report of a person", sections=sections,
        lead=_lead(row, labels, used), footer=_footer(settings, back),
    )  # fmt: skip


def _cohort_page(
    rows: Sequence[_Row], labels: tuple[str, ...], settings: dict[str, Any], aside: list[dict[str, str]]
) -> str:
    """Return the page of the cohort."""
    worn, idle = sum(row.worn_h for row in rows), sum(row.not_worn_h for row in rows)
    people, days = f"{len(rows)} {'person' if len(rows) == 1 else 'people'}", sum(row.days for row in rows)
    tiles = key_figures(
        [
            KeyFigure("People", f"{len(rows):,}", f"{days:,} days"),
            KeyFigure("Worn", f"{worn:,.0f} h", f"{worn / days:.1f} h a day" if days else "on unknown days"),
            KeyFigure("Not worn", f"{idle:,.0f} h", percent(idle / (worn + idle) if worn + idle else None)),
            KeyFigure("Files put aside", f"{len(aside):,}", "see below" if aside else "all could be read"),
        ]
    )
    daily = np.array([row.daily for row in rows if row.worn_h])
    means = daily.mean(axis=0) if len(daily) else np.zeros(len(labels))
    order = [place for place in np.argsort(-means).tolist() if means[place] > 0]
    bars = [Bar(labels[place], float(means[place]), _color(place, labels), _middle(daily[:, place])) for place in order]
    spread = "the whisker holds the middle 80 % of people" if len(daily) >= 5 else "too few people for a spread"
    charts = [figure(bar_chart(bars, label="Hours of every activity", written=_hours),
                     f"Hours in 24 hours of wearing, mean over people; {spread}.")] if bars else []  # fmt: skip
    columns = [Column("person"), Column("days", numeric=True), Column("worn, h a day", numeric=True),
               Column("not worn, h a day", numeric=True), Column("sure", numeric=True, meaning="mean probability"),
               Column("main activities")]  # fmt: skip
    listed = [_person_row(row, labels) for row in rows]
    sections = [
        Section("In all", [tiles, *charts], lead=f"The labels of {people} by the model {settings['model']}."),
        Section("People", [table(columns, listed)], lead="Each name leads to the days of that person."),
    ]
    if aside:
        shown = [[entry["file"], entry["reason"]] for entry in aside[:_MOST_ASIDE]]
        sections.append(
            Section("Put aside", [table([Column("file"), Column("why")], shown)], lead="Files that could not be read.")
        )
    notes = [
        paragraph("Not worn: ", RULE, ". A model that was trained on one placement says little about another one."),
        paragraph("Labels are those of the bundle's decoder; labels/*.parquet keeps the label of each window alone."),
    ]
    sections.append(Section("How it was made", notes))
    return render_page(
        title=f"{people}, {worn:,.0f} hours",
        kicker="Report of a cohort",
        sections=sections,
        footer=_footer(settings, ""),
    )


def _stretches(day: DayBins, labels: tuple[str, ...]) -> list[Stretch]:
    """Return the stretches of a day in which the same label leads."""
    found: list[Stretch] = []
    leads = day.windows.argmax(axis=1)
    start = 0
    for stop in range(1, BINS + 1):
        recorded = day.windows[start].any()
        if stop < BINS and leads[stop] == leads[start] and day.windows[stop].any() == recorded:
            continue
        if recorded:
            place = int(leads[start])
            worn = float(day.windows[start:stop, : len(labels)].sum())
            sure = float(day.probability[start:stop].sum()) / worn if worn else None
            if place == len(labels):
                found.append(Stretch(start * _BIN_H, stop * _BIN_H, "not worn", NOT_WORN))
            else:
                found.append(Stretch(start * _BIN_H, stop * _BIN_H, labels[place], _color(place, labels), sure))
        start = stop
    return found


def _day_row(name: str, day: DayBins, used: Sequence[int], labels: int, hop_s: float) -> list[str]:
    """Return a row of a person's table."""
    minutes = day.windows.sum(axis=0) * hop_s / 60
    worn = float(day.windows[:, :labels].sum())
    sure = percent(float(day.probability.sum()) / worn, 0) if worn else "–"
    return [name, _hours(minutes[:labels].sum() / 60), _hours(minutes[labels] / 60), sure,
            *(_minutes(minutes[place]) for place in used)]  # fmt: skip


def _person_row(row: _Row, labels: tuple[str, ...]) -> list[str | Markup]:
    """Return a row of the cohort's table."""
    main = [labels[place] for place in np.argsort(-row.daily)[:3].tolist() if row.daily[place] > 0]
    sure = "–" if row.confidence is None else percent(row.confidence, 0)
    name = element("a", row.person.name, href=row.page)
    return [
        name,
        f"{row.days}",
        *(f"{hours / row.days:.1f}" if row.days else "–" for hours in (row.worn_h, row.not_worn_h)),
        sure,
        ", ".join(main),
    ]


def _lead(row: _Row, labels: tuple[str, ...], used: Sequence[int]) -> str:
    """Say the main thing of a person."""
    if not used:
        return f"{_days(row)}, never worn."
    share = float(row.minutes[:, used[0]].sum() / row.minutes.sum())
    return f"Worn {row.worn} on {_days(row)}; {labels[used[0]]} for {percent(share, 0)} of that time."


def _days(row: _Row) -> str:
    """Write how many days there are."""
    return f"{row.days} day{'s' * (row.days > 1)}" if row.days else "days that no recording names"


def _middle(values: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    """Return where the middle 80 % of people lie; None for few of them."""
    if len(values) < 5:
        return None
    low, high = np.quantile(values, (0.1, 0.9)).tolist()
    return low, high


def _color(place: int, labels: tuple[str, ...]) -> int:
    """Return the colour of a label; the last one, unknown, has none."""
    return -1 if place == len(labels) - 1 else place


def _hours(value: float) -> str:
    """Write hours."""
    return f"{value:.1f} h"


def _minutes(value: float) -> str:
    """Write minutes."""
    return f"{value:,.0f} min"


def _put_aside(folder: Path) -> list[dict[str, str]]:
    """Return which files were put aside."""
    place = folder / PUT_ASIDE
    return json.loads(place.read_text(encoding="utf-8")) if place.is_file() else []


def _footer(settings: dict[str, Any], back: Markup | str) -> Markup:
    """Return the footer of a page."""
    made = imprint(program="har report", version=__version__, made=datetime.datetime.now(datetime.UTC))
    text = f"Model {settings['model']}, {settings['engine']} {settings['quantization']}. {made}"
    return element("span", back, ". " if back else "", text)


def _write(place: Path, page: str) -> None:
    """Write a page, whole or not at all."""
    with atomic_path(place) as temporary:
        temporary.write_text(page, encoding="utf-8")
