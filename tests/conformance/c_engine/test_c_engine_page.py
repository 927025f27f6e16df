"""The program of docs/c-engine.md builds with the command of the page, and gives what the references give."""

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgehar.models.bundle import Bundle
from edgehar.models.engines import load_engine
from edgehar.models.portable.blob import unpack_model
from edgehar.models.portable.fixed_point import to_samples
from edgehar.models.portable.integer_reference import predict
from edgehar.pipeline.compilers import Target, compile_bundle

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs" / "c-engine.md").read_text(encoding="utf-8")
FLAGS = {"int8": [], "float32": ["-DHAR_FLOAT", "-lm"]}


@pytest.fixture(scope="module")
def bundle(random_bundle: Callable[..., Bundle]) -> Bundle:
    """An untrained LSTM with both files of the C engine."""
    return compile_bundle(random_bundle("lstm", seed=3), [Target("c", "float32"), Target("c", "int8")])


@pytest.fixture(scope="module")
def programs(need, strict, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page's program, built with the page's command for either kind of numbers."""
    need("cc", "gcc")
    folder = tmp_path_factory.mktemp("page")
    (source,) = re.findall(r"^```c\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    (folder / "label.c").write_text(source, encoding="utf-8")
    (command,) = re.findall(r"^```\n(cc .*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    (folder / "models").symlink_to(REPOSITORY / "models")
    built = {}
    for name, flags in FLAGS.items():
        words = [*shlex.split(command.replace("\\\n", " ")), *strict, *flags]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        built[name] = (folder / "label").rename(folder / name)
    return built


def label(program: Path, bundle: Bundle, quantization: str, window: np.ndarray) -> subprocess.CompletedProcess[str]:
    """Run the program on a window."""
    blob = program.parent / f"model.{quantization}.harc"
    blob.write_bytes(bundle.files[f"model.{quantization}.harc"])
    rows = "\n".join(" ".join(f"{value:.9g}" for value in sample) for sample in window)
    return subprocess.run([program, blob], input=rows, capture_output=True, text=True, timeout=60, check=False)


def test_integers_are_those_of_the_reference(programs: dict[str, Path], bundle: Bundle) -> None:
    model = unpack_model(bundle.files["model.int8.harc"])
    for window in bundle.golden["windows"][:8]:
        done = label(programs["int8"], bundle, "int8", window)
        assert done.returncode == 0
        found = np.array([float(line) for line in done.stdout.split()])
        np.testing.assert_array_equal(np.round(found * 32768), np.round(32768 * predict(model, window[np.newaxis])[0]))


def test_floats_are_those_of_the_oracle(programs: dict[str, Path], bundle: Bundle) -> None:
    engine = load_engine(bundle, "numpy")
    for window in bundle.golden["windows"][:8]:
        done = label(programs["float32"], bundle, "float32", window)
        assert done.returncode == 0
        found = np.array([float(line) for line in done.stdout.split()])
        np.testing.assert_allclose(found, engine.predict(window[np.newaxis])[0], atol=1e-5)


def test_a_file_for_other_numbers_is_refused(programs: dict[str, Path], bundle: Bundle) -> None:
    assert label(programs["int8"], bundle, "float32", bundle.golden["windows"][0]).returncode == 17


def test_samples_are_rounded_as_the_page_says(bundle: Bundle) -> None:
    np.testing.assert_array_equal(to_samples(np.array([0.5 / 2048, -0.5 / 2048, 99.0])), [1, -1, 32767])
