"""The learning rate over a run: a linear climb from zero, then a cosine down to zero.

A run may start it once more from a lower rate.

Source: Loshchilov & Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017, equation 5.
"""

import math

from edgehar.pipeline.training.recipe import Recipe


def learning_rate(step: int, total_steps: int, *, peak: float, warmup: float) -> float:
    """Return the rate of one step.

    Parameters
    ----------
    step, total_steps
        Counted from 0 over the whole run.
    peak
        The highest rate.
    warmup
        Share of the steps that climb.

    Examples
    --------
    >>> [round(learning_rate(step, 100, peak=1.0, warmup=0.1), 2) for step in (0, 5, 10, 55, 100)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    progress = step / total_steps
    if progress < warmup:
        return peak * progress / warmup
    return peak * 0.5 * (1.0 + math.cos(math.pi * (progress - warmup) / (1.0 - warmup)))


def rate_of_recipe(step: int, recipe: Recipe, *, batches: int) -> float:
    """Return the rate of one step of a recipe whose epochs of windows have so many batches.

    Examples
    --------
    >>> recipe = Recipe(epochs=2, learning_rate=1.0, warmup=0.5, restart_epochs=2, restart_learning_rate=0.1)
    >>> [round(rate_of_recipe(step, recipe, batches=2), 2) for step in range(8)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.05, 0.1, 0.05]
    """
    first = recipe.epochs * batches
    if step < first:
        return learning_rate(step, first, peak=recipe.learning_rate, warmup=recipe.warmup)
    total, peak = recipe.restart_epochs * batches, recipe.restart_learning_rate
    return learning_rate(step - first, total, peak=peak, warmup=recipe.warmup)


def rate_of_sequences(step: int, recipe: Recipe, *, batches: int) -> float:
    """Return the rate of one step of the epochs of sequences, which have so many batches each.

    Examples
    --------
    >>> recipe = Recipe(epochs=1, learning_rate=1.0, warmup=0.5, sequence_epochs=2, sequence_learning_rate=0.1)
    >>> [round(rate_of_sequences(step, recipe, batches=2), 2) for step in range(4)]
    [0.0, 0.05, 0.1, 0.05]
    """
    total, peak = recipe.sequence_epochs * batches, recipe.sequence_learning_rate
    return learning_rate(step, total, peak=peak, warmup=recipe.warmup)
