"""Profiles: what a data set, an app or a device means by its files, in a few lines that users can write too.

::

    title = "MHEALTH: chest, 50 Hz"      # said when it is used
    terms = "CC BY 4.0"                  # under which the data may be used
    [match]                              # all that are given must fit
    file = "mHealth_subject*.log"        # the name of the file
    header = ["time", "x"]               # names that must be among the columns
    head = 'regular expression'          # found in the first lines
    columns = 24                         # in a row
    [declare]                            # what Options says, with the same names
    axes = ["1", "2", "3"]
    [labels]                             # names for labels that are numbers
    1 = "Standing"
    [refuse]                             # instead of [declare]
    reason = "gravity is removed"

What the caller declares goes before what a profile declares.
"""

import fnmatch
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from edgehar.models.errors import UsageError
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.importing.profiles.schema import LISTS, wrong_with

_LARGEST: Final = 2**16


@dataclass(frozen=True, slots=True)
class Profile:
    """What a kind of file means.

    Parameters
    ----------
    name, title, terms
        What it is called, what is said of it, and under which terms the data may be used.
    match
        What must fit: ``file``, ``header``, ``head``, ``columns``.
    declared
        The options it stands for.
    labels
        Names for labels.
    refused
        Why such files are not taken; empty where they are.
    beside
        A file in the same folder whose values are added: gravity, where a program took it away.
    """

    name: str
    title: str
    terms: str
    match: Mapping[str, Any]
    declared: Mapping[str, Any]
    labels: Mapping[str, str]
    refused: str = ""
    beside: str = ""

    def fits(self, file: str, lines: Sequence[str]) -> bool:
        """Tell whether a file of this name, with these first lines, is of this kind."""
        match = self.match
        if not match:
            return False
        if "file" in match and not fnmatch.fnmatch(file.lower(), match["file"].lower()):
            return False
        body = [line for line in lines if line.strip()]
        if "header" in match and not any(_holds(line, match["header"]) for line in body[:30]):
            return False
        if "columns" in match and not any(
            len(re.split(r"[,;\t ]+", line.strip())) == match["columns"] for line in body[-3:]
        ):
            return False
        return "head" not in match or self._head(lines) is not None

    def _head(self, lines: Sequence[str]) -> re.Match[str] | None:
        """Return where the first lines are like the profile's; its group ``rate_hz`` is the rate."""
        body = [line for line in lines if line.strip()]
        return re.search(self.match["head"], "\n".join(body[:60]), re.MULTILINE) if "head" in self.match else None

    @property
    def unit(self) -> str | None:
        """The unit of such files, which gravity must agree with."""
        return self.declared.get("unit")

    def under(self, options: Options, lines: Sequence[str]) -> Options:
        """Return options in which what is not declared is taken from the profile, and the rate from the head."""
        filled: dict[str, Any] = {
            key: tuple(value) if key in LISTS else value
            for key, value in self.declared.items()
            if getattr(options, key) in (None, "", (), False)
        }
        if options.rate_hz is None and (found := self._head(lines)) and "rate_hz" in found.groupdict():
            filled["rate_hz"] = float(found["rate_hz"])
        # A unit is held to gravity like one that is written in the file.
        filled.pop("unit", None)
        if options.axes is not None:
            filled.pop("add_axes", None)
        return replace(options, **filled)


@cache
def known_profiles() -> tuple[Profile, ...]:
    """Return the profiles that come with the project, by name."""
    files = [item for item in resources.files(__name__).iterdir() if item.name.endswith(".toml")]
    return tuple(parse_profile(item.read_text("utf-8"), item.name[:-5]) for item in sorted(files, key=lambda i: i.name))


def choose_profile(declared: str | None, file: str, lines: Sequence[str]) -> Profile | None:
    """Return the declared profile, or the only one that fits a file.

    Raises
    ------
    UsageError
        When a declared profile does not exist, or its file is none.
    """
    if declared is not None:
        return find_profile(declared)
    fitting = [profile for profile in known_profiles() if profile.fits(file, lines)]
    return fitting[0] if fitting else None


def find_profile(named: str) -> Profile:
    """Return the profile of a name, or that of a file.

    Raises
    ------
    UsageError
        When there is none.
    """
    for profile in known_profiles():
        if profile.name == named:
            return profile
    path = Path(named)
    if not path.is_file():
        there = ", ".join(profile.name for profile in known_profiles())
        raise UsageError(
            f"profile {named!r} is neither a file nor one of {there}", next_step="Choose one of these, or write a file."
        )
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"it holds more than {_LARGEST} bytes")
        return parse_profile(path.read_text("utf-8"), path.stem)
    except (OSError, ValueError) as error:
        raise _unusable(named, str(error)) from error


def parse_profile(text: str, name: str) -> Profile:
    """Return the profile that a text in TOML describes.

    Raises
    ------
    UsageError
        When it holds a key that means nothing, or a value of another type.
    ValueError
        When it is no TOML.
    """
    content = tomllib.loads(text)
    if reason := wrong_with(content):
        raise _unusable(name, reason)
    declared = content.get("declare", {})
    return Profile(
        name=name,
        title=str(content.get("title", name)),
        terms=str(content.get("terms", "")),
        match=content.get("match", {}),
        declared=declared,
        labels={str(key): str(value) for key, value in content.get("labels", {}).items()},
        refused=str(content.get("refuse", {}).get("reason", "")),
        beside=str(content.get("beside", {}).get("file", "")),
    )


def read_label_map(given: Sequence[str]) -> dict[str, str]:
    """Return labels and what they should be called, from texts like ``OLD=NEW`` and files of such lines.

    Raises
    ------
    UsageError
        When a text is neither.

    Examples
    --------
    >>> read_label_map(["Walking=Walking Forward", "A = walking"])
    {'Walking': 'Walking Forward', 'A': 'walking'}
    """
    found: dict[str, str] = {}
    for text in given:
        lines = [text]
        if "=" not in text:
            lines = _lines_of(text)
        for line in lines:
            old, equals, new = line.partition("=")
            if not equals or not old.strip():
                raise UsageError(f"--map {text!r}: expected OLD=NEW, got {line!r}", next_step="Write OLD=NEW.")
            found[old.strip().strip('"')] = new.strip().strip('"')
    return found


def _lines_of(name: str) -> list[str]:
    """Return the lines of a file of labels that are neither blank nor comments."""
    try:
        if Path(name).stat().st_size > _LARGEST:
            raise ValueError(f"it holds more than {_LARGEST} bytes")
        lines = Path(name).read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--map {name!r}: expected OLD=NEW or a file, but {error}", next_step="Write OLD=NEW."
        ) from error
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _holds(line: str, names: Sequence[str]) -> bool:
    """Tell whether a line of names holds all of these."""
    cells = {cell.strip(" \"'\ufeff").lower() for cell in re.split(r"[,;\t|]", line)}
    return all(name.lower() in cells for name in names)


def _unusable(name: str, reason: str) -> UsageError:
    """Return the error for a profile that says nothing usable."""
    return UsageError(f"profile {name}: {reason}", next_step="See docs: profiles are TOML with [match] and [declare].")
