"""Wheels for another computer: an installation is packed again as it was, and the machine decides what is fetched."""

import importlib.metadata
import itertools
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgehar.firmware_bridge.deployment import wheels
from edgehar.firmware_bridge.deployment.machine import PYTHONS, Machine, default_pythons
from edgehar.firmware_bridge.deployment.repacking import repack
from edgehar.models.errors import BridgeError, UsageError


def test_an_installation_is_packed_again_and_installs_the_same_files(tmp_path: Path) -> None:
    distribution = importlib.metadata.distribution("rich")
    wheel = repack(distribution, tmp_path)
    assert repack(distribution, tmp_path).read_bytes() == wheel.read_bytes(), "the same installation, the same bytes"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    subprocess.run([*command, str(tmp_path / "site"), str(wheel)], check=True, capture_output=True)
    for path in distribution.files or []:
        if path.suffix == ".py" and ".." not in path.parts:
            assert (tmp_path / "site" / path).read_bytes() == Path(str(path.locate())).read_bytes()


def test_what_is_not_pure_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match="pure Python"):
        repack(importlib.metadata.distribution("numpy"), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("processor", ["aarch64", "armv7l"])
def test_every_fetch_names_the_machine_and_leaves_out_what_the_system_has(
    processor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []

    def fake_pip(command: str, *arguments: str, what: str) -> None:
        calls.append([command, *arguments])
        folder = Path(arguments[arguments.index("--dest") + 1])
        for name in ("pure-1-py3-none-any.whl", f"made-1-cp311-cp311-manylinux2014_{processor}.whl"):
            (folder / name).write_bytes(b"")
        for option, value in itertools.pairwise(arguments):
            if option == "--find-links":
                for stand_in in Path(value).iterdir():
                    assert zipfile.ZipFile(stand_in).namelist()
                    (folder / stand_in.name).write_bytes(stand_in.read_bytes())

    def fake_own(folder: Path) -> Path:
        path = folder / "edgehar-1-py3-none-any.whl"
        path.write_bytes(b"")
        return path

    monkeypatch.setattr(wheels, "_run_pip", fake_pip)
    monkeypatch.setattr(wheels, "own_wheel", fake_own)
    machine = Machine(processor, default_pythons(processor))
    wheels.collect_wheels(machine, tmp_path)
    assert {path.name for path in (tmp_path / "common").iterdir()} >= {
        "edgehar-1-py3-none-any.whl",
        "pure-1-py3-none-any.whl",
    }
    for python in machine.pythons:
        assert [path.name for path in (tmp_path / python).iterdir()] == [
            f"made-1-cp311-cp311-manylinux2014_{processor}.whl"
        ]
    for call, python in zip(calls, machine.pythons, strict=False):
        assert call[call.index("--python-version") + 1] == python
        assert f"manylinux_2_28_{processor}" in call


def test_pips_own_words_reach_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "WARNING: x\nERROR: No matching distribution found for y\n")

    monkeypatch.setattr(subprocess, "run", failing)
    with pytest.raises(BridgeError, match="could not get y of the test: No matching distribution found for y"):
        wheels._run_pip("download", what="y of the test")


@pytest.mark.parametrize(
    ("processor", "pythons", "got"),
    [
        ("riscv64", ("3.11",), "got riscv64"),
        ("aarch64", ("3.8",), "got 3.8"),
        ("aarch64", (), "got none"),
        ("armv7l", PYTHONS, "for 3.11 alone"),
    ],
)
def test_a_machine_without_wheels_is_refused(processor: str, pythons: tuple[str, ...], got: str) -> None:
    with pytest.raises(UsageError, match=got):
        Machine(processor, pythons)
