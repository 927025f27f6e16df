"""Sections on accuracy: what is taken for what, person by person, how sure, and what a different sensor costs."""

from edgehar.commands.report.facts import ReportFacts, RobustnessRow
from edgehar.pipeline.evaluation.bootstrap import Intervals
from edgehar.pipeline.evaluation.calibration import Reliability
from edgehar.reporting.charts import Bar, ConfidenceBin, bar_chart, calibration_chart, heat_map
from edgehar.reporting.markup import Markup
from edgehar.reporting.numbers import percent
from edgehar.reporting.page import Column, Section, figure, note, table


def taken_for_section(facts: ReportFacts) -> Section:
    """Show the confusion matrix, and F1 of every activity."""
    scores = facts.evaluation.scores
    name = facts.manifest.architecture.name
    blocks = [
        figure(
            heat_map(scores.confusion.tolist(), scores.labels, label=f"Confusion matrix of {name}"),
            "A row is what was done, its numbers are the percentage of its windows given each label. Blue is right, "
            "red is wrong.",
        ),
        figure(
            bar_chart(
                [Bar(label, value) for label, value in scores.per_class_f1.items()],
                label=f"F1 of {name} for every activity",
                limit=1.0,
                reference=("macro-F1", scores.macro_f1),
                written=_decimals,
            ),
            "F1 of every activity; the dashed line is the mean of those that occur.",
        ),
    ]
    return Section("What is taken for what", blocks, lead=f"{_who(facts)}. Each window is labelled alone.")


def people_section(facts: ReportFacts) -> Section:
    """Show every person's accuracy with its interval."""
    per_subject, stretches = facts.evaluation.per_subject, facts.stretches
    bars = [
        Bar(f"person {name}", per_subject[name].accuracy, interval=_accuracy_of(stretches.get(name)))
        for name in facts.evaluation.test_subjects
    ]
    picture = bar_chart(
        bars,
        label="Accuracy of every person",
        limit=1.0,
        reference=("all windows", facts.evaluation.scores.accuracy),
        written=_decimals,
    )
    caption = (
        "Accuracy of each person. Whiskers hold 9 of 10 draws of that person's stretches of one activity, drawn with "
        "replacement; a person with fewer than three stretches has none."
    )
    return Section("Person by person", [figure(picture, caption)], lead=f"{_who(facts)}.")


def calibration_section(facts: ReportFacts) -> Section:
    """Show whether a probability means what it says."""
    calibration = facts.calibration
    curves = [("as the model says", _bins(calibration.plain))]
    sentences = [f"The expected calibration error is {percent(calibration.plain.expected_error)}."]
    if calibration.temperature is not None and calibration.tempered is not None:
        curves.append((f"with a temperature of {calibration.temperature:.2f}", _bins(calibration.tempered)))
        sentences.append(
            f"A temperature of {calibration.temperature:.2f}, fitted on {calibration.fitted_on:,} windows of people "
            f"the model learned from, makes it {percent(calibration.tempered.expected_error)}; it changes no label."
        )
    blocks: list[Markup] = [
        figure(
            calibration_chart(curves, label="Share of right labels for every probability"),
            "A dot is the windows whose label got about the same probability; its area is how many. On the dashed line "
            "a label with a probability of 80 % is right 8 times in 10; below it the model is too sure. "
            + " ".join(sentences),
        )
    ]
    if calibration.temperature is None:
        blocks.append(note("The data hold nobody the model learned from: a temperature could not be fitted."))
    return Section("How sure, and how often right", blocks, lead=f"{_who(facts)}.")


_ROBUSTNESS_COLUMNS = (
    Column("change"),
    Column("what is done"),
    Column("macro\u2011F1", numeric=True),
    Column("lost", numeric=True, meaning="points of macro-F1, 0.01 each"),
)


def robustness_section(facts: ReportFacts) -> Section:
    """Show what a sensor that differs costs."""
    robustness = facts.robustness
    rows = (robustness.unchanged, *robustness.rows)
    bars = [Bar(row.name, row.macro_f1, 0 if index else 2, interval=row.interval) for index, row in enumerate(rows)]
    picture = bar_chart(
        bars,
        label="Macro-F1 under every change",
        limit=1.0,
        reference=("as recorded", robustness.unchanged.macro_f1),
        written=_decimals,
    )
    whiskers = " Whiskers hold 9 of 10 draws of people." if robustness.unchanged.interval else ""
    lead = (
        f"The same {robustness.windows:,} windows of the people judged, changed as a differently mounted, worse or "
        "wrong sensor would have given them. The model is the same; each change is drawn once for each person."
    )
    cells = [_robustness_cells(row, robustness.unchanged) for row in rows]
    return Section(
        "When the sensor differs",
        [figure(picture, f"Macro-F1 of windows labelled alone.{whiskers}"), table(_ROBUSTNESS_COLUMNS, cells)],
        lead=lead,
    )


def _robustness_cells(row: RobustnessRow, unchanged: RobustnessRow) -> list[str]:
    """Return the cells of one change."""
    # Adding zero turns a loss that is rounded to -0.0 into 0.0.
    lost = round(100 * (unchanged.macro_f1 - row.macro_f1), 1) + 0.0
    return [
        row.name,
        row.meaning,
        f"{row.macro_f1:.3f}",
        "" if row is unchanged else f"{lost:.1f}".replace("-", "\u2212"),
    ]


def _who(facts: ReportFacts) -> str:
    """Return who was judged."""
    return facts.evaluation.protocol


def _decimals(value: float) -> str:
    """Return two decimals."""
    return f"{value:.2f}"


def _accuracy_of(intervals: Intervals | None) -> tuple[float, float] | None:
    """Return the interval of the accuracy, where there is one."""
    return None if intervals is None else intervals.accuracy


def _bins(reliability: Reliability) -> list[ConfidenceBin]:
    """Return the bins as the chart takes them."""
    return [ConfidenceBin(each.confidence, each.accuracy, each.windows) for each in reliability.bins]
