"""Read a bundle from a folder or a zip of it, checking every size and hash.

A writer may put another bundle in the folder's place while it is read. What is read is held together by the manifest's
hashes, so that no mixture passes; where one does not fit and the folder has become another, it is read again.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from edgehar.models.bundle.bundle import Bundle
from edgehar.models.bundle.container import FolderSource, ZipSource, open_source
from edgehar.models.bundle.manifest import ArtifactEntry, FileEntry
from edgehar.models.bundle.manifest_json import manifest_from_json
from edgehar.models.bundle.names import MANIFEST, MAXIMUM_FILE_BYTES, MAXIMUM_MANIFEST_BYTES, PLAIN_NAME
from edgehar.models.errors import BundleError
from edgehar.models.files import settled
from edgehar.models.foreign_text import printable

_ATTEMPTS: Final = 20
"""Readings of a folder that is replaced again and again."""


def read_bundle(path: Path | str) -> Bundle:
    """Read a bundle from a folder or a zip of it, checking every size and hash.

    Raises
    ------
    BundleError
        If there is no bundle at ``path``, its schema is unknown, a key or file is missing, a link or larger than the
        cap, or not the one the manifest was written for.
    """
    path = Path(path)
    for _ in range(_ATTEMPTS):
        before = _identity(path)
        try:
            return _read_once(path)
        except BundleError as error:
            refused = error
            if _identity(path) == before:
                break
    raise refused


def _read_once(path: Path) -> Bundle:
    """Read a bundle that nobody replaces meanwhile."""
    source = open_source(_place(path))
    manifest = manifest_from_json(_parse_manifest(source.read(MANIFEST, MAXIMUM_MANIFEST_BYTES), path))
    entries: list[FileEntry | ArtifactEntry] = [manifest.weights, manifest.golden, *manifest.artifacts]
    return Bundle(manifest, {entry.file: _checked(source, entry, path) for entry in entries}, path)


def _place(path: Path) -> Path:
    """Return where a bundle is found while it is replaced; the path itself where the system refuses to look."""
    try:
        return settled(path)
    except (OSError, ValueError):
        return path


def _identity(path: Path) -> tuple[Path, int, int, int] | None:
    """Return what tells a folder or file from one that has taken its place; None where there is nothing."""
    try:
        place = settled(path)
        facts = place.stat()
    except (OSError, ValueError):
        return None
    return place, facts.st_dev, facts.st_ino, facts.st_ctime_ns


def _checked(source: FolderSource | ZipSource, entry: FileEntry | ArtifactEntry, path: Path) -> bytes:
    """Read one file and hold it to its entry."""
    if not PLAIN_NAME.fullmatch(entry.file) or not 0 <= entry.bytes <= MAXIMUM_FILE_BYTES:
        raise BundleError(
            f"{path}: expected plain file names and at most {MAXIMUM_FILE_BYTES:,} bytes each, "
            f"got {entry.file!r} of {entry.bytes:,} bytes",
            next_step="Do not use this bundle: its manifest is damaged or made to do harm.",
        )
    content = source.read(entry.file, entry.bytes)
    digest = hashlib.sha256(content).hexdigest()
    if len(content) != entry.bytes or digest != entry.sha256:
        raise BundleError(
            f"{path / entry.file}: expected sha256 {entry.sha256[:12]}… of {entry.bytes:,} bytes, "
            f"got {digest[:12]}… of {len(content):,}",
            next_step="The file was changed after the bundle was written: train, compile or download it again.",
            file=entry.file,
        )
    return content


def _parse_manifest(content: bytes, path: Path) -> Any:
    """Parse JSON, naming the file when it is not."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BundleError(
            f"{path / MANIFEST}: expected JSON, got something else ({printable(str(error), 80)})",
            next_step="The bundle is damaged: train or download it again.",
        ) from error
