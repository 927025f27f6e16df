"""A bundle and all it takes to run it on a Raspberry Pi, as one folder: copy it there and run its ``install.sh``.

::

    install.sh             installs the rest; needs Python and no network
    machine, extras        which processor it is for, which parts of edgehar are installed
    wheels/common/         wheels for any Python, edgehar's own among them, and pip's
    wheels/3.11/ ...       wheels for one version of Python
    model/                 the bundle
    edgehar-live.service   the systemd unit,
    edgehar-live.env       its settings,
    90-edgehar.rules       and the udev rule that starts it with its sensor
    SHA256SUMS             of all of these
"""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edgehar.firmware_bridge.deployment import FILES
from edgehar.firmware_bridge.deployment.machine import Machine
from edgehar.firmware_bridge.deployment.service import SERVICE, ServiceOptions
from edgehar.firmware_bridge.deployment.wheels import collect_wheels
from edgehar.models.bundle import MANIFEST, Bundle
from edgehar.models.errors import UsageError
from edgehar.models.files import atomic_folder

INSTALL: Final = "install.sh"
SUMS: Final = "SHA256SUMS"
MODEL: Final = "model"
_RULES: Final = "90-edgehar.rules"
_OWN: Final = frozenset(
    {INSTALL, SUMS, MODEL, SERVICE, "edgehar-live.env", _RULES, "machine", "extras", "wheels"},
)


def write_pi_folder(
    bundle: Bundle,
    out: Path,
    *,
    machine: Machine,
    options: ServiceOptions,
    report: Callable[[str], None] = lambda _: None,
) -> None:
    """Write the folder, whole or not at all.

    Parameters
    ----------
    bundle
        The model.
    out
        A new folder, an empty one, or one that this function wrote.
    machine
        Where it will be installed.
    options
        What the service runs with there.
    report
        Told what is being done; fetching wheels takes its time.

    Raises
    ------
    UsageError
        If something else stands at ``out``.
    BridgeError
        If a wheel cannot be had.
    """
    check_destination(out)
    with atomic_folder(out) as folder:
        shutil.copy(FILES / INSTALL, folder / INSTALL)
        shutil.copy(FILES / SERVICE, folder / SERVICE)
        (folder / INSTALL).chmod(0o755)
        (folder / "machine").write_text(f"{machine.processor}\n", encoding="ascii")
        (folder / "extras").write_text(f"{','.join(machine.extras)}\n", encoding="ascii")
        (folder / "edgehar-live.env").write_text(options.environment(), encoding="utf-8")
        rule = options.udev_rule()
        if rule is not None:
            (folder / _RULES).write_text(rule, encoding="utf-8")
        bundle.save(folder / MODEL)
        (folder / "wheels").mkdir()
        collect_wheels(machine, folder / "wheels", report=report)
        (folder / SUMS).write_text(_sums(folder), encoding="utf-8")


def check_destination(out: Path) -> None:
    """Refuse a place where something else would be destroyed.

    Raises
    ------
    UsageError
        If there is something at ``out`` that is not such a folder.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    known = out.is_dir() and (out / INSTALL).is_file() and (out / MODEL / MANIFEST).is_file()
    foreign = sorted(path.name for path in out.iterdir() if path.name not in _OWN) if known else [out.name]
    if foreign:
        raise UsageError(
            f"{out}: expected a new folder, or one that `har deploy pi` wrote, found {foreign[0]}",
            next_step="Choose another --out.",
            path=out,
        )


def _sums(folder: Path) -> str:
    """Return the hash of every file, as sha256sum reads them."""
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    return "".join(lines)
