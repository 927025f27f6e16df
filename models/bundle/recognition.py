"""Which models can be used where activities are recognised: an imported model may do anything else."""

from edgehar.models.bundle.consistency import UNIT
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.bundle.tasks import MULTICLASS
from edgehar.models.contract import CHANNELS, MOTION_UNIT
from edgehar.models.errors import UsageError


def check_recognises_activities(manifest: Manifest, *, for_what: str, gyroscope: bool = False) -> None:
    """Refuse a model that does not tell activities apart from acceleration, where nothing else can be used.

    Parameters
    ----------
    manifest
        The model's.
    for_what
        What it shall be used for, such as ``live``.
    gyroscope
        Whether a model that takes the turning rate as well can be used there.

    Raises
    ------
    UsageError
        If its outputs are no probabilities of one label, or its features are not acceleration in g.
    """
    window, steps = manifest.window, manifest.architecture.output_shape[:-1]
    problem = None
    if manifest.task != MULTICLASS:
        problem = f"gives the outputs of a {manifest.task} model"
    elif steps:
        problem = f"gives a label for each of {steps[0]} steps"
    elif window.unit == MOTION_UNIT and not gyroscope:
        problem = "takes the turning rate of a gyroscope as well"
    elif window.unit != MOTION_UNIT and (len(window.channels) != len(CHANNELS) or window.unit != UNIT):
        problem = f"takes {len(window.channels)} features, {window.unit if window.unit != 'g' else 'in g'}"
    if problem is not None:
        raise UsageError(
            f"{for_what}: expected a model that gives one label for a window of acceleration (x, y, z, in g), "
            f"{manifest.model_id} {problem}",
            next_step="Use it in programs with edgehar.predict, or its compiled files in your own.",
            task=manifest.task,
        )
