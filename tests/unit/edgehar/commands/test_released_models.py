"""Every command that takes a model takes the name of a released one, and none of them writes to it."""

import json
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

import edgehar
from edgehar import cli
from edgehar.models.bundle import read_bundle
from edgehar.models.zoo import DEFAULT, find_bundle

WITHOUT_A_NAME = ("live", "firmware")
"""Take the released default where no model is named."""


def commands_with_a_model() -> dict[str, object]:
    """Return the argument BUNDLE of every command that has one."""
    group = typer.main.get_command(cli.app)
    found = {}
    for name in cli._COMMANDS:
        command = group.get_command(None, name)
        for parameter in command.params:
            if parameter.param_type_name == "argument" and "bundle" in parameter.name:
                found[name] = parameter
    return found


def test_the_commands_with_a_model_are_found() -> None:
    assert set(commands_with_a_model()) >= {"live", "firmware", "phone", "verify", "bench", "evaluate", "personalize"}


@pytest.mark.parametrize("name", commands_with_a_model())
def test_every_model_may_be_named(name: str) -> None:
    assert "released model (lstm" in commands_with_a_model()[name].help


@pytest.mark.parametrize("name", WITHOUT_A_NAME)
def test_a_model_need_not_be_named(name: str) -> None:
    parameter = commands_with_a_model()[name]
    assert not parameter.required
    assert f"Default: {DEFAULT}, released." in parameter.help


def test_a_released_model_is_opened_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert edgehar.load().manifest == edgehar.load("lstm").manifest == edgehar.open_bundle("lstm").manifest
    with pytest.raises(edgehar.HarError, match="transformer: expected a bundle, found nothing"):
        edgehar.load("transformer")


def test_verify_takes_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.app, ["verify", "lstm", "--engine", "numpy", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["ok"] is True


def test_firmware_without_a_model_takes_the_default_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "project"
    done = CliRunner().invoke(cli.app, ["firmware", "--board", "host", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert f"No model is named: using {DEFAULT}" in done.stderr
    assert (out / "README.md").is_file()


def test_compile_writes_a_released_model_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    before = read_bundle(find_bundle("lstm")).manifest
    refused = CliRunner().invoke(cli.app, ["compile", "lstm", "--format", "onnx"])
    assert "released models do not change. Pass --out FOLDER." in str(refused.exception)
    done = CliRunner().invoke(
        cli.app, ["compile", "lstm", "--format", "onnx", "--quantization", "float16", "--out", "mine", "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["bundle"] == "mine"
    assert read_bundle(find_bundle("lstm")).manifest == before
    added = read_bundle(Path("mine")).manifest
    assert added.artifact(format="onnx", quantization="float16") is not None
    assert added.weights == before.weights
