"""Which targets are meant by formats and quantizations, as people name them."""

from collections.abc import Sequence
from typing import Final

from edgehar.models.architecture import Architecture
from edgehar.models.architecture.stateful import STATEFUL
from edgehar.models.errors import UsageError
from edgehar.pipeline.compilers import FORMATS, Target, known_quantizations, targets

ALL: Final = "all"


def wanted_targets(
    architecture: Architecture, formats: Sequence[str] | None, quantizations: Sequence[str], *, stateful: bool = False
) -> list[Target]:
    """Return the targets asked for; without formats, and for all quantizations, those that there are.

    With ``stateful``, in the form that carries state from sample to sample; that of the C engine is the same.

    One that a format cannot express stays among them: compiling it says which layer is in the way.

    Raises
    ------
    UsageError
        If there is no such quantization.
    """
    known = known_quantizations()
    everything = list(quantizations) == [ALL]
    if everything:
        quantizations = known
    for quantization in quantizations:
        if quantization not in known:
            raise UsageError(
                f"quantization: expected one of {', '.join(known)}, or all alone, got {quantization!r}",
                next_step="Choose one of these.",
                quantization=quantization,
            )
    names = [STATEFUL.get(name, name) if stateful else name for name in formats or FORMATS]
    wanted = [Target(name, quantization) for name in names for quantization in quantizations]
    if formats is not None and not everything:
        return wanted
    there = targets(architecture, stateful=stateful)
    return [target for target in wanted if target in there] or wanted
