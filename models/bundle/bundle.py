"""A bundle in memory: its manifest and its files, and what is in them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.consistency import check_manifest
from edgehar.models.bundle.manifest import (
    SCHEMA_MAJOR,
    SCHEMA_MINOR,
    ArtifactEntry,
    DecoderSpec,
    FileEntry,
    Manifest,
    MetricsEntry,
    TensorSpec,
)
from edgehar.models.bundle.names import FLOAT_TOLERANCE, GOLDEN, WEIGHTS
from edgehar.models.bundle.npz import read_npz, write_npz
from edgehar.models.bundle.plots import read_plots
from edgehar.models.bundle.writing import write_bundle
from edgehar.models.errors import BundleError
from edgehar.models.inputs import are_tokens
from edgehar.models.normalization import fold_normalization


@dataclass(frozen=True, slots=True)
class CompiledArtifact:
    """What a compiler returns: the file and what its reader must know.

    ``expected`` (n_golden, n_classes) are the outputs `verify` holds a quantized artifact to, recorded where it was
    made; None for float artifacts, which are held to the oracle. ``tolerance`` is the largest difference accepted.
    """

    file: str
    format: str
    quantization: str
    route: str
    input: TensorSpec
    output: TensorSpec
    content: bytes
    expected: NDArray[np.float32] | None = None
    tolerance: float = FLOAT_TOLERANCE


@dataclass(frozen=True)
class Bundle:
    """A model in memory: its manifest and its files, already checked against each other."""

    manifest: Manifest
    files: Mapping[str, bytes] = field(repr=False)
    location: Path | None = None

    @cached_property
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Trained weights in Keras layout, for normalised input."""
        arrays = read_npz(self.files[WEIGHTS], where=WEIGHTS)
        expected = self.manifest.architecture.weight_shapes()
        found = {name: array.shape for name, array in arrays.items()}
        if found != expected:
            different = sorted(name for name in expected | found if expected.get(name) != found.get(name))
            raise BundleError(
                f"{WEIGHTS}: expected the weights of {self.manifest.architecture.name}, "
                f"these differ in name or shape: {', '.join(different)[:200]}",
                next_step="The bundle mixes two models: train it again.",
            )
        _require_finite_float32(arrays, WEIGHTS)
        return arrays

    @cached_property
    def folded_weights(self) -> dict[str, NDArray[np.float32]]:
        """Weights with the normalisation folded in: they take raw g."""
        with np.errstate(all="ignore"):
            folded = fold_normalization(self.manifest.architecture, self.weights, self.manifest.normalization)
        if not all(np.isfinite(array).all() for array in folded.values()):
            raise BundleError(
                "manifest.json: expected a normalization that the weights can be divided by, it makes them infinite",
                next_step="The manifest was altered: train or download the bundle again.",
            )
        return folded

    @cached_property
    def golden(self) -> dict[str, NDArray[Any]]:
        """Arrays ``windows``, ``oracle`` and, for every artifact file, its expected outputs."""
        arrays = read_npz(self.files[GOLDEN], where=GOLDEN)
        architecture = self.manifest.architecture
        windows = arrays.get("windows", np.empty(0))
        outputs = {name: array for name, array in arrays.items() if name != "windows"}
        shapes = {array.shape for array in (outputs.get("oracle", np.empty(0)), *outputs.values())}
        inside, outside = (architecture.window, architecture.channels), architecture.output_shape
        if windows.shape[1:] != inside or not len(windows) or shapes != {(len(windows), *outside)}:
            raise BundleError(
                f"{GOLDEN}: expected windows of shape (n, {inside[0]}, {inside[1]}) and outputs of shape "
                f"(n, {', '.join(map(str, outside))}) for them, got arrays of shapes {windows.shape} and "
                f"{', '.join(map(str, sorted(shapes)))}",
                next_step="The bundle mixes two models: train it again.",
            )
        _require_finite_float32(arrays, GOLDEN)
        if architecture.vocabulary is not None and not are_tokens(windows, architecture.vocabulary):
            raise BundleError(
                f"{GOLDEN}: expected windows of whole numbers from 0 to {architecture.vocabulary - 1}, got others",
                next_step="The bundle was altered: import the model again.",
            )
        return arrays

    def only(self, file: str) -> "Bundle":
        """Return the bundle with one of its artifacts alone, or with none where ``file`` is not an artifact.

        Two converters may have made the same format and quantization; this says which of their files is meant.
        """
        artifacts = tuple(entry for entry in self.manifest.artifacts if entry.file == file)
        return replace(self, manifest=replace(self.manifest, artifacts=artifacts))

    def with_artifacts(self, artifacts: Sequence[CompiledArtifact]) -> "Bundle":
        """Return a bundle that holds these artifacts too; one with the same file name is replaced."""
        names = {artifact.file for artifact in artifacts}
        kept = tuple(entry for entry in self.manifest.artifacts if entry.file not in names)
        golden = {name: array for name, array in self.golden.items() if name not in names}
        for artifact in artifacts:
            golden[artifact.file] = golden["oracle"] if artifact.expected is None else artifact.expected
        files = {**self.files, **{artifact.file: artifact.content for artifact in artifacts}, GOLDEN: write_npz(golden)}
        manifest = replace(
            self.manifest,
            artifacts=kept + tuple(_artifact_entry(artifact) for artifact in artifacts),
            golden=file_entry(GOLDEN, files[GOLDEN]),
        )
        return replace(self, manifest=manifest, files=files)

    def with_metrics(self, metrics: Sequence[MetricsEntry]) -> "Bundle":
        """Return a bundle with these metrics added; one of the same protocol, engine and artifact is replaced."""

        def key(entry: MetricsEntry) -> tuple[str, str, str]:
            return entry.protocol, entry.engine, entry.artifact

        fresh = {key(entry) for entry in metrics}
        kept = tuple(entry for entry in self.manifest.metrics if key(entry) not in fresh)
        return replace(self, manifest=replace(self.manifest, metrics=kept + tuple(metrics)))

    def with_decoder(self, decoder: DecoderSpec) -> "Bundle":
        """Return a bundle whose stream of posteriors is decoded in another way.

        Raises
        ------
        BundleError
            If the decoder does not fit the model.
        """
        manifest = replace(self.manifest, schema=f"{SCHEMA_MAJOR}.{SCHEMA_MINOR}", decoder=decoder)
        check_manifest(manifest)
        return replace(self, manifest=manifest)

    def save(self, path: Path, *, plots: Mapping[str, bytes] | None = None, lock: bool = True) -> "Bundle":
        """Write the bundle as a folder, whole or not at all, and return it as found there.

        Parameters
        ----------
        path
            See `check_destination`.
        plots
            What the folder ``plots`` holds, by file name. By default, what it holds where the bundle was read.
        lock
            False where the caller holds the lock of the path; see `update_bundle`.
        """
        pictures = self.plots() if plots is None else plots
        write_bundle(path, self.manifest, self.files, pictures, lock=lock)
        return replace(self, location=path)

    def plots(self) -> dict[str, bytes]:
        """Return the files of the folder ``plots`` where the bundle was read; none of one in memory or in a zip.

        Raises
        ------
        BundleError
            If something else than pictures and their numbers is there.
        """
        return {} if self.location is None else read_plots(self.location)


def file_entry(name: str, content: bytes) -> FileEntry:
    """Return the manifest entry of a file."""
    return FileEntry(name, len(content), hashlib.sha256(content).hexdigest())


def _artifact_entry(artifact: CompiledArtifact) -> ArtifactEntry:
    """Return the manifest entry of a compiled artifact."""
    plain = file_entry(artifact.file, artifact.content)
    return ArtifactEntry(
        file=artifact.file,
        format=artifact.format,
        quantization=artifact.quantization,
        route=artifact.route,
        input=artifact.input,
        output=artifact.output,
        tolerance=artifact.tolerance,
        bytes=plain.bytes,
        sha256=plain.sha256,
    )


def _require_finite_float32(arrays: Mapping[str, NDArray[Any]], where: str) -> None:
    """Refuse arrays of other numbers, or of none."""
    broken = [name for name, array in arrays.items() if array.dtype != np.float32 or not np.isfinite(array).all()]
    if broken:
        raise BundleError(
            f"{where}: expected finite float32 numbers, got something else in {', '.join(broken)[:200]}",
            next_step="The file was not made by edgehar: train the model again.",
        )
