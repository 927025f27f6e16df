/**
 * From a stream of posteriors to labels a person can follow: tell elevators apart, smooth, reject, dwell.
 *
 * The same as edgehar.models.decoder; tests/golden/decoder.json holds Python, C and this to the same labels.
 *
 * @module decoder
 */

import { HarError } from "./errors.js";
import { MarkovFilter, scaledTransitions, uniformTransitions } from "./markov.js";
import { NEITHER, PushDetector, redistribute } from "./push.js";
import { roundHalfEven } from "./rounding.js";

/** The label of a stretch that no class explains well enough. */
export const UNKNOWN = "unknown";

const LONGEST_LAG_S = 10;

/** Turns posteriors into labels, one window at a time. */
export class Decoder {
  #spec;
  #labels;
  #filter;
  #push;
  #dwell;
  #shown = null;
  #challenger = null;
  #led = 0;

  /**
   * @param {object} spec The bundle's decoder, as `checkManifest` returns it.
   * @param {string[]} labels Names of the classes.
   * @param {object} samples
   * @param {number} samples.hop Between the windows that come.
   * @param {number} samples.specHop Between the windows that the spec counts.
   * @param {number} samples.windowLength Of each window.
   * @param {number} [samples.rateHz] Of the samples that `watch` will be given.
   * @param {number} [samples.lagS] How long a label of a hidden Markov model waits for what comes after its window.
   */
  constructor(spec, labels, { hop, specHop, windowLength, rateHz = 100, lagS = 0 }) {
    if (!(lagS >= 0 && lagS <= LONGEST_LAG_S)) {
      throw new HarError(`expected a lag from 0 to ${LONGEST_LAG_S} s, got ${lagS}: two seconds help most`);
    }
    this.#spec = spec;
    this.#labels = labels;
    this.#dwell = Math.max(1, scaledCount(spec.minimumDwellWindows, specHop, hop));
    this.#push = spec.push && new PushDetector(spec.push, rateHz);
    const isMarkov = spec.transitions.length > 0 || spec.stayProbability > 0;
    /** How many windows later the label of a window comes. */
    this.lagWindows = isMarkov ? roundHalfEven((lagS * rateHz) / hop) : 0;
    this.#filter = isMarkov
      ? markovFilter(spec, labels.length, { hop, specHop, windowLength, lagWindows: this.lagWindows })
      : new MeanFilter(scaledCount(spec.smoothingWindows, specHop, hop));
  }

  /** Forget everything: the stream was broken. */
  restart() {
    this.#filter.restart();
    this.#push?.restart();
    this.#shown = this.#challenger = null;
    this.#led = 0;
  }

  /**
   * Take a sample of the stream, each once.
   *
   * @param {ArrayLike<number>} sample x, y, z in g.
   * @returns {number} The direction of an elevator after it, for `feed`.
   */
  watch(sample) {
    return this.#push ? this.#push.feed(sample) : NEITHER;
  }

  /**
   * Take the posterior of the next window.
   *
   * @param {Float32Array | number[]} posterior
   * @param {number} [direction] What `watch` returned for the window's last sample.
   * @returns {{label: string, probability: number, posterior: number[]}[]} The label it completes, which is of the
   *   window `lagWindows` before; none where there is no such window yet.
   */
  feed(posterior, direction = NEITHER) {
    return this.#filter.feed(this.#directed(posterior, direction)).map((row) => this.#label(row));
  }

  /** Return the labels that still wait for their lag, and forget everything: the stream ends here. */
  finish() {
    const found = this.#filter.finish().map((row) => this.#label(row));
    this.restart();
    return found;
  }

  #directed(posterior, direction) {
    if (!this.#push || !direction) return Array.from(posterior);
    const { up, down, logOdds } = this.#spec.push;
    const [first, second] = [this.#labels.indexOf(up), this.#labels.indexOf(down)];
    return redistribute(posterior, { up: first, down: second, logOdds: direction * logOdds });
  }

  #label(filtered) {
    const best = filtered.indexOf(Math.max(...filtered));
    const shown = this.#hold(filtered[best] >= this.#spec.rejectBelow ? best : -1);
    return {
      label: shown < 0 ? UNKNOWN : this.#labels[shown],
      probability: filtered[shown < 0 ? best : shown],
      posterior: filtered,
    };
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

/** The mean of the last posteriors. */
class MeanFilter {
  #count;
  #kept = [];

  constructor(count) {
    this.#count = count;
  }

  restart() {
    this.#kept = [];
  }

  feed(posterior) {
    this.#kept.push(posterior);
    if (this.#kept.length > this.#count) this.#kept.shift();
    return [posterior.map((_, k) => this.#kept.reduce((sum, row) => sum + row[k], 0) / this.#kept.length)];
  }

  finish() {
    this.restart();
    return [];
  }
}

/** Return a hidden Markov model. Windows that overlap repeat each other's evidence: each counts for a part of it. */
function markovFilter(spec, classes, { hop, specHop, windowLength, lagWindows }) {
  const steps = hop / specHop;
  const transitions = spec.transitions.length
    ? scaledTransitions(spec.transitions, steps)
    : uniformTransitions(classes, spec.stayProbability, steps);
  const weight = Math.min(1, hop / (spec.temperature ? specHop * spec.temperature : windowLength));
  return new MarkovFilter(transitions, { weight, lagWindows });
}

/** How many windows at `hop` span the time that so many span at `specHop`; one stays one. */
function scaledCount(windows, specHop, hop) {
  return 1 + roundHalfEven(((Math.max(1, windows) - 1) * specHop) / hop);
}
