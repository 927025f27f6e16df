"""`har live --lag`: refused before a port is opened where no decoder could wait."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgehar.commands.live import live
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import DecoderSpec
from edgehar.models.errors import BridgeError, UsageError

MARKOV = DecoderSpec(1, 0.0, 1, stay_probability=0.9)


@pytest.mark.parametrize(
    ("spec", "options", "words"),
    [
        (DecoderSpec(3, 0.0, 1), {"lag": 2.0}, "expected a hidden Markov model to wait with, got the decoder of"),
        (MARKOV, {"lag": 2.0, "raw": True}, "expected a hidden Markov model to wait with, got --raw"),
        (MARKOV, {"lag": 11.0}, "expected a lag from 0 to 10 s, got 11"),
    ],
)
def test_nothing_waits_without_a_reason(
    spec: DecoderSpec, options: dict, words: str, random_bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    random_bundle("simple_rnn").with_decoder(spec).save(tmp_path / "bundle")
    with pytest.raises(UsageError, match=words):
        live(bundle=tmp_path / "bundle", port=["/dev/none"], **options)


def test_a_markov_decoder_may_wait(random_bundle: Callable[..., Bundle], tmp_path: Path) -> None:
    random_bundle("simple_rnn").with_decoder(MARKOV).save(tmp_path / "bundle")
    with pytest.raises(BridgeError, match="/dev/none"):
        live(bundle=tmp_path / "bundle", port=["/dev/none"], lag=2.0, engine="numpy")
