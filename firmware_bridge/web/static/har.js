/**
 * Activity recognition in a page or in Node: load a bundle, resample, slide windows, predict, decode, personalize.
 *
 * No framework, no bundler, no dependency but the files beside this one; har.wasm is the project's C engine.
 *
 *     import { load } from "./har.js";
 *     const model = await load("bundle/");
 *     const stream = model.stream({ rateHz: 60 });
 *     for (const found of stream.feed(samplesInG, timesInSeconds)) console.log(found.label);
 *
 * Every step is the one of the Python package, and tests hold it to that: the resampler to
 * edgehar.models.resampling, the decoder to edgehar.models.decoder, probabilities to the bundle's golden windows.
 *
 * A bundle is a stranger's: sizes are bounded before anything is read, hashes are checked, and a label is only ever
 * a string. Show it with textContent, never as HTML.
 *
 * @module har
 */

export { compileEngine, load, Model } from "./bundle.js";
export { Decoder, UNKNOWN } from "./decoder.js";
export { Engine } from "./engine.js";
export { HarError } from "./errors.js";
export { STANDARD_GRAVITY } from "./gravity.js";
export { checkManifest } from "./manifest.js";
export { Resampler } from "./resampler.js";
export { SlidingWindows } from "./sliding.js";
export { Stream } from "./stream.js";
