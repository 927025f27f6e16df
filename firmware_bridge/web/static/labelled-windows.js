/**
 * Labelled windows of one person's takes, at a model's rate, and the folds that cross-validation parts them into.
 *
 * What edgehar.pipeline.data.windows and .training.personalization.takes do, for the takes of this page.
 *
 * @module labelled-windows
 */

import { HarError } from "./errors.js";
import { toG } from "./gravity.js";
import { Resampler } from "./resampler.js";

/** How many parts the takes are judged in. */
export const FOLDS = 3;

/** Windows to learn from begin so many times as often as those that are judged. */
const OVERLAP = 4;
const HOLE_PERIODS = 1.6;
const LONGEST_BRIDGE_S = 0.1;
const SLOWEST = 0.5;

/**
 * @typedef {{samples: Float32Array, label: number}} Segment Samples of one take without a hole, in g.
 * @typedef {{segment: number, start: number, label: number, within?: number[]}} Place Where a window begins in its segment,
 *   in samples, and within which samples it may be moved; within all of the segment by default.
 */

/** The windows of takes. */
export class LabelledWindows {
  /**
   * @param {Segment[]} segments
   * @param {{windowLength: number, channels: number, hop: number}} spec Of the model; learning takes more windows.
   */
  constructor(segments, { windowLength, channels, hop }) {
    this.segments = segments;
    this.windowLength = windowLength;
    this.channels = channels;
    this.hop = hop;
    const every = Math.max(1, Math.floor(hop / OVERLAP));
    /** @type {Place[]} */
    this.places = segments.flatMap(({ samples, label }, segment) => {
      const count = Math.max(0, Math.floor((samples.length / channels - windowLength) / every) + 1);
      return Array.from({ length: count }, (_, index) => ({ segment, start: index * every, label }));
    });
  }

  /** Copy windows out, each moved by so many samples within its segment. */
  batch(places, offsets = null) {
    const { channels } = this;
    const size = channels * this.windowLength;
    const found = new Float32Array(places.length * size);
    places.forEach(({ segment, start, within }, index) => {
      const { samples } = this.segments[segment];
      const [first, end] = within ?? [0, samples.length / channels];
      const begin = Math.min(end - this.windowLength, Math.max(first, start + (offsets ? offsets[index] : 0)));
      found.set(samples.subarray(channels * begin, channels * begin + size), index * size);
    });
    return found;
  }

  /** Whether a window is one of those that the bundle would judge. */
  isJudged({ start }) {
    return start % this.hop === 0;
  }
}

/**
 * Return segments of takes at a model's rate, and what is to be said of them.
 *
 * @param {{label: string, times: number[], samples: number[][]}[]} all Takes, in milliseconds and m/s².
 * @param {{labels: string[], rateHz: number, channels: number}} model
 * @returns {{segments: Segment[], remarks: string[]}}
 * @throws {HarError} If a take is too slow for the model.
 */
export function segmentsOf(all, { labels, rateHz, channels }) {
  const remarks = [];
  const takes = all.filter(({ samples }) => samples.every((sample) => sample.length >= channels));
  if (takes.length < all.length) {
    const sentence = `${all.length - takes.length} takes were recorded without the turning rate, which this model needs`;
    if (!takes.length) throw new HarError(`${sentence}: record them again on this page`);
    remarks.push(`${sentence}: they are left out.`);
  }
  const foreign = [...new Set(takes.map(({ label }) => label))].filter((label) => !labels.includes(label));
  if (foreign.length) remarks.push(`Left out, for the model does not know them: ${foreign.join(", ")}.`);
  const segments = takes
    .filter(({ label, times }) => labels.includes(label) && times.length > 2)
    .flatMap((take) => runsOf(take, rateHz, channels).map((samples) => ({ samples, label: labels.indexOf(take.label) })));
  return { segments, remarks };
}

/** Cut a take at its holes, and bring each run to the model's rate. */
function runsOf({ label, times, samples: recorded }, toHz, channels) {
  const samples = recorded.map((sample) => toG(sample.slice(0, channels)));
  const steps = times.slice(1).map((timeMs, index) => timeMs - times[index]);
  const usualMs = steps.toSorted((a, b) => a - b)[steps.length >> 1];
  const whole = steps.filter((step) => step < HOLE_PERIODS * usualMs);
  const periodS = whole.reduce((sum, step) => sum + step, 0) / whole.length / 1000;
  if (1 / periodS < SLOWEST * toHz) {
    throw new HarError(
      `${label}: expected a take at ${toHz} Hz, the model's rate, or half of it at least, got ` +
        `${(1 / periodS).toFixed(0)} Hz: let the sensor send faster, and record again`,
    );
  }
  const runs = [];
  let made = null;
  let resampler = null;
  const feed = (sample, timeS) => {
    const part = resampler.feed(sample, timeS);
    for (const each of part.made) made.push(...each.sample);
    if (part.began) runs.push((made = []));
  };
  times.forEach((timeMs, index) => {
    const sample = samples[index].map(Math.fround);
    const stepS = index ? (timeMs - times[index - 1]) / 1000 : Infinity;
    const periods = stepS / periodS;
    if (stepS > Math.max(LONGEST_BRIDGE_S, HOLE_PERIODS * periodS)) {
      resampler = new Resampler({ fromHz: 1 / periodS, toHz });
      runs.push((made = []));
    } else if (periods >= HOLE_PERIODS) {
      const before = samples[index - 1];
      const missing = Math.max(1, Math.round(periods) - 1);
      for (let at = 1; at <= missing; at++) {
        const share = at / (missing + 1);
        const between = sample.map((value, axis) => Math.fround(before[axis] * (1 - share) + value * share));
        feed(between, (timeMs / 1000 - stepS) + share * stepS);
      }
    }
    feed(sample, timeMs / 1000);
  });
  return runs.map((run) => Float32Array.from(run));
}

/**
 * Return for every window the fold that judges it, or -1 for one that is neither learned from nor judged.
 *
 * Takes of an activity go into the folds in turn; the only take of an activity is parted in time.
 */
export function foldsOf({ places, windowLength }) {
  const folds = new Array(places.length).fill(-1);
  for (const [, own] of grouped(places)) {
    const takes = [...new Set(own.map((index) => places[index].segment))].sort((a, b) => a - b);
    const stop = Math.max(...own.map((index) => places[index].start)) + windowLength;
    const part = stop / FOLDS;
    for (const index of own) {
      const { segment, start } = places[index];
      const [first, last] = [Math.floor(start / part), Math.floor((start + windowLength - 1) / part)];
      if (takes.length > 1) folds[index] = takes.indexOf(segment) % FOLDS;
      else if (first === last) folds[index] = first;
    }
  }
  return folds;
}

/** Return places whose windows stay within their fold's part of a take: none is moved into what another fold judges. */
export function confined({ places, windowLength }, folds) {
  const bounds = new Map();
  const keyOf = ({ segment }, index) => `${segment} ${folds[index]}`;
  places.forEach((place, index) => {
    const [first, end] = bounds.get(keyOf(place, index)) ?? [Infinity, 0];
    bounds.set(keyOf(place, index), [Math.min(first, place.start), Math.max(end, place.start + windowLength)]);
  });
  return places.map((place, index) => ({ ...place, within: bounds.get(keyOf(place, index)) }));
}

/**
 * Leave out the activities that are too short to learn from and judge by.
 *
 * @param {LabelledWindows} windows Its places are changed.
 * @param {{labels: string[], rateHz: number}} model
 * @returns {string[]} A sentence for each activity that is left out.
 * @throws {HarError} If fewer than two activities are left.
 */
export function keepLongEnough(windows, { labels, rateHz }) {
  const { places, windowLength } = windows;
  const remarks = [];
  const leastS = (FOLDS * windowLength) / rateHz;
  for (const [label, own] of grouped(places)) {
    const takes = new Set(own.map((index) => places[index].segment));
    const span = Math.max(...own.map((index) => places[index].start)) + windowLength;
    if (takes.size > 1 || span >= FOLDS * windowLength) continue;
    windows.places = windows.places.filter((place) => place.label !== label);
    const shortS = (span / rateHz).toFixed(1);
    remarks.push(`${labels[label]}: ${shortS} s are too little; record ${leastS} s or more, better twice 20 s.`);
  }
  const left = [...grouped(windows.places).keys()];
  if (left.length < 2) {
    const got = left.length ? `only ${labels[left[0]]}` : "none";
    const what = `expected recordings of two activities or more, each ${leastS} s long or longer, got ${got}`;
    throw new HarError([`${what}.`, ...remarks].join(" "));
  }
  return remarks;
}

/** Positions of the windows of each label. */
function grouped(places) {
  const found = new Map();
  places.forEach(({ label }, index) => {
    if (!found.has(label)) found.set(label, []);
    found.get(label).push(index);
  });
  return found;
}
