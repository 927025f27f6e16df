"""No link in a bundle is followed, and only pictures and their numbers are copied along."""

import os
from pathlib import Path

import pytest

from edgehar.models.bundle import PLOTS, Bundle, check_destination, read_bundle
from edgehar.models.bundle.names import MAXIMUM_PLOT_BYTES, MAXIMUM_PLOTS
from edgehar.models.errors import BundleError

FILES = ["manifest.json", "weights.npz", "golden.npz"]


@pytest.fixture
def secret(tmp_path) -> Path:
    """A file outside the bundle that its reader can read."""
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path / "secret"


def test_plots_are_copied_along(folder, model):
    model.save(folder, plots={"loss.png": b"png", "loss.json": b"{}"})
    (folder / PLOTS / ".DS_Store").touch()
    read_bundle(folder).with_metrics([]).save(folder)
    assert read_bundle(folder).plots() == {"loss.json": b"{}", "loss.png": b"png"}
    assert sorted(path.name for path in (folder / PLOTS).iterdir()) == ["loss.json", "loss.png"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("inside", [True, False])
def test_a_file_that_is_a_link_is_refused(folder, tmp_path, name, inside):
    moved = (folder if inside else tmp_path) / "moved"
    (folder / name).rename(moved)
    (folder / name).symlink_to(moved)
    with pytest.raises(BundleError, match=rf"{name}: expected a plain file, got a link"):
        read_bundle(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_place_of_a_file_is_refused(folder, name):
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(BundleError, match=rf"{name}: expected a plain file, got (a folder|something else)"):
        read_bundle(folder)


def test_a_link_to_a_bundle_is_a_name_of_it(folder, tmp_path):
    (tmp_path / "latest").symlink_to(folder)
    assert read_bundle(tmp_path / "latest").location == tmp_path / "latest"


def test_a_plot_that_is_a_link_is_not_copied(folder, secret):
    (folder / PLOTS).mkdir()
    (folder / PLOTS / "loss.png").symlink_to(secret)
    bundle = read_bundle(folder)
    with pytest.raises(BundleError, match=r"plots/loss\.png: expected a plain file, got a link"):
        bundle.save(folder.with_name("copy"))
    assert not folder.with_name("copy").exists()


def test_plots_that_are_a_link_are_not_copied(folder, secret):
    (folder / PLOTS).symlink_to(secret.parent)
    with pytest.raises(BundleError, match=r"plots: expected a folder of .* files, got a link"):
        read_bundle(folder).save(folder)


@pytest.mark.parametrize("name", ["notes.txt", "loss.png.exe", "a b.png", "x\x1b.png"])
def test_what_is_no_plot_is_named_and_nothing_is_lost(folder, name):
    (folder / PLOTS).mkdir()
    (folder / PLOTS / name).write_text("mine")
    with pytest.raises(BundleError, match=r"plots: expected .* files with plain names, got") as caught:
        read_bundle(folder).save(folder)
    assert "Move what does not belong there" in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert (folder / PLOTS / name).read_text() == "mine"


def test_a_pipe_among_the_plots_does_not_hang(folder):
    (folder / PLOTS).mkdir()
    os.mkfifo(folder / PLOTS / "loss.png")
    with pytest.raises(BundleError, match="got something else"):
        read_bundle(folder).plots()


def test_plots_are_capped_in_size_and_number(folder):
    (folder / PLOTS).mkdir()
    with (folder / PLOTS / "loss.png").open("wb") as file:
        file.truncate(MAXIMUM_PLOT_BYTES)
        assert len(read_bundle(folder).plots()["loss.png"]) == MAXIMUM_PLOT_BYTES
        file.truncate(MAXIMUM_PLOT_BYTES + 1)
    with pytest.raises(BundleError, match=r"expected plots/loss\.png of at most 4,194,304 bytes, it has 4,194,305"):
        read_bundle(folder).plots()
    (folder / PLOTS / "loss.png").unlink()
    for number in range(MAXIMUM_PLOTS):
        (folder / PLOTS / f"{number}.png").touch()
    assert len(read_bundle(folder).plots()) == MAXIMUM_PLOTS
    (folder / PLOTS / "more.png").touch()
    with pytest.raises(BundleError, match="expected at most 200 files, got 201"):
        read_bundle(folder).plots()


@pytest.mark.parametrize("name", ["notes.txt", "bench.html", "subfolder"])
def test_a_bundle_with_somebody_s_own_files_is_not_replaced(folder, model: Bundle, name):
    (folder / name).mkdir() if name == "subfolder" else (folder / name).write_text("mine")
    with pytest.raises(BundleError, match=f"got {name} among them"):
        model.save(folder)
    with pytest.raises(BundleError, match="Move what is yours out of the folder"):
        check_destination(folder)
    assert (folder / name).exists()
    read_bundle(folder)


def test_a_damaged_bundle_can_be_replaced(folder, model):
    (folder / "manifest.json").write_text("{")
    (folder / ".hidden").touch()
    model.save(folder)
    assert read_bundle(folder).manifest == model.manifest


def test_what_the_system_refuses_to_read_is_a_sentence(folder, monkeypatch):
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(BundleError, match="the system says: Permission denied"):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_names_that_no_system_knows_are_a_sentence(tmp_path, name):
    with pytest.raises(BundleError):
        read_bundle(tmp_path / name)
