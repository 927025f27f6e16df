"""Small recordings and small architectures: training in a second."""

import pytest

from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.synthetic import synthetic_dataset
from edgehar.pipeline.data.windows import Windows, make_windows

LENGTH = 40
LAYERS = {"simple_rnn": SimpleRNN, "lstm": LSTM, "gru": GRU}


@pytest.fixture(scope="session")
def little_data() -> Dataset:
    """Five virtual people."""
    return synthetic_dataset(people=5, seconds_per_activity=6, seed=1)


@pytest.fixture(scope="session")
def little_windows(little_data: Dataset) -> Windows:
    """Their windows, short ones of 40 samples."""
    return make_windows(little_data, window_length=LENGTH, hop=20)


@pytest.fixture(params=list(LAYERS))
def little_model(request: pytest.FixtureRequest) -> Architecture:
    """An architecture of each kind, small."""
    return small(request.param)


@pytest.fixture(scope="session")
def little_rnn() -> Architecture:
    """The quickest architecture to compile."""
    return small("simple_rnn")


def small(kind: str) -> Architecture:
    """Return two recurrent layers of eight units over short windows."""
    layer = LAYERS[kind]
    layers = (layer(f"{kind}_1", 8, return_sequences=True), layer(f"{kind}_2", 8), Dense("Output", 12, "softmax"))
    return Architecture(f"little-{kind}", LENGTH, 3, layers)
