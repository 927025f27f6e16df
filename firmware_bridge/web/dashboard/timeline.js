/**
 * Labels over time, as a strip of named pieces.
 *
 * @module timeline
 */

import { element, made } from "./elements.js";

const UNKNOWN = "unknown";
const GOLDEN_ANGLE = 137.5;
const MOST_READ_OUT = 3;

/** Join equal labels that follow each other. Pieces that are further apart than `hole` seconds are not joined. */
export function spells(labels, hole) {
  const found = [];
  for (const { label, t_s: t } of labels) {
    const last = found.at(-1);
    if (last && t < last.to) continue;
    if (last?.label === label && t - last.to <= hole) last.to = t;
    else found.push({ label, from: last && t - last.to <= hole ? last.to : t, to: t });
  }
  return found;
}

/** One strip. */
export class Timeline {
  #id;
  #hues = new Map();

  constructor(id) {
    this.#id = id;
  }

  /** Give every label of a model its colour. */
  know(labels) {
    labels.forEach((label, index) => this.#hues.set(label, (index * GOLDEN_ANGLE) % 360));
  }

  /**
   * Show pieces between two moments.
   *
   * @param {{label: string, from: number, to: number}[]} pieces
   * @param {number} from
   * @param {number} to
   * @param {number | null} cursor A moment to mark.
   */
  show(pieces, from, to, cursor = null) {
    const strip = element(this.#id);
    const width = strip.clientWidth || 1;
    const seen = pieces.filter((piece) => piece.to > from && piece.from < to);
    const nodes = seen.map((piece) => {
      const [start, stop] = [Math.max(piece.from, from), Math.min(piece.to, to)];
      const share = (stop - start) / (to - from);
      const node = made("span", share * width > 44 ? piece.label : "", piece.label === UNKNOWN ? UNKNOWN : "");
      node.title = `${piece.label}, ${(piece.to - piece.from).toFixed(0)} s`;
      node.style.setProperty("left", `${(100 * (start - from)) / (to - from)}%`);
      node.style.setProperty("width", `${100 * share}%`);
      node.style.setProperty("padding", share * width > 44 ? "" : "0");
      node.style.setProperty("--hue", this.#hue(piece.label));
      return node;
    });
    if (cursor !== null) {
      const mark = made("i");
      mark.style.setProperty("left", `${(100 * (cursor - from)) / (to - from)}%`);
      nodes.push(mark);
    }
    strip.replaceChildren(...nodes);
    strip.setAttribute("aria-label", describe(seen));
  }

  #hue(label) {
    if (!this.#hues.has(label)) this.#hues.set(label, (this.#hues.size * GOLDEN_ANGLE) % 360);
    return this.#hues.get(label);
  }
}

function describe(pieces) {
  const newest = pieces.slice(-MOST_READ_OUT).reverse();
  if (!newest.length) return "No label yet";
  return `Newest first: ${newest.map(({ label, from, to }) => `${label} for ${(to - from).toFixed(0)} s`).join(", ")}`;
}
