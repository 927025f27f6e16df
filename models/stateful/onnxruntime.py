"""Carry state with an .onnx file that takes samples and states, and gives both back."""

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture.stateful import NEXT, states_of
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.engines import one_line, wrong_ends
from edgehar.models.engines.onnxruntime import KINDS, ends_of, open_session, runtime_version
from edgehar.models.errors import EngineError
from edgehar.models.inputs import for_file, input_type
from edgehar.models.stateful.stream import States


class OnnxStream:
    """One session over a file; see `edgehar.models.stateful.stream.Stream`.

    Raises
    ------
    EngineError
        If onnxruntime is not installed, refuses the file, or it is not a file of the architecture.
    """

    name = "onnxruntime"
    block = 1
    state_type = np.float32

    def __init__(self, bundle: Bundle, artifact: ArtifactEntry) -> None:
        self.artifact, self.quantization, self.runtime = artifact.file, artifact.quantization, runtime_version()
        self._architecture = bundle.manifest.architecture
        self._shapes = {state.name: (1, state.units) for state in states_of(self._architecture)}
        self._session = open_session(bundle.files[artifact.file], file=artifact.file)
        self._names = ["Output", *(name + NEXT for name in self._shapes)]
        self._check_ends()

    def step(self, samples: NDArray[np.float32], states: States) -> tuple[NDArray[np.float32], States]:
        """Return the outputs after samples, and the states then."""
        try:
            output, *after = self._session.run(
                self._names, {"Input": for_file(samples[np.newaxis], self._architecture), **states}
            )
        except Exception as error:  # onnxruntime's own exception types share no base but Exception.
            raise EngineError(
                f"engine onnxruntime: {self.runtime} cannot run {self.artifact} ({one_line(error)})",
                next_step="Update the runtime, or compile for it again with `har compile --stateful`.",
            ) from error
        steps = (len(samples),) * (len(self._architecture.output_shape) - 1)
        expected = [(1, *steps, self._architecture.classes), *self._shapes.values()]
        found = [np.shape(each) for each in (output, *after)]
        if found != expected:
            raise wrong_ends(self.name, self.artifact, expected, str(found))
        return output[0], dict(zip(self._shapes, after, strict=True))

    def _check_ends(self) -> None:
        """Hold the names and types of the inputs and outputs to the architecture."""
        floats = dict.fromkeys(self._shapes, KINDS["float32"])
        expected = (
            {"Input": KINDS[input_type(self._architecture).name], **floats},
            dict.fromkeys(self._names, KINDS["float32"]),
        )
        found = tuple({name: kind for name, kind, _ in ends} for ends in ends_of(self._session, file=self.artifact))
        if found != expected:
            raise wrong_ends(self.name, self.artifact, ", ".join((*expected[0], *expected[1])), str(found))


def onnx_stream(bundle: Bundle, artifact: ArtifactEntry) -> OnnxStream:
    """Return the stream of one of a bundle's files."""
    return OnnxStream(bundle, artifact)
