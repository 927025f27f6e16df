"""The page's engine in Chromium gives what the oracle gives, and in integers the reference's bits."""

import numpy as np
import pytest

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
