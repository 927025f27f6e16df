"""Which engine labels a live stream: window by window from a fresh state, or with the state carried."""

from typing import Annotated

import typer
from rich.console import Console

from edgehar.models.bundle import Bundle
from edgehar.models.engines import Engine
from edgehar.models.stateful.trained import was_trained_to_carry
from edgehar.models.stateful.windows import CarriedWindows, stream_engine

StreamingOption = Annotated[
    bool | None,
    typer.Option(
        "--streaming/--no-streaming",
        help="Carry the state from window to window instead of resetting it. Default: as the model was trained.",
        show_default=False,
    ),
]


def live_engine(
    model: Bundle, engine: str, quantization: str, *, hop: int | None, streaming: bool | None, sensors: int = 1
) -> Engine:
    """Return what labels the windows of a stream; say it where a state is carried that was trained to be reset.

    Of several sensors, whose windows come in turn, a state is carried by nobody unless asked for.
    """
    wanted = False if streaming is None and sensors > 1 else streaming
    found = stream_engine(model, engine, quantization, hop=hop or model.manifest.window.hop, streaming=wanted)
    is_trained, console = was_trained_to_carry(model.manifest), Console(stderr=True, highlight=False, soft_wrap=True)
    if isinstance(found, CarriedWindows) and not is_trained:
        console.print(
            "--streaming: this model does not say that it was trained to carry its state. One trained on windows loses "
            "2 to 5 points of macro-F1 by it, at changes of activity."
        )
    elif isinstance(found, CarriedWindows) and streaming is None:
        console.print("The state is carried from window to window, as this model was trained (--no-streaming resets).")
    return found
