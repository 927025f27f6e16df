"""The small networks of an architecture as Keras layers, with the weights named there."""

import math
from typing import Any

from edgehar.models.architecture import SelfAttention, TemporalBlock
from edgehar.pipeline.training.tensorflow_start import keras

_GLOROT = "glorot_uniform"


class KerasTemporalBlock(keras.layers.Layer):  # type: ignore[misc]
    """`edgehar.models.architecture.TemporalBlock`: two causal dilated convolutions and a way around them."""

    def __init__(self, block: TemporalBlock) -> None:
        super().__init__(name=block.name)
        self._block = block

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        shapes = self._block.weight_shapes((1, int(shape[-1] or 0)))
        self._own = {name: _weight(self, name, size) for name, size in shapes.items()}

    def call(self, values: Any) -> Any:
        """Return relu(x R + relu(conv(relu(conv(x)))))."""
        relu, own = keras.ops.relu, self._own
        first = relu(self._convolve(values, own["first_kernel"]) + own["first_bias"])
        second = relu(self._convolve(first, own["second_kernel"]) + own["second_bias"])
        if "residual_kernel" in own:
            values = keras.ops.matmul(values, own["residual_kernel"]) + own["residual_bias"]
        return relu(values + second)

    def _convolve(self, values: Any, kernel: Any) -> Any:
        """Return the causal dilated convolution."""
        padded = keras.ops.pad(values, ((0, 0), (self._block.convolution.reach, 0), (0, 0)))
        return keras.ops.conv(padded, kernel, padding="valid", dilation_rate=self._block.dilation)


class KerasSelfAttention(keras.layers.Layer):  # type: ignore[misc]
    """`edgehar.models.architecture.SelfAttention`: one head, added to its input."""

    def __init__(self, block: SelfAttention) -> None:
        super().__init__(name=block.name)
        self._block = block

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        shapes = self._block.weight_shapes((1, int(shape[-1] or 0)))
        self._own = {name: _weight(self, name, size) for name, size in shapes.items()}

    def call(self, values: Any) -> Any:
        """Return x + softmax(Q K' / sqrt(d)) V O."""
        query, key, value = (self._dense(which, values) for which in ("query", "key", "value"))
        scores = keras.ops.matmul(query, keras.ops.transpose(key, (0, 2, 1))) / math.sqrt(self._block.key_size)
        return values + self._dense("output", keras.ops.matmul(keras.ops.softmax(scores, axis=-1), value))

    def _dense(self, which: str, values: Any) -> Any:
        """Return one of the four dense layers of the values."""
        return keras.ops.matmul(values, self._own[f"{which}_kernel"]) + self._own[f"{which}_bias"]


def _weight(layer: Any, name: str, shape: tuple[int, ...]) -> Any:
    """Add a weight under the name the architecture has for it."""
    return layer.add_weight(name=name, shape=shape, initializer=_GLOROT if name.endswith("kernel") else "zeros")
