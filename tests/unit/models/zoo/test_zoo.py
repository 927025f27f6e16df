"""Released models: their names, paths that win over names, and the room they take."""

import zlib
from pathlib import Path

import pytest

from edgehar.models.bundle import MANIFEST, check_not_released, read_bundle, update_bundle
from edgehar.models.bundle.card import model_card
from edgehar.models.errors import BundleError, UsageError
from edgehar.models.zoo import DEFAULT, find_bundle, released_bundle, released_names

MOST_BYTES = 1_000_000
"""What all released models may add to a wheel, which is a zip."""


def test_there_is_a_default_and_it_comes_first() -> None:
    assert released_names()[0] == DEFAULT
    assert set(released_names()) >= {"lstm", "gru", "cnn_gru", "simple_rnn"}


@pytest.mark.parametrize("name", released_names())
def test_a_name_leads_to_a_whole_bundle(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    place = find_bundle(name)
    assert place == released_bundle(name)
    manifest = read_bundle(place).manifest
    assert manifest.architecture.name == name
    assert manifest.provenance.complete


@pytest.mark.parametrize("name", released_names())
def test_a_released_model_tells_what_it_reaches_on_people_it_never_saw(name: str) -> None:
    place = released_bundle(name)
    manifest = read_bundle(place).manifest
    assert (place / "MODEL_CARD.md").read_text(encoding="utf-8") == model_card(manifest)
    window, *streams = manifest.metrics
    assert len(streams) == 6
    assert streams[0].windows < streams[3].windows, "windows that hold two activities have no single truth"
    assert all(
        "on people it never saw; the released weights learned from" in each.protocol for each in manifest.metrics
    )
    assert window.macro_f1 > 0.6
    assert manifest.decoder.is_markov
    assert manifest.decoder.push is not None
    assert "turned by 30°" in manifest.provenance.configuration["robustness"]


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_a_path_that_exists_wins(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    if kind == "folder":
        Path("lstm").mkdir()
    elif kind == "file":
        Path("lstm").touch()
    else:
        Path("lstm").symlink_to("nowhere")
    assert find_bundle("lstm") == Path("lstm")


@pytest.mark.parametrize("text", ["./lstm", "lstm/", "LSTM", "../lstm", "lstm.zip", "", "a\0b", "no/such"])
def test_what_is_no_name_is_a_path(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_bundle(text) == Path(text)


def test_a_released_model_is_named_exactly() -> None:
    with pytest.raises(UsageError, match=r"expected a released model \(lstm.*got '\.\./lstm'"):
        released_bundle("../lstm")


@pytest.mark.parametrize("name", released_names())
def test_nothing_is_written_among_the_released_models(name: str, tmp_path: Path) -> None:
    place = released_bundle(name)
    before = {path.name: path.stat().st_mtime_ns for path in place.iterdir()}
    bundle = read_bundle(place)
    link = tmp_path / "link"
    link.symlink_to(place)
    for path in (place, link, place.parent / "new"):
        with pytest.raises(BundleError, match=r"released models do not change\. Pass --out FOLDER"):
            bundle.save(path)
        with pytest.raises(BundleError, match="released models do not change"):
            update_bundle(path, lambda each: each, of=bundle)
    assert {path.name: path.stat().st_mtime_ns for path in place.iterdir()} == before
    check_not_released(tmp_path / "mine")


def test_the_released_models_are_small() -> None:
    folder = released_bundle(DEFAULT).parent
    files = [path for manifest in folder.glob(f"*/{MANIFEST}") for path in manifest.parent.iterdir()]
    assert sum(len(zlib.compress(path.read_bytes())) for path in files) <= MOST_BYTES
    assert not [path for path in files if path.is_dir()]
