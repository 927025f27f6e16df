"""Frameworks that `har bench --peers` measures beside our engines: PyTorch, JAX and OpenVINO with the same weights.

They are no engines to run a model with: nothing else loads them, and no bundle names them. Each is held to the oracle
on the bundle's golden windows before anything is timed.
"""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.agreement import LIMITS
from edgehar.models.architecture import GRU, Dense, Recurrent
from edgehar.models.architecture.recurrent import is_standard
from edgehar.models.bundle import WEIGHTS, Bundle
from edgehar.models.engines import Engine, one_line
from edgehar.models.errors import EngineError
from edgehar.models.installation import install_command

ACTIVATIONS: Final = ("linear", "relu", "sigmoid", "softmax", "tanh")
"""Of a dense layer, those that the rebuilt models have."""


@dataclass(frozen=True, slots=True)
class Framework:
    """Where a framework is, which extra has it, and the format of the file it reads; "" where it takes the weights."""

    module: str
    attribute: str
    package: str
    extra: str
    format: str = ""


FRAMEWORKS: Final = {
    "torch": Framework(f"{__name__}.torch", "TorchEngine", "torch", "frameworks"),
    "jax": Framework(f"{__name__}.jax", "JAXEngine", "jax", "frameworks"),
    "openvino": Framework(f"{__name__}.openvino", "OpenVINOEngine", "openvino", "openvino", "onnx"),
}
"""Every framework by name."""


def missing_frameworks() -> dict[str, str]:
    """Return the frameworks that are not installed, each with the command that installs it."""
    return {
        name: install_command(framework.extra)
        for name, framework in FRAMEWORKS.items()
        if importlib.util.find_spec(framework.package) is None
    }


def load_framework(bundle: Bundle, name: str, *, threads: int = 1) -> Engine:
    """Return the model in a framework, held to the oracle.

    Parameters
    ----------
    bundle
        With its weights and, for a framework that reads files, the file alone (`Bundle.only`).
    name
        A name of `FRAMEWORKS`.
    threads
        Processor threads it may use.

    Raises
    ------
    EngineError
        If it is not installed, cannot express or read the model, or computes something else.
    """
    framework = FRAMEWORKS[name]
    try:
        engine_class: Callable[..., Engine] = getattr(importlib.import_module(framework.module), framework.attribute)
        engine = engine_class(bundle, threads=threads)
    except ImportError as error:
        raise EngineError(
            f"{name}: expected the package {framework.package}, it is not installed",
            next_step=f"Run: {install_command(framework.extra)}.",
        ) from error
    error_limit = LIMITS[engine.quantization].error
    golden = bundle.golden
    errors = [
        float(np.abs(engine.predict(windows) - golden["oracle"][: len(windows)]).max())
        for windows in (golden["windows"], golden["windows"][:1])
    ]
    if not max(errors) <= error_limit:
        raise EngineError(f"{name}: expected the oracle's outputs within {error_limit:g}, is off by {max(errors):.1e}")
    return engine


def rebuildable_layers(bundle: Bundle, name: str, *, reset_before: bool) -> list[Recurrent | Dense]:
    """Return the layers of a model that frameworks have by the same names: recurrent ones, then dense ones.

    Parameters
    ----------
    bundle
        The model.
    name
        Of the framework, for the message.
    reset_before
        Whether it has the GRU that resets before the product.

    Raises
    ------
    EngineError
        If there is another layer, or an activation that the framework's layer has not.
    """
    architecture = bundle.manifest.architecture
    layers: list[Recurrent | Dense] = []
    for layer in architecture.layers:
        known = (
            is_standard(layer) and (reset_before or not isinstance(layer, GRU) or layer.reset_after)
            if isinstance(layer, Recurrent)
            else isinstance(layer, Dense) and layer.activation in ACTIVATIONS
        )
        if not known or architecture.vocabulary is not None or not isinstance(layer, Recurrent | Dense):
            raise EngineError(
                f"{name}: expected recurrent layers with their usual activations and dense layers, {layer.name} is "
                f"another {layer.kind}"
            )
        layers.append(layer)
    return layers


def weights_of(bundle: Bundle, layer: Recurrent | Dense) -> dict[str, NDArray[np.float32]]:
    """Return a layer's weights by their own names, float32, normalisation folded in."""
    prefix = f"{layer.name}/"
    return {
        name.removeprefix(prefix): np.ascontiguousarray(array, np.float32)
        for name, array in bundle.folded_weights.items()
        if name.startswith(prefix)
    }


def in_batches(
    values: NDArray[np.float32], batch: int, run: Callable[[NDArray[np.float32]], Any]
) -> NDArray[np.float32]:
    """Return the outputs of windows, one alone by itself, several in batches of one size, the last one filled up."""
    if len(values) == 1:
        return np.asarray(run(values), np.float32)
    outputs = []
    for start in range(0, len(values), batch):
        part = values[start : start + batch]
        filled = np.concatenate([part, np.repeat(part[:1], batch - len(part), axis=0)]) if len(part) < batch else part
        outputs.append(np.asarray(run(filled), np.float32)[: len(part)])
    return np.concatenate(outputs)


class FrameworkEngine:
    """What the frameworks share; see `edgehar.models.engines.Engine`."""

    name = ""
    artifact = WEIGHTS
    quantization = "float32"

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        self.bundle = bundle
        self.runtime = self.prepare(threads)

    def prepare(self, threads: int) -> str:
        """Build the model, and return the library with its version."""
        raise NotImplementedError

    def refuse(self, error: Exception) -> EngineError:
        """Return the error of a model that the library refuses."""
        return EngineError(f"{self.name}: refuses {self.artifact} ({one_line(error)})")
