"""Keras, started once for all tests of imported models."""

import os
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="session")
def keras() -> Any:
    """Keras on the processor, without its start-up messages."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    module = pytest.importorskip("keras")
    module.utils.set_random_seed(7)
    return module


def _with_lively_weights(model: Any, seed: int = 0) -> Any:
    """Give every weight of a model a value of its own, so that none of them can be left out unseen."""
    generator = np.random.default_rng(seed)
    for weight in model.weights:
        if "float" not in str(weight.dtype):
            continue
        shape = tuple(weight.shape)
        values = generator.normal(scale=0.7 / np.sqrt(max(1, shape[0] if len(shape) > 1 else 4)), size=shape)
        if "variance" in weight.path:
            values = 0.5 + np.abs(values)
        weight.assign(values.astype(np.float32))
    return model


@pytest.fixture(scope="session")
def lively() -> Any:
    """A function that gives every weight of a model a value of its own."""
    return _with_lively_weights
