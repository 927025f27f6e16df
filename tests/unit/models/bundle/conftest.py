"""Bundles on the disk, and hands that alter them."""

import json
from pathlib import Path
from typing import Any

import pytest

from edgehar.models.bundle import Bundle


@pytest.fixture
def folder(random_bundle, tmp_path) -> Path:
    """The folder of a bundle without artifacts."""
    random_bundle("simple_rnn").save(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture(scope="module")
def model(random_bundle) -> Bundle:
    """The same in memory."""
    return random_bundle("simple_rnn")


@pytest.fixture
def edit():
    """A function that alters a manifest: ``edit(folder, lambda data: ...)``."""

    def alter(folder: Path, change: Any) -> None:
        file = folder / "manifest.json"
        data = json.loads(file.read_text(encoding="utf-8"))
        change(data)
        file.write_text(json.dumps(data), encoding="utf-8")

    return alter
