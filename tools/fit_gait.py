"""Print the gait that `edgehar.models.mounting` compares walks with: the mean over people of USC-HAD.

People 4, 8 and 12 are left out: mountings are judged on them. Usage: tools/fit_gait.py [PATH of USC-HAD]
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgehar.models.errors import DataError
from edgehar.models.mounting.finding import gait_ratios, upright
from edgehar.models.mounting.frame import level_axes
from edgehar.pipeline.data.readers import load_dataset

HELD_OUT = ("4", "8", "12")
FORWARD = np.array([0.0, 1.0, 0.0])
WALK = 1000


def ratios_of(path: Path) -> Iterator[np.ndarray]:
    """Yield the ratios of every ten seconds of walking, a second and more after its start."""
    dataset = load_dataset(path)
    for subject in dataset.subjects:
        if subject in HELD_OUT:
            continue
        own = dataset.of_subject(subject)
        standing = np.concatenate([each.samples for each in own if each.labels[0].activity == "Standing"])
        for recording in own:
            if recording.labels[0].activity == "Walking Forward":
                for start in range(100, len(recording.samples) - WALK, WALK):
                    walking = recording.samples[start : start + WALK].astype(np.float64)
                    # One person wore it otherwise while standing; such walks tell nothing.
                    with contextlib.suppress(DataError):
                        up = upright(standing.mean(axis=0, dtype=np.float64), walking.mean(axis=0))
                        yield gait_ratios(walking @ level_axes(up, FORWARD).T, recording.rate_hz)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(os.environ.get("HAR_DATA", ".")) / "usc-had"
    forward, sideways = np.mean(list(ratios_of(folder)), axis=0).round(3).tolist()
    print(f"_GAIT = ({forward}, {sideways})")
