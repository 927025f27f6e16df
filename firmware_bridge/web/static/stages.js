/**
 * The three steps of fitting a model to a person, and the cross-validation that keeps or drops each.
 *
 * The decisions of edgehar.pipeline.training.personalization.stages. What must be shown depends on the model: fitting an
 * LSTM is kept unless cross-validation speaks against it, fitting another one must show a gain.
 *
 * @module stages
 */

import { LSTM } from "./blob.js";
import { fineTune, generator, RECIPE, shuffledBatches, turnAsOnOtherDays } from "./fine-tuning.js";
import { StackGradients, supervision } from "./gradients.js";
import { confined, FOLDS, foldsOf } from "./labelled-windows.js";
import { fitOutputLayer, logitsOf, softmaxRows } from "./output-layer.js";
import { errorOf, errorOfDifference, largest, Scores } from "./scores.js";

export const OUTPUT = "output layer";
export const ALL = "all weights";
export const HALF = "half way back to the general weights";
export const BACK = "a quarter of the way back to the general weights";

const LEAST_GAIN = 0.005;
const OWN_SHARE = 0.75;
const MOST_MISSING = 0.25;
const STRENGTH = 1e-3;
const STRENGTH_WHERE_SOME_ARE_MISSING = 1e-2;
const EVERYTHING = -2;
/** Every window is learned from and judged as it was recorded, and turned as on so many other days, less one. */
const DAYS = 4;

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
    trial.tryStep(HALF, (fold) => between(person.fineTuned(general.parameters, fold), general.parameters, 0.5));
  } else {
    const starts = new Map(trial.weights);
    trial.tryStep(ALL, (fold) => person.fineTuned(starts.get(fold), fold));
  }
  if (trial.changed && !person.missing.length) {
    // Nearer to what many people taught it is safer beyond the recordings: it need not gain, only not lose.
    trial.tryStep(BACK, (fold) => between(trial.weights.get(fold), general.parameters, OWN_SHARE), { mayLose: true });
  }
  progress(1);
  return trial.result();
}

function between(own, general, share) {
  return own.map((value, at) => share * value + (1 - share) * general[at]);
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
    this.confined = confined(windows, this.folds);
    this.raw = Array.from({ length: DAYS }, (_, day) => this.#asOnDay(day));
    this.states = this.raw.map((values) => this.statesOf(this.general, this.normalized(values)));
    this.targets = this.states.map((states) => this.targetsOf(this.labels, this.posteriorsOfStates(this.general, states)));
  }

  /** All windows as on a day: on the first as they were recorded, on the others with the sensor turned. */
  #asOnDay(day) {
    const values = this.windows.batch(this.windows.places);
    if (day > 0) turnAsOnOtherDays(values, this.labels.length, this.recipe, generator(1000 * this.seed + day));
    return values;
  }

  normalized(values) {
    const { mean, deviation } = this.normalization;
    return values.map((value, at) => (value - mean[at % mean.length]) / deviation[at % mean.length]);
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

  /** The output layer fitted to the windows of all days. */
  fitOutput(fold) {
    const { units, classes } = this;
    const chosen = this.learned(fold);
    const rows = (days, width) => joined(days.map((values) => chosenRows(values, chosen, width)));
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
    const places = fold === EVERYTHING ? this.windows.places : this.learned(fold).map((at) => this.confined[at]);
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

function chosenRows(values, chosen, width) {
  const found = new values.constructor(chosen.length * width);
  chosen.forEach((at, row) => found.set(values.subarray(at * width, (at + 1) * width), row * width));
  return found;
}

function joined(parts) {
  const found = new parts[0].constructor(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (found.set(part, at), at + part.length), 0);
  return found;
}

/** Steps that were tried: weights for every fold and for everything, and what came of them. */
class Trial {
  #person;
  #truth;
  #parts;
  #before;
  #after;
  #said;
  #best;
  #unlessItLoses;

  constructor(person) {
    this.#person = person;
    this.#unlessItLoses = person.model.layers.every(({ kind }) => kind === LSTM);
    const { folds, labels } = person;
    this.weights = new Map([...Array.from({ length: FOLDS }, (_, fold) => fold), EVERYTHING].map((fold) => [fold, person.general]));
    this.judged = folds.map((_, index) => index).filter((index) => folds[index] >= 0);
    const everyDay = Array.from({ length: DAYS }, () => this.judged).flat();
    this.#truth = everyDay.map((at) => labels[at]);
    // Windows beside one another are alike; parts of takes are less so.
    this.#parts = everyDay.map((at) => labels[at] * FOLDS + folds[at]);
    this.#before = this.#after = this.#outOfFold(this.weights);
    this.#said = this.#best = largest(this.#before, person.classes);
    this.stages = [{ name: "general model", macroF1: this.#macroF1(this.#said), kept: true }];
  }

  get changed() {
    return this.stages.slice(1).some(({ kept }) => kept);
  }

  /**
   * Make a step for every fold, judge it, and keep it if it gains more than the standard error of the gain; one that
   * `mayLose` is the more careful one, and kept unless it loses more than that. Where steps are kept unless they lose,
   * the bound is the best macro-F1 so far less its standard error.
   */
  tryStep(name, step, { mayLose = false } = {}) {
    const weights = new Map(Array.from({ length: FOLDS }, (_, fold) => [fold, step(fold)]));
    const posteriors = this.#outOfFold(weights);
    const said = largest(posteriors, this.#person.classes);
    const macroF1 = this.#macroF1(said);
    const kept = macroF1 >= this.#least(said, mayLose);
    this.stages.push({ name, macroF1, kept });
    if (!kept) return;
    this.weights = weights.set(EVERYTHING, step(EVERYTHING));
    this.#after = posteriors;
    this.#said = said;
    if (macroF1 > this.#macroF1(this.#best)) this.#best = said;
  }

  /** What the macro-F1 of a step must reach. */
  #least(said, mayLose) {
    const windows = [this.#person.classes, this.#truth, this.#parts];
    if (this.#unlessItLoses) return this.#macroF1(this.#best) - errorOf(...windows, this.#best, generator(0));
    const margin = Math.max(LEAST_GAIN, errorOfDifference(...windows, [said, this.#said], generator(0)));
    return this.#macroF1(this.#said) + (mayLose ? -margin : margin);
  }

  /** What was kept; posteriors are of the windows as they were recorded. */
  result() {
    const { stages, judged } = this;
    const recorded = judged.length * this.#person.classes;
    const [before, after] = [this.#before, this.#after].map((values) => values.slice(0, recorded));
    return { parameters: this.weights.get(EVERYTHING), stages, judged, before, after };
  }

  /** What each fold's model says of the fold's windows, as on every day, one day after the other. */
  #outOfFold(weights) {
    const { classes, folds, raw } = this.#person;
    const size = raw[0].length / folds.length;
    const days = raw.map((values) => {
      const found = new Float64Array(folds.length * classes);
      for (let fold = 0; fold < FOLDS; fold++) {
        const own = this.judged.filter((at) => folds[at] === fold);
        const said = this.#person.posteriors(weights.get(fold), this.#person.normalized(chosenRows(values, own, size)));
        own.forEach((at, row) => found.set(said.subarray(row * classes, (row + 1) * classes), at * classes));
      }
      return chosenRows(found, this.judged, classes);
    });
    return joined(days);
  }

  #macroF1(said) {
    return new Scores(this.#person.classes, this.#truth, said).macroF1;
  }
}
