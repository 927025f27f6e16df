"""The choices of an ONNX file: which runtimes shall read it, and how."""

from dataclasses import dataclass
from typing import Final

from edgehar.models.errors import UsageError

OPSETS: Final = range(13, 18)
"""Operator sets that can be written: 13 is read by onnxruntime from 1.7 (2021) on, 17 from 1.12 (2022) on."""


@dataclass(frozen=True, slots=True)
class OnnxOptions:
    """How a model is written as ONNX.

    Parameters
    ----------
    fast
        Write a stack of SimpleRNN as one ``Scan``, which onnxruntime runs faster than ``RNN`` operators, and which
        several other runtimes refuse (OpenVINO, tract, OpenCV, MNN).
    opset
        The operator set, one of `OPSETS`.

    Raises
    ------
    UsageError
        If the operator set is none of these.
    """

    fast: bool = False
    opset: int = OPSETS[-1]

    def __post_init__(self) -> None:
        if self.opset not in OPSETS:
            raise UsageError(
                f"opset: expected {OPSETS[0]} to {OPSETS[-1]}, got {self.opset}",
                next_step="Leave it out for the newest.",
                opset=self.opset,
            )
