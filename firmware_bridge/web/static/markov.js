/**
 * A hidden Markov model over posteriors: the forward recursion, and smoothing that waits a fixed lag.
 *
 * The same as edgehar.models.decoder.markov (Rabiner 1989, equations 19-20 and 24-27).
 *
 * @module markov
 */

// No class is ever ruled out by one window: a softmax that says 0 is not a proof.
const FLOOR = 1e-4;

/** Returns for every window what the windows up to `lagWindows` later say of its class. */
export class MarkovFilter {
  #transitions;
  #weight;
  #lag;
  #belief = null;
  #waiting = [];

  /**
   * @param {number[][]} transitions Probabilities, row by row, of going from each class to each between two windows.
   * @param {{weight: number, lagWindows: number}} how The exponent of a posterior, but of the first one; how many later
   *   windows are waited for.
   */
  constructor(transitions, { weight, lagWindows }) {
    this.#transitions = transitions;
    this.#weight = weight;
    this.#lag = lagWindows;
  }

  /** Take the next window's posterior; return that of the window `lagWindows` before, if there is one. */
  feed(posterior) {
    const isFirst = this.#belief === null && this.#waiting.length === 0;
    this.#waiting.push(Array.from(posterior, (value) => Math.max(value, FLOOR) ** (isFirst ? 1 : this.#weight)));
    return this.#waiting.length > this.#lag ? [this.#oldest()] : [];
  }

  /** Return the posteriors of the windows that still wait, and forget everything. */
  finish() {
    const rows = Array.from({ length: this.#waiting.length }, () => this.#oldest());
    this.restart();
    return rows;
  }

  /** Forget what was before: the stream was broken. */
  restart() {
    this.#belief = null;
    this.#waiting = [];
  }

  #oldest() {
    const evidence = this.#waiting.shift();
    const before = this.#belief;
    this.#belief = normalized(
      before === null ? evidence : evidence.map((value, to) => value * dot(before, this.#column(to))),
    );
    let later = evidence.map(() => 1);
    for (const row of this.#waiting.toReversed()) {
      const coming = row.map((value, to) => value * later[to]);
      later = normalized(this.#transitions.map((each) => dot(each, coming)));
    }
    return normalized(this.#belief.map((value, at) => value * later[at]));
  }

  #column(to) {
    return this.#transitions.map((row) => row[to]);
  }
}

/** Transition probabilities over `steps` steps, which need not be whole. */
export function scaledTransitions(matrix, steps) {
  const identity = matrix.map((row, at) => row.map((_, to) => (at === to ? 1 : 0)));
  const rest = steps - Math.trunc(steps);
  let power = identity;
  let square = matrix;
  for (let left = Math.trunc(steps); left > 0; left = Math.trunc(left / 2)) {
    if (left % 2) power = product(power, square);
    square = product(square, square);
  }
  const partly = matrix.map((row, at) => row.map((p, to) => identity[at][to] + rest * (p - identity[at][to])));
  return product(power, partly);
}

/** Transition probabilities over `steps` steps, each of which leaves a class for every other one alike. */
export function uniformTransitions(classes, stayProbability, steps) {
  const kept = classes > 1 ? ((classes * stayProbability - 1) / (classes - 1)) ** steps : 1;
  const row = (at) => Array.from({ length: classes }, (_, to) => (1 - kept) / classes + (at === to ? kept : 0));
  return Array.from({ length: classes }, (_, at) => row(at));
}

function dot(one, other) {
  return one.reduce((sum, value, at) => sum + value * other[at], 0);
}

function product(one, other) {
  const columns = other[0].map((_, to) => other.map((row) => row[to]));
  return one.map((row) => columns.map((column) => dot(row, column)));
}

function normalized(row) {
  const total = row.reduce((sum, value) => sum + value, 0);
  return row.map((value) => value / total);
}
