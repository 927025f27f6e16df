"""Which engine labels a live stream: window by window from a fresh state, or with the state carried."""

from typing import Annotated, Any

import typer
from rich.console import Console

from edgehar.models.bundle import Bundle
from edgehar.models.engines import Engine, load_engine
from edgehar.models.stateful.windows import CarriedWindows

StreamingOption = Annotated[
    bool,
    typer.Option(
        "--streaming",
        help="Carry the state from window to window instead of resetting it, for models that were trained so.",
    ),
]


def live_engine(model: Bundle, engine: str, quantization: str, *, hop: int | None, streaming: bool) -> Engine:
    """Return what labels the windows of a stream; say it where a state is carried that was trained to be reset."""
    if not streaming:
        return load_engine(model, engine, quantization)
    found = CarriedWindows(model, engine, quantization, hop=hop or model.manifest.window.hop)
    imported: Any = model.manifest.provenance.configuration.get("imported")
    if not (isinstance(imported, dict) and imported.get("carries_state") is True):
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            "--streaming: this model does not say that it was trained to carry its state. One trained on windows loses "
            "2 to 5 points of macro-F1 by it, at changes of activity."
        )
    return found
