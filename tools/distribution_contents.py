"""Hold a wheel and a source distribution to what they must contain: one top-level name, and every file we keep.

Usage: tools/distribution_contents.py WHEEL SDIST
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDERS = {
    "edgehar": "edgehar",
    **{name: f"edgehar/{name}" for name in ("models", "pipeline", "firmware_bridge", "reporting")},
}
"""Folders of the repository, and where they are installed."""


def main(wheel: str, sdist: str) -> int:
    """Compare, and say what is missing."""
    with zipfile.ZipFile(wheel) as archive:
        installed = {name for name in archive.namelist() if not name.endswith("/")}
    with tarfile.open(sdist) as archive:
        source = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    tops = {name.partition("/")[0] for name in installed}
    others = sorted(top for top in tops if top != "edgehar" and not top.endswith(".dist-info"))
    tracked = _tracked_files()
    missing = sorted(place for place in map(_installed_as, tracked) if place is not None and place not in installed)
    unpacked = sorted(path for path in tracked if path not in source and not path.startswith(".git"))
    failed = False
    for what, names in (
        ("the wheel's top level holds more than edgehar", others),
        ("the wheel lacks", missing),
        ("the source distribution lacks", unpacked),
    ):
        if names:
            failed = True
            print(f"{what}: {', '.join(names)}", file=sys.stderr)
    if not failed:
        print(f"wheel: {len(installed)} files under edgehar alone; sdist: {len(source)} files")
    return int(failed)


def _tracked_files() -> list[str]:
    """Return every file of the repository."""
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True).stdout
    return listed.splitlines()


def _installed_as(path: str) -> str | None:
    """Return where a file of the repository is in the wheel; None for one that does not belong there."""
    folder, _, inside = path.partition("/")
    return f"{FOLDERS[folder]}/{inside}" if folder in FOLDERS else None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
