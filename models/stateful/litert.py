"""Carry state with a .tflite file that takes samples and states, and gives both back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture
from edgehar.models.architecture.stateful import NEXT, states_of
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.engines import one_line, wrong_ends
from edgehar.models.engines.litert import ends_of, from_end, holds_integers, open_interpreter, to_end
from edgehar.models.errors import EngineError
from edgehar.models.inputs import input_type
from edgehar.models.stateful.stream import States


class TfliteStream:
    """One interpreter over the bytes of a file; see `edgehar.models.stateful.stream.Stream`.

    Raises
    ------
    EngineError
        If no runtime is installed, the one that is refuses the file, or it is not a file of the architecture.
    """

    name = "litert"
    state_type = np.float32

    def __init__(self, content: bytes, *, file: str, quantization: str, architecture: Architecture) -> None:
        self.artifact, self.quantization, self._architecture = file, quantization, architecture
        self._interpreter, self.runtime = open_interpreter(content, file=file)
        self._names = [state.name for state in states_of(architecture)]
        self._inputs, self._outputs, self.block = self._checked_ends()

    def step(self, samples: NDArray[np.float32], states: States) -> tuple[NDArray[np.float32], States]:
        """Return the outputs after samples, a block at a time, and the states then."""
        parts = []
        for start in range(0, len(samples), self.block):
            output, states = self._invoke(samples[start : start + self.block], states)
            parts.append(output[0])
        return np.concatenate(parts) if len(self._architecture.output_shape) > 1 else parts[-1], states

    def _invoke(self, samples: NDArray[np.float32], states: States) -> tuple[NDArray[np.float32], States]:
        """Return what the file gives for one block."""
        interpreter = self._interpreter
        try:
            for name, values in (("Input", samples[np.newaxis]), *((name, states[name]) for name in self._names)):
                end = self._inputs[name]
                is_state = name != "Input" and end["dtype"] == np.float32
                interpreter.set_tensor(end["index"], values if is_state else to_end(values, end, self._architecture))
            interpreter.invoke()
            output, *following = (
                from_end(interpreter.get_tensor(end["index"]), end)
                for end in map(self._outputs.__getitem__, ("Output", *(name + NEXT for name in self._names)))
            )
            after = dict(zip(self._names, following, strict=True))
        except (ValueError, RuntimeError) as error:
            raise EngineError(
                f"engine litert: {self.runtime} cannot run {self.artifact} ({one_line(error)})",
                next_step="Update the runtime, or compile for it again with `har compile --stateful`.",
            ) from error
        return output, after

    def _checked_ends(self) -> tuple[dict[str, Any], dict[str, Any], int]:
        """Return what is known of inputs and outputs, and the samples in a block, held to the architecture."""
        architecture = self._architecture
        taken, given = ends_of(self._interpreter, file=self.artifact, runtime=self.runtime)
        block = next((_shape(end)[1] for end in taken if end["name"] == "Input" and len(end["shape"]) > 1), 0)
        sample, number = architecture.input_shape[1:], np.dtype(np.float32)
        steps = (block,) * (len(architecture.output_shape) - 1)
        states = {state.name: ((1, state.units), number) for state in states_of(architecture)}
        expected = (
            {"Input": ((1, block, *sample), input_type(architecture)), **states},
            {"Output": ((1, *steps, architecture.classes), number)}
            | {name + NEXT: end for name, end in states.items()},
        )
        found = tuple({end["name"]: (_shape(end), _number(end)) for end in ends} for ends in (taken, given))
        inputs, outputs = ({end["name"]: end for end in ends} for ends in (taken, given))
        alike = all(
            inputs[name]["quantization"] == outputs[name + NEXT]["quantization"]
            for name in states
            if name in inputs and name + NEXT in outputs
        )
        if block < 1 or found != expected or not alike:
            raise wrong_ends("litert", self.artifact, _in_words(expected), _in_words(found))
        return inputs, outputs, block


def _number(end: Any) -> np.dtype[Any]:
    """Return the type of the numbers of an input or output: float32 too of integers that stand for numbers."""
    return np.dtype(np.float32 if holds_integers(end) else end["dtype"])


def tflite_stream(bundle: Bundle, artifact: ArtifactEntry) -> TfliteStream:
    """Return the stream of one of a bundle's files."""
    return TfliteStream(
        bundle.files[artifact.file],
        file=artifact.file,
        quantization=artifact.quantization,
        architecture=bundle.manifest.architecture,
    )


def _shape(end: Any) -> tuple[int, ...]:
    """Return the shape of an input or output."""
    return tuple(map(int, end["shape"]))


def _in_words(ends: Any) -> str:
    """Return inputs and outputs as a person reads them."""
    return " and ".join(", ".join(f"{name} {shape}" for name, (shape, _) in each.items()) for each in ends)
