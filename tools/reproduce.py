"""Print again what is published: run the command of every claim in docs/claims.toml, and hold it to its page.

A claim fails if its page does not say it any more, if its command fails, or if the value is further from the published
one than stated. The table that is printed names each; ``--out`` writes it, with the date, as a page.

Usage: tools/reproduce.py [--quick] [--out PAGE]     (HAR_DATA names the folder with usc-had)
"""

import argparse
import datetime
import json
import math
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

REPOSITORY: Final = Path(__file__).resolve().parents[1]
CLAIMS: Final = REPOSITORY / "docs" / "claims.toml"
_STEP: Final = re.compile(r"(\w+)(?:\[(?:(\w+)=([^\]]*)|(\d+))\])?(?:\.|$)")
_MARKED: Final = re.compile(r"\{([^}]*)\}")
_NUMBER: Final = re.compile(r"[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?")
_UNITS: Final = {"KB": 1000.0, "MB": 1e6, "million": 1e6, "%": 0.01}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A published number.

    Parameters
    ----------
    what
        In words.
    page, text
        Where it stands, and how. Where other numbers stand beside it, it is the one in braces.
    command, value
        What prints it as JSON, and where in that.
    tolerance
        How far the value may be from the published one.
    at_most
        The page gives a bound, not a value.
    quick
        Takes seconds, and needs no data set.
    """

    what: str
    page: str
    text: str
    command: str
    value: str
    tolerance: float = 0.0
    at_most: bool = False
    quick: bool = False

    @property
    def number(self) -> str:
        """The number as it is written, with its unit."""
        marked = _MARKED.search(self.text)
        return self.text if marked is None else marked[1]

    @property
    def sentence(self) -> str:
        """What the page says."""
        return _MARKED.sub(r"\1", self.text)

    @property
    def published(self) -> float:
        """The number that the text says."""
        found = _NUMBER.search(self.number)
        if found is None:
            raise SystemExit(f"{CLAIMS.name}: expected a number in {self.text!r}, there is none")
        unit = self.number[found.end() :].strip()
        return float(found[0].replace(",", "")) * _UNITS.get(unit, 1.0)

    def complaint(self, values: list[float]) -> str:
        """Return what is wrong with values that were printed; empty if nothing is."""
        page = (REPOSITORY / self.page).read_text(encoding="utf-8")
        if self.sentence not in page:
            return f"{self.page} does not say {self.sentence} any more"
        if not values:
            return "the command printed no such value"
        if self.at_most:
            return "" if max(values) <= self.published else f"more than {self.number}"
        far = max(abs(value - self.published) for value in values)
        return "" if far <= self.tolerance or math.isclose(far, 0.0) else f"{far:g} from {self.number}"


def read_claims(path: Path = CLAIMS) -> list[Claim]:
    """Return the claims of a file; one with ``numbers`` is several that share what stands beside them."""
    found = []
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["claim"]:
        numbers = entry.pop("numbers", [{}])
        found += [Claim(**{**entry, **each}) for each in numbers]
    return found


def values_at(document: Any, path: str) -> list[float]:
    """Return the numbers at a path such as ``artifacts[quantization=float32].bytes``.

    Examples
    --------
    >>> values_at({"rows": [{"kind": "a", "n": 1}, {"kind": "b", "n": 2}]}, "rows[kind=b].n")
    [2.0]
    >>> values_at({"interval": [0.2, 0.4]}, "interval[1]")
    [0.4]
    >>> values_at(3, ".")
    [3.0]
    """
    found, place = [document], len(path) if path == "." else 0
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            raise SystemExit(f"{CLAIMS.name}: expected a path of names, got {path}")
        place = step.end()
        name, key, wanted, place_of = step.groups()
        found = [each[name] for each in found if isinstance(each, dict) and name in each]
        if place_of is not None:
            found = [each[int(place_of)] for each in found if len(each) > int(place_of)]
        if key is not None:
            found = [item for each in found for item in each if str(item.get(key)) == wanted]
    return [float(each) for each in found if isinstance(each, int | float)]


def run(command: str, folder: Path) -> tuple[Any, str]:
    """Return what a command printed as JSON, and what went wrong; a folder is shared by all commands."""
    places = {"DATA": os.environ.get("HAR_DATA", "DATA"), "REPOSITORY": str(REPOSITORY)}
    words = shlex.split(re.sub(r"\b(DATA|REPOSITORY)\b", lambda found: places[found[0]], command))
    words[:1] = {"python": [sys.executable, "-P"], "har": [sys.executable, "-P", "-m", "edgehar"]}[words[0]]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        return None, (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:200]
    try:
        return json.loads(done.stdout), ""
    except ValueError:
        return None, "the command printed no JSON"


def reproduce(claims: list[Claim]) -> list[tuple[Claim, str, str]]:
    """Return every claim with the value that was printed, and what is wrong with it."""
    printed: dict[str, tuple[Any, str]] = {}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for claim in claims:
            if claim.command not in printed:
                began_s = time.monotonic()
                printed[claim.command] = run(claim.command, Path(folder))
                print(f"{time.monotonic() - began_s:6.1f} s  {claim.command}", file=sys.stderr)
            document, wrong = printed[claim.command]
            values = [] if wrong else values_at(document, claim.value)
            shown = f"{max(values):,.6g}" if values else "none"
            rows.append((claim, shown, wrong or claim.complaint(values)))
    return rows


def table(rows: list[tuple[Claim, str, str]]) -> str:
    """Return the result as Markdown."""
    lines = ["| claim | published | printed | within | |", "|---|---|---|---|---|"]
    for claim, shown, wrong in rows:
        within = "at most" if claim.at_most else f"± {claim.tolerance:g}"
        lines.append(f"| {claim.what} | {claim.number} ({claim.page}) | {shown} | {within} | {wrong or 'holds'} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the claims; end with 1 if one does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only what takes seconds and needs no data set")
    parser.add_argument("--out", type=Path, help="a page to write the table to")
    arguments = parser.parse_args()
    claims = [claim for claim in read_claims() if claim.quick or not arguments.quick]
    rows = reproduce(claims)
    said = table(rows)
    print(said)
    if arguments.out is not None:
        today = datetime.datetime.now(datetime.UTC).date()
        made = f"Made by `tools/reproduce.py` on {today} ({platform.machine()}); do not edit."
        head = f"# What was printed again\n{made}\n\n"
        arguments.out.write_text(head + said, encoding="utf-8")
    return int(any(wrong for _, _, wrong in rows))


if __name__ == "__main__":
    sys.exit(main())
