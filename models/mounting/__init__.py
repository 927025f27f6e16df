"""How a sensor is mounted on its wearer: found from standing and walking, kept in a file, folded into a model.

The file is JSON: ``format`` is "edgehar mounting", ``schema`` "1.0"; then ``wearer``, ``agreement`` (0 to 1) and
``rotation``, three rows of three numbers. A sample x of the wearer's sensor, in g, is R x in the axes of the model; so
is a turning rate.
"""

from edgehar.models.mounting.engine import MountedEngine
from edgehar.models.mounting.finding import STILL_S, WALKING_S, find_mounting
from edgehar.models.mounting.folding import fold_mounting
from edgehar.models.mounting.frame import UPRIGHT, Frame
from edgehar.models.mounting.rotation import Mounting, read_mounting
from edgehar.models.mounting.wearers import file_of_wearer, mounting_of_wearer

__all__ = [
    "STILL_S",
    "UPRIGHT",
    "WALKING_S",
    "Frame",
    "MountedEngine",
    "Mounting",
    "file_of_wearer",
    "find_mounting",
    "fold_mounting",
    "mounting_of_wearer",
    "read_mounting",
]
