/**
 * The three steps of fitting a model to a person, and the cross-validation that keeps or drops each.
 *
 * The decisions of edgehar.pipeline.training.personalization.stages.
 *
 * @module stages
 */

import { fineTune, RECIPE, shuffledBatches } from "./fine-tuning.js";
import { StackGradients, supervision } from "./gradients.js";
import { FOLDS, foldsOf } from "./labelled-windows.js";
import { fitOutputLayer, logitsOf, softmaxRows } from "./output-layer.js";
import { largest, Scores } from "./scores.js";

export const OUTPUT = "output layer";
export const ALL = "all weights";
export const HALF = "half way back to the general weights";

const LEAST_GAIN = 0.005;
const MOST_MISSING = 0.25;
const STRENGTH = 1e-3;
const STRENGTH_WHERE_SOME_ARE_MISSING = 1e-2;
const EVERYTHING = -2;

/**
 * Fit a model to a person, as far as cross-validation says that it helps.
 *
 * @param {object} general
 * @param {object} general.model What `readWeights` returns.
 * @param {Float32Array} general.parameters For normalised acceleration.
 * @param {{mean: number[], deviation: number[]}} general.normalization
 * @param {import("./labelled-windows.js").LabelledWindows} windows The person's.
 * @param {object} options
 * @param {WebAssembly.Module} options.trainer har_train.wasm, compiled.
 * @param {number} [options.seed]
 * @param {object} [options.recipe] Of fine-tuning.
 * @param {(share: number) => void} [options.progress] Told how much is done, from 0 to 1.
 * @returns {{parameters: Float32Array, stages: {name: string, macroF1: number | null, kept: boolean, reason?: string}[],
 *   judged: number[], before: Float64Array, after: Float64Array}} `judged` are positions of windows; `before` and
 *   `after` what the general model says of them, and what models say that were fitted without them.
 */
export function adapt(general, windows, { trainer, seed = 0, recipe = RECIPE, progress = () => {} }) {
  const person = new Person(general, windows, { trainer, seed, recipe, progress });
  const trial = new Trial(person);
  trial.tryStep(OUTPUT, (fold) => person.fitOutput(fold));
  if (person.obstacle) {
    trial.stages.push({ name: ALL, macroF1: null, kept: false, reason: person.obstacle });
  } else if (person.missing.length) {
    trial.tryStep(HALF, (fold) => halfWay(person.fineTuned(general.parameters, fold), general.parameters));
  } else {
    const starts = new Map(trial.weights);
    trial.tryStep(ALL, (fold) => person.fineTuned(starts.get(fold), fold));
  }
  if (trial.changed && !person.missing.length) {
    // Nearer to what many people taught it is safer beyond the recordings: it need not gain, only not lose.
    trial.tryStep(HALF, (fold) => halfWay(trial.weights.get(fold), general.parameters), { mayLose: true });
  }
  progress(1);
  return trial.result();
}

function halfWay(own, general) {
  return own.map((value, at) => (value + general[at]) / 2);
}

/** The general model beside one person's windows: what every step needs of both. */
class Person {
  #gradients;
  #stateGradients;
  #done = 0;

  constructor({ model, parameters, normalization }, windows, { trainer, seed, recipe, progress }) {
    Object.assign(this, { model, general: parameters, normalization, windows, seed, recipe, progress });
    this.classes = model.classes;
    this.units = model.layers.at(-1).units;
    this.folds = foldsOf(windows);
    this.labels = windows.places.map(({ label }) => label);
    const done = new Set(this.labels);
    this.missing = Array.from({ length: this.classes }, (_, label) => label).filter((label) => !done.has(label));
    this.obstacle =
      this.missing.length > MOST_MISSING * this.classes
        ? `${this.missing.length} activities were not recorded, and would be forgotten`
        : "";
    this.#gradients = new StackGradients(trainer, model, supervision(model.steps, recipe.superviseEvery));
    // With an output layer that hands on what it sees, logits are the states.
    const open = { ...model, classes: this.units };
    this.#stateGradients = new StackGradients(trainer, open, supervision(model.steps, model.steps));
    this.values = this.normalized(windows.batch(windows.places));
    this.states = this.statesOf(this.general, this.values);
    this.targets = this.targetsOf(this.labels, this.posteriorsOfStates(this.general, this.states));
  }

  normalized(values) {
    const { mean, deviation } = this.normalization;
    return values.map((value, at) => (value - mean[at % 3]) / deviation[at % 3]);
  }

  get outputAt() {
    return this.general.length - (this.units + 1) * this.classes;
  }

  statesOf(parameters, values) {
    const { units } = this;
    const open = new Float32Array(this.outputAt + (units + 1) * units);
    open.set(parameters.subarray(0, this.outputAt));
    for (let unit = 0; unit < units; unit++) open[this.outputAt + unit * units + unit] = 1;
    return this.#stateGradients.logits(open, values);
  }

  posteriorsOfStates(parameters, states) {
    return softmaxRows(logitsOf(parameters.subarray(this.outputAt), states, this.units, this.classes), this.classes);
  }

  posteriors(parameters, values) {
    return softmaxRows(this.#gradients.logits(parameters, values), this.classes);
  }

  /** What windows should get: their label, and what the general model gives to the activities that are missing. */
  targetsOf(labels, general) {
    const { classes } = this;
    const targets = new Float32Array(labels.length * classes);
    labels.forEach((label, row) => {
      const own = general.subarray(row * classes, (row + 1) * classes);
      const share = this.missing.reduce((sum, absent) => sum + own[absent], 0);
      targets[row * classes + label] = 1 - share;
      for (const absent of this.missing) targets[row * classes + absent] = own[absent];
    });
    return targets;
  }

  learned(fold) {
    const positions = this.folds.map((_, index) => index);
    return fold === EVERYTHING ? positions : positions.filter((at) => this.folds[at] !== fold && this.folds[at] >= 0);
  }

  fitOutput(fold) {
    const { units, classes } = this;
    const chosen = this.learned(fold);
    const rows = (values, width) => {
      const found = new values.constructor(chosen.length * width);
      chosen.forEach((at, row) => found.set(values.subarray(at * width, (at + 1) * width), row * width));
      return found;
    };
    const layer = fitOutputLayer(this.general.subarray(this.outputAt), {
      states: rows(this.states, units),
      targets: rows(this.targets, classes),
      units,
      classes,
      strength: this.missing.length ? STRENGTH_WHERE_SOME_ARE_MISSING : STRENGTH,
    });
    const own = this.general.slice();
    own.set(layer, this.outputAt);
    return own;
  }

  fineTuned(start, fold) {
    const places = this.learned(fold).map((at) => this.windows.places[at]);
    const batches = shuffledBatches(this.windows, places, { seed: this.seed, ...this.recipe });
    return fineTune(this.#gradients, start, this.#prepared(batches), this.recipe, () => {
      this.#done++;
      this.progress(Math.min(1, this.#done / (this.recipe.steps * (FOLDS + 1))));
    });
  }

  *#prepared(batches) {
    for (const { values: raw, labels } of batches) {
      const values = this.normalized(raw);
      const general = this.missing.length ? this.posteriors(this.general, values) : new Float64Array(0);
      yield { values, targets: this.targetsOf(labels, general) };
    }
  }
}

/** Steps that were tried: weights for every fold and for everything, and what came of them. */
class Trial {
  #person;
  #best;
  #before;
  #after;

  constructor(person) {
    this.#person = person;
    const folds = [...Array.from({ length: FOLDS }, (_, fold) => fold), EVERYTHING];
    this.weights = new Map(folds.map((fold) => [fold, person.general]));
    this.judged = person.folds.map((_, index) => index).filter((index) => person.folds[index] >= 0);
    this.#before = this.#after = this.#outOfFold(this.weights);
    this.#best = this.#macroF1(this.#before);
    this.stages = [{ name: "general model", macroF1: this.#best, kept: true }];
  }

  get changed() {
    return this.stages.slice(1).some(({ kept }) => kept);
  }

  /** Make a step for every fold, judge it, and keep it if it gains enough; or, `mayLose`, hardly loses. */
  tryStep(name, step, { mayLose = false } = {}) {
    const weights = new Map(Array.from({ length: FOLDS }, (_, fold) => [fold, step(fold)]));
    const posteriors = this.#outOfFold(weights);
    const macroF1 = this.#macroF1(posteriors);
    const kept = macroF1 >= this.#best + (mayLose ? -LEAST_GAIN : LEAST_GAIN);
    this.stages.push({ name, macroF1, kept });
    if (!kept) return;
    this.weights = weights.set(EVERYTHING, step(EVERYTHING));
    this.#after = posteriors;
    this.#best = macroF1;
  }

  result() {
    return {
      parameters: this.weights.get(EVERYTHING),
      stages: this.stages,
      judged: this.judged,
      before: this.#before,
      after: this.#after,
    };
  }

  /** What each fold's model says of the fold's windows. */
  #outOfFold(weights) {
    const { classes, folds, values } = this.#person;
    const size = values.length / folds.length;
    const found = new Float64Array(folds.length * classes);
    for (let fold = 0; fold < FOLDS; fold++) {
      const own = this.judged.filter((at) => folds[at] === fold);
      const chosen = new Float32Array(own.length * size);
      own.forEach((at, row) => chosen.set(values.subarray(at * size, (at + 1) * size), row * size));
      const said = this.#person.posteriors(weights.get(fold), chosen);
      own.forEach((at, row) => found.set(said.subarray(row * classes, (row + 1) * classes), at * classes));
    }
    const judged = new Float64Array(this.judged.length * classes);
    this.judged.forEach((at, row) => judged.set(found.subarray(at * classes, (at + 1) * classes), row * classes));
    return judged;
  }

  #macroF1(posteriors) {
    const { classes, labels } = this.#person;
    const truth = this.judged.map((at) => labels[at]);
    return new Scores(classes, truth, largest(posteriors, classes)).macroF1;
  }
}
