/**
 * The C engine as WebAssembly: one model, windows in, probabilities or a forecast's numbers out.
 *
 * @module engine
 */

import { HarError } from "./errors.js";

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
const PROBABILITY_ONE = 32768;
const NUMBER_ONE = 8192;

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

  /** @returns {number} Outputs of a window: probabilities, or numbers. */
  get classes() {
    return this.#c.har_web_classes();
  }

  /** @returns {boolean} Whether the model computes in integers alone, the same bits on every device. */
  get isInteger() {
    return this.#c.har_web_is_integer() === 1;
  }

  /** @returns {boolean} Whether the outputs are numbers, as a forecast's are, and no probabilities. */
  get givesNumbers() {
    return this.#c.har_web_gives_numbers() === 1;
  }

  /**
   * Run the model on windows.
   *
   * @param {Float32Array} windows One or more windows, sample after sample: x, y, z in g, and of six channels
   *   the turning rate in degrees/s.
   * @returns {Float32Array} The outputs, window after window: the probability of each class, or numbers.
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
    if (this.isInteger) new Int16Array(buffer, this.#input, window.length).set(this.#samples(window));
    else new Float32Array(buffer, this.#input, window.length).set(window);
    const status = this.#c.har_web_predict(this.#input, this.#output);
    if (status) throw new HarError(`the engine refused a window (status ${status}): report this, it is a bug`);
    if (!this.isInteger) return new Float32Array(buffer, this.#output, this.classes);
    if (this.givesNumbers) {
      return Array.from(new Int32Array(buffer, this.#output, this.classes), (value) => value / NUMBER_ONE);
    }
    return Array.from(new Uint16Array(buffer, this.#output, this.classes), (value) => value / PROBABILITY_ONE);
  }

  #samples(window) {
    const one = 2 ** this.#c.har_web_sample_bits();
    return Array.from(window, (value) => toSample(value, one));
  }

  #take(bytes) {
    const address = this.#c.har_web_take(bytes) >>> 0;
    if (!address) throw new HarError(`expected ${bytes} bytes of memory for the model, the browser gives no more`);
    return address;
  }
}

/** Return a number as the integer engine takes it, ``one`` for 1: halves away from zero, saturated. */
function toSample(value, one) {
  const scaled = value * one;
  const whole = Math.trunc(scaled);
  const rounded = whole + (Math.abs(scaled - whole) >= 0.5 ? Math.sign(scaled) : 0);
  return Math.min(32767, Math.max(-32768, rounded));
}
