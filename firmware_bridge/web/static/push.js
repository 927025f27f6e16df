/**
 * The pushes of an elevator: its first strong one says whether it goes up or down.
 *
 * The same as edgehar.models.decoder.push, where the reasons are.
 *
 * @module push
 */

import { roundHalfEven } from "./rounding.js";

const [UP, DOWN] = [1, -1];

/** Neither up nor down is known. */
export const NEITHER = 0;

/** Follows the direction of an elevator through a stream of samples. */
export class PushDetector {
  #spec;
  #smoothing;
  #settling;
  #memory;
  #longest;
  #length = 0;
  #baseline = 0;
  #deviation = 0;
  #seen = 0;
  #off = 0;
  #rides = false;
  #isReady = true;
  /** 1 for up, -1 for down, 0 for neither. */
  direction = NEITHER;

  /**
   * @param {object} spec The bundle's `push`, as `checkManifest` returns it.
   * @param {number} rateHz Of the samples.
   */
  constructor(spec, rateHz) {
    const samples = (timeS) => Math.max(1, roundHalfEven(timeS * rateHz));
    this.#spec = spec;
    this.#smoothing = samples(spec.smoothingS);
    this.#settling = samples(spec.settlingS);
    this.#memory = samples(spec.baselineS);
    this.#longest = samples(spec.longestPushS);
  }

  /** Forget everything: the stream was broken. */
  restart() {
    this.#length = this.#baseline = this.#deviation = this.#seen = this.#off = 0;
    this.#forgetRide();
  }

  /** Take one sample in g; return the direction after it. */
  feed(sample) {
    this.#step(Math.sqrt(sample[0] ** 2 + sample[1] ** 2 + sample[2] ** 2));
    return this.direction;
  }

  #step(length) {
    if (this.#seen === 0) this.#length = this.#baseline = length;
    this.#length += (length - this.#length) / this.#smoothing;
    this.#deviation += (Math.abs(length - this.#length) - this.#deviation) / this.#smoothing;
    if (this.#deviation > this.#spec.movingG) {
      this.#seen = Math.min(this.#seen + 1, this.#settling);
      this.#baseline += (length - this.#baseline) / this.#settling;
      this.#off = 0;
      this.#forgetRide();
      return;
    }
    const push = this.#length - this.#baseline;
    if (Math.abs(push) <= this.#spec.strongG || this.#seen < this.#settling) {
      this.#seen = Math.min(this.#seen + 1, this.#memory);
      this.#baseline += (length - this.#baseline) / this.#seen;
      this.#off = 0;
    } else {
      this.#off++;
      if (this.#off > this.#longest || Math.abs(push) > this.#spec.jumpG) {
        this.#baseline = this.#length;
        this.#seen = this.#settling;
        this.#off = 0;
        this.#forgetRide();
        return;
      }
    }
    if (this.#seen >= this.#settling) this.#takePush(push);
  }

  /** Begin or end a ride, or get ready for the next one. */
  #takePush(push) {
    if (Math.abs(push) < this.#spec.weakG) {
      this.#isReady = true;
    } else if (Math.abs(push) > this.#spec.strongG) {
      const towards = push > 0 ? UP : DOWN;
      if (this.#rides) {
        this.#rides = towards === this.direction;
        this.#isReady = false;
      } else if (this.#isReady) {
        this.direction = towards;
        this.#rides = true;
        this.#isReady = false;
      }
    }
  }

  #forgetRide() {
    this.direction = NEITHER;
    this.#rides = false;
    this.#isReady = true;
  }
}

/** Return a posterior in which `up` has gained so much against `down`; all else, and their sum, is as before. */
export function redistribute(posterior, { up, down, logOdds }) {
  const moved = Array.from(posterior);
  const mass = moved[up] + moved[down];
  if (mass > 0 && logOdds !== 0) {
    const odds = Math.exp(logOdds / 2);
    const [rise, fall] = [moved[up] * odds, moved[down] / odds];
    moved[up] = (mass * rise) / (rise + fall);
    moved[down] = (mass * fall) / (rise + fall);
  }
  return moved;
}
