"""The section on time: one person's signal and labels, and what a wearer would notice of the labels of all."""

from collections.abc import Callable
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from edgehar.commands.report.facts import DecoderEffect, ReportFacts
from edgehar.models.decoder import REJECTED, UNKNOWN
from edgehar.pipeline.tuning.events import EventScores
from edgehar.reporting.charts import BandRow, Series, Span, line_chart, small_traces
from edgehar.reporting.markup import Markup
from edgehar.reporting.numbers import percent
from edgehar.reporting.page import Column, Section, figure, note, table


def timeline_section(facts: ReportFacts) -> Section:
    """Show one person's labels over time, and event scores of everybody judged."""
    timeline, effect = facts.timeline, facts.decoder
    blocks: list[Markup] = []
    if facts.signal:
        window_s = facts.manifest.window.length / facts.manifest.window.rate_hz
        caption = (
            f"{window_s:g} seconds of every activity of person {timeline.subject}, all on the same vertical scale."
        )
        blocks.append(figure(small_traces(facts.signal, unit="g"), caption))
    blocks.append(figure(_chart(facts), _caption(facts)))
    if effect.changes_nothing:
        blocks.append(note("The decoder of this bundle changes nothing. Choose one with har tune."))
    blocks.append(_scores_table(effect))
    lead = (
        f"Recordings of person {timeline.subject}, whole, in a random order, as if worn one after the other. The table "
        f"counts what a wearer would notice, over {effect.raw.hours:.1f} hours of all people judged."
    )
    return Section("Over time", blocks, lead=lead)


def _chart(facts: ReportFacts) -> Markup:
    """Return probability, truth, raw and decoded labels over time."""
    timeline = facts.timeline
    times = [(index + 1) * timeline.step_s for index in range(len(timeline.truth))]
    labels = {
        "done": timeline.truth,
        "window": timeline.raw,
        **({} if facts.decoder.changes_nothing else {"decoded": timeline.decoded}),
    }
    bands = [BandRow(name, _spans(each, facts.manifest.labels, timeline.step_s)) for name, each in labels.items()]
    return line_chart(
        [Series("probability of the window's label", times, timeline.probability.tolist())],
        label=f"Labels of person {timeline.subject} over time",
        x_label="seconds",
        y_label="probability of the window's label",
        y_include=[0.0, 1.0],
        bands=bands,
    )


def _caption(facts: ReportFacts) -> str:
    """Say what the rows are, and how much is shown."""
    timeline = facts.timeline
    shown_s = len(timeline.truth) * timeline.step_s
    part = (
        f"the first {shown_s / 60:.0f} of {timeline.of_s / 60:.0f} minutes" if shown_s < timeline.of_s else "all of it"
    )
    decoded = "" if facts.decoder.changes_nothing else ", and what the bundle's decoder makes of them"
    return f"Above, how sure the model is; below, what was done, what each window alone is labelled{decoded}: {part}."


def _spans(labels: NDArray[np.int64], names: tuple[str, ...], step_s: float) -> list[Span]:
    """Return stretches of equal labels."""
    spans, start = [], 0
    for label, group in groupby(labels.tolist()):
        stop = start + len(list(group))
        name, color = (UNKNOWN, -1) if label == REJECTED else (names[label], label)
        spans.append(Span(start * step_s, stop * step_s, name, color))
        start = stop
    return spans


def _scores_table(effect: DecoderEffect) -> Markup:
    """Return what a wearer would notice, without and with the decoder, where it does anything."""
    columns = [Column("of the labels"), Column("each window alone", numeric=True)]
    scores = [effect.raw]
    if not effect.changes_nothing:
        columns.append(Column("with the decoder", numeric=True))
        scores.append(effect.decoded)
    written: dict[str, Callable[[EventScores], str]] = {
        "time wrong": lambda each: percent(each.wrong),
        "time unknown": lambda each: percent(each.unknown),
        "wrong labels that appear, an hour": lambda each: f"{each.false_activations_per_hour:,.0f}",
        "changes of the label, an hour": lambda each: f"{each.switches_per_hour:,.0f}",
        "changes of what is done, an hour": lambda each: f"{each.true_switches_per_hour:,.0f}",
        "delay after a change, median": lambda each: f"{each.delay_median_s:.1f} s",
        "changes missed": lambda each: percent(each.missed),
    }
    return table(columns, [[name, *map(write, scores)] for name, write in written.items()])
