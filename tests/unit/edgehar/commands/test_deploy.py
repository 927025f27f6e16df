"""`har deploy pi`: what `har live` would refuse on the Pi is refused here, before anything is fetched or written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgehar.commands import deploy
from edgehar.models.bundle import Bundle
from edgehar.models.errors import UsageError


@pytest.fixture
def bundle(random_bundle: Callable[..., Bundle], tmp_path: Path) -> Path:
    random_bundle("simple_rnn").save(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rate": -5.0}, "expected --rate from"),
        ({"rate": float("nan")}, "expected --rate from"),
        ({"mqtt": "nonsense"}, "expected a broker as mqtt://"),
        ({"mqtt": "mqtt://me:secret@host/topic"}, "got one with a password"),
        ({"columns": ",,"}, "expected --columns with three different"),
        ({"unit": "furlong"}, "expected the unit g"),
        ({"home_assistant": True}, "expected --mqtt too"),
        ({"port": "usb:zz:1"}, "expected usb:VENDOR:PRODUCT"),
        ({"port": "/dev/tty USB"}, "--port: expected letters"),
        ({"processor": "mips"}, "expected aarch64 or armv7l"),
    ],
)
def test_what_the_pi_would_refuse_is_refused_here(
    options: dict[str, Any], words: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgehar.firmware_bridge.deployment.pi_folder.collect_wheels", _never)
    with pytest.raises(UsageError, match=words):
        deploy.pi(bundle, out=tmp_path / "pi", **options)
    assert not (tmp_path / "pi").exists()


def test_the_folder_says_what_the_service_runs_with(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edgehar.firmware_bridge.deployment.pi_folder.collect_wheels", lambda *_, **__: None)
    deploy.pi(bundle, out=tmp_path / "pi", port="usb:10c4:ea60", rate=50.0, mqtt="mqtt://h/t", as_json=True)
    assert json.loads(capsys.readouterr().out)["processor"] == "aarch64"
    settings = (tmp_path / "pi" / "edgehar-live.env").read_text(encoding="utf-8")
    assert "HAR_OPTIONS=--port usb:10c4:ea60 --rate 50 --hop 20 --mqtt mqtt://h/t\n" in settings


def _never(*_: object, **__: object) -> None:
    raise AssertionError("nothing is fetched")
