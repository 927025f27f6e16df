"""Guides: scripts that come with the package, by name."""

from importlib import resources
from typing import Final

from edgehar.firmware_bridge.record.script import Step, parse_script
from edgehar.models.errors import UsageError

GUIDES: Final = ("personalize",)
"""``personalize``: what har personalize learns a wearer from, in less than five minutes."""


def steps_of_guide(name: str) -> tuple[Step, ...]:
    """Return the steps of a guide.

    Raises
    ------
    UsageError
        If there is none of this name.

    Examples
    --------
    >>> steps_of_guide("personalize")[0]
    Step(activity='Standing', seconds=10.0)
    """
    if name not in GUIDES:
        raise UsageError(
            f"--guide: expected {' or '.join(GUIDES)}, got {name!r}", next_step="Or write a --script of your own."
        )
    text = resources.files("edgehar.firmware_bridge.record").joinpath(f"{name}.script").read_text(encoding="utf-8")
    return parse_script(text)
