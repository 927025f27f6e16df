"""A process of its own: results and errors come back, crashes and hangs become errors."""

import math
import operator
import os
import time

import pytest

import edgehar.models.isolation
from edgehar.models.architecture import named_architecture
from edgehar.models.errors import EngineError, UsageError
from edgehar.models.isolation import Isolation


def test_results_and_errors_come_back() -> None:
    with Isolation() as isolation:
        assert isolation.run(math.sqrt, 9.0) == 3.0
        assert isolation.run(os.getpid) != os.getpid()
        with pytest.raises(ZeroDivisionError):
            isolation.run(operator.truediv, 1, 0)


def test_it_is_one_process_until_it_dies() -> None:
    with Isolation() as isolation:
        first = isolation.run(os.getpid)
        assert isolation.run(os.getpid) == first
        with pytest.raises(EngineError, match="it crashed"):
            isolation.run(os.abort)
        assert isolation.run(os.getpid) != first


def test_what_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edgehar.models.isolation, "_TIMEOUT_S", 0.2)
    with Isolation() as isolation, pytest.raises(EngineError, match="hangs on this file"):
        isolation.run(time.sleep, 60)


def test_errors_keep_what_they_say() -> None:
    with Isolation() as isolation, pytest.raises(UsageError) as caught:
        isolation.run(named_architecture, "nosuch")
    assert "got 'nosuch'" in caught.value.message
    assert caught.value.next_step == "Choose one of these names."
    assert caught.value.details == {"name": "nosuch"}
