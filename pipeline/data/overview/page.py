"""The page of a data set: one HTML file that needs nothing else."""

import datetime
from statistics import median
from typing import Final

from edgehar.models import __version__
from edgehar.pipeline.data.overview.measuring import Person, measure_people
from edgehar.pipeline.data.overview.sections import (
    amounts_section,
    gravity_section,
    problems_section,
    signals_section,
    time_section,
)
from edgehar.pipeline.data.overview.stretches import longest_stretches
from edgehar.pipeline.data.recordings import Dataset
from edgehar.reporting.numbers import significant
from edgehar.reporting.page import KeyFigure, Section, code, definitions, imprint, key_figures, render_page

STRETCH_S: Final = 4.0


def dataset_page(dataset: Dataset, *, place: str = "", made: datetime.datetime | None = None) -> str:
    """Return the page of a data set; its size has a bound, whatever the size of the data.

    Parameters
    ----------
    dataset
        Any recordings; every sample is read once, in blocks.
    place
        Where they lie, to be named on the page.
    made
        When; now, by default.

    Examples
    --------
    >>> from edgehar.pipeline.data.synthetic import synthetic_dataset
    >>> "Where gravity points" in dataset_page(synthetic_dataset())
    True
    """
    people = measure_people(dataset)
    stretches = longest_stretches(dataset.recordings, duration_s=STRETCH_S)
    sections = [
        _glance(dataset, people),
        amounts_section(dataset, people),
        signals_section(stretches, dataset, duration_s=STRETCH_S),
        gravity_section(people, dataset.activities),
        time_section(dataset),
        problems_section(dataset),
        _origin(dataset, place),
    ]
    return render_page(
        kicker="har data show",
        title=dataset.name,
        lead="What these recordings hold, so that a wrong unit, a swapped axis or lost samples are seen in time.",
        sections=sections,
        footer=imprint(program="har data show", version=__version__, made=made or datetime.datetime.now(datetime.UTC)),
    )


def _glance(dataset: Dataset, people: dict[str, Person]) -> Section:
    """Return the numbers worth seeing first."""
    seconds = sum(person.seconds for person in people.values())
    labelled = sum(dataset.seconds().values())
    rates = sorted({float(item.rate_hz) for item in dataset.recordings})
    gravity = [person.gravity_g for person in people.values()]
    doubtful = sum(person.has_doubtful_gravity or person.is_turned for person in people.values())
    problems, gaps = len(dataset.all_problems), sum(person.gaps for person in people.values())
    figures = [
        KeyFigure("Hours", significant(seconds / 3600), f"{significant(100 * labelled / seconds)} % labelled"),
        KeyFigure("People", f"{len(people):,}", f"{len(dataset.recordings):,} recordings"),
        KeyFigure("Activities", f"{len(dataset.activities):,}", f"{problems:,} problems found"),
        KeyFigure("Rate", f"{rates[0]:.4g} Hz", f"to {rates[-1]:.4g} Hz" if len(rates) > 1 else f"{gaps:,} gaps"),
        KeyFigure(
            "Gravity at rest",
            f"{median(gravity):.2f} g",
            f"{doubtful:,} of {len(people):,} people in doubt"
            if doubtful
            else f"{min(gravity):.2f} to {max(gravity):.2f} g",
        ),
    ]
    return Section("At a glance", [key_figures(figures)])


def _origin(dataset: Dataset, place: str) -> Section:
    """Say what this is about."""
    placements = sorted({item.placement for item in dataset.recordings if item.placement})
    entries = [
        *([("Place", code(place))] if place else []),
        ("Placement", ", ".join(placements[:10]) or "not stated"),
        ("Terms", dataset.terms or "not stated"),
        ("Content", code(f"sha256 {dataset.content_hash}")),
    ]
    return Section("Where it comes from", [definitions(entries)])
