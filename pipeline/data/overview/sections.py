"""The parts of a data set's page: who did what, how it looks, where gravity points, rates and gaps, what is wrong."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Final

import numpy as np

from edgehar.pipeline.data.overview.measuring import TURNED_DEG, Person
from edgehar.pipeline.data.overview.stretches import Stretch, outline
from edgehar.pipeline.data.recordings import Dataset, Recording
from edgehar.reporting.charts import (
    BandRow,
    Bar,
    DotRow,
    Series,
    Span,
    Trace,
    bar_chart,
    dot_rows_chart,
    line_chart,
    small_traces,
)
from edgehar.reporting.charts.traces import AXES
from edgehar.reporting.markup import Content, Markup, element, join
from edgehar.reporting.numbers import MISSING, plain, significant
from edgehar.reporting.page import Column, Section, details, figure, note, paragraph, table, warning

_MOST_ACTIVITIES: Final = 40
_MOST_PEOPLE: Final = 60
_MOST_DOTS: Final = 40
_MOST_SENTENCES: Final = 60
_MOST_RECORDINGS: Final = 40
_WHOLE: Final = 2
"""Recordings that are drawn from beginning to end."""
_MOST_SPANS: Final = 200


def amounts_section(dataset: Dataset, people: dict[str, Person]) -> Section:
    """Show minutes of every activity, and of every person."""
    seconds = dataset.seconds()
    if not seconds:
        return Section("Who does what", [note("Nothing is labelled. Mark activities with har data label.")])
    totals = {name: sum(seconds.get((who, name), 0.0) for who in people) for name in dataset.activities}
    doing = {name: sum((who, name) in seconds for who in people) for name in dataset.activities}
    shown = sorted(totals, key=lambda name: -totals[name])[:_MOST_ACTIVITIES]
    bars = [
        Bar(name, totals[name] / 60, note=f"min, {_counted(doing[name], 'person', 'people')}")
        for name in dataset.activities
        if name in shown
    ]
    blocks = [
        figure(bar_chart(bars, label="Labelled minutes of every activity"), _left_out(totals, shown, "activities"))
    ]
    blocks.append(_minutes_table(dataset, people, seconds, shown))
    lead = "Labelled minutes. A model learns little of an activity that few people did, or one person most of the time."
    return Section("Who does what, for how long", blocks, lead=lead)


def _minutes_table(
    dataset: Dataset, people: dict[str, Person], seconds: dict[tuple[str, str], float], shown: Sequence[str]
) -> Markup:
    """Return minutes of every person and activity, to unfold where there are many."""
    names = [name for name in dataset.activities if name in shown]
    columns = [Column("person"), *(Column(name, numeric=True) for name in names), Column("not labelled", numeric=True)]
    rows: list[Sequence[Content]] = []
    for who in list(people)[:_MOST_PEOPLE]:
        own = [seconds.get((who, name), 0.0) for name in names]
        rest = people[who].seconds - sum(value for (subject, _), value in seconds.items() if subject == who)
        rows.append([who, *(_minutes(value) for value in own), _minutes(rest if rest > 0.05 else 0.0)])
    return details(
        "Minutes of every person and activity", table(columns, rows, caption=_left_out(people, rows, "people"))
    )


def signals_section(stretches: dict[str, Stretch], dataset: Dataset, *, duration_s: float) -> Section:
    """Show some seconds of every activity, and whole recordings."""
    order = [name for name in (*dataset.activities, *stretches) if name in stretches]
    shown = list(dict.fromkeys(order))[:_MOST_ACTIVITIES]
    traces = [
        Trace(
            f"{name}, person {item.subject}" + (f", {item.seconds:.1g} s" if item.seconds < 0.9 * duration_s else ""),
            item.samples.T.tolist(),
        )
        for name in shown
        if len((item := stretches[name]).samples) > 1
    ]
    caption = (
        f"{duration_s:g} seconds from the middle of the longest piece of each, on one vertical scale; the line "
        "is 0 g. Quiet activities lie flat, with gravity on one axis or shared between axes; steps repeat."
    )
    blocks = [figure(small_traces(traces, unit="g"), join(caption, " ", _left_out(stretches, shown, "activities")))]
    blocks += [_whole(item, dataset.activities) for item in _worth_drawing(dataset.recordings)]
    return Section("How it looks", blocks, lead="The samples as they were read: every one of them in g.")


def _worth_drawing(recordings: Sequence[Recording]) -> list[Recording]:
    """Return the recordings in which most changes; one is enough where nothing does."""
    changes = {
        item.recording_id: len({label.activity for label in item.labels}) + len(item.gaps) for item in recordings
    }
    order = sorted(recordings, key=lambda item: (min(changes[item.recording_id], 12), len(item)), reverse=True)
    return [item for place, item in enumerate(order[:_WHOLE]) if not place or changes[item.recording_id] > 1]


def _whole(item: Recording, activities: Sequence[str]) -> Markup:
    """Return one recording from beginning to end, with its labels and its gaps."""
    times, values = outline(item)
    series = [
        Series(name, times.tolist(), values[:, place].tolist(), color) for place, (name, color) in enumerate(AXES)
    ]
    colors = {name: index for index, name in enumerate(activities)}
    bands = []
    if item.labels:
        bands.append(BandRow("labels", _spans(item, colors)))
    if item.gaps:
        width = item.duration_s / 400
        marks = [Span(at / item.rate_hz, at / item.rate_hz + width, "samples missing", -1) for at in item.gaps]
        bands.append(BandRow("gaps", marks[:_MOST_SPANS]))
    picture = line_chart(
        series,
        label=f"Recording {item.recording_id} from beginning to end",
        x_label="seconds of signal",
        y_label="g",
        y_include=[-1.0, 1.0],
        bands=bands,
    )
    measured = _measured_rate(item)
    rate = f"{item.rate_hz:g} Hz" + (f", measured {measured:.6g} Hz" if measured else "")
    gaps = f"; {_counted(len(item.gaps), 'gap', 'gaps')}, which take no room here" if item.gaps else ""
    return figure(
        picture, f"{item.recording_id}, person {item.subject}, whole: {_duration(item.duration_s)} at {rate}{gaps}."
    )


def _spans(item: Recording, colors: dict[str, int]) -> list[Span]:
    """Return the labels of a recording; neighbours of the same label as one."""
    spans: list[Span] = []
    for name, group in groupby(item.labels, key=lambda label: label.activity):
        parts = list(group)
        spans.append(Span(parts[0].start / item.rate_hz, parts[-1].stop / item.rate_hz, name, colors[name]))
    return spans[:_MOST_SPANS]


def gravity_section(people: dict[str, Person], activities: Sequence[str]) -> Section:
    """Show the mean vector of every person and activity, and the length of gravity."""
    blocks: list[Markup] = []
    doubtful = [who for who, person in people.items() if person.has_doubtful_gravity]
    turned = [who for who, person in people.items() if person.is_turned]
    if doubtful:
        blocks.append(
            warning(f"At rest, the sensors of {_named(doubtful)} do not measure 1 g: a wrong unit, or no gravity.")
        )
    if turned:
        blocks.append(
            warning(
                f"The sensors of {_named(turned)} point {TURNED_DEG:g} degrees or more away from those of others doing "
                "the same: worn another way, or axes swapped or mirrored."
            )
        )
    blocks.append(_directions(people, activities))
    blocks.append(_people_table(people))
    lead = (
        "Over seconds, an accelerometer measures gravity: 1 g, along the axis that points up. A wrong unit changes its "
        "length; a swapped or mirrored axis its direction."
    )
    return Section("Where gravity points", blocks, lead=lead)


def _directions(people: dict[str, Person], activities: Sequence[str]) -> Markup:
    """Return the dots of every person in every activity."""
    keys: list[str | None] = [name for name in activities if any(name in each.directions for each in people.values())]
    if not keys:
        keys = [None]
    shown = keys[:_MOST_ACTIVITIES]
    flagged = [who for who, person in people.items() if person.is_turned or person.has_doubtful_gravity]
    dotted = list(dict.fromkeys([*flagged, *people]))[:_MOST_DOTS]
    rows = [
        DotRow(
            "everything" if key is None else key,
            [
                [
                    (
                        float(people[who].directions[key][axis]),
                        f"person {who}: {name} {people[who].directions[key][axis]:.2f} g",
                    )
                    for who in dotted
                    if key in people[who].directions
                ]
                for axis, (name, _) in enumerate(AXES)
            ],
        )
        for key in shown
    ]
    chart = dot_rows_chart(
        rows, AXES, label="Mean acceleration of every person in every activity", include=[-1.0, 1.0], written=plain
    )
    caption = "Mean of x, y and z in g; every dot is one person. A dot far from the others of its row is worth a look."
    extra = join(_left_out(keys, shown, "activities"), " ", _left_out(people, dotted, "people"))
    return figure(chart, join(caption, " ", extra))


def _people_table(people: dict[str, Person]) -> Markup:
    """Return gravity and the largest value of every person; those in doubt first."""
    order = sorted(people, key=lambda who: not (people[who].has_doubtful_gravity or people[who].is_turned))
    columns = [
        Column("person"),
        Column("minutes", numeric=True),
        Column("gaps", numeric=True),
        Column("gravity, g", numeric=True),
        Column("largest, g", numeric=True),
        Column("turned", numeric=True),
    ]
    rows = [
        [
            who,
            _minutes((person := people[who]).seconds),
            f"{person.gaps:,}" if person.gaps else MISSING,
            f"{person.gravity_g:.3f}",
            f"{person.largest_g:.2f}",
            MISSING if person.turned_deg is None else f"{person.turned_deg:.0f}°",
        ]
        for who in order[:_MOST_PEOPLE]
    ]
    caption = (
        "Gravity is the length of the mean vector of quiet stretches of 2 s; turned is the angle to the sensors of the "
        "others doing the same. "
    )
    return table(columns, rows, caption=caption + _left_out(people, rows, "people"))


def time_section(dataset: Dataset) -> Section:
    """Show rates, and the recordings with gaps."""
    rates: dict[float, list[Recording]] = {}
    for item in dataset.recordings:
        rates.setdefault(round(float(item.rate_hz), 3), []).append(item)
    columns = [
        Column("rate"),
        Column("recordings", numeric=True),
        Column("minutes", numeric=True),
        Column("with times", numeric=True),
        Column("measured", numeric=True),
        Column("gaps", numeric=True),
    ]
    most = sorted(rates, key=lambda rate: -len(rates[rate]))[:_MOST_SENTENCES]
    rows = [_rate_row(rate, rates[rate]) for rate in sorted(most)]
    blocks = [table(columns, rows, caption=_left_out(rates, rows, "rates"))]
    broken = sorted((item for item in dataset.recordings if item.gaps), key=lambda item: -len(item.gaps))
    if broken:
        gap_rows = [
            [item.recording_id, item.subject, f"{len(item.gaps):,}", _duration(item.duration_s), _gap_time(item)]
            for item in broken[:_MOST_RECORDINGS]
        ]
        gap_columns = [
            Column("recording"),
            Column("person"),
            Column("gaps", numeric=True),
            Column("signal", numeric=True),
            Column("missing", numeric=True),
        ]
        caption = "Recordings with gaps, most first. " + _left_out(broken, gap_rows, "recordings")
        blocks.append(table(gap_columns, gap_rows, caption=caption))
    else:
        blocks.append(paragraph("No recording has a gap."))
    lead = "Samples a second as they are used, and as the timestamps say. No window is cut across a gap."
    return Section("Rates and gaps", blocks, lead=lead)


def _rate_row(rate: float, items: Sequence[Recording]) -> list[Content]:
    """Return one rate with what there is at it."""
    measured = [found for item in items if (found := _measured_rate(item)) is not None]
    low, high = (min(measured), max(measured)) if measured else (0.0, 0.0)
    span = _rate_text(low) if f"{low:.4g}" == f"{high:.4g}" else f"{low:.4g} to {high:.4g} Hz"
    return [
        _rate_text(rate),
        f"{len(items):,}",
        _minutes(sum(item.duration_s for item in items)),
        f"{len(measured):,}",
        span if measured else MISSING,
        f"{sum(len(item.gaps) for item in items):,}",
    ]


def _rate_text(rate: float) -> str:
    return f"{rate:.5g} Hz"


def _measured_rate(item: Recording) -> float | None:
    """Return the rate the timestamps give, by their median step."""
    stamps = item.timestamps_s
    if stamps is None or len(stamps) < 2:
        return None
    rows = slice(None) if len(stamps) <= 20_000 else slice(0, 20_000)
    return float(1.0 / np.median(np.diff(stamps[rows])))


def _gap_time(item: Recording) -> str:
    """Return how much time is missing at the gaps, where the recording has times."""
    if item.timestamps_s is None:
        return "not known"
    at = np.asarray(item.gaps)
    lost = float((item.timestamps_s[at] - item.timestamps_s[at - 1]).sum()) - len(at) / item.rate_hz
    return _duration(max(0.0, lost))


def problems_section(dataset: Dataset) -> Section:
    """Show what was found wrong, the same sentence once, and what was detected rather than told."""
    blocks: list[Markup] = []
    own = Counter(problem for item in dataset.recordings for problem in item.problems)
    first = {problem: item.recording_id for item in reversed(dataset.recordings) for problem in item.problems}
    sentences = [(problem, "") for problem in dataset.problems]
    sentences += [
        (problem, first[problem] if count == 1 else f"{first[problem]} and {count - 1:,} more")
        for problem, count in own.most_common()
    ]
    if sentences:
        rows = [element("li", f"{where}: " if where else "", text) for text, where in sentences[:_MOST_SENTENCES]]
        blocks.append(element("ul", *rows))
        blocks += [paragraph(text) for text in [_left_out(sentences, rows, "problems")] if text]
    else:
        blocks.append(paragraph("No problems were found."))
    if dataset.notes:
        blocks.append(element("h3", "Detected, not told"))
        blocks.append(element("ul", *(element("li", text) for text in dataset.notes[:_MOST_SENTENCES])))
    return Section("Problems and notes", blocks)


def _left_out(every: object, shown: object, what: str) -> str:
    """Say how many are not shown."""
    more = len(every) - len(shown)  # type: ignore[arg-type]
    return f"{more:,} more {what} are not shown." if more > 0 else ""


def _named(names: Sequence[str]) -> str:
    """Return the names of some people."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{'person' if len(names) == 1 else 'people'} {', '.join(names[:5])}{more}"


def _minutes(seconds: float) -> str:
    """Return seconds as minutes."""
    return MISSING if not seconds else significant(seconds / 60, 3 if seconds >= 60 else 2)


def _duration(seconds: float) -> str:
    """Return a duration in its natural unit."""
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{significant(seconds / length)} {unit}"
    return f"{significant(seconds)} s"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
