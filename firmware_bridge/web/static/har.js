/**
 * Activity recognition in a page or in Node: load a bundle, resample, slide windows, predict, decode.
 *
 * No framework, no bundler, no dependency but har.wasm beside this file, the project's C engine.
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

const MAXIMUM_MANIFEST_BYTES = 2 ** 20;
const MAXIMUM_BLOB_BYTES = 8 * 2 ** 20;
const LONGEST_TEXT = 1000;
const LARGEST_COUNT = 1_000_000;
const PLAIN_NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;
// Control and format characters; not the joiners that Persian, Hindi and many emoji are written with.
const HIDDEN_CHARACTERS = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u;

/** One g in m/s² (CGPM 1901). */
export const STANDARD_GRAVITY = 9.80665;

/** The label of a stretch that no class explains well enough. */
export const UNKNOWN = "unknown";

/** What went wrong, in one sentence: what was expected, what came, what to do next. */
export class HarError extends Error {
  name = "HarError";
}

// ---------------------------------------------------------------------------------------------------- the engine

const STATUS = [
  "",
  "a bad argument",
  "more memory than there is",
  "",
  "",
  "bytes that are no model, or one cut short",
  "a model of a later format: update this page",
  "numbers of another kind",
  "a model with a wrong checksum or impossible numbers",
];
const SAMPLE_ONE = 2048;
const PROBABILITY_ONE = 32768;

/** The C engine, holding one model. Every engine is an instance of its own, with memory of its own. */
export class Engine {
  #c;
  #input;
  #output;

  /**
   * @param {WebAssembly.Module} module har.wasm, compiled.
   * @param {Uint8Array} blob A model as `har compile --format c` writes it.
   * @throws {HarError} If the blob is no model that the engine can run.
   */
  constructor(module, blob) {
    this.#c = new WebAssembly.Instance(module).exports;
    this.#c._initialize();
    const at = this.#take(blob.length);
    new Uint8Array(this.#c.memory.buffer, at, blob.length).set(blob);
    const status = this.#c.har_web_open(at, blob.length);
    if (status) throw new HarError(`expected a model of the C engine, got ${STATUS[status] || `status ${status}`}`);
    this.#input = this.#take(this.windowLength * this.channels * 4);
    this.#output = this.#take(this.classes * 4);
  }

  /** @returns {number} Samples of a window. */
  get windowLength() {
    return this.#c.har_web_window();
  }

  /** @returns {number} Numbers of a sample. */
  get channels() {
    return this.#c.har_web_channels();
  }

  /** @returns {number} Probabilities of a window. */
  get classes() {
    return this.#c.har_web_classes();
  }

  /** @returns {boolean} Whether the model computes in integers alone, the same bits on every device. */
  get isInteger() {
    return this.#c.har_web_is_integer() === 1;
  }

  /**
   * Classify windows.
   *
   * @param {Float32Array} windows One or more windows, sample after sample (x, y, z), in g.
   * @returns {Float32Array} The probabilities of each class, window after window.
   * @throws {HarError} If the length is not that of whole windows, or a number is not finite.
   */
  predict(windows) {
    const size = this.windowLength * this.channels;
    if (!(windows instanceof Float32Array) || windows.length === 0 || windows.length % size !== 0) {
      const got = windows instanceof Float32Array ? `${windows.length} numbers` : typeof windows;
      throw new HarError(
        `expected a Float32Array of whole windows (${this.windowLength} x ${this.channels} numbers each), got ${got}`,
      );
    }
    if (!windows.every(Number.isFinite)) throw new HarError("expected finite numbers in g, got NaN or infinity");
    const count = windows.length / size;
    const found = new Float32Array(count * this.classes);
    for (let index = 0; index < count; index++) {
      found.set(this.#one(windows.subarray(index * size, (index + 1) * size)), index * this.classes);
    }
    return found;
  }

  #one(window) {
    const { buffer } = this.#c.memory;
    if (this.isInteger) new Int16Array(buffer, this.#input, window.length).set(Array.from(window, toSample));
    else new Float32Array(buffer, this.#input, window.length).set(window);
    const status = this.#c.har_web_predict(this.#input, this.#output);
    if (status) throw new HarError(`the engine refused a window (status ${status}): report this, it is a bug`);
    if (!this.isInteger) return new Float32Array(buffer, this.#output, this.classes);
    return Array.from(new Uint16Array(buffer, this.#output, this.classes), (value) => value / PROBABILITY_ONE);
  }

  #take(bytes) {
    const address = this.#c.har_web_take(bytes) >>> 0;
    if (!address) throw new HarError(`expected ${bytes} bytes of memory for the model, the browser gives no more`);
    return address;
  }
}

/** Return acceleration in g as the integer engine takes it: halves away from zero, saturated at 16 g. */
function toSample(valueG) {
  const scaled = valueG * SAMPLE_ONE;
  const whole = Math.trunc(scaled);
  const rounded = whole + (Math.abs(scaled - whole) >= 0.5 ? Math.sign(scaled) : 0);
  return Math.min(32767, Math.max(-32768, rounded));
}

// ---------------------------------------------------------------------------------------------------- the bundle

/** A bundle that was loaded: what it says about itself, and an engine that runs it. */
export class Model {
  /**
   * @param {object} description What `checkManifest` returns.
   * @param {Engine} engine The engine of the artifact that was chosen.
   * @param {{quantization: string, verified: boolean}} how Which artifact, and whether its hash was checked.
   */
  constructor(description, engine, { quantization, verified }) {
    const { windowLength, labels } = description;
    if (engine.windowLength !== windowLength || engine.channels !== 3 || engine.classes !== labels.length) {
      throw new HarError(
        `expected a model of ${windowLength} x 3 numbers and ${labels.length} classes, as the manifest says, got ` +
          `${engine.windowLength} x ${engine.channels} and ${engine.classes}: compile the bundle again`,
      );
    }
    Object.assign(this, description);
    this.engine = engine;
    this.quantization = quantization;
    /** Whether the hash in the manifest was checked; a page over plain HTTP cannot. */
    this.verified = verified;
  }

  /**
   * Classify windows.
   *
   * @param {Float32Array} windows In g; see `Engine.predict`.
   * @returns {Float32Array}
   */
  predict(windows) {
    return this.engine.predict(windows);
  }

  /**
   * Classify a stream of samples as they come.
   *
   * @param {{rateHz: number, hop?: number, bridgeS?: number}} options See `Stream`.
   * @returns {Stream}
   */
  stream(options) {
    return new Stream(this, options);
  }
}

/**
 * Load a bundle: its manifest, and the blob of the C engine that it names.
 *
 * @param {string | URL} url The bundle's folder, or its manifest.json.
 * @param {object} [options]
 * @param {string} [options.quantization] `float32`, `int8`, or `auto`: float32 where there is one.
 * @param {WebAssembly.Module} [options.module] har.wasm, where it was compiled already.
 * @param {typeof fetch} [options.fetch] What reads a URL.
 * @returns {Promise<Model>}
 * @throws {HarError} If there is no bundle, it contradicts itself, it was altered, or the engine cannot run it.
 */
export async function load(url, { quantization = "auto", module, fetch: get = globalThis.fetch } = {}) {
  const place = new URL(url, globalThis.document?.baseURI);
  if (!place.pathname.endsWith("/manifest.json")) {
    if (!place.pathname.endsWith("/")) place.pathname += "/";
    place.pathname += "manifest.json";
  }
  const text = await read(get, place, MAXIMUM_MANIFEST_BYTES);
  const description = checkManifest(parse(text));
  const artifact = chooseArtifact(description, quantization);
  const blob = await read(get, new URL(artifact.file, place), artifact.bytes);
  const verified = await checkHash(blob, artifact);
  const compiled = module ?? (await compileEngine(get));
  return new Model(description, new Engine(compiled, blob), { quantization: artifact.quantization, verified });
}

/** Fetch and compile har.wasm, which lies beside this file. */
export async function compileEngine(get = globalThis.fetch) {
  return WebAssembly.compile(await read(get, new URL("har.wasm", import.meta.url), MAXIMUM_BLOB_BYTES));
}

/** Read a URL, and stop at the first byte too many. */
async function read(get, url, limit) {
  let response;
  try {
    response = await get(url, { credentials: "omit" });
  } catch (error) {
    throw new HarError(`${shortName(url)} cannot be read (${error.message}): is the server still there?`);
  }
  if (!response.ok) throw new HarError(`${shortName(url)}: expected a file, the server says ${response.status}`);
  const chunks = [];
  let size = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new HarError(`${shortName(url)}: expected at most ${limit} bytes, got more: do not use this bundle`);
    }
    chunks.push(value);
  }
  const content = new Uint8Array(size);
  chunks.reduce((at, chunk) => (content.set(chunk, at), at + chunk.length), 0);
  return content;
}

function shortName(url) {
  return url.pathname.split("/").pop();
}

function parse(content) {
  try {
    return JSON.parse(new TextDecoder().decode(content));
  } catch {
    throw new HarError("manifest.json: expected JSON, got something else: this is no bundle");
  }
}

/** Hold a blob to its hash; return whether that could be done: only secure pages can compute one. */
async function checkHash(blob, artifact) {
  if (blob.length !== artifact.bytes) {
    throw new HarError(`${artifact.file}: expected ${artifact.bytes} bytes, got ${blob.length}: load it again`);
  }
  if (!globalThis.crypto?.subtle) return false;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", blob));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== artifact.sha256) {
    throw new HarError(`${artifact.file}: expected sha256 ${artifact.sha256.slice(0, 12)}…, got ${hex.slice(0, 12)}…`);
  }
  return true;
}

/**
 * Hold a manifest to what this module uses of it.
 *
 * @param {any} manifest Parsed JSON of anybody.
 * @returns {{modelId: string, labels: string[], windowLength: number, hop: number, rateHz: number, mounting: string,
 *   decoder: object, metrics: object[], artifacts: object[]}}
 * @throws {HarError} If a key is missing, of the wrong type, or beyond what can be meant.
 */
export function checkManifest(manifest) {
  const need = (condition, expected) => {
    if (!condition) throw new HarError(`manifest.json: expected ${expected}: this is no bundle, or it was altered`);
  };
  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const isText = (value) =>
    typeof value === "string" && value.length <= LONGEST_TEXT && !HIDDEN_CHARACTERS.test(value);
  const isCount = (value, least = 0) => Number.isInteger(value) && value >= least && value <= LARGEST_COUNT;
  const isWithin = (value, least, most) => typeof value === "number" && value >= least && value <= most;

  need(isObject(manifest), "an object");
  const [major] = String(manifest.schema).split(".");
  need(major === "1", `schema 1.x, got ${String(manifest.schema).slice(0, 20)}`);
  const { labels, window, decoder, artifacts, model_id: modelId } = manifest;
  need(isText(modelId), "a model_id");
  need(Array.isArray(labels) && labels.length >= 1 && labels.length <= 255, "1 to 255 labels");
  need(labels.every((label) => isText(label) && label) && new Set(labels).size === labels.length, "labels that differ");
  need(isObject(window) && isCount(window.length, 1) && isCount(window.hop, 1), "a window with a length and a hop");
  need(isWithin(window.rate_hz, 0.01, 100_000), "a rate that a sensor can have");
  need(window.unit === "g", "acceleration in g");
  need(Array.isArray(window.channels) && window.channels.join() === "x,y,z", "the channels x, y, z of an accelerometer");
  need(isText(window.mounting), "a mounting");
  need(isObject(decoder) && isCount(decoder.smoothing_windows, 1), "a decoder");
  need(isCount(decoder.minimum_dwell_windows), "a dwell");
  need(isWithin(decoder.reject_below, 0, 1), "a probability to reject below");
  const transitions = decoder.transitions ?? [];
  need(Array.isArray(transitions) && [0, labels.length].includes(transitions.length), "transitions of every label");
  for (const row of transitions) {
    need(Array.isArray(row) && row.length === labels.length, "a row of transitions for every label");
    need(
      row.every((p) => isWithin(p, 0, 1)),
      "transitions that are probabilities",
    );
    need(Math.abs(row.reduce((sum, p) => sum + p, 0) - 1) <= 1e-6, "transitions that add up to 1");
  }
  need(Array.isArray(artifacts) && artifacts.length <= 100 && artifacts.every(isObject), "a list of artifacts");
  const usable = artifacts.filter((entry) => entry.format === "c");
  for (const entry of usable) {
    need(isText(entry.file) && PLAIN_NAME.test(entry.file), "plain names of files");
    need(Number.isInteger(entry.bytes) && entry.bytes > 0, "sizes of files");
    need(entry.bytes <= MAXIMUM_BLOB_BYTES, `files of at most ${MAXIMUM_BLOB_BYTES} bytes`);
    need(typeof entry.sha256 === "string" && /^[0-9a-f]{64}$/.test(entry.sha256), "hashes of files");
  }
  return {
    modelId,
    labels: [...labels],
    windowLength: window.length,
    hop: window.hop,
    rateHz: window.rate_hz,
    mounting: window.mounting,
    decoder: {
      smoothingWindows: decoder.smoothing_windows,
      rejectBelow: decoder.reject_below,
      minimumDwellWindows: decoder.minimum_dwell_windows,
      transitions,
    },
    metrics: metricsOf(manifest.metrics, isObject, isText),
    artifacts: usable,
  };
}

/** Return what was measured of a model, without entries that make no sense. */
function metricsOf(metrics, isObject, isText) {
  const share = (value) => typeof value === "number" && value >= 0 && value <= 1;
  return (Array.isArray(metrics) ? metrics.slice(0, 50) : [])
    .filter((entry) => isObject(entry) && share(entry.macro_f1) && isText(entry.protocol))
    .map((entry) => ({ protocol: entry.protocol, quantization: entry.quantization, macroF1: entry.macro_f1 }));
}

function chooseArtifact({ artifacts, modelId }, quantization) {
  const wanted = quantization === "auto" ? ["float32", "int8"] : [quantization];
  for (const name of wanted) {
    const found = artifacts.find((entry) => entry.quantization === name);
    if (found) return found;
  }
  throw new HarError(
    `${modelId}: expected an artifact of the C engine (${wanted.join(" or ")}), there is none: ` +
      "run har compile BUNDLE --format c",
  );
}

// ------------------------------------------------------------------------------------------------ the resampler

const RATE_TOLERANCE = 0.005;
const ATTENUATION_DB = 60;
const ZERO_CROSSINGS = 8;
const PHASES = 256;
const UP_EDGE = 0.9;
const COARSE_TICK_S = 1e-3;
const NEIGHBOURS = 2;
const FORGIVEN = 1e-6;
const MEMORY = 1000;
const HYSTERESIS = 0.2;
const OFF_DESIGN = 0.05;
const JUDGED_EVERY_S = 2;
const POSSIBLE_RATES_HZ = [0.1, 32_000];

/** When a sensor really took its samples: an even grid fitted to jittery times by an alpha-beta filter. */
class SampleClock {
  constructor(rateHz) {
    this.periodS = 1 / rateHz;
    this.ofPeriod = 1;
    this.restart();
  }

  restart() {
    this.nowS = null;
    this.ofPhase = 0;
  }

  follow(timeS) {
    if (this.nowS === null) {
      this.nowS = timeS;
    } else {
      this.nowS += this.periodS;
      const error = timeS - this.nowS;
      const [k, m] = [this.ofPhase, this.ofPeriod];
      this.nowS += (error * 2 * (2 * k + 1)) / ((k + 1) * (k + 2));
      this.periodS += (error * 6) / ((m + 1) * (m + 2));
      this.ofPeriod = Math.min(m + 1, MEMORY);
    }
    this.ofPhase = Math.min(this.ofPhase + 1, MEMORY);
    return this.nowS;
  }
}

/** The modified Bessel function of order zero, by its power series. */
function besselI0(x) {
  let [term, sum] = [1, 1];
  for (let k = 1; term > 1e-18 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** A Kaiser-windowed sinc, tabulated between two samples. */
class SincKernel {
  constructor(ratio) {
    const lower = Math.min(1, ratio);
    this.half = Math.ceil(ZERO_CROSSINGS / lower);
    const transition = (ATTENUATION_DB - 8) / (2.285 * 2 * Math.PI * 2 * this.half);
    const cutoff = ratio < 1 ? 0.5 * lower - transition / 2 : 0.5 * UP_EDGE;
    const beta = 0.1102 * (ATTENUATION_DB - 8.7);
    this.rows = Array.from({ length: PHASES + 1 }, (_, phase) => {
      const row = Float64Array.from({ length: 2 * this.half }, (__, tap) => {
        const distance = 1 - this.half + tap - phase / PHASES;
        const place = Math.PI * 2 * cutoff * distance;
        const shape = besselI0(beta * Math.sqrt(Math.max(0, 1 - (distance / this.half) ** 2)));
        return (place === 0 ? 1 : Math.sin(place) / place) * shape;
      });
      const sum = row.reduce((total, weight) => total + weight, 0);
      return row.map((weight) => weight / sum);
    });
  }

  /** Return the weighted sum of the samples around a place; the left one of it is `samples[left]`. */
  evaluate(samples, left, fraction) {
    const place = fraction * PHASES;
    const below = Math.min(Math.trunc(place), PHASES - 1);
    const share = place - below;
    const [lower, upper] = [this.rows[below], this.rows[below + 1]];
    const made = [0, 0, 0];
    for (let tap = 0; tap < 2 * this.half; tap++) {
      const weight = lower[tap] * (1 - share) + upper[tap] * share;
      const sample = samples[left + 1 - this.half + tap];
      for (let axis = 0; axis < 3; axis++) made[axis] += weight * sample[axis];
    }
    return made;
  }
}

/** One run of samples to another rate: moved onto an even grid, then filtered where a sample is wanted. */
class RateFilter {
  constructor(fromHz, toHz) {
    this.fromHz = fromHz;
    this.stepS = 1 / toHz;
    this.kernel = new SincKernel(toHz / fromHz);
    this.half = this.kernel.half;
    this.restart();
  }

  restart() {
    this.originS = null;
    this.made = 0;
    this.raw = [];
    this.times = [];
    this.grid = [];
    this.marks = [];
    this.moved = [];
  }

  /** Take one sample; return the samples that are ready. */
  feed(sample, timeS, filled, gridS, periodS) {
    if (this.originS === null) {
      this.originS = gridS;
      for (let before = this.half; before > 0; before--) this.#keep(sample, gridS - before * periodS, false);
      this.moved = [sample];
    }
    this.raw.push(sample);
    this.times.push(timeS);
    this.grid.push(gridS);
    this.marks.push(filled);
    this.#move();
    return this.#evaluate();
  }

  #keep(sample, timeS, filled) {
    this.raw.push(sample);
    this.times.push(timeS);
    this.grid.push(timeS);
    this.marks.push(filled);
  }

  #move() {
    for (let at = this.moved.length; at < this.raw.length - NEIGHBOURS; at++) {
      const offS = Math.abs(this.times[at] - this.grid[at]);
      // A time that was rounded to milliseconds does not tell where within them the sample was taken.
      const ticks = this.times[at] / COARSE_TICK_S;
      const coarse = Math.abs(ticks - Math.round(ticks)) < 1e-4;
      this.moved.push(offS <= (coarse ? COARSE_TICK_S : 0) ? this.raw[at] : this.#cubic(at));
    }
  }

  /** The cubic through a sample and its neighbours, at the sample's place on the grid. */
  #cubic(at) {
    const made = [0, 0, 0];
    for (let one = at - 1; one <= at + 2; one++) {
      let weight = 1;
      for (let other = at - 1; other <= at + 2; other++) {
        if (other !== one) weight *= (this.grid[at] - this.times[other]) / (this.times[one] - this.times[other]);
      }
      for (let axis = 0; axis < 3; axis++) made[axis] += weight * this.raw[one][axis];
    }
    return made;
  }

  #evaluate() {
    const last = this.moved.length - this.half - 1;
    if (last < 1) return [];
    const forgivenS = FORGIVEN / this.fromHz;
    const ready = Math.ceil((this.grid[last] - forgivenS - this.originS) / this.stepS);
    const found = [];
    for (; this.made < ready; this.made++) {
      const timeS = this.originS + this.made * this.stepS;
      let right = last;
      while (right > 0 && this.grid[right - 1] > timeS + forgivenS) right--;
      const left = Math.min(Math.max(right - 1, this.half - 1), last - 1);
      const fraction = (timeS - this.grid[left]) / (this.grid[left + 1] - this.grid[left]);
      const sample = this.kernel.evaluate(this.moved, left, Math.min(Math.max(fraction, 0), 1));
      found.push({ sample, timeS, filled: this.marks[left] || this.marks[left + 1] });
    }
    this.#forget(last - 1 - this.half);
    return found;
  }

  #forget(samples) {
    if (samples > 4 * this.half) {
      for (const list of [this.raw, this.times, this.grid, this.marks, this.moved]) list.splice(0, samples);
    }
  }
}

const ratesAgree = (one, other, tolerance = RATE_TOLERANCE) => Math.abs(one / other - 1) <= tolerance;

/**
 * Samples at a sensor's true rate to samples at a model's, by the time each was taken.
 *
 * Where the rates agree to 0.5 % samples pass through; elsewhere they go through the filter that training recordings
 * went through. The rate is the one that the times show.
 */
export class Resampler {
  #clock;
  #filter;
  #fromHz;
  #toHz;
  #judgedEvery;
  #taken = 0;

  /** @param {{fromHz: number, toHz: number}} rates Of the sensor, as declared, and of the model. */
  constructor({ fromHz, toHz }) {
    if (!isPossibleRate(fromHz)) throw new HarError(`expected a rate that a sensor can have, got ${fromHz} Hz`);
    this.#fromHz = fromHz;
    this.#toHz = toHz;
    this.#clock = new SampleClock(fromHz);
    this.#judgedEvery = Math.max(2, roundHalfEven(JUDGED_EVERY_S * fromHz));
    this.#filter = ratesAgree(fromHz, toHz) ? null : new RateFilter(fromHz, toHz);
  }

  /** @returns {number} The sensor's rate as the times tell; the declared one where they tell what cannot be. */
  get rateHz() {
    const rateHz = 1 / this.#clock.periodS;
    return isPossibleRate(rateHz) ? rateHz : this.#fromHz;
  }

  /** Begin a new run at the next sample. */
  restart() {
    this.#clock.restart();
    this.#filter?.restart();
  }

  /**
   * Take one sample.
   *
   * @param {number[]} sample x, y, z in g.
   * @param {number} timeS When it was taken.
   * @param {boolean} [filled] Whether it was interpolated.
   * @returns {{made: {sample: number[], timeS: number, filled: boolean}[], began: boolean}} Samples that are ready;
   *   `began` tells that the sensor turned out to have another rate: what follows them begins a new run.
   */
  feed(sample, timeS, filled = false) {
    const { periodS } = this.#clock;
    // One filter call takes the period from before the whole block in Python; a block of one sample does the same.
    const gridS = this.#clock.follow(timeS);
    const made = this.#filter
      ? this.#filter.feed(sample, timeS, filled, gridS, periodS)
      : [{ sample, timeS, filled }];
    this.#taken++;
    const began = this.#taken % this.#judgedEvery === 0 && this.#judge();
    if (began) this.restart();
    return { made, began };
  }

  #judge() {
    const { rateHz } = this;
    if (!this.#filter) {
      if (ratesAgree(rateHz, this.#toHz, RATE_TOLERANCE * (1 + HYSTERESIS))) return false;
    } else if (ratesAgree(rateHz, this.#toHz, RATE_TOLERANCE * (1 - HYSTERESIS))) {
      this.#filter = null;
      return true;
    } else if (ratesAgree(rateHz, this.#filter.fromHz, OFF_DESIGN)) {
      return false;
    }
    this.#filter = new RateFilter(rateHz, this.#toHz);
    return true;
  }
}

function isPossibleRate(rateHz) {
  return rateHz >= POSSIBLE_RATES_HZ[0] && rateHz <= POSSIBLE_RATES_HZ[1];
}

/** Round to the nearest whole number, halves to the even one, as Python's round does. */
function roundHalfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

// -------------------------------------------------------------------------------------------------- the windows

/** Cut a stream into windows of `length` samples, one every `hop`; the first ends at the `length`-th sample. */
export class SlidingWindows {
  #length;
  #hop;
  #samples = [];
  #skip = 0;

  /** @param {{length: number, hop: number}} options In samples. */
  constructor({ length, hop }) {
    this.#length = length;
    this.#hop = hop;
  }

  /** @returns {number} How much of the next window is there, from 0 to 1. */
  get filled() {
    return this.#samples.length / this.#length;
  }

  /** Forget the samples so far: the next window begins after them. */
  restart() {
    this.#samples = [];
    this.#skip = 0;
  }

  /**
   * Take one sample.
   *
   * @returns {{samples: Float32Array, endS: number, bridged: number} | null} The window it completes, if any.
   */
  feed({ sample, timeS, filled }) {
    if (this.#skip > 0) {
      this.#skip--;
      return null;
    }
    this.#samples.push({ sample, filled });
    if (this.#samples.length < this.#length) return null;
    const samples = new Float32Array(3 * this.#length);
    this.#samples.forEach((entry, index) => samples.set(entry.sample, 3 * index));
    const bridged = this.#samples.filter((entry) => entry.filled).length;
    this.#samples.splice(0, this.#hop);
    this.#skip = Math.max(0, this.#hop - this.#length);
    return { samples, endS: timeS, bridged };
  }
}

// -------------------------------------------------------------------------------------------------- the decoder

const FLOOR = 1e-4;

/** From a stream of posteriors to labels a person can follow: smooth, reject, dwell. */
export class Decoder {
  #spec;
  #labels;
  #kept = [];
  #smoothing;
  #steps;
  #worth;
  #belief = null;
  #dwell;
  #shown = null;
  #challenger = null;
  #led = 0;

  /**
   * @param {object} spec The bundle's decoder, as `checkManifest` returns it.
   * @param {string[]} labels Names of the classes.
   * @param {{hop: number, specHop: number, windowLength: number}} samples Between the windows that come, between those
   *   the spec counts, and in each of them.
   */
  constructor(spec, labels, { hop, specHop, windowLength }) {
    this.#spec = spec;
    this.#labels = labels;
    this.#smoothing = scaledCount(spec.smoothingWindows, specHop, hop);
    this.#steps = spec.transitions.length ? scaledTransitions(spec.transitions, hop / specHop) : null;
    this.#worth = Math.min(1, hop / windowLength);
    this.#dwell = scaledCount(spec.minimumDwellWindows, specHop, hop);
  }

  /** Forget everything: the stream was broken. */
  restart() {
    this.#kept = [];
    this.#belief = this.#shown = this.#challenger = null;
    this.#led = 0;
  }

  /**
   * Take the posterior of the next window.
   *
   * @param {Float32Array | number[]} posterior
   * @returns {{label: string, probability: number, posterior: number[]}}
   */
  decode(posterior) {
    const filtered = this.#steps ? this.#forward(posterior) : this.#mean(posterior);
    const best = filtered.indexOf(Math.max(...filtered));
    const shown = this.#hold(filtered[best] >= this.#spec.rejectBelow ? best : -1);
    return {
      label: shown < 0 ? UNKNOWN : this.#labels[shown],
      probability: filtered[shown < 0 ? best : shown],
      posterior: filtered,
    };
  }

  #mean(posterior) {
    this.#kept.push(Array.from(posterior));
    if (this.#kept.length > this.#smoothing) this.#kept.shift();
    return this.#kept[0].map((_, k) => this.#kept.reduce((sum, row) => sum + row[k], 0) / this.#kept.length);
  }

  /** One step of the forward recursion of a hidden Markov model; the first one believes the window itself. */
  #forward(posterior) {
    const evidence = Array.from(posterior, (value) => Math.max(value, FLOOR));
    const belief =
      this.#belief === null
        ? evidence
        : evidence.map((value, to) => {
            const coming = this.#belief.reduce((sum, now, from) => sum + now * this.#steps[from][to], 0);
            return coming * value ** this.#worth;
          });
    const total = belief.reduce((sum, value) => sum + value, 0);
    this.#belief = belief.map((value) => value / total);
    return this.#belief;
  }

  /** Hold a label until another one has led for long enough. */
  #hold(label) {
    if (this.#shown === null || label === this.#shown) {
      this.#shown = label;
      this.#led = 0;
      return label;
    }
    this.#led = label === this.#challenger ? this.#led + 1 : 1;
    this.#challenger = label;
    if (this.#led >= this.#dwell) {
      this.#shown = label;
      this.#led = 0;
    }
    return this.#shown;
  }
}

/** How many windows at `hop` span the time that so many span at `specHop`; one stays one. */
function scaledCount(windows, specHop, hop) {
  return 1 + roundHalfEven(((Math.max(1, windows) - 1) * specHop) / hop);
}

/** Transition probabilities over `steps` steps, which need not be whole. */
function scaledTransitions(matrix, steps) {
  const size = matrix.length;
  const product = (a, b) =>
    a.map((row) => Array.from({ length: size }, (_, to) => row.reduce((sum, p, via) => sum + p * b[via][to], 0)));
  const still = matrix.map((row, at) => row.map((_, to) => (at === to ? 1 : 0)));
  const rest = steps - Math.trunc(steps);
  let power = still;
  let square = matrix;
  for (let left = Math.trunc(steps); left > 0; left = Math.trunc(left / 2)) {
    if (left % 2) power = product(power, square);
    square = product(square, square);
  }
  return product(
    power,
    matrix.map((row, at) => row.map((p, to) => still[at][to] + rest * (p - still[at][to]))),
  );
}

// --------------------------------------------------------------------------------------------------- the stream

const HOLE_PERIODS = 1.6;
const SIZE_TOLERANCE = 0.5;
const STEPS_FOR_A_RATE = 16;

/**
 * Samples in, labels out. A hole in the times of the samples begins a new window, so that none spans it; a hole of up
 * to `bridgeS` is bridged by a straight line, and the windows say how many of their samples were.
 */
export class Stream {
  #model;
  #resampler;
  #windows;
  #decoder;
  #bridgeS;
  #last = null;
  /** The last distances of two samples, and how many were taken for missing between them. */
  #steps = [];

  /**
   * @param {Model} model
   * @param {object} options
   * @param {number} options.rateHz The sensor's rate, about; the times of its samples tell the true one.
   * @param {number} [options.hop] Samples of the model between two windows; the bundle's own by default.
   * @param {number} [options.bridgeS] The longest hole to bridge; 0 bridges none.
   */
  constructor(model, { rateHz, hop = model.hop, bridgeS = 0 }) {
    if (!Number.isInteger(hop) || hop < 1) throw new HarError(`expected a hop of at least 1 sample, got ${hop}`);
    this.#model = model;
    this.#bridgeS = bridgeS;
    this.#resampler = new Resampler({ fromHz: rateHz, toHz: model.rateHz });
    this.#windows = new SlidingWindows({ length: model.windowLength, hop });
    this.#decoder = new Decoder(model.decoder, model.labels, {
      hop,
      specHop: model.hop,
      windowLength: model.windowLength,
    });
    /** Samples that were missing by the times of their neighbours. */
    this.lost = 0;
    /** Samples whose time was not after the one before: left out. */
    this.outOfOrder = 0;
    /** Times that a hole began a new window. */
    this.breaks = 0;
  }

  /** @returns {number} The sensor's rate, as its times tell. */
  get rateHz() {
    return this.#resampler.rateHz;
  }

  /** @returns {number} How much of the next window is there, from 0 to 1. */
  get filled() {
    return this.#windows.filled;
  }

  /** Begin anew: what follows does not continue what came before. */
  restart() {
    this.#resampler.restart();
    this.#windows.restart();
    this.#decoder.restart();
    this.#last = null;
  }

  /**
   * Take samples.
   *
   * @param {ArrayLike<number>} samples x, y, z in g, sample after sample.
   * @param {ArrayLike<number>} timesS When each was taken, in seconds on any one clock.
   * @returns {{label: string, probability: number, probabilities: Float32Array, posterior: number[], endS: number,
   *   bridged: number, samples: Float32Array}[]} One for every window that they complete. `probabilities` are the
   *   engine's for this window alone, `posterior` what the decoder makes of them and those before.
   */
  feed(samples, timesS) {
    const found = [];
    for (let index = 0; index < timesS.length; index++) {
      const sample = [samples[3 * index], samples[3 * index + 1], samples[3 * index + 2]];
      if (![...sample, timesS[index]].every(Number.isFinite)) throw new HarError("expected finite numbers, got others");
      this.#take(sample.map(Math.fround), timesS[index], found);
    }
    return found;
  }

  #take(sample, timeS, found) {
    const last = this.#last;
    if (last && timeS <= last.timeS) {
      this.outOfOrder++;
      return;
    }
    if (last) this.#closeHole(last, sample, timeS, found);
    this.#last = { sample, timeS };
    this.#run(sample, timeS, false, found);
  }

  #closeHole(last, sample, timeS, found) {
    const periods = (timeS - last.timeS) * this.rateHz;
    const missing = periods < HOLE_PERIODS ? 0 : Math.max(1, Math.round(periods) - 1);
    this.#steps.push({ stepS: timeS - last.timeS, missing });
    if (this.#steps.length > STEPS_FOR_A_RATE) this.#steps.shift();
    if (!missing) return;
    this.lost += missing;
    if (this.#rateIsWrong()) return;
    if (missing > this.#bridgeS * this.rateHz || Math.abs(periods - 1 - missing) > SIZE_TOLERANCE) {
      this.breaks++;
      this.restart();
      return;
    }
    for (let index = 1; index <= missing; index++) {
      const share = index / (missing + 1);
      const between = sample.map((value, axis) => Math.fround(last.sample[axis] * (1 - share) + value * share));
      this.#run(between, last.timeS + share * (timeS - last.timeS), true, found);
    }
  }

  /**
   * Where most samples seem to miss a neighbour, it is the rate that was taken for too high; bridging every second
   * sample would keep it so for ever. Begin anew at the rate that the samples show.
   */
  #rateIsWrong() {
    const usualS = this.#steps.map(({ stepS }) => stepS).toSorted((a, b) => a - b)[this.#steps.length >> 1];
    if (this.#steps.length < STEPS_FOR_A_RATE || usualS * this.rateHz < HOLE_PERIODS) return false;
    if (!isPossibleRate(1 / usualS)) return false;
    this.lost -= this.#steps.reduce((sum, { missing }) => sum + missing, 0);
    this.#resampler = new Resampler({ fromHz: 1 / usualS, toHz: this.#model.rateHz });
    this.#steps = [];
    this.restart();
    return true;
  }

  #run(sample, timeS, filled, found) {
    const { made, began } = this.#resampler.feed(sample, timeS, filled);
    for (const each of made) {
      const window = this.#windows.feed(each);
      if (window) found.push(this.#classify(window));
    }
    if (began) {
      this.#windows.restart();
      this.#decoder.restart();
    }
  }

  #classify(window) {
    const probabilities = this.#model.predict(window.samples);
    return { ...window, ...this.#decoder.decode(probabilities), probabilities };
  }
}
