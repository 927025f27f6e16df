"""The named architectures: the course's recurrent models, their relatives, and a baseline of common sense."""

from typing import Final

from edgehar.models.architecture.blocks import SelfAttention, TemporalBlock
from edgehar.models.architecture.feedforward import (
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling1D,
    MaxPooling1D,
)
from edgehar.models.architecture.layer import Layer
from edgehar.models.architecture.recurrent import GRU, LSTM, Bidirectional, Recurrent, SimpleRNN


def _stack(layer_type: type[Recurrent], prefix: str, depth: int = 2, units: int = 32) -> tuple[Layer, ...]:
    """Return the course's stacked recurrent layers, the last one keeping its last step only."""
    return tuple(layer_type(f"{prefix}_{index + 1}", units, index < depth - 1) for index in range(depth))


NAMED: Final[dict[str, tuple[Layer, ...]]] = {
    "majority": (GlobalAveragePooling1D("Mean"),),
    "dense": (Flatten("Flatten"), Dense("Dense_1", 32, "relu"), Dropout("Dropout_1", 0.3)),
    "simple_rnn": _stack(SimpleRNN, "RNN"),
    "lstm": _stack(LSTM, "LSTM"),
    "gru": _stack(GRU, "GRU"),
    "stacked_gru": _stack(GRU, "GRU", depth=3),
    "bi_gru": (Bidirectional("BiGRU_1", "GRU", 32),),
    "cnn": (
        Conv1D("Conv_1", 32, 5, "relu"),
        MaxPooling1D("Pool_1", 2),
        Conv1D("Conv_2", 32, 5, "relu"),
        MaxPooling1D("Pool_2", 2),
        Conv1D("Conv_3", 64, 5, "relu"),
        GlobalAveragePooling1D("Mean"),
        Dropout("Dropout_1", 0.3),
    ),
    "cnn_gru": (
        Conv1D("Conv_1", 32, 5, "relu"),
        MaxPooling1D("Pool_1", 4),
        Dropout("Dropout_1", 0.2),
        GRU("GRU_1", 32),
    ),
    "tcn": (
        *(TemporalBlock(f"Block_{index + 1}", 24, 3, 2**index) for index in range(6)),
        GlobalAveragePooling1D("Mean"),
        Dropout("Dropout_1", 0.3),
    ),
    "attention": (
        Conv1D("Conv_1", 32, 5, "relu", "same"),
        MaxPooling1D("Pool_1", 4),
        SelfAttention("Attention_1", 32),
        GlobalAveragePooling1D("Mean"),
        Dropout("Dropout_1", 0.2),
    ),
}
"""Everything below the output layer.

``majority`` looks at nothing: its output layer's kernel is zero, its biases say how frequent each activity is.
"""
