/**
 * Reads lines by a layout that is known. The rules of edgehar.firmware_bridge.text.line_reader.
 *
 * @module line-reader
 */

import { dissect, isVariant, lettersOf } from "./template.js";

const LARGEST_NUMBER = 1e19;
const MOST_VARIANTS = 256;
const NOTE_LETTERS = 3;
const WORDS = /[A-Za-z][\p{L}\p{N}_]*/gu;
/** A line drawn between samples: `-----`, `=====`, `*****`. */
const RULE = /^\s*([^\p{L}\p{N}_\s,;.])\1{2,}\s*$/u;

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
  #variants = new Map();
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
    const part = cut ? (this.#where.get(cut.template.key) ?? this.#variantOf(cut.template)) : undefined;
    if (part === undefined || cut.numbers.some((each) => Math.abs(each) > LARGEST_NUMBER)) return null;
    return this.#where.size === 1 ? this.#sample([cut.numbers]) : this.#join(part, cut.numbers);
  }

  /** Return 0 for a line that differs from the layout's only in words at its end, such as the state of a device. */
  #variantOf(template) {
    if (this.#where.size > 1 || this.#others.has(template.key)) return undefined;
    if (!this.#variants.has(template.key)) {
      if (this.#variants.size >= MOST_VARIANTS) return undefined;
      this.#variants.set(template.key, isVariant(template, this.#layout.templates[0]) ? 0 : undefined);
    }
    return this.#variants.get(template.key);
  }

  /** Tell whether a line stood beside the samples when the layout was learned. */
  isKnown(line) {
    const cut = dissect(line, this.#hasComma);
    return cut !== null && this.#others.has(cut.template.key);
  }

  /** Tell whether a line under a title was never meant to be a sample, rather than damaged on its way. */
  isForeign(line, title = "") {
    if (isComment(line) || RULE.test(line) || this.isKnown(title ? `${title} ${line}` : line)) return true;
    if (!this.#letters && !/\p{N}/u.test(line)) return lettersOf(line) > 0;
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
