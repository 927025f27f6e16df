"""The golden streams: what Python says of them is what the file holds, so that C and JavaScript can be held to it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.models.bundle.manifest import DecoderSpec, PushSpec
from edgehar.models.decoder import Decoder
from edgehar.models.decoder.decoder import lag_in_windows

GOLDEN = json.loads((Path(__file__).parents[3] / "golden" / "decoder.json").read_text(encoding="utf-8"))


def spec_of(data: dict[str, Any]) -> DecoderSpec:
    """Return a decoder's settings as the manifest's JSON has them."""
    push = None if data["push"] is None else PushSpec(**data["push"])
    return DecoderSpec(**{**data, "transitions": tuple(map(tuple, data["transitions"])), "push": push})


def test_the_streams_have_what_could_go_wrong() -> None:
    cases = GOLDEN["cases"]
    assert len({case["name"] for case in cases}) == len(cases) == 10
    assert {direction for case in cases for direction in case["directions"]} == {-1, 0, 1}
    assert any("unknown" in case["decoded_labels"] for case in cases)
    assert any(case["hop"] != GOLDEN["own_hop"] for case in cases)
    assert {case["lag_s"] for case in cases} == {0.0, 2.0, 10.0}


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_python_says_what_the_file_holds(case: dict[str, Any]) -> None:
    samples_g, rate_hz = np.array(GOLDEN["samples_mg"]) / 1000, GOLDEN["rate_hz"]
    decoder = Decoder(
        spec_of(case["decoder"]),
        tuple(GOLDEN["labels"]),
        hop=case["hop"],
        spec_hop=GOLDEN["own_hop"],
        window_length=GOLDEN["window_length"],
        rate_hz=rate_hz,
        lag_windows=lag_in_windows(case["lag_s"], hop=case["hop"], rate_hz=rate_hz),
    )
    found, directions, windows = [], [], iter(zip(case["window_ends"], case["posteriors"], strict=True))
    end, posterior = next(windows)
    for index, sample in enumerate(samples_g):
        if index == GOLDEN["break_before"]:
            found += decoder.finish()
        direction = int(decoder.watch(sample[np.newaxis])[0])
        if index == end:
            directions.append(direction)
            found += decoder.feed(np.array(posterior), direction)
            end, posterior = next(windows, (-1, []))
    found += decoder.finish()
    assert directions == case["directions"]
    assert [each.label for each in found] == case["decoded_labels"]
    assert np.allclose([each.posterior for each in found], case["decoded_posteriors"], atol=1e-6, rtol=0)
    assert np.allclose([each.probability for each in found], case["decoded_probabilities"], atol=1e-6, rtol=0)
