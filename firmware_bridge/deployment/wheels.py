"""The wheels that another computer installs from: edgehar's own, and those of what it needs, made for that computer."""

import importlib.metadata
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from edgehar.firmware_bridge.deployment.machine import Machine
from edgehar.firmware_bridge.deployment.repacking import repack
from edgehar.models.errors import BridgeError

_DISTRIBUTION: Final = "edgehar"
_PIP: Final = "pip"
_LONGEST_S: Final = 900.0


def collect_wheels(machine: Machine, folder: Path, *, report: Callable[[str], None] = lambda _: None) -> None:
    """Put everything that the machine needs under a folder: ``common`` for any Python, and one folder a Python.

    Parameters
    ----------
    machine
        What the wheels are for.
    folder
        An existing, empty one.
    report
        Told what is being done.

    Raises
    ------
    BridgeError
        If there is no pip, no network, or no wheel of a package for this machine.
    """
    common = folder / "common"
    common.mkdir()
    report("packing edgehar")
    own = own_wheel(common)
    for python in machine.pythons:
        place = folder / python
        place.mkdir()
        report(f"fetching wheels for {machine.processor}, Python {python}")
        _download(machine, python, own, place)
        for wheel in sorted(place.glob("*-none-any.whl")):
            # Pure Python serves every version; the last of two equal ones stays.
            wheel.replace(common / wheel.name)
    _run_pip("download", "--no-deps", "--only-binary=:all:", "--dest", str(common), _PIP, what="pip itself")


def own_wheel(folder: Path) -> Path:
    """Write edgehar's own wheel into a folder: from its sources where it is installed from a clone, else repacked.

    Raises
    ------
    BridgeError
        If it can be neither built nor repacked.
    """
    distribution = importlib.metadata.distribution(_DISTRIBUTION)
    source = _editable_source(distribution)
    if source is None:
        return repack(distribution, folder)
    with tempfile.TemporaryDirectory() as built:
        _run_pip("wheel", "--no-deps", "--wheel-dir", built, str(source), what=f"edgehar, from {source}")
        (wheel,) = Path(built).glob("*.whl")
        target = folder / wheel.name
        target.write_bytes(wheel.read_bytes())
    return target


def _editable_source(distribution: importlib.metadata.Distribution) -> Path | None:
    """Return the clone that an editable installation follows (PEP 610), or None."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlsplit(origin["url"]).path))


def _download(machine: Machine, python: str, own: Path, folder: Path) -> None:
    """Fetch what edgehar needs on the machine."""
    tags = [option for platform in machine.platforms for option in ("--platform", platform)]
    choice = ["--only-binary=:all:", "--implementation", "cp", "--python-version", python, *tags, "--dest", str(folder)]
    with tempfile.TemporaryDirectory() as present:
        stand_ins = [_stand_in(name, version, Path(present)) for name, version in machine.from_the_system]
        _run_pip(
            "download",
            *choice,
            "--find-links",
            present,
            f"{own}[{','.join(machine.extras)}]",
            what=f"edgehar for {machine.processor}, Python {python}",
        )
        for wheel in (*stand_ins, own):
            (folder / wheel.name).unlink(missing_ok=True)


def _stand_in(name: str, version: str, folder: Path) -> Path:
    """Write an empty wheel that tells a resolver: this package is there already."""
    wheel, inside = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{inside}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{inside}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{inside}/RECORD", "")
    return wheel


def _run_pip(command: str, *arguments: str, what: str) -> None:
    """Run this Python's pip; its last complaint becomes the sentence."""
    line = [
        sys.executable,
        "-P",
        "-m",
        _PIP,
        command,
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        *arguments,
    ]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise BridgeError(
            f"wheels: expected {what} within {_LONGEST_S / 60:.0f} minutes, pip is not done",
            next_step="Check the network, then run it again.",
        ) from error
    if done.returncode == 0:
        return
    complaints = [text for text in done.stderr.splitlines() if text.startswith("ERROR")] or done.stderr.splitlines()
    got = complaints[-1].removeprefix("ERROR: ")[:300] if complaints else f"exit code {done.returncode}"
    if "No module named pip" in got:
        raise BridgeError(
            f"wheels: expected pip in this Python ({sys.executable}), there is none",
            next_step=f"Run: {sys.executable} -m ensurepip.",
        )
    raise BridgeError(f"wheels: could not get {what}: {got}", next_step="Check the network, then run it again.")
