"""How to install what is missing: from where this installation came."""

import importlib.metadata
import json
from pathlib import Path

import pytest

from edgehar.models import installation


class Distribution:
    """An installed edgehar, with or without the file that says where it came from."""

    def __init__(self, text: str | None) -> None:
        self._text = text

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self._text


def advice(monkeypatch: pytest.MonkeyPatch, text: str | None) -> str:
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Distribution(text))
    monkeypatch.setattr(installation, "_pip", lambda: "pip")
    return installation.install_command("edge")


def test_from_a_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clone = tmp_path / "my clone"
    clone.mkdir()
    origin = {"url": clone.as_uri(), "dir_info": {"editable": True}}
    assert advice(monkeypatch, json.dumps(origin)) == f"pip install -e '{clone}[edge]'"
    assert advice(monkeypatch, json.dumps({**origin, "dir_info": {}})) == f"pip install '{clone}[edge]'"


@pytest.mark.parametrize(
    "text", [None, "", "no json", "[]", '{"url": "file:///gone/for/good"}', '{"url": "https://x/y"}']
)
def test_from_an_index_or_from_where_nothing_is_any_more(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    assert advice(monkeypatch, text) == "pip install 'edgehar[edge]'"


def test_a_name_with_quotes_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clone = tmp_path / "ann's; rm x"
    clone.mkdir()
    said = advice(monkeypatch, json.dumps({"url": clone.as_uri(), "dir_info": {}}))
    import shlex

    assert shlex.split(said) == ["pip", "install", f"{clone}[edge]"]
