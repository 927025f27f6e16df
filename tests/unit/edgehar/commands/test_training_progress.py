"""What a person sees of training, on a terminal and in a file."""

import io

import pytest
from rich.console import Console

from edgehar.commands import training_progress as watching
from edgehar.pipeline.training.history import Epoch


def epoch(number: int, validation: tuple[float, float] | tuple[None, None] = (None, None)) -> Epoch:
    return Epoch(number, 1.25, 1.5, 0.5, 1e-3, 2.0, 9876.5, *validation)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal of 80 columns in place of stderr."""
    shown = io.StringIO()

    def terminal(**options: object) -> Console:
        return Console(file=shown, force_terminal=True, width=80, highlight=False, color_system=None)

    monkeypatch.setattr(watching, "Console", terminal)
    return shown


def test_a_file_gets_a_line_per_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    with watching.watched("lstm [1 of 2]", epochs=2, quiet=False) as watcher:
        watcher.batch_done(1, 1, 10)
        watcher.epoch_done(epoch(1))
        watcher.epoch_done(epoch(2, (1.75, 0.4)))
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "lstm [1 of 2]",
        "epoch 1/2: loss 1.250, accuracy 0.500, 9,876 windows/s",
        "epoch 2/2: loss 1.250, accuracy 0.500, held out 1.750 and 0.400, 9,876 windows/s",
    ]


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with watching.watched("lstm", epochs=1, quiet=True) as watcher:
        watcher.batch_done(1, 1, 1)
        watcher.epoch_done(epoch(1))
    output = capsys.readouterr()
    assert output.out == output.err == ""


def test_a_terminal_gets_a_bar_and_the_last_epoch(screen: io.StringIO) -> None:
    with watching.watched("lstm", epochs=2, quiet=False) as watcher:
        for number in (1, 2):
            for batch in range(1, 4):
                watcher.batch_done(number, batch, 3)
            watcher.epoch_done(epoch(number))
    shown = screen.getvalue()
    assert shown.startswith("lstm\n")
    assert "epoch 1/2" in shown
    assert "epoch 2/2: loss 1.250, accuracy 0.500, 9,876 windows/s" in shown
