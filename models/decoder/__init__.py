"""From a stream of posteriors to labels a person can follow: tell elevators apart, smooth, reject, dwell."""

from edgehar.models.decoder.decoder import REJECTED, UNDECODED, UNKNOWN, DecodedLabel, Decoder
from edgehar.models.decoder.dwell import Dwell
from edgehar.models.decoder.filtering import PosteriorFilter, scaled_count
from edgehar.models.decoder.markov import MarkovFilter, scaled_transitions
from edgehar.models.decoder.push import PushDetector, redistribute

__all__ = [
    "REJECTED",
    "UNDECODED",
    "UNKNOWN",
    "DecodedLabel",
    "Decoder",
    "Dwell",
    "MarkovFilter",
    "PosteriorFilter",
    "PushDetector",
    "redistribute",
    "scaled_count",
    "scaled_transitions",
]
