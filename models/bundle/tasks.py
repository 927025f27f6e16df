"""What the outputs of a model are: one label of several, labels by themselves, or numbers."""

from typing import Final

from edgehar.models.architecture import Activation, Architecture, Dense, Flatten, Reshape

MULTICLASS: Final = "multiclass"
"""One label of several: outputs are probabilities that add up to one."""

MULTILABEL: Final = "multilabel"
"""Every label is true or not by itself: outputs are probabilities, one of them decides yes or no."""

REGRESSION: Final = "regression"
"""Outputs are numbers."""

TASKS: Final = (MULTICLASS, MULTILABEL, REGRESSION)

_BY_ACTIVATION: Final = {"softmax": MULTICLASS, "sigmoid": MULTILABEL}


def task_of(architecture: Architecture) -> str:
    """Return what the outputs of an architecture are, from the activation that they come through.

    Examples
    --------
    >>> from edgehar.models.architecture import named_architecture
    >>> task_of(named_architecture("lstm"))
    'multiclass'
    """
    for layer in reversed(architecture.deployed.layers):
        if not isinstance(layer, Flatten | Reshape):
            activation = layer.activation if isinstance(layer, Dense | Activation) else "linear"
            return _BY_ACTIVATION.get(activation, REGRESSION)
    return REGRESSION
