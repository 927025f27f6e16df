"""The page's engine in Chromium gives what the oracle gives, and in integers the reference's bits."""

import json
from pathlib import Path

import numpy as np
import pytest

from edgehar.models.bundle.manifest import DecoderSpec
from edgehar.models.engines import load_engine


@pytest.mark.parametrize("quantization", ["float32", "int8"])
@pytest.mark.parametrize("name", ["simple_rnn", "lstm", "gru"])
def test_golden_windows_in_chromium(
    browser, serve, phone_folder, compiled_bundle, name: str, quantization: str
) -> None:
    bundle = compiled_bundle(name)
    windows = bundle.golden["windows"]
    with serve(phone_folder(name, quantization=quantization)) as url:
        page = browser.new_page()
        try:
            page.goto(url)
            page.evaluate("har.ready")
            found = page.evaluate(
                "(windows) => Array.from(har.predict(Float32Array.from(windows)))", windows.ravel().tolist()
            )
        finally:
            page.close()
    shaped = np.reshape(found, (len(windows), -1))
    if quantization == "float32":
        np.testing.assert_allclose(shaped, bundle.golden["oracle"], atol=1e-5, rtol=0)
    else:
        assert np.array_equal(shaped, load_engine(bundle, "native", "int8").predict(windows))


DECODE = """async ([golden, manifest]) => {
  const har = await import("./har.js");
  const { labels, own_hop: specHop, window_length: windowLength, rate_hz: rateHz } = golden;
  return golden.cases.map(({ decoder: spec, hop, lag_s: lagS, window_ends: ends, posteriors }) => {
    const checked = har.checkManifest({ ...manifest, labels, decoder: spec }).decoder;
    const decoder = new har.Decoder(checked, labels, { hop, specHop, windowLength, rateHz, lagS });
    const found = [];
    let at = 0;
    golden.samples_mg.forEach((sample, index) => {
      if (index === golden.break_before) found.push(...decoder.finish());
      const direction = decoder.watch(sample.map((value) => value / 1000));
      if (index === ends[at]) found.push(...decoder.feed(posteriors[at++], direction));
    });
    return [...found, ...decoder.finish()].map(({ label }) => label);
  });
}"""


def test_golden_decoders_in_chromium(open_page, phone_folder, compiled_bundle) -> None:
    golden = json.loads((Path(__file__).parents[2] / "golden" / "decoder.json").read_text(encoding="utf-8"))
    page = open_page(phone_folder())
    found = page.evaluate(DECODE, [golden, compiled_bundle("simple_rnn").manifest.to_json()])
    assert found == [case["decoded_labels"] for case in golden["cases"]]


def test_only_a_model_of_movement_over_time_offers_a_lag(open_page, phone_folder) -> None:
    """A hidden Markov model is steadier two seconds later; a mean over windows is not."""
    page = open_page(phone_folder(decoder=DecoderSpec(1, 0.0, 1, stay_probability=0.95)))
    assert page.is_visible("#lag")
    page.select_option("#lag", "2")
    plain = open_page(phone_folder("lstm"))
    assert not plain.is_visible("#lag")
