"""How to install a package that is missing here: which extra has it, and where this installation came from."""

import importlib.metadata
import json
import shlex
import sys
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_DISTRIBUTION: Final = "edgehar"

EXTRAS: Final = {
    "ai_edge_litert": "train",
    "cobs": "edge",
    "dask": "cohort",
    "distributed": "cohort",
    "flatbuffers": "train",
    "fsspec": "cohort",
    "h5py": "train",
    "keras": "train",
    "matplotlib": "train",
    "onnx": "train",
    "optuna": "cohort",
    "paho": "mqtt",
    "pyarrow": "cohort",
    "s3fs": "cohort",
    "scipy": "train",
    "segno": "phone",
    "serial": "edge",
    "tensorflow": "train",
    "trustme": "phone",
}
"""Which extra installs a package that is missing."""


def missing_package(error: ModuleNotFoundError, *, needed_by: str) -> str | None:
    """Return what is missing and how to install it; None if no extra of ours installs it.

    Examples
    --------
    >>> missing_package(ModuleNotFoundError(name="no_such_package"), needed_by="this command")
    """
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        return None
    command = install_command(EXTRAS[package])
    return f"{needed_by} needs the package {package}, it is not installed. Run: {command}."


def install_command(extra: str) -> str:
    """Return the command that installs an extra into the Python that runs this.

    An installation from a clone or a file says where it came from (PEP 610). Then the command names that place: a
    package index may not have edgehar.

    Examples
    --------
    >>> install_command("edge").endswith("[edge]'")
    True
    """
    source, is_editable = _origin()
    what = f"{source}[{extra}]"
    # Brackets mean something to shells: quoted, even where the rest of the name would not need it.
    quoted = f"'{what}'" if "'" not in what else shlex.quote(what)
    return f"{_pip()} install {'-e ' if is_editable else ''}{quoted}"


def _pip() -> str:
    """Return how to call the pip of this Python: by its full path in a virtual environment that may not be active."""
    beside = Path(sys.executable).with_name("pip")
    return shlex.quote(str(beside)) if sys.prefix != sys.base_prefix and beside.exists() else "pip"


def _origin() -> tuple[str, bool]:
    """Return what pip was given to install edgehar, and whether it was told to follow edits."""
    try:
        text = importlib.metadata.distribution(_DISTRIBUTION).read_text("direct_url.json")
        origin = json.loads(text) if text else {}
        url = urlsplit(origin.get("url", ""))
    except (importlib.metadata.PackageNotFoundError, ValueError, AttributeError):
        return _DISTRIBUTION, False
    place = unquote(url.path)
    if url.scheme != "file" or not Path(place).exists():
        return _DISTRIBUTION, False
    return place, bool(origin.get("dir_info", {}).get("editable", False))
