"""An installed distribution as a wheel again: pure Python needs no build to go to another computer."""

import base64
import hashlib
import importlib.metadata
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from edgehar.models.errors import BridgeError

_NOT_OF_A_WHEEL: Final = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
"""What an installer adds to a distribution's metadata (PEP 376, PEP 610)."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def repack(distribution: importlib.metadata.Distribution, folder: Path) -> Path:
    """Write the wheel of an installed distribution of pure Python into a folder, and return it.

    Only files below the place of installation are of the wheel: scripts are made again by whoever installs it. The same
    installation gives the same bytes.

    Raises
    ------
    BridgeError
        If the distribution does not say which files it has, one is missing, or it is not of pure Python.
    """
    name = distribution.metadata["Name"].replace("-", "_")
    target = folder / f"{name}-{distribution.version}-py3-none-any.whl"
    files = [path for path in distribution.files or [] if _belongs(PurePosixPath(path))]
    if not files or "py3-none-any" not in (distribution.read_text("WHEEL") or ""):
        raise BridgeError(
            f"{name}: expected an installation of pure Python that lists its files, this one does not",
            next_step="Install it with pip, into an environment of its own.",
        )
    record = f"{name}-{distribution.version}.dist-info/RECORD"
    lines = []
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as wheel:
            for path in sorted(files, key=str):
                content = Path(str(path.locate())).read_bytes()
                digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
                lines.append(f"{path},sha256={digest},{len(content)}")
                wheel.writestr(zipfile.ZipInfo(str(path), _EPOCH), content, zipfile.ZIP_DEFLATED)
            text = "\n".join([*lines, f"{record},,", ""])
            wheel.writestr(zipfile.ZipInfo(record, _EPOCH), text, zipfile.ZIP_DEFLATED)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise BridgeError(
            f"{name}: expected every file of the installation, got: {error.strerror} ({error.filename})",
            next_step="Install it again, then repeat this.",
        ) from error
    return target


def _belongs(path: PurePosixPath) -> bool:
    """Whether a file of an installation was in its wheel."""
    made_here = path.suffix == ".pyc" or (path.name in _NOT_OF_A_WHEEL and path.parent.name.endswith(".dist-info"))
    return not made_here and ".." not in path.parts and not path.is_absolute()
