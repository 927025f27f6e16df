"""Compiling for programs: add files to a bundle that other runtimes load."""

import logging
from collections.abc import Sequence

from edgehar.api.inference import Model, open_bundle
from edgehar.models.bundle import Bundle
from edgehar.pipeline.compilers import FLOAT32, compile_bundle, compile_possible
from edgehar.pipeline.compilers.quantization.calibration import calibration_windows
from edgehar.pipeline.compilers.selection import ALL, wanted_targets
from edgehar.pipeline.data.recordings import Dataset

_LOG = logging.getLogger(__name__)


def compile(  # noqa: A001  (edgehar.compile reads as what it does)
    bundle: Model,
    *,
    formats: Sequence[str] | None = None,
    quantizations: Sequence[str] = (FLOAT32,),
    recordings: Dataset | None = None,
    stateful: bool = False,
    block: int = 1,
) -> Bundle:
    """Return the bundle with compiled files added; write it with `edgehar.save_bundle`.

    Parameters
    ----------
    bundle
        The model, or the path of one.
    formats
        Of ``tflite``, ``onnx`` and ``c``. Default: all that can express the model.
    quantizations
        Of ``float32``, ``float16``, ``int8-weights``, ``int8-hybrid`` and ``int8``; or ``("all",)``: what the model can
        be compiled to; what it cannot is logged as a warning.
    recordings
        Those the model was trained on: integers take their scales from them, and int8 weights are rounded for them.
    stateful
        Add files that take samples and states instead of windows, and give back the states: for streams that are
        never computed twice. `edgehar.load_stateful` runs them.
    block
        How many samples such a ``tflite`` file takes at once, a divisor of the window.

    Raises
    ------
    UsageError
        If there is no such format or quantization, or the block is no divisor of the window.
    CompileError
        If a format cannot express a layer, or ``int8`` is asked for without recordings.
    """
    model = open_bundle(bundle)
    wanted = wanted_targets(model.manifest.architecture, formats, quantizations, stateful=stateful)
    calibration = None if recordings is None else calibration_windows(model, recordings)
    if list(quantizations) != [ALL]:
        return compile_bundle(model, wanted, calibration=calibration, block=block)
    artifacts, left_out = compile_possible(model, wanted, calibration=calibration, block=block)
    for each in left_out:
        _LOG.warning("%s %s is left out: %s", each.target.format, each.target.quantization, each.reason)
    return model.with_artifacts(artifacts)
