"""`har evaluate --calibrate`: sensors are turned to the model's axes first, as `har live --calibrate` does."""

from dataclasses import replace
from typing import Final

from rich.console import Console

from edgehar.commands.terminal_text import escape
from edgehar.models.bundle import Bundle
from edgehar.models.errors import DataError
from edgehar.models.mounting import Frame
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.evaluation.held_out import JudgedSubjects
from edgehar.pipeline.evaluation.mounted import FoundMountings, find_mountings, turned_to_model

_MOST_NAMED: Final = 5


def calibrated(bundle: Bundle, dataset: Dataset, people: JudgedSubjects) -> tuple[Dataset, JudgedSubjects]:
    """Return the recordings in the axes of the model, and the people with a protocol that says so.

    Raises
    ------
    DataError
        If nobody's mounting can be found, or the model does not name its axes.
    """
    found = find_mountings(dataset, people.subjects, Frame.of_model(bundle.manifest))
    if not found.mountings:
        name, reason = next(iter(found.unfound.items()))
        raise DataError(
            f"--calibrate: expected somebody whose mounting can be found, got none; {name}: {reason}",
            next_step="Leave --calibrate out, or rename labels when importing: har data import --map OLD=NEW.",
        )
    _say(found)
    protocol = (
        f"{people.protocol}; mounting found for {len(found.mountings)} of {len(people.subjects)} people from seconds "
        "of their own standing and walking"
    )
    return turned_to_model(dataset, found.mountings), replace(people, protocol=protocol)


def _say(found: FoundMountings) -> None:
    """Say by how much sensors are turned, and who is judged as recorded."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    angles = sorted(mounting.angle_deg for mounting in found.mountings.values())
    console.print(f"Mounting found for {len(angles)} people: turned by {angles[0]:.0f}° to {angles[-1]:.0f}°.")
    for name, reason in list(found.unfound.items())[:_MOST_NAMED]:
        console.print(f"{escape(name)} is judged as recorded: {escape(reason)}")
    if len(found.unfound) > _MOST_NAMED:
        console.print(f"So are {len(found.unfound) - _MOST_NAMED} more.")
