/**
 * Reads lines by a layout that is known. The rules of edgehar.firmware_bridge.text.line_reader.
 *
 * @module line-reader
 */

import { dissect, lettersOf } from "./template.js";

const LARGEST_NUMBER = 1e19;
const NOTE_LETTERS = 3;
const WORDS = /[A-Za-z][\p{L}\p{N}_]*/gu;

/** The mark of a line that holds a part of a sample. */
export const PART = { kind: "part" };

/** Reads lines by a layout that is known. */
export class LineReader {
  #layout;
  #others;
  #where;
  #letters;
  #words;
  #hasComma;
  #parts = [];
  #hasBegun = false;

  /** @param {object} layout How. @param {Set<string>} others Templates of the stream's lines, the others being no damage. */
  constructor(layout, others) {
    const { templates } = layout;
    this.#layout = layout;
    this.#where = new Map(templates.map(({ key }, at) => [key, at]));
    this.#others = new Set([...others].filter((key) => !this.#where.has(key)));
    this.#letters = Math.max(...templates.map(({ letters }) => letters));
    this.#words = new Set(templates.flatMap(({ constants }) => constants.flatMap((piece) => piece.match(WORDS) ?? [])));
    this.#hasComma = templates[0].hasDecimalComma;
  }

  /** Return the sample of a line, `PART` for a part of one, null for a line of another kind. */
  read(line) {
    const cut = dissect(line, this.#hasComma);
    const part = cut ? this.#where.get(cut.template.key) : undefined;
    if (part === undefined || cut.numbers.some((each) => Math.abs(each) > LARGEST_NUMBER)) return null;
    return this.#where.size === 1 ? this.#sample([cut.numbers]) : this.#join(part, cut.numbers);
  }

  /** Tell whether a line stood beside the samples when the layout was learned, or says that it is none. */
  isKnown(line) {
    const cut = dissect(line, this.#hasComma);
    return isComment(line) || (cut !== null && this.#others.has(cut.template.key));
  }

  /** Tell whether a line was never meant to be a sample, rather than damaged on its way. */
  isForeign(line) {
    if (this.isKnown(line)) return true;
    if (!this.#letters) return lettersOf(line) >= NOTE_LETTERS && !/^\s*[-+]?[\d.]+\s*[,;\s]/.test(line);
    // A damaged line keeps a part of its text; a line of another kind has none of it.
    const kept = new Set(line.match(WORDS));
    return ![...this.#words].some((word) => (word.length === 1 ? kept.has(word) : line.includes(word)));
  }

  /** Return the sample that its last line completes. */
  #join(part, numbers) {
    if (part === 0) {
      this.#hasBegun = true;
      this.#parts = [];
    }
    // The lines that came first may be the rest of a sample.
    if (!this.#hasBegun) return PART;
    this.#parts[part] = numbers;
    const last = this.#where.size - 1;
    if (part < last) return PART;
    const rows = this.#parts;
    this.#parts = [];
    return Object.keys(rows).length > last ? this.#sample(rows) : { kind: "missing" };
  }

  #sample(rows) {
    const { axes, time } = this.#layout;
    const at = ({ template, slot }) => rows[template][slot];
    const values = axes.map(at);
    const tick = time ? at(time.place) : null;
    return values.some(Number.isNaN) || Number.isNaN(tick) ? { kind: "missing" } : { kind: "sample", values, tick };
  }
}

/** Tell whether a line says itself that it is no sample. */
export function isComment(line) {
  return /^\s*(?:# |\/\/)/.test(line);
}
