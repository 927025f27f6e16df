"""A SimpleRNN layer that trains faster than Keras's own: one XLA loop forwards, one backwards, gradients by hand.

Keras leaves the gradient of the loop over 200 steps to TensorFlow, which records every small operation of every step.
Here the backward loop only carries the gradient of the state; those of the kernels are one product each, afterwards.
"""

from typing import Any

from edgehar.pipeline.training.tensorflow_start import keras, tf


class FastSimpleRNN(keras.layers.SimpleRNN):  # type: ignore[misc]
    """SimpleRNN with tanh, over whole sequences, from a zero state; for use under ``jit_compile``."""

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        """Return the states of all steps, or the last one."""
        cell = self.cell
        by_step = tf.transpose(sequences, (1, 0, 2))
        projected = tf.matmul(by_step, tf.convert_to_tensor(cell.kernel)) + tf.convert_to_tensor(cell.bias)
        states = tanh_recurrence(projected, tf.convert_to_tensor(cell.recurrent_kernel))
        return tf.transpose(states, (1, 0, 2)) if self.return_sequences else states[-1]


@tf.custom_gradient  # type: ignore[untyped-decorator]
def tanh_recurrence(projected: Any, recurrent_kernel: Any) -> Any:
    """Return h[t] = tanh(projected[t] + h[t - 1] U), from h = 0.

    Parameters
    ----------
    projected : tensor of shape (steps, batch, units)
    recurrent_kernel : tensor of shape (units, units)

    Returns
    -------
    tensor of shape (steps, batch, units)
    """
    states = _scan(lambda state, x: tf.tanh(x + tf.matmul(state, recurrent_kernel)), projected)

    def gradient(upstream: Any) -> tuple[Any, Any]:
        # With d[t] the gradient at the input of tanh: d[t] = (upstream[t] + d[t + 1] U') (1 - h[t]²).
        slope = 1 - states * states
        through = _scan(
            lambda after, inputs: (inputs[0] + tf.matmul(after, recurrent_kernel, transpose_b=True)) * inputs[1],
            (upstream, slope),
            backwards=True,
        )
        units = states.shape[-1]
        before = tf.reshape(states[:-1], (-1, units))
        return through, tf.matmul(before, tf.reshape(through[1:], (-1, units)), transpose_a=True)

    return states, gradient


def _scan(step: Any, inputs: Any, *, backwards: bool = False) -> Any:
    """Return state = step(state, inputs[t]) for every t, from a zero state, forwards or backwards in time."""
    first = tf.nest.flatten(inputs)[0]
    steps = first.shape[0]

    def body(done: Any, state: Any, states: Any) -> tuple[Any, Any, Any]:
        t = steps - 1 - done if backwards else done
        state = step(state, tf.nest.map_structure(lambda each: each[t], inputs))
        return done + 1, state, states.write(t, state)

    collected = tf.TensorArray(first.dtype, steps, element_shape=first.shape[1:])
    start = (0, tf.zeros_like(first[0]), collected)
    return tf.while_loop(lambda done, *_: done < steps, body, start, maximum_iterations=steps)[2].stack()
