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
    this.#end = null;
  }

  /** Show this and nothing else; up to a moment, if one is given. */
  replace({ t, x, y, z }, end = null) {
    this.#columns = [t.slice(), x.slice(), y.slice(), z.slice()];
    this.#end = end;
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
        series: [
          {},
          ...AXES.map((axis) => ({ label: axis, stroke: color(`--${axis}`), width: 1.6, points: { show: false } })),
        ],
      },
      this.#columns,
      box,
    );
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = element("trace");
    if (this.#plot && width) this.#plot.setSize({ width, height });
  }

  /** Write the newest values beside the picture, for those who do not see it. */
  #say() {
    const [times, ...axes] = this.#columns;
    let last = times.length - 1;
    if (this.#end !== null) while (last > 0 && times[last] > this.#end) last -= 1;
    const values = axes.map((column) => column[last]);
    const known = values.every((value) => typeof value === "number");
    AXES.forEach((axis, index) => write(axis, known ? values[index].toFixed(2) : "–"));
    write("gravity", known ? `${Math.hypot(...values).toFixed(2)} g` : "–");
  }
}

const round = (value) => String(Math.round(100 * value) / 100);

/** A range that holds all values and never less than rest needs, so that noise does not fill the picture. */
function spread(low, high) {
  const bound = Math.max(LEAST_RANGE_G, 1.08 * Math.max(-low, high));
  return [-bound, bound];
}
