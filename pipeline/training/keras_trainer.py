"""The trainer in Keras: windows in, loss out, weights moved; compiled once, at one shape."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, SimpleRNN, Weights
from edgehar.pipeline.training.history import BatchResult
from edgehar.pipeline.training.keras_model import get_weights, set_weights, training_model
from edgehar.pipeline.training.optimizer import FIRST_DECAY, SECOND_DECAY, SMALL
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.supervision import Targets, answers_on_the_way, one_hot, step_weights, supervised_steps
from edgehar.pipeline.training.tensorflow_start import keras, tf


class KerasTrainer:
    """A model in training, see `edgehar.pipeline.training.trainers.Trainer`: two compiled functions and an optimizer.

    Parameters
    ----------
    architecture, weights
        The model, and what its weights start from.
    recipe
        How to train; rates come with every step.
    seed
        Of what dropout drops.
    evenly
        Whether every supervised step counts the same.
    """

    def __init__(
        self, architecture: Architecture, weights: Weights, recipe: Recipe, *, seed: int, evenly: bool = False
    ) -> None:
        every = recipe.supervise_every if answers_on_the_way(architecture) else 0
        steps = supervised_steps(architecture.window, every)
        self._model = training_model(architecture, steps, recurrent_dropout=recipe.recurrent_dropout, seed=seed)
        self._shares = tf.constant(step_weights(steps, evenly=evenly))
        self._optimizer = _optimizer(recipe, self._model)
        set_weights(self._model, weights)
        self._batch_size = recipe.batch_size
        # XLA makes the SimpleRNN written for it fast, and Keras's own loops of LSTM and GRU slow.
        is_fast = all(isinstance(layer, SimpleRNN) for layer in architecture.layers[:-1])
        compiled = is_fast and not recipe.recurrent_dropout
        self._train = tf.function(self._train_step, jit_compile=compiled)
        self._answer = tf.function(self._last_logits, jit_compile=compiled)

    @property
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """A copy of the weights as they are now."""
        return get_weights(self._model)

    def train(self, windows: NDArray[np.float32], targets: Targets, *, learning_rate: float) -> BatchResult:
        """Move the weights once; ``windows`` (batch, window_length, channels) are normalised, and always as many."""
        self._optimizer.learning_rate = learning_rate
        wanted = tf.constant(one_hot(targets, self._model.output_shape[-1]))
        return BatchResult(*(value.numpy().item() for value in self._train(tf.constant(windows), wanted)))

    def logits(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits (n_windows, n_classes) of normalised windows, as the deployed model has them."""
        size = self._batch_size
        logits = np.empty((len(windows), self._model.output_shape[-1]), np.float32)
        for start in range(0, len(windows), size):
            part = windows[start : start + size]
            # Another shape would be compiled anew: the last batch is filled up by repeating it.
            logits[start : start + size] = self._answer(tf.constant(np.resize(part, (size, *part.shape[1:]))))[
                : len(part)
            ]
        return logits

    def _train_step(self, windows: Any, targets: Any) -> tuple[Any, Any, Any]:
        """Follow the gradient of the supervised loss."""
        variables = self._model.trainable_variables
        with tf.GradientTape() as tape:
            losses = self._losses(windows, targets)
        self._optimizer.apply_gradients(zip(tape.gradient(losses[0], variables), variables, strict=True))
        return losses

    def _last_logits(self, windows: Any) -> Any:
        """Return the logits of the last step."""
        return self._model(windows)[:, -1]

    def _losses(self, windows: Any, targets: Any) -> tuple[Any, Any, Any]:
        """Return the supervised loss, the cross-entropy of the last step, and how many answers are right."""
        logits = self._model(windows, training=True)
        wanted = targets if len(targets.shape) == 3 else tf.repeat(targets[:, tf.newaxis], logits.shape[1], axis=1)
        # Targets of steps need not sum to one, which TensorFlow's own cross-entropy takes for granted.
        entropies = -tf.reduce_sum(wanted * tf.nn.log_softmax(logits), axis=2)
        correct = tf.equal(tf.argmax(logits[:, -1], axis=1), tf.argmax(wanted[:, -1], axis=1))
        return (
            tf.reduce_mean(tf.reduce_sum(entropies * self._shares, axis=1)),
            tf.reduce_mean(entropies[:, -1]),
            tf.reduce_sum(tf.cast(correct, tf.int32)),
        )


def _optimizer(recipe: Recipe, model: Any) -> Any:
    """Return AdamW (Loshchilov & Hutter, 2019), decay on kernels only, gradients clipped by their common norm."""
    optimizer = keras.optimizers.AdamW(
        recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        beta_1=FIRST_DECAY,
        beta_2=SECOND_DECAY,
        epsilon=SMALL,
        global_clipnorm=recipe.clip_norm or None,
    )
    optimizer.exclude_from_weight_decay(
        var_list=[each for each in model.trainable_variables if each.name.endswith("bias")]
    )
    optimizer.build(model.trainable_variables)
    return optimizer
