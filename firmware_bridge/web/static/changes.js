/**
 * Notices that a device prints its samples in another form, by learning on the side from lines that are not read. The
 * rules of edgehar.firmware_bridge.text.changes.
 *
 * @module changes
 */

import { guessUnit } from "./evidence.js";
import { LineReader, PART } from "./line-reader.js";
import { readName } from "./names.js";

/** Half a second of most sensors: so many samples do not come in a burst of a second one. */
const FEWEST_SAMPLES = 50;
const LEAST_SHARE = 0.2;
const MOST_LINES = 400;

/**
 * Learns from the lines that a layout does not read, as long as it reads none.
 */
export class ChangeWatch {
  #makeLearner;
  #learner;

  constructor(makeLearner) {
    this.#makeLearner = makeLearner;
    this.forget();
  }

  /** Take note that the layout has read a line: there is no change. */
  forget() {
    /** Lines of numbers since then, and those that are learned from. */
    this.lines = 0;
    this.held = [];
    this.#learner = this.#makeLearner();
  }

  /** @returns {Set<string>} The keys of the templates of the lines that are learned from. */
  get templates() {
    return this.#learner.templates;
  }

  /** @returns {number} How many numbers the last of them has. */
  get width() {
    return this.#learner.width;
  }

  /** Return the layout that reads these lines, or what is to be told of them, or null. */
  take(line, atS, isKnown) {
    if (this.held.length === MOST_LINES) {
      this.held = [];
      this.#learner = this.#makeLearner();
    }
    if (!isKnown) {
      if (!this.#learner.add(line)) return null;
      this.held.push({ line, atS });
    }
    this.lines++;
    // Looking for a layout takes longer than a line: not at every one.
    if (!isKnown && this.held.length % FEWEST_SAMPLES === 0) {
      const found = this.#learner.decide();
      if (found?.templates && this.#isProven(found)) return found;
    }
    return this.lines === 2 * FEWEST_SAMPLES ? { text: line } : null;
  }

  #isProven(layout) {
    const reader = new LineReader(layout, new Set());
    const read = this.held.map(({ line }) => reader.read(line));
    const samples = read.flatMap((event) => (event?.kind === "sample" ? [event.values] : []));
    const fitting = samples.length + read.filter((event) => event === PART).length;
    if (samples.length < FEWEST_SAMPLES || fitting < LEAST_SHARE * read.length) return false;
    const saysAcceleration = layout.names.some(Boolean) && readName(layout.names[0]).sensor;
    const changes = samples.some((values) => String(values) !== String(samples[0]));
    return Boolean(saysAcceleration || (changes && guessUnit(samples).unit));
  }
}
