/**
 * Text lines of samples, however a sketch prints them: bytes in, events out. Lines are held back until it is learned where
 * x, y and z stand; then each is read by its template. The rules of edgehar.firmware_bridge.text.lines and line_reader.
 *
 * An event is `{kind, atS}`, where `atS` is when its bytes came: a `sample` with `values` and `tick`; a `missing` or
 * `damaged` one; a `header`; a `note`, which counts as nothing, with its `text`; a `layout` that was found; a `question`.
 *
 * @module line-parser
 */

import { LayoutLearner } from "./learning.js";
import { findAcceleration, readName, sensorOfText } from "./names.js";
import { dissect, isVariant, lettersOf } from "./template.js";

const LONGEST_LINE = 512;
const LARGEST_NUMBER = 1e19;
const MISFITS_BEFORE_LEARNING = 20;
const LONGEST_TITLE = 40;
const ROUND = 40;
const SHORT_ROUND = 8;
const MOST_TEXTS = 32;
const MOST_VARIANTS = 256;
const ENDS_WITH_NUMBER = /\d[^:]*[\p{L}\p{N}_.]\s*$|\d\s*$/u;
const RULE = /^\s*([^\p{L}\p{N}_\s,;.])\1{2,}\s*$/u;
const MOST_HELD = 100;
const NOTE_LETTERS = 3;
const PIECE = 4096;
const WORDS = /[A-Za-z][\p{L}\p{N}_]*/gu;
const PRINTABLE = /^(?:[^\p{C}\p{Z}]| )*$/u;
// eslint-disable-next-line no-control-regex -- tabs, and colour codes, which begin with 1b
const LATIN = /^[\x20-\x7e\t\x1b\xa0-\xff]*$/;
const PART = { kind: "part" };

/** Turns the bytes of a text stream into events, the same however they are cut into reads. */
export class LineParser {
  #rateHz;
  #columns;
  #names = [];
  #tail = "";
  #isOverflowing = false;
  #isJoining = true;
  #isWide = false;
  #hasSkipped = false;
  #titles = new Titles();
  #texts = new Set();
  #before = "";
  #learned = [];
  #learner;
  #reader = null;
  #held = [];
  #misfits = 0;
  #isAsked = false;
  #atS = 0;

  /** @param {{rateHz: number, columns?: number[] | null}} known As `LayoutLearner` takes them. */
  constructor({ rateHz, columns = null }) {
    this.#rateHz = rateHz;
    this.#columns = columns;
    this.#learn();
  }

  /** @returns {number} How many lines of numbers wait until their layout is known. */
  get held() {
    return this.#reader ? 0 : this.#learner.rows;
  }

  /** @returns {boolean} Whether the text is UTF-16. */
  get isWide() {
    return this.#isWide;
  }

  /** Return the events that these bytes complete. */
  feed(data, atS) {
    this.#atS = atS;
    const lines = (this.#tail + this.#decode(data)).split(/[\r\n]/);
    this.#tail = lines.pop();
    const events = lines.flatMap((line) => {
      // The gap between CR and LF.
      if (!line && !this.#isJoining && !this.#isOverflowing) return [];
      return this.#isJoining ? this.#firstLine(line) : this.#line(line);
    });
    if (this.#tail.length > LONGEST_LINE) {
      // Drop the beginning of a line that is too long, and say so once.
      if (!this.#isOverflowing && !this.#isJoining) events.push(...this.#emit(this.#event("damaged")));
      this.#hasSkipped ||= this.#isJoining;
      this.#isOverflowing = true;
      this.#tail = "";
    }
    return events;
  }

  #event(kind, more = {}) {
    return { kind, atS: this.#atS, ...more };
  }

  #learn() {
    this.#learner = new LayoutLearner({ rateHz: this.#rateHz, columns: this.#columns });
    this.#learner.nameColumns(this.#names);
    this.#reader = null;
    this.#held = [];
    this.#misfits = 0;
  }

  /** Return bytes as text, one character a byte; UTF-16 as the ASCII it holds: every second byte of it is zero. */
  #decode(data) {
    if (!this.#isWide && this.#isJoining && data.length >= 8) {
      const zeros = [0, 0];
      data.forEach((byte, at) => (zeros[at % 2] += Number(!byte)));
      this.#isWide = Math.max(...zeros) > 0.8 * (data.length >> 1);
    }
    const bytes = this.#isWide ? data.filter((byte) => byte && byte < 0xfe) : data;
    let text = "";
    for (let at = 0; at < bytes.length; at += PIECE) text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
    return text;
  }

  /** Skip what may be the rest of a line, unless it is a header. */
  #firstLine(line) {
    const names = this.#hasSkipped || line.length > LONGEST_LINE ? null : headerNames(line);
    this.#isJoining = this.#isOverflowing = false;
    this.#before = line;
    return names ? this.#header(names) : [];
  }

  #line(line) {
    if (this.#isOverflowing) {
      this.#isOverflowing = false;
      return [];
    }
    if (line.length > LONGEST_LINE) return this.#emit(this.#event("damaged"));
    if (!line.trim()) return [];
    if (this.#isTitle(line)) return this.#emit(this.#event("note", { text: line }));
    const titled = this.#titles.above ? `${this.#titles.above} ${line}` : line;
    if (!this.#reader) return this.#unlearnedLine(titled);
    const event = this.#reader.read(titled);
    if (!event) return this.#oddLine(line);
    this.#misfits = 0;
    return event === PART ? [] : [{ ...event, atS: this.#atS }];
  }

  /** Hold a line of numbers back until its layout is learned; pass on anything else in its order. */
  #unlearnedLine(line) {
    const names = headerNames(line, this.#before);
    this.#before = line;
    if (names) return this.#header(names);
    // What could not be told once is not believed later, unless a header names the columns.
    if (this.#isAsked) return [];
    const isText = isClean(line);
    if (isComment(line) || !isText || !this.#learner.add(line)) {
      return this.#emit(this.#event(isText ? "note" : "damaged", { text: line }));
    }
    this.#held.push({ line, atS: this.#atS });
    return this.#decide();
  }

  /** Return the events of a line that the layout does not read. */
  #oddLine(line) {
    const isText = isClean(line);
    const names = isText ? headerNames(line, this.#before) : null;
    this.#before = line;
    if (names) return this.#header(names);
    const isNote = isText && (this.#reader.isForeign(line, this.#titles.above) || this.#hasCome(line));
    if (isNote) return [this.#event("note", { text: line })];
    this.#misfits++;
    if (this.#misfits >= MISFITS_BEFORE_LEARNING) {
      this.#names = [];
      this.#learn();
    }
    return [this.#event("damaged")];
  }

  /** Tell whether a line without numbers has come before: damage is not the same twice, what a sketch prints is. */
  #hasCome(line) {
    if (/\p{N}/u.test(line)) return false;
    const isKnown = this.#texts.has(line);
    if (this.#texts.size < MOST_TEXTS) this.#texts.add(line);
    return isKnown;
  }

  /** Tell whether a line names the sensor of those below it; after the first title, all is learned anew. */
  #isTitle(line) {
    const { above } = this.#titles;
    if (!this.#titles.reads(line, this.#reader !== null || this.#learner.rows > 0)) return false;
    if (!above) {
      this.#learned = [];
      this.#learn();
    }
    return true;
  }

  #header(names) {
    if (String(names) !== String(this.#names)) {
      this.#names = names;
      this.#isAsked = false;
      if (this.#reader) this.#learn();
      this.#learner.nameColumns(names);
    }
    return this.#emit(this.#event("header"));
  }

  /** Return an event, or queue it behind the lines that are held back. */
  #emit(event) {
    if (!this.#held.length) return [event];
    if (this.#held.filter(({ line }) => line === undefined).length < MOST_HELD) this.#held.push(event);
    return [];
  }

  /** Release what was held back, if the layout is learned. */
  #decide() {
    const found = this.#learner.decide();
    if (!found) return [];
    const held = this.#held;
    const { templates, width } = this.#learner;
    const decision = found.option ? found : this.#unlessItAlternates(found);
    if (decision.option) {
      this.#learn();
      this.#isAsked = true;
      const others = held.filter(({ line }) => line === undefined);
      return [...others, this.#event("question", { question: { ...decision, width } })];
    }
    this.#held = [];
    this.#reader = new LineReader(decision, templates);
    const events = [this.#event("layout", { layout: decision, atS: held[0].atS })];
    for (const item of held) {
      const { line, atS } = item;
      const event = line === undefined ? item : this.#reader.read(line);
      if (!event) events.push({ kind: this.#reader.isForeign(line) ? "note" : "damaged", text: line, atS });
      else if (event !== PART) events.push({ ...event, atS });
    }
    return events;
  }

  /** Return a layout, but a question if the stream has left it for another one: two sensors take turns. */
  #unlessItAlternates(layout) {
    const key = JSON.stringify([layout.templates.map((template) => template.key), layout.axes, layout.names]);
    const isOld = this.#learned.slice(0, -1).includes(key) && key !== this.#learned.at(-1);
    if (isOld) return { option: "columns", text: "the lines change between two kinds" };
    if (!this.#learned.includes(key)) this.#learned.push(key);
    return layout;
  }
}

/** Finds lines that name the sensor of the lines below them again and again: `Gyroscope:`, `--- acc (g) ---`, `"gyro": {`. */
class Titles {
  above = "";
  #last = new Map();
  #lines = 0;

  /** Take a line, and return whether it is a title; `hasNumbers` if lines of numbers have come. */
  reads(line, hasNumbers) {
    this.#lines++;
    if (line.length > 2 * LONGEST_TITLE || ENDS_WITH_NUMBER.test(line) || !lettersOf(line) || dissect(line)) return false;
    const title = line.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
    const isShort = title.length <= LONGEST_TITLE;
    const namesASensor = isShort && speaksOfSensor(title);
    if (this.above && (namesASensor || (isShort && /:\s*[{[(]?\s*$/.test(line)))) {
      this.above = title;
      return true;
    }
    if (!namesASensor) return false;
    const since = this.#lines - (this.#last.get(title) ?? -ROUND);
    if (this.#last.has(title) || this.#last.size < MOST_TEXTS) this.#last.set(title, this.#lines);
    // Of a stream with one title only, nothing but a message now and then is known.
    const isTitle = hasNumbers && since > 1 && since <= (this.#last.size > 1 ? ROUND : SHORT_ROUND);
    if (isTitle) this.above = title;
    return isTitle;
  }
}

/** Tell whether a line speaks of a sensor: `Gyroscope in degrees/second`. */
function speaksOfSensor(text) {
  return sensorOfText(text.replaceAll("/", " ")) !== null;
}

/** Reads lines by a layout that is known. */
class LineReader {
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

  /** Tell whether a line under a title was never meant to be a sample, rather than damaged on its way. */
  isForeign(line, title = "") {
    if (isComment(line) || RULE.test(line)) return true;
    const cut = dissect(title ? `${title} ${line}` : line, this.#hasComma);
    if (cut && this.#others.has(cut.template.key)) return true;
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

/**
 * Return the column names of a header, or null when a line does not name x, y and z. Bare axes are of the sensor that the
 * line above speaks of: `Gyroscope in degrees/second`, `X Y Z`.
 */
export function headerNames(line, above = "") {
  const stripped = line.trim().replace(/^#+/, "").trim();
  if (!/x/i.test(stripped) || !/y/i.test(stripped) || !/z/i.test(stripped) || dissect(stripped)) return null;
  for (const separator of [",", ";", "\t", "|", "/", /\s+/]) {
    const names = stripped.split(separator).map((name) => name.replace(/^[ "']+|[ "']+$/g, ""));
    if (names.length < 3) continue;
    const { axes, doubt } = findAcceleration(names);
    const isBare = axes?.every((at) => !readName(names[at]).sensor) && speaksOfSensor(above);
    if (axes || doubt) return isBare ? names.map((name) => `${above.trim()} ${name}`) : names;
  }
  return null;
}

/** Return text that holds a byte in each character as it was meant: UTF-8 where it is. */
export function readable(text) {
  return text.replace(/[\x80-\xff]+/g, (run) => decoded(run) ?? run);
}

/** Return what the bytes of a text are in UTF-8, or null. */
function decoded(text) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  } catch {
    return null;
  }
}

/** Tell whether a line is text: printable ASCII or UTF-8, tabs, colour codes, and the characters of units. */
function isClean(line) {
  // eslint-disable-next-line no-control-regex -- as above
  return LATIN.test(line) || PRINTABLE.test(decoded(line.replace(/[\t\x1b]/g, "")) ?? "\0");
}

function isComment(line) {
  return /^\s*(?:# |\/\/)/.test(line);
}
