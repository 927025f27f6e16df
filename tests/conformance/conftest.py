"""Pythons that have runtimes of their own: tflite-runtime 2.14 with numpy 1, and tflite-micro."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

PLACE = Path(os.environ.get("HAR_RUNTIMES") or Path(__file__).parents[2] / ".venv-runtimes")


@pytest.fixture(scope="session")
def python_of() -> Callable[[str], str]:
    """``python_of(distribution)``: the Python that has it; skips the test where there is none."""

    def find(distribution: str) -> str:
        python = PLACE / distribution / "bin" / "python"
        if not python.exists():
            pytest.skip(f"{distribution} is not here; run tools/make_runtime_environments.sh")
        return os.fspath(python)

    return find
