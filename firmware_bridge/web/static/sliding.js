/**
 * Windows that slide over a stream of samples.
 *
 * @module sliding
 */

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
    const samples = Float32Array.from(this.#samples.flatMap((entry) => entry.sample));
    const bridged = this.#samples.filter((entry) => entry.filled).length;
    this.#samples.splice(0, this.#hop);
    this.#skip = Math.max(0, this.#hop - this.#length);
    return { samples, endS: timeS, bridged };
  }
}
