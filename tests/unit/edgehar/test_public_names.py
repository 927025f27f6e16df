"""The public names of ``import edgehar``: which there are, and what the import does not load."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import edgehar

PUBLIC = [
    "__version__",
    "load_recordings",
    "recording_from_array",
    "dataset_from_recordings",
    "save_recordings",
    "show_recordings",
    "Dataset",
    "LabelInterval",
    "Recording",
    "Windows",
    "make_windows",
    "ForecastWindows",
    "forecast_windows",
    "split_by_subject",
    "Split",
    "leave_one_subject_out",
    "subject_groups",
    "Recipe",
    "default_recipe",
    "Training",
    "train",
    "import_model",
    "Personalization",
    "personalize",
    "evaluate",
    "Evaluation",
    "compile",
    "classify",
    "load",
    "load_engine",
    "load_stateful",
    "open_bundle",
    "predict",
    "save_bundle",
    "Bundle",
    "Engine",
    "StatefulModel",
    "LiveStream",
    "live",
    "Prediction",
    "plot",
    "HarError",
]


def test_what_is_public_changes_only_on_purpose() -> None:
    assert edgehar.__all__ == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_says_what_it_does(name: str) -> None:
    found = getattr(edgehar, name)
    assert name in dir(edgehar)
    assert name == "__version__" or found.__doc__


def test_a_name_that_is_not_public_says_which_are() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'load_recording'; it has .*load_recordings"):
        edgehar.load_recording  # noqa: B018


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(edgehar.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen == edgehar._HOME


def test_the_import_loads_nothing_heavy() -> None:
    program = "import sys, edgehar; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "edgehar" in loaded
    assert not {"numpy", "tensorflow", "keras", "matplotlib", "scipy", "rich", "typer", "serial"} & loaded
    assert not {name for name in loaded if name.startswith("edgehar.")} - {"edgehar.models"}


def test_reading_a_bundle_and_running_it_loads_no_training_library() -> None:
    program = "import sys, edgehar; edgehar.open_bundle, edgehar.load_engine, edgehar.live; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "matplotlib", "scipy", "pandas"} & set(done.stdout.split())


def test_the_star_import_gives_what_is_public() -> None:
    names: dict[str, object] = {}
    exec("from edgehar import *", names)
    assert set(PUBLIC) <= set(names)
    assert names["Bundle"] is importlib.import_module("edgehar.models.bundle").Bundle


def test_a_missing_package_is_named_with_what_installs_it() -> None:
    program = "import sys; sys.modules['matplotlib'] = None\nimport edgehar; edgehar.plot"
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert "edgehar.plot needs the package matplotlib, it is not installed. Run: " in last
    assert "[train]'" in last
