/**
 * From a general model and one person's takes to the model of that person, with what it gains.
 *
 * @module personalizing
 */

import { folded, readWeights, writeWeights } from "./blob.js";
import { Engine } from "./engine.js";
import { HarError } from "./errors.js";
import { keepLongEnough, LabelledWindows, segmentsOf } from "./labelled-windows.js";
import { largest, Scores, whatToRecord } from "./scores.js";
import { adapt } from "./stages.js";

const LARGEST_TILT_DEG = 45;
const TOLERANCE = 1e-4;
const COMPARED_WINDOWS = 32;

/**
 * Fit a model to a person.
 *
 * @param {object} general
 * @param {Uint8Array} general.blob The model of the C engine, in float32.
 * @param {object} general.description What `checkManifest` returns.
 * @param {{label: string, times: number[], samples: number[][]}[]} takes Of one person, in milliseconds and m/s².
 * @param {{engine: WebAssembly.Module, trainer: WebAssembly.Module, seed?: number, recipe?: object,
 *   progress?: (share: number) => void}} how
 * @returns {{blob: Uint8Array, changed: boolean, stages: object[], activities: {label: string, windows: number,
 *   before: number, after: number}[], before: number, after: number, advice: string[], remarks: string[]}} F1 in
 *   cross-validation: by models that had not seen the takes.
 * @throws {HarError} If the takes cannot be learned from, or the model cannot be moved.
 */
export function personalize({ blob, description }, takes, { engine, trainer, ...options }) {
  const { labels, normalization, mounting } = description;
  const model = readWeights(blob);
  if (!normalization) throw new HarError("manifest.json: expected a normalization, there is none: write the page again");
  const { segments, remarks } = segmentsOf(takes, description);
  const windows = new LabelledWindows(segments, description);
  remarks.push(...keepLongEnough(windows, description));
  checkMounting(windows, normalization, mounting);
  const parameters = folded(model.parameters, model, normalization, false);
  const found = adapt({ model, parameters, normalization }, windows, { trainer, ...options });
  const changed = found.stages.slice(1).some(({ kept }) => kept);
  const own = changed ? writeWeights(blob, model.places, folded(found.parameters, model, normalization, true)) : blob;
  const apart = found.judged.map((at) => windows.isJudged(windows.places[at]));
  const truth = found.judged.map((at) => windows.places[at].label);
  const [before, after] = [found.before, found.after].map((posteriors) => {
    const said = largest(posteriors, labels.length);
    const keep = (values) => values.filter((_, row) => apart[row]);
    return new Scores(labels.length, keep(truth), keep(said));
  });
  checkEngine(own, windows, engine);
  const activities = labels
    .map((label, at) => ({
      label,
      windows: before.confusion[at].reduce((sum, count) => sum + count, 0),
      before: before.perClassF1[at],
      after: after.perClassF1[at],
    }))
    .filter((row) => row.windows > 0);
  const advice = whatToRecord(labels, windows, after);
  const { stages } = found;
  return { blob: own, changed, stages, activities, before: before.macroF1, after: after.macroF1, advice, remarks };
}

/** Refuse takes in which gravity points elsewhere than in the recordings that the model learned from. */
function checkMounting(windows, { mean: general }, mounting) {
  const byLabel = new Map();
  const values = windows.batch(windows.places);
  const { windowLength: length, channels } = windows;
  windows.places.forEach(({ label }, row) => {
    const sums = byLabel.get(label) ?? [0, 0, 0, 0];
    for (let at = length * row; at < length * (row + 1); at++) {
      for (let axis = 0; axis < 3; axis++) sums[axis] += values[channels * at + axis];
    }
    sums[3] += length;
    byLabel.set(label, sums);
  });
  const own = [0, 1, 2].map((axis) => [...byLabel.values()].reduce((sum, sums) => sum + sums[axis] / sums[3], 0));
  const sizes = Math.hypot(...own) * Math.hypot(...general.slice(0, 3));
  const cosine = own.reduce((sum, value, axis) => sum + value * general[axis], 0) / (sizes || 1);
  const tiltDeg = (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
  if (sizes && tiltDeg > LARGEST_TILT_DEG) {
    throw new HarError(
      `expected a sensor worn as in the training recordings (${mounting}), here gravity is turned by ` +
        `${tiltDeg.toFixed(0)}°: turn the phone, or mark the opposite sign, and record again`,
    );
  }
}

/** The engine must take the new model, and give finite probabilities that add up to one. */
function checkEngine(blob, windows, module) {
  const engine = new Engine(module, blob);
  const said = engine.predict(windows.batch(windows.places.slice(0, COMPARED_WINDOWS)));
  for (let row = 0; row < said.length; row += engine.classes) {
    const sum = said.subarray(row, row + engine.classes).reduce((total, value) => total + value, 0);
    if (!(Math.abs(sum - 1) < TOLERANCE)) throw new HarError("the fitted model gives no probabilities: it is not kept");
  }
}
