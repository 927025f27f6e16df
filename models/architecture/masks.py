"""Which steps of a window count: layers that make a mask, layers that pass it on, and layers that cannot have one.

As in Keras, a recurrent layer keeps its state where a step is masked, and gives its last output again. In a sequence
that a `Bidirectional` gives, masked steps are zeros.
"""

from collections.abc import Sequence
from typing import Any, Final

from edgehar.models.architecture.branches import Branches, every_layer
from edgehar.models.architecture.elementwise import Activation, Affine, LayerNormalization, Masking, Reverse
from edgehar.models.architecture.embedding import Embedding
from edgehar.models.architecture.feedforward import Dense, Dropout
from edgehar.models.architecture.layer import Layer
from edgehar.models.architecture.recurrent import Bidirectional, Recurrent

_PASSING: Final = (
    Recurrent, Bidirectional, Masking, Reverse, Dense, Activation, Affine, LayerNormalization, Dropout,
)  # fmt: skip


def makes_mask(layer: Layer) -> bool:
    """Whether a layer says which steps count."""
    return isinstance(layer, Masking) or (isinstance(layer, Embedding) and layer.mask_zero)


def ends_mask(layer: Any) -> bool:
    """Whether there are no steps behind a layer of which some could count."""
    return isinstance(layer, Recurrent | Bidirectional) and not layer.return_sequences


def mask_obstacle(layers: Sequence[Layer]) -> str | None:
    """Return the layer that a mask would come to and that cannot have one, as a clause; None if there is none.

    Examples
    --------
    >>> from edgehar.models.architecture import GlobalAveragePooling1D
    >>> str(mask_obstacle([Masking("Mask", 0.0), GlobalAveragePooling1D("Mean")])).partition(":")[0]
    'layer Mean is a GlobalAveragePooling1D, which cannot leave out masked steps'
    """
    is_masked = False
    for layer in layers:
        if isinstance(layer, Branches) and any(makes_mask(each) for each in every_layer([layer])):
            return f"layer {layer.name} has a mask in one of its branches, which cannot be joined with others"
        if is_masked and not isinstance(layer, _PASSING):
            return (
                f"layer {layer.name} is a {layer.kind}, which cannot leave out masked steps: masks go to SimpleRNN, "
                "LSTM, GRU, Bidirectional, Dense, Activation, Affine and LayerNormalization"
            )
        is_masked = (is_masked or makes_mask(layer)) and not ends_mask(layer)
    return None
