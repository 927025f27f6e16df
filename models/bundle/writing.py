"""Write a bundle as a folder, whole or not at all, and never in the place of what is not a bundle."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from edgehar.models.bundle.card import model_card
from edgehar.models.bundle.consistency import check_manifest
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.bundle.names import CARD, GOLDEN, MANIFEST, MAXIMUM_MANIFEST_BYTES, PLOTS, WEIGHTS
from edgehar.models.errors import BundleError
from edgehar.models.files import atomic_folder
from edgehar.models.foreign_text import printable

_PACKAGE: Final = Path(__file__).resolve().parents[1]


def write_bundle(
    path: Path, manifest: Manifest, files: Mapping[str, bytes], plots: Mapping[str, bytes], *, lock: bool
) -> None:
    """Write a folder with a manifest, its card, the files it vouches for, and plots, all by file name.

    Raises
    ------
    BundleError
        If something else stands at ``path`` (see `check_destination`), or the manifest contradicts itself.
    """
    check_destination(path)
    check_manifest(manifest)
    with atomic_folder(path, lock=lock) as folder:
        manifest_text = json.dumps(manifest.to_json(), indent=2, ensure_ascii=False)
        (folder / MANIFEST).write_text(manifest_text + "\n", encoding="utf-8")
        (folder / CARD).write_text(model_card(manifest), encoding="utf-8")
        for name, content in files.items():
            (folder / name).write_bytes(content)
        if plots:
            (folder / PLOTS).mkdir()
        for name, content in plots.items():
            (folder / PLOTS / name).write_bytes(content)


def check_destination(path: Path) -> None:
    """Refuse a place where a bundle cannot be written without destroying something else.

    Raises
    ------
    BundleError
        If something other than a bundle stands there, or a bundle with files that are not its own; or the place is
        inside the installed package.
    """
    check_not_released(path)
    if not path.exists():
        return
    if not (path / MANIFEST).is_file():
        raise BundleError(
            f"{path}: expected a new name or an existing bundle, got something else",
            next_step="Choose another --out.",
            path=path,
        )
    own = {MANIFEST, CARD, PLOTS, WEIGHTS, GOLDEN, *_named_files(path / MANIFEST)}
    foreign = sorted(each.name for each in path.iterdir() if each.name not in own and not each.name.startswith("."))
    if foreign:
        raise BundleError(
            f"{path}: expected a bundle's own files, which are replaced together, "
            f"got {printable(', '.join(foreign), 100)} among them",
            next_step="Move what is yours out of the folder, then run this again.",
            path=path,
        )


def check_not_released(path: Path) -> None:
    """Refuse a place inside the installed package: a released model is what everybody who installs it has.

    Raises
    ------
    BundleError
        If the place is there.
    """
    try:
        is_inside = _PACKAGE in path.resolve().parents
    except (OSError, RuntimeError, ValueError):
        # What cannot be looked up is not there; writing to it fails with the system's own words.
        return
    if is_inside:
        raise BundleError(
            f"{path}: expected a folder of your own, got one of the installed package: released models do not change",
            next_step="Pass --out FOLDER.",
            path=path,
        )


def _named_files(manifest: Path) -> set[str]:
    """Return the names of the files a manifest lists, as far as it can be read."""
    try:
        with manifest.open("rb") as stream:
            data = json.loads(stream.read(MAXIMUM_MANIFEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return set()
    return set(_file_names(data))


def _file_names(value: Any) -> list[str]:
    """Return every ``file`` of the manifest's entries."""
    entries = value.get("artifacts", []) if isinstance(value, dict) else []
    return [str(entry["file"]) for entry in entries if isinstance(entry, dict) and "file" in entry]
