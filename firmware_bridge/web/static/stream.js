/**
 * From samples with times to labels: resample, slide, predict, decode.
 *
 * @module stream
 */

import { Decoder } from "./decoder.js";
import { HarError } from "./errors.js";
import { isPossibleRate, Resampler } from "./resampler.js";
import { SlidingWindows } from "./sliding.js";

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
  /** Windows whose label waits for the decoder's lag. */
  #waiting = [];
  /** The last distances of two samples, and how many were taken for missing between them. */
  #steps = [];

  /**
   * @param {Model} model
   * @param {object} options
   * @param {number} options.rateHz The sensor's rate, about; the times of its samples tell the true one.
   * @param {number} [options.hop] Samples of the model between two windows; the bundle's own by default.
   * @param {number} [options.bridgeS] The longest hole to bridge; 0 bridges none.
   * @param {number} [options.lagS] How long the label of a window waits for what comes after it; see `Decoder`.
   */
  constructor(model, { rateHz, hop = model.hop, bridgeS = 0, lagS = 0 }) {
    if (!Number.isInteger(hop) || hop < 1) throw new HarError(`expected a hop of at least 1 sample, got ${hop}`);
    this.#model = model;
    this.#bridgeS = bridgeS;
    this.#resampler = new Resampler({ fromHz: rateHz, toHz: model.rateHz });
    this.#windows = new SlidingWindows({ length: model.windowLength, hop });
    this.#decoder = new Decoder(model.decoder, model.labels, {
      hop,
      specHop: model.hop,
      windowLength: model.windowLength,
      rateHz: model.rateHz,
      lagS,
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

  /**
   * Begin anew: what follows does not continue what came before.
   *
   * @returns {object[]} The labels that still waited for the decoder's lag, as `feed` returns them.
   */
  restart() {
    const found = this.#complete(this.#decoder.finish());
    this.#resampler.restart();
    this.#windows.restart();
    this.#last = null;
    return found;
  }

  /**
   * Take samples.
   *
   * @param {number[] | Float32Array} samples The model's channels, sample after sample: x, y, z in g, and of six the
   *   turning rate about each in degrees/s.
   * @param {ArrayLike<number>} timesS When each was taken, in seconds on any one clock.
   * @returns {{label: string, probability: number, probabilities: Float32Array, posterior: number[], endS: number,
   *   bridged: number, samples: Float32Array}[]} One for every window that they complete. `probabilities` are the
   *   engine's for this window alone, `posterior` what the decoder makes of them and those before.
   */
  feed(samples, timesS) {
    const found = [];
    for (let index = 0; index < timesS.length; index++) {
      const { channels } = this.#model;
      const sample = Array.from(samples.slice(channels * index, channels * (index + 1)));
      const isWhole = sample.length === channels && [...sample, timesS[index]].every(Number.isFinite);
      if (!isWhole) throw new HarError("expected finite numbers, got others");
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
    if (this.#rateIsWrong(found)) return;
    if (missing > this.#bridgeS * this.rateHz || Math.abs(periods - 1 - missing) > SIZE_TOLERANCE) {
      this.breaks++;
      found.push(...this.restart());
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
  #rateIsWrong(found) {
    const usualS = this.#steps.map(({ stepS }) => stepS).toSorted((a, b) => a - b)[this.#steps.length >> 1];
    if (this.#steps.length < STEPS_FOR_A_RATE || usualS * this.rateHz < HOLE_PERIODS) return false;
    if (!isPossibleRate(1 / usualS)) return false;
    this.lost -= this.#steps.reduce((sum, { missing }) => sum + missing, 0);
    this.#resampler = new Resampler({ fromHz: 1 / usualS, toHz: this.#model.rateHz });
    this.#steps = [];
    found.push(...this.restart());
    return true;
  }

  #run(sample, timeS, filled, found) {
    const { made, began } = this.#resampler.feed(sample, timeS, filled);
    for (const each of made) {
      const direction = this.#decoder.watch(each.sample);
      const window = this.#windows.feed(each);
      if (window) found.push(...this.#classify(window, direction));
    }
    if (began) {
      found.push(...this.#complete(this.#decoder.finish()));
      this.#windows.restart();
    }
  }

  #classify(window, direction) {
    const probabilities = this.#model.predict(window.samples);
    this.#waiting.push({ ...window, probabilities });
    return this.#complete(this.#decoder.feed(probabilities, direction));
  }

  /** Give the windows that have waited longest their labels. */
  #complete(labels) {
    return labels.map((decoded) => ({ ...this.#waiting.shift(), ...decoded }));
  }
}
