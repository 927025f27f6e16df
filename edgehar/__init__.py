"""Activity recognition for accelerometers: train on a laptop, deploy anywhere, classify live from a serial line.

The names in ``__all__`` are the public API; each is imported when it is first used. Everything else may change.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

from edgehar.models import __version__

if TYPE_CHECKING:
    from edgehar.api.compilation import compile as compile  # noqa: A004
    from edgehar.api.evaluation import evaluate as evaluate
    from edgehar.api.importing import import_model as import_model
    from edgehar.api.inference import classify as classify
    from edgehar.api.inference import load as load
    from edgehar.api.inference import load_engine as load_engine
    from edgehar.api.inference import load_stateful as load_stateful
    from edgehar.api.inference import open_bundle as open_bundle
    from edgehar.api.inference import predict as predict
    from edgehar.api.inference import save_bundle as save_bundle
    from edgehar.api.live import LiveStream as LiveStream
    from edgehar.api.live import live as live
    from edgehar.api.personalization import Personalization as Personalization
    from edgehar.api.personalization import personalize as personalize
    from edgehar.api.pictures import plot as plot
    from edgehar.api.recordings import dataset_from_recordings as dataset_from_recordings
    from edgehar.api.recordings import load_recordings as load_recordings
    from edgehar.api.recordings import recording_from_array as recording_from_array
    from edgehar.api.recordings import save_recordings as save_recordings
    from edgehar.api.recordings import show_recordings as show_recordings
    from edgehar.api.splits import split_by_subject as split_by_subject
    from edgehar.api.training import Training as Training
    from edgehar.api.training import train as train
    from edgehar.firmware_bridge.live.pipeline import Prediction as Prediction
    from edgehar.models.bundle import Bundle as Bundle
    from edgehar.models.engines import Engine as Engine
    from edgehar.models.errors import HarError as HarError
    from edgehar.models.stateful import StatefulModel as StatefulModel
    from edgehar.pipeline.data.forecasting import ForecastWindows as ForecastWindows
    from edgehar.pipeline.data.forecasting import forecast_windows as forecast_windows
    from edgehar.pipeline.data.recordings import Dataset as Dataset
    from edgehar.pipeline.data.recordings import LabelInterval as LabelInterval
    from edgehar.pipeline.data.recordings import Recording as Recording
    from edgehar.pipeline.data.splits import Split as Split
    from edgehar.pipeline.data.splits import leave_one_subject_out as leave_one_subject_out
    from edgehar.pipeline.data.splits import subject_groups as subject_groups
    from edgehar.pipeline.data.windows import Windows as Windows
    from edgehar.pipeline.data.windows import make_windows as make_windows
    from edgehar.pipeline.evaluation import Evaluation as Evaluation
    from edgehar.pipeline.training.recipe import Recipe as Recipe
    from edgehar.pipeline.training.recipes import default_recipe as default_recipe

_ROOMS: Final = {
    "edgehar.api.recordings": (
        "load_recordings",
        "recording_from_array",
        "dataset_from_recordings",
        "save_recordings",
        "show_recordings",
    ),
    "edgehar.pipeline.data.recordings": ("Dataset", "LabelInterval", "Recording"),
    "edgehar.pipeline.data.windows": ("Windows", "make_windows"),
    "edgehar.pipeline.data.forecasting": ("ForecastWindows", "forecast_windows"),
    "edgehar.api.splits": ("split_by_subject",),
    "edgehar.pipeline.data.splits": ("Split", "leave_one_subject_out", "subject_groups"),
    "edgehar.pipeline.training.recipe": ("Recipe",),
    "edgehar.pipeline.training.recipes": ("default_recipe",),
    "edgehar.api.training": ("Training", "train"),
    "edgehar.api.importing": ("import_model",),
    "edgehar.api.personalization": ("Personalization", "personalize"),
    "edgehar.api.evaluation": ("evaluate",),
    "edgehar.pipeline.evaluation": ("Evaluation",),
    "edgehar.api.compilation": ("compile",),
    "edgehar.api.inference": (
        "classify",
        "load",
        "load_engine",
        "load_stateful",
        "open_bundle",
        "predict",
        "save_bundle",
    ),
    "edgehar.models.bundle": ("Bundle",),
    "edgehar.models.engines": ("Engine",),
    "edgehar.models.stateful": ("StatefulModel",),
    "edgehar.api.live": ("LiveStream", "live"),
    "edgehar.firmware_bridge.live.pipeline": ("Prediction",),
    "edgehar.api.pictures": ("plot",),
    "edgehar.models.errors": ("HarError",),
}
"""Where every public name lives, in the order in which a program uses them."""

_HOME: Final = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'edgehar' has no attribute {name!r}; it has {', '.join(__all__)}")
    try:
        found = getattr(importlib.import_module(_HOME[name]), name)
    except ModuleNotFoundError as error:
        from edgehar.models.installation import missing_package

        advice = missing_package(error, needed_by=f"edgehar.{name}")
        if advice is None:
            raise
        raise ModuleNotFoundError(advice, name=error.name) from error
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted({*globals(), *__all__})
