"""The page of `har report`: every section says what it shows, on whom, and how it was measured."""

import datetime

from edgehar.commands.report.facts import ReportFacts
from edgehar.commands.report.learning import learning_figure
from edgehar.commands.report.sections import calibration_section, people_section, robustness_section, taken_for_section
from edgehar.commands.report.speed_section import speed_section
from edgehar.commands.report.timeline_section import timeline_section
from edgehar.models import __version__
from edgehar.reporting.markup import Content, Markup, join
from edgehar.reporting.numbers import byte_size, percent
from edgehar.reporting.page import (
    KeyFigure,
    Section,
    code,
    command,
    definitions,
    imprint,
    key_figures,
    note,
    render_page,
    warning,
)


def report_page(facts: ReportFacts, *, command_line: str, made: datetime.datetime | None = None) -> str:
    """Return the whole HTML file.

    Parameters
    ----------
    facts
        What was measured.
    command_line
        The command that measured it.
    made
        When; now, by default.
    """
    sections = [
        _glance(facts),
        taken_for_section(facts),
        people_section(facts),
        _learning(facts),
        calibration_section(facts),
        timeline_section(facts),
        speed_section(facts),
        robustness_section(facts),
        _origin(facts, command_line),
    ]
    return render_page(
        kicker="har report",
        title=f"{facts.manifest.architecture.name} on {facts.dataset}",
        lead=_lead(facts),
        sections=sections,
        footer=imprint(program="har report", version=__version__, made=made or datetime.datetime.now(datetime.UTC))
        + " Every number was measured in this run; learning curves are those the bundle keeps.",
    )


def _lead(facts: ReportFacts) -> Content:
    """Return the result in two sentences."""
    scores = facts.evaluation.scores
    people = len(facts.evaluation.test_subjects)
    who = f"{people} {'people' if people > 1 else 'person'}"
    whom = f"{who} the model has never seen" if facts.honest else f"{who}, some of whom the model learned from"
    return (
        f"Of {scores.windows:,} windows of {whom}, {percent(scores.accuracy)} get the right label; macro-F1 over "
        f"{len(scores.labels)} activities is {scores.macro_f1:.3f}."
    )


def _glance(facts: ReportFacts) -> Section:
    """Return the numbers worth seeing first."""
    scores, evaluation, interval = facts.evaluation.scores, facts.evaluation, facts.people
    accuracy_range = "" if interval is None else _range(interval.accuracy)
    f1_range = "" if interval is None else _range(interval.macro_f1)
    size = next((row.bytes for row in facts.artifacts if row.evaluation.artifact == evaluation.artifact), None)
    figures = [
        KeyFigure("Macro-F1", f"{scores.macro_f1:.3f}", f1_range or "each window alone"),
        KeyFigure("Accuracy", f"{scores.accuracy:.3f}", accuracy_range or "each window alone"),
        KeyFigure("People judged", str(len(evaluation.test_subjects)), f"{scores.windows:,} windows"),
        KeyFigure("Parameters", f"{facts.manifest.architecture.parameter_count:,}", facts.manifest.architecture.name),
        KeyFigure(
            "Quantization",
            evaluation.quantization,
            " of ".join(filter(None, (evaluation.artifact, byte_size(size) if size else ""))),
        ),
    ]
    blocks: list[Markup] = [key_figures(figures)]
    if not facts.honest:
        blocks.insert(0, warning(f"{evaluation.protocol}. Such numbers say nothing about other people."))
    if interval is None:
        blocks.append(note("There are fewer than three people: an interval over people cannot be given."))
    lead = f"{evaluation.protocol}. Each window is labelled alone, by {evaluation.artifact} on {evaluation.runtime}."
    return Section("At a glance", blocks, lead=lead)


def _range(interval: tuple[float, float]) -> str:
    """Return an interval in words."""
    return f"{interval[0]:.3f} to {interval[1]:.3f} for 9 of 10 draws of people"


def _learning(facts: ReportFacts) -> Section:
    """Show how training went."""
    lead = "How training went, as the bundle keeps it."
    if facts.curves is None:
        return Section("Learning curves", [note("The bundle keeps no learning curves that can be drawn.")])
    return Section("Learning curves", [learning_figure(facts.curves, name=facts.manifest.architecture.name)], lead=lead)


def _origin(facts: ReportFacts, command_line: str) -> Section:
    """Say what was judged, where it comes from, and how to do it again."""
    manifest, origin = facts.manifest, facts.manifest.provenance
    window = manifest.window
    entries: list[tuple[str, Content]] = [
        ("Bundle", code(facts.place)),
        ("Model", code(manifest.model_id)),
        ("Trained", f"{origin.created_utc}, with edgehar {origin.versions.get('edgehar', 'of an unknown version')}"),
        ("Training data", origin.dataset),
        ("Its terms", origin.dataset_terms),
        ("Complete", "yes" if origin.complete else "no: training was interrupted"),
        ("Judged on", facts.dataset),
        (
            "Window",
            f"{window.length} samples at {window.rate_hz:g} Hz, one every {window.hop} samples, in {window.unit}",
        ),
        ("Mounting", window.mounting),
        ("Labels", join(", ".join(manifest.labels))),
    ]
    return Section("Where it comes from", [definitions(entries), command(command_line)])
