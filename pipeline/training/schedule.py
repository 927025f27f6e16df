"""The learning rate over a run: a linear climb from zero, then a cosine down to zero.

Source: Loshchilov & Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017, equation 5, without restarts.
"""

import math


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
