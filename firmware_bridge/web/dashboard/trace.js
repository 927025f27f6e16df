/**
 * The picture of x, y and z over time, by uPlot.
 *
 * @module trace
 */

import { element, write } from "./elements.js";

const { uPlot } = window;
const LEAST_RANGE_G = 1.5;
const AXES = ["x", "y", "z"];

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The trace of a live session, or the part of a recording around a moment. */
export class Trace {
  #plot = null;
  #seconds;
  #columns = [[], [], [], []];
  #end = null;
  #moment = null;

  /** @param {number} seconds How much is shown. */
  constructor(seconds) {
    this.#seconds = seconds;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#make());
    new ResizeObserver(() => this.#resize()).observe(element("trace"));
  }

  /** Add points; those that are too old to be seen are forgotten. */
  add({ t, x, y, z }) {
    [t, x, y, z].forEach((values, index) => this.#columns[index].push(...values));
    const times = this.#columns[0];
    const first = times.findIndex((time) => time >= times.at(-1) - this.#seconds);
    if (first > 0) this.#columns.forEach((column) => column.splice(0, first));
    this.#end = this.#moment = null;
  }

  /** Show this and nothing else: its end, or what is around a moment, which is marked. */
  replace({ t, x, y, z }, moment = null) {
    this.#moment = moment;
    this.#end = moment === null ? null : Math.max(moment + this.#seconds / 2, this.#seconds);
    const from = moment === null ? 0 : firstAtLeast(t, this.#end - this.#seconds);
    const to = moment === null ? t.length : firstAtLeast(t, this.#end) + 1;
    this.#columns = [t, x, y, z].map((column) => column.slice(from, to));
  }

  /** Draw what there is. */
  draw() {
    if (!this.#plot) this.#make();
    this.#plot?.setData(this.#columns);
    this.#say();
  }

  get #range() {
    const end = this.#end ?? this.#columns[0].at(-1) ?? this.#seconds;
    return [end - this.#seconds, end];
  }

  #make() {
    const box = element("trace");
    if (!box.clientWidth) return;
    this.#plot?.destroy();
    const line = { stroke: color("--soft"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
    this.#plot = new uPlot(
      {
        width: box.clientWidth,
        height: box.clientHeight,
        legend: { show: false },
        cursor: { show: false },
        select: { show: false },
        scales: {
          x: { time: false, range: () => this.#range },
          y: { range: (plot, low, high) => (low === null ? [-LEAST_RANGE_G, LEAST_RANGE_G] : spread(low, high)) },
        },
        axes: [
          { ...line, size: 28, space: 60, values: (plot, splits) => splits.map((at) => `${round(at)} s`) },
          { ...line, size: 44, values: (plot, splits) => splits.map(round) },
        ],
        hooks: { draw: [(plot) => this.#mark(plot)] },
        series: [
          {},
          ...AXES.map((axis) => ({ label: axis, stroke: color(`--${axis}`), width: 1.6, points: { show: false } })),
        ],
      },
      this.#columns,
      box,
    );
  }

  /** Draw a line at the moment that is shown. */
  #mark(plot) {
    if (this.#moment === null) return;
    const { left, top, width, height } = plot.bbox;
    const at = Math.round(plot.valToPos(this.#moment, "x", true));
    if (at < left || at > left + width) return;
    plot.ctx.fillStyle = color("--ink");
    plot.ctx.fillRect(at, top, 2, height);
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = element("trace");
    if (this.#plot && width) this.#plot.setSize({ width, height });
  }

  /** Write the newest values beside the picture, for those who do not see it. */
  #say() {
    const [times, ...axes] = this.#columns;
    let last = times.length - 1;
    if (this.#moment !== null) while (last > 0 && times[last] > this.#moment) last -= 1;
    const values = axes.map((column) => column[last]);
    const known = values.every((value) => typeof value === "number");
    AXES.forEach((axis, index) => write(axis, known ? values[index].toFixed(2) : "–"));
    write("gravity", known ? `${Math.hypot(...values).toFixed(2)} g` : "–");
  }
}

/** Return the first place of a sorted column whose value is not less. */
function firstAtLeast(column, value) {
  let [low, high] = [0, column.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

const round = (value) => String(Math.round(100 * value) / 100);

/** A range that holds all values and never less than rest needs, so that noise does not fill the picture. */
function spread(low, high) {
  const bound = Math.max(LEAST_RANGE_G, 1.08 * Math.max(-low, high));
  return [-bound, bound];
}
