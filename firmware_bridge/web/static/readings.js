/**
 * What the last seconds of a sensor show: its true rate, its steps, where gravity is, and whether that can be.
 *
 * @module readings
 */

import { STANDARD_GRAVITY } from "./gravity.js";

const PLAUSIBLE_GRAVITY_G = [0.7, 1.41];
const FACING_G = 0.5;

/** Keeps the last samples of a sensor, in m/s². */
export class Readings {
  #limit;
  #samples = [];

  /** @param {number} limit How many to keep. */
  constructor(limit) {
    this.#limit = limit;
  }

  /** Take a sample of x, y, z in m/s², and of what else was measured with them, that was taken at `timeMs`. */
  add(sample, timeMs) {
    const last = this.#samples.at(-1);
    if (last && timeMs <= last.timeMs) return;
    this.#samples.push({ sample, timeMs });
    if (this.#samples.length > this.#limit) this.#samples.shift();
  }

  clear() {
    this.#samples = [];
  }

  /** @returns {{sample: number[], timeMs: number}[]} The samples, the oldest first. */
  get samples() {
    return this.#samples;
  }

  /** @returns {number | null} Samples a second by the middle one of their distances, which a hole does not move. */
  get rateHz() {
    if (this.#samples.length < 10) return null;
    const steps = this.#samples.slice(1).map(({ timeMs }, index) => timeMs - this.#samples[index].timeMs);
    const usual = steps.toSorted((a, b) => a - b)[steps.length >> 1];
    const whole = steps.filter((step) => step < 1.6 * usual);
    return (1000 * whole.length) / whole.reduce((sum, step) => sum + step, 0);
  }

  /** @returns {number | null} The step in m/s² that readings come in, if it is a coarse one. */
  get step() {
    for (const step of [1, 0.5, 0.1, 0.05]) {
      const isMultiple = ({ sample }) => sample.slice(0, 3).every((value) => Math.abs(value / step - Math.round(value / step)) < 1e-6);
      if (this.#samples.length >= 30 && this.#samples.every(isMultiple)) return step;
    }
    return null;
  }

  /** @returns {number[] | null} The mean vector in g. */
  get meanG() {
    const count = this.#samples.length;
    if (!count) return null;
    return [0, 1, 2].map(
      (axis) => this.#samples.reduce((sum, { sample }) => sum + sample[axis], 0) / count / STANDARD_GRAVITY,
    );
  }

  /** @returns {number | null} How long the mean vector is, in g: about 1 on whoever wears the sensor. */
  get gravityG() {
    const mean = this.meanG;
    return mean && Math.hypot(...mean);
  }

  /** @returns {string} What is doubtful about gravity, in one sentence; empty if nothing is. */
  get doubt() {
    const gravityG = this.gravityG;
    if (gravityG === null || this.#samples.length < this.#limit / 3) return "";
    if (gravityG >= PLAUSIBLE_GRAVITY_G[0] && gravityG <= PLAUSIBLE_GRAVITY_G[1]) return "";
    return `Gravity should be 1 g long and is ${gravityG.toFixed(2)} g: labels cannot be trusted.`;
  }

  /** @returns {boolean} Whether the screen seems to look down or its head to hang: a wrong sign, if somebody reads it. */
  get facesAway() {
    const mean = this.meanG;
    return mean !== null && mean[1] + mean[2] < -FACING_G;
  }
}
