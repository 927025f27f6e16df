"""Fitting a model to one person, for programs."""

import os
from pathlib import Path

from edgehar.api.inference import Model, open_bundle
from edgehar.models.mounting import Mounting, read_mounting
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.training.personalization.personalizing import Personalization
from edgehar.pipeline.training.personalization.personalizing import personalize as fit_to_person

__all__ = ["Personalization", "personalize"]


def personalize(
    bundle: Model,
    recordings: Dataset,
    *,
    subject: str | None = None,
    test_later_takes: bool = False,
    mounting: Mounting | str | os.PathLike[str] | None = None,
    seed: int = 0,
) -> Personalization:
    """Return a model fitted to one person, with what that gains; write its ``bundle`` with `edgehar.save_bundle`.

    Parameters
    ----------
    bundle
        A model trained on other people, or the path of one.
    recordings
        Labelled recordings of the person; two minutes help.
    subject
        Whose, where there are several people.
    test_later_takes
        Learn from the first take of each activity and test on the others, instead of learning from all of them.
    mounting
        How the sensor is mounted, or the file that says it, where it is not as in training.
    seed
        The same seed gives the same model on the same machine.

    Raises
    ------
    DataError
        If the recordings are of several people, of one activity, too short, worn otherwise than in training, or lack a
        turning rate that the model takes.
    UsageError
        If the subject is not there, or the model is fitted to somebody else already.
    CompileError
        If a compiled file cannot be made again.
    """
    known = mounting if mounting is None or isinstance(mounting, Mounting) else read_mounting(Path(mounting))
    return fit_to_person(
        open_bundle(bundle), recordings, subject=subject, test_later_takes=test_later_takes, mounting=known, seed=seed
    )
