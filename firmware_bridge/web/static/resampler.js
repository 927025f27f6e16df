/**
 * A sensor's samples at a model's rate, by the time each was taken.
 *
 * @module resampler
 */

import { HarError } from "./errors.js";
import { roundHalfEven } from "./rounding.js";

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
    const made = samples[left].map(() => 0);
    for (let tap = 0; tap < 2 * this.half; tap++) {
      const weight = lower[tap] * (1 - share) + upper[tap] * share;
      const sample = samples[left + 1 - this.half + tap];
      for (let axis = 0; axis < made.length; axis++) made[axis] += weight * sample[axis];
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
    const made = this.raw[at].map(() => 0);
    for (let one = at - 1; one <= at + 2; one++) {
      let weight = 1;
      for (let other = at - 1; other <= at + 2; other++) {
        if (other !== one) weight *= (this.grid[at] - this.times[other]) / (this.times[one] - this.times[other]);
      }
      for (let axis = 0; axis < made.length; axis++) made[axis] += weight * this.raw[one][axis];
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
   * @param {number[]} sample x, y, z in g, and whatever else is sampled with them.
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

/** @returns {boolean} Whether a sensor can have this rate. */
export function isPossibleRate(rateHz) {
  return rateHz >= POSSIBLE_RATES_HZ[0] && rateHz <= POSSIBLE_RATES_HZ[1];
}
