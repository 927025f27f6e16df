"""Look inside a bundle's compiled files: what they are made of, and which runtimes can load them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.models.architecture.stateful import STATEFUL
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.errors import BundleError
from edgehar.pipeline.inspection.c99 import c_claims, check_c, read_c
from edgehar.pipeline.inspection.checks import Trial, check_claims
from edgehar.pipeline.inspection.facts import Contents, OperatorFact, RuntimeFact, TensorFact
from edgehar.pipeline.inspection.onnx import read_onnx
from edgehar.pipeline.inspection.runtimes import onnx_claims, tflite_claims
from edgehar.pipeline.inspection.tflite import read_tflite

__all__ = ["Inspection", "OperatorFact", "RuntimeFact", "TensorFact", "inspect_bundle"]

_TRIED: Final = 4
"""Golden windows a file is tried on: enough to tell a wrong kernel, too few to wait for."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """One compiled file of a bundle."""

    file: str
    format: str
    quantization: str
    route: str
    bytes: int
    operators: tuple[OperatorFact, ...]
    tensors: tuple[TensorFact, ...]
    format_version: int
    runtimes: tuple[RuntimeFact, ...]

    @property
    def ok(self) -> bool:
        """Whether every claim that was checked is true."""
        return all(runtime.checked in (None, runtime.claimed) for runtime in self.runtimes)


_READERS: Final = {
    "tflite": read_tflite,
    STATEFUL["tflite"]: read_tflite,
    "onnx": read_onnx,
    STATEFUL["onnx"]: read_onnx,
    "c": read_c,
}

_OF_WINDOWS: Final = ("tflite", "onnx")
"""Formats that are tried on golden windows; `har verify` steps through those that carry state."""


def inspect_bundle(bundle: Bundle, *, check: bool = True, pythons: Sequence[str] = ()) -> list[Inspection]:
    """Read every compiled file of a bundle.

    Parameters
    ----------
    bundle
        The bundle; its hashes are checked already.
    check
        Run golden windows through each file that takes windows, with the runtimes that are installed, in processes of
        their own.
    pythons
        Paths of other Pythons whose runtimes are asked too.

    Raises
    ------
    BundleError
        If a file is not what its format says, or of a format that this version does not know.
    """
    entries = bundle.manifest.artifacts
    files = [bundle.files[entry.file] for entry in entries]
    contents = [_read(entry, content) for entry, content in zip(entries, files, strict=True)]
    runtimes = [_claims(entry, found) for entry, found in zip(entries, contents, strict=True)]
    if check:
        golden, windows = bundle.golden, bundle.golden["windows"][:_TRIED]
        foreign = [index for index, entry in enumerate(entries) if entry.format in _OF_WINDOWS]
        trials = [
            Trial(files[index], golden[entries[index].file][:_TRIED], entries[index].tolerance) for index in foreign
        ]
        checked = check_claims([runtimes[index] for index in foreign], trials, windows, pythons)
        for index, facts in zip(foreign, checked, strict=True):
            runtimes[index] = tuple(facts)
        if any(entry.format == "c" for entry in entries):
            blobs = check_c(bundle)
            runtimes = [blobs.get(entry.file, facts) for entry, facts in zip(entries, runtimes, strict=True)]
    return [
        Inspection(
            entry.file,
            entry.format,
            entry.quantization,
            entry.route,
            entry.bytes,
            found.operators,
            found.tensors,
            found.format_version,
            facts,
        )
        for entry, found, facts in zip(entries, contents, runtimes, strict=True)
    ]


def _read(entry: ArtifactEntry, content: bytes) -> Contents:
    """Return what is in a file."""
    if entry.format not in _READERS:
        raise BundleError(
            f"{entry.file}: expected a file of the format {', '.join(_READERS)}, got {entry.format!r}",
            next_step="Update edgehar, or compile the bundle again with `har compile`.",
            file=entry.file,
        )
    return _READERS[entry.format](content, where=entry.file)


def _claims(entry: ArtifactEntry, contents: Contents) -> tuple[RuntimeFact, ...]:
    """Return which runtimes can load a file."""
    if entry.format == "c":
        return c_claims()
    return tflite_claims(contents) if _READERS[entry.format] is read_tflite else onnx_claims(contents)
