"""A bundle and a page that classifies with it, as one static folder: any web server serves it, a phone installs it.

::

    index.html  style.css  start.js       the page, and
    page.json                             the modules that it is made of, gzipped (decision 35)
    training.json  sensors.json           modules that most visits need none of, too
    har.js  bundle.js  decoder.js ...     the library
    har.wasm  har_train.wasm              the C engine and the trainer, gzipped: the library unpacks them
    service-worker.js                     keeps all of it for when there is no network
    manifest.webmanifest  icon.svg        what a phone needs to install it
    bundle/manifest.json                  what the model is, and
    bundle/model.*.harc                   its tables for the C engine; nothing else of the bundle is needed here

The manifest is the bundle's own but for the artifacts left out, and for how it was trained, which no page asks for: the
page holds the tables to the hash in it.
"""

import dataclasses
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edgehar.firmware_bridge.web import STATIC
from edgehar.models.bundle import MANIFEST, Bundle
from edgehar.models.contract import CHANNELS, GYROSCOPE_CHANNELS, MOTION_CHANNELS
from edgehar.models.engines.native_tables import artifact_tables
from edgehar.models.errors import UsageError
from edgehar.models.files import atomic_folder

BUNDLE: Final = "bundle"
WORKER: Final = "service-worker.js"
PACKED: Final = {"page.json": "phone.js", "training.json": "personalize-worker.js", "sensors.json": "external.js"}
"""Files of modules, by the module that is wanted of each (decision 35)."""
FORMAT: Final = "c"
MAXIMUM_TABLES_BYTES: Final = 8 * 2**20
"""Of one artifact; the page reads no more."""

_COMMENT: Final = re.compile(rb"^[ \t]*/\*\*.*?\*/\n|^[ \t]*//[^\n]*\n", re.MULTILINE | re.DOTALL)
"""Comments on lines of their own, as all of ours are."""
_START: Final = "start.js"
_SENSOR_PAGE: Final = "sensor-page.js"
_ASSETS: Final = (
    "har.wasm",
    "har_train.wasm",
    "icon.svg",
    "index.html",
    "manifest.webmanifest",
    "style.css",
    WORKER,
)
_IMPORT: Final = re.compile(rb'^(?:import|export) [^;]*?from "\./([\w-]+\.js)";$', re.MULTILINE)
_SPACE: Final = re.compile(rb"^[ \t]+|[ \t]*\n(?=\n)", re.MULTILINE)
"""Indentation and empty lines; no text of ours goes over a line's end."""
_SQUEEZED: Final = (".js", ".css", ".html")
_OWN_FILES: Final = ("index.html", WORKER, "har.js")
"""A folder that holds these was written by `write_phone_folder`, and may be replaced."""


def phone_files(bundle: Bundle, *, quantization: str) -> dict[str, bytes]:
    """Return the folder's files by their path.

    Parameters
    ----------
    bundle
        With an artifact of the C engine of this quantization.
    quantization
        ``float32`` or ``int8``.

    Raises
    ------
    UsageError
        If the bundle has no such artifact, its model takes other channels than an accelerometer's or these and a
        gyroscope's, or it is too large.
    BundleError
        If the artifact is not what the manifest says.
    """
    manifest = bundle.manifest
    place = bundle.location or manifest.model_id
    entry = manifest.artifact(format=FORMAT, quantization=quantization)
    if entry is None:
        raise UsageError(
            f"{place}: expected an artifact of format {FORMAT} and quantization {quantization}, there is none",
            next_step=f"Run: har compile {place} --format {FORMAT} --quantization {quantization} --data PATH.",
            quantization=quantization,
        )
    if manifest.window.channels not in (CHANNELS, MOTION_CHANNELS):
        raise UsageError(
            f"{place}: expected a model of the channels {', '.join(CHANNELS)} of an accelerometer, or these and "
            f"{', '.join(GYROSCOPE_CHANNELS)} of a gyroscope, got {', '.join(manifest.window.channels)}",
            next_step="Use it through the Python package: phones give nothing else to a page.",
        )
    artifact_tables(bundle, entry)
    if entry.bytes > MAXIMUM_TABLES_BYTES:
        raise UsageError(
            f"{place}: expected tables of at most {MAXIMUM_TABLES_BYTES:,} bytes, {entry.file} has {entry.bytes:,}",
            next_step="Use a smaller model.",
        )
    files = page_files()
    # The page needs these tables alone, and the manifest shall not name others that are not there.
    provenance = dataclasses.replace(manifest.provenance, configuration={})
    described = dataclasses.replace(manifest, artifacts=(entry,), provenance=provenance)
    text = json.dumps(described.to_json(), ensure_ascii=False, separators=(",", ":"))
    files[f"{BUNDLE}/{MANIFEST}"] = text.encode()
    files[f"{BUNDLE}/{entry.file}"] = bundle.files[entry.file]
    files[WORKER] = _worker(files)
    return files


def page_files() -> dict[str, bytes]:
    """Return what every page is made of, by name: the library, and everything else as a few files of modules."""
    files = {name: _served(STATIC / name) for name in (*_modules(_START), *_ASSETS)}
    return {**files, **{name: _packed(module) for name, module in PACKED.items()}}


def _packed(module: str) -> bytes:
    """Return a module and all that it imports beyond the library as one file, gzipped."""
    library = _modules(_START)
    pairs = [(name, _served(STATIC / name).decode()) for name in _modules(module) if name not in library]
    return _gzipped(json.dumps(pairs, ensure_ascii=False).encode())


def sensor_files() -> dict[str, bytes]:
    """Return the page of a phone that is a sensor, by name; ``index.html`` is `sensor.html`."""
    names = (*_modules(_SENSOR_PAGE), "icon.svg", "style.css")
    return {"index.html": _served(STATIC / "sensor.html"), **{name: _served(STATIC / name) for name in names}}


def _modules(name: str, known: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return a module after all that it imports, each once."""
    for imported in _IMPORT.findall((STATIC / name).read_bytes()):
        if imported.decode() not in known:
            known = _modules(imported.decode(), known)
    return known if name in known else (*known, name)


def write_phone_folder(files: Mapping[str, bytes], out: Path) -> None:
    """Write the folder, whole or not at all.

    Raises
    ------
    UsageError
        If something else stands at ``out``.
    """
    check_destination(out)
    with atomic_folder(out) as folder:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def check_destination(out: Path) -> None:
    """Refuse a place where something else would be destroyed.

    Raises
    ------
    UsageError
        If there is something at ``out`` that is not such a folder.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    own = {path.name for path in STATIC.iterdir()} | {BUNDLE, *PACKED}
    known = out.is_dir() and all((out / name).is_file() for name in _OWN_FILES)
    foreign = sorted(path.name for path in out.iterdir() if path.name not in own) if known else [out.name]
    if foreign:
        raise UsageError(
            f"{out}: expected a new folder or one of `har phone`, got something else ({', '.join(foreign)[:100]})",
            next_step="Choose another --out.",
            path=out,
        )


def _served(path: Path) -> bytes:
    """Return a file of the page as a phone loads it: without comments and indentation, WebAssembly gzipped."""
    content = path.read_bytes()
    if path.suffix == ".wasm":
        return _gzipped(content)
    if path.suffix == ".js":
        content = _COMMENT.sub(b"", content)
    return _SPACE.sub(b"", content).lstrip(b"\n") if path.suffix in _SQUEEZED else content


def _gzipped(content: bytes) -> bytes:
    """Return what the page unpacks: few servers would compress it, and none needs to."""
    return gzip.compress(content, compresslevel=9, mtime=0)


def _worker(files: Mapping[str, bytes]) -> bytes:
    """Return the service worker with the names of all files, and a version that changes when one of them does."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    # "./" is the page by the name that people and start_url use.
    names = ["./", *sorted(name for name in files if name != WORKER)]
    head = f"const VERSION = {json.dumps(digest.hexdigest()[:16])};\nconst FILES = {json.dumps(names)};\n\n"
    return head.encode() + files[WORKER]
