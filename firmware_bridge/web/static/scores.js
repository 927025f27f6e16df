/**
 * Scores of a classifier from its confusion matrix, and what to record to improve them.
 *
 * What edgehar.pipeline.evaluation.metrics and .training.personalization.figures say.
 *
 * @module scores
 */

/** Activities below it are worth another take. */
const GOOD_F1 = 0.8;
const DRAWS = 200;

/** How often which activity was taken for which. */
export class Scores {
  /**
   * @param {number} classes
   * @param {number[]} truth Positions of labels.
   * @param {number[]} predicted
   */
  constructor(classes, truth, predicted) {
    this.confusion = Array.from({ length: classes }, () => new Array(classes).fill(0));
    truth.forEach((label, index) => this.confusion[label][predicted[index]]++);
  }

  /** @returns {number[]} F1 of every class; 0 for one that neither occurs nor is ever named. */
  get perClassF1() {
    return this.confusion.map((row, at) => (2 * row[at]) / Math.max(1, this.#involved(at)));
  }

  /** @returns {number} The mean F1 of the classes that occur or are named. */
  get macroF1() {
    const f1 = this.perClassF1.filter((_, at) => this.#involved(at) > 0);
    return f1.length ? f1.reduce((sum, value) => sum + value, 0) / f1.length : 0;
  }

  #involved(at) {
    const sum = (values) => values.reduce((total, value) => total + value, 0);
    return sum(this.confusion[at]) + sum(this.confusion.map((row) => row[at]));
  }
}

/**
 * Return the standard error of the difference in macro-F1 between two judgements of the same windows: its deviation over
 * draws of parts with replacement, for windows beside one another are alike (edgehar's judging).
 *
 * @param {number} classes
 * @param {number[]} truth
 * @param {number[]} parts In which part each window lies.
 * @param {number[][]} said What either judgement took each window for.
 * @param {() => number} random
 */
export function errorOfDifference(classes, truth, parts, said, random) {
  return deviationOverDraws(truth, parts, random, (wanted, index) => {
    const [one, other] = said.map((each) => new Scores(classes, wanted, index.map((at) => each[at])).macroF1);
    return one - other;
  });
}

/** Return the standard error of a judgement's macro-F1, over draws of parts as above. */
export function errorOf(classes, truth, parts, said, random) {
  return deviationOverDraws(truth, parts, random, (wanted, index) => new Scores(classes, wanted, index.map((at) => said[at])).macroF1);
}

/** Return the deviation of what `score` makes of the truth and the windows of parts drawn with replacement. */
function deviationOverDraws(truth, parts, random, score) {
  const names = [...new Set(parts)];
  const of = names.map((name) => parts.map((_, index) => index).filter((index) => parts[index] === name));
  const drawn = Array.from({ length: DRAWS }, () => {
    const index = names.flatMap(() => of[Math.floor(random() * names.length)]);
    return score(index.map((at) => truth[at]), index);
  });
  const mean = drawn.reduce((sum, value) => sum + value, 0) / DRAWS;
  return Math.sqrt(drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / DRAWS);
}

/** Return the position of the largest number of every row. */
export function largest(values, classes) {
  return Array.from({ length: values.length / classes }, (_, row) => {
    const own = values.subarray(row * classes, (row + 1) * classes);
    return own.indexOf(Math.max(...own));
  });
}

/**
 * Return sentences that say which takes would help most.
 *
 * @param {string[]} labels
 * @param {{places: {segment: number, label: number}[]}} windows What was learned from.
 * @param {Scores} after What the model reaches now.
 */
export function whatToRecord(labels, { places }, after) {
  const takes = labels.map((_, label) => new Set(places.filter((each) => each.label === label).map(({ segment }) => segment)));
  const named = (wanted) => labels.filter((_, label) => wanted(takes[label].size)).join(", ");
  const [missing, once] = [named((count) => count === 0), named((count) => count === 1)];
  const advice = [];
  if (missing) advice.push(`Not recorded: ${missing}. The model knows them from other people only.`);
  if (once) advice.push(`One take each: ${once}. A second one, on another day, shows how much you vary.`);
  const f1 = after.perClassF1;
  for (const label of labels.map((_, at) => at).sort((a, b) => f1[a] - f1[b])) {
    const row = after.confusion[label].map((count, at) => (at === label ? 0 : count));
    const most = Math.max(...row);
    if (f1[label] >= GOOD_F1 || !most) continue;
    const other = labels[row.indexOf(most)];
    advice.push(`${labels[label]} (F1 ${f1[label].toFixed(2)}) is taken for ${other}: record more of both.`);
  }
  return advice;
}
