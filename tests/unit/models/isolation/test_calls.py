"""Calls in a process of their own: results and errors come back, crashes, hangs and hunger become errors."""

import math
import operator
import os
import pickle
import sys
import time

import pytest

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
        with pytest.raises(EngineError, match=r"was ended by SIGABRT \(Aborted\)") as caught:
            isolation.run(os.abort)
        assert caught.value.details["signal"] == 6
        assert isolation.run(os.getpid) != first


def test_what_hangs_is_ended() -> None:
    with Isolation(timeout_s=3.0) as isolation:
        pid = isolation.run(os.getpid)
        with pytest.raises(EngineError, match="gave no answer within 3 s"):
            isolation.run(time.sleep, 60)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert isolation.run(math.sqrt, 4.0) == 2.0


def test_errors_keep_what_they_say() -> None:
    with Isolation() as isolation, pytest.raises(UsageError) as caught:
        isolation.run(named_architecture, "nosuch")
    assert "got 'nosuch'" in caught.value.message
    assert caught.value.next_step == "Choose one of these names."
    assert caught.value.details == {"name": "nosuch"}


def test_what_cannot_travel_back_is_told_in_words() -> None:
    with Isolation() as isolation, pytest.raises(RuntimeError, match="pickle"):
        isolation.run(open, os.devnull)


def test_what_is_printed_does_not_disturb_the_answer() -> None:
    with Isolation() as isolation:
        assert isolation.run(os.write, 1, b"native code talks\n") == 18
        assert isolation.run(math.sqrt, 9.0) == 3.0


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux alone")
def test_memory_is_limited() -> None:
    with Isolation(memory_bytes=300 * 2**20) as isolation:
        assert len(isolation.run(bytes, 2**20)) == 2**20
        with pytest.raises(EngineError, match="ran out of memory"):
            isolation.run(bytes, 2**30)
        assert isolation.run(math.sqrt, 9.0) == 3.0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of processor time")
def test_processor_time_is_limited() -> None:
    endless = pickle.loads, pickle.dumps(None)
    with Isolation(processor_s=1) as isolation:
        assert isolation.run(*endless) is None
        with pytest.raises(EngineError, match="was ended by SIGXCPU"):
            isolation.run(sum, range(10**12))


def test_an_interruption_takes_the_process_along(monkeypatch: pytest.MonkeyPatch) -> None:
    with Isolation() as isolation:
        pid = isolation.run(os.getpid)

        def interrupt(*_: object, **__: object) -> bytes:
            raise KeyboardInterrupt

        monkeypatch.setattr("edgehar.models.isolation.process.IsolatedProcess.ask", interrupt)
        with pytest.raises(KeyboardInterrupt):
            isolation.run(math.sqrt, 9.0)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
