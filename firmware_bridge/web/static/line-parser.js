/**
 * Text lines of samples, however a sketch prints them: bytes in, events out. Lines are held back until it is learned where
 * x, y and z stand; then each is read by its template. The rules of edgehar.firmware_bridge.text.lines.
 *
 * An event is `{kind, atS}`, where `atS` is when its bytes came: a `sample` with `values` and `tick`; a `missing` or
 * `damaged` one; a `header`; a `note`, which counts as nothing, with its `text`; a `layout` that was found, which may be
 * one that `changes` the form; a `question`; and `unread`: many lines of numbers have come with no sample between them.
 *
 * @module line-parser
 */

import { ChangeWatch } from "./changes.js";
import { LayoutLearner } from "./learning.js";
import { isComment, LineReader, PART } from "./line-reader.js";
import { findAcceleration, readName } from "./names.js";
import { dissect } from "./template.js";
import { speaksOfSensor, Titles } from "./titles.js";

const LONGEST_LINE = 512;
const MISFITS_BEFORE_LEARNING = 20;
const MOST_TEXTS = 32;
const MOST_HELD = 100;
const MOST_FORMS = 8;
const PIECE = 4096;
const PRINTABLE = /^(?:[^\p{C}\p{Z}]| )*$/u;
// eslint-disable-next-line no-control-regex -- tabs, and colour codes, which begin with 1b
const LATIN = /^[\x20-\x7e\t\x1b\xa0-\xff]*$/;

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
  #used = null;
  #watch;
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
    const makeLearner = () => new LayoutLearner({ rateHz: this.#rateHz, columns: this.#columns });
    this.#learner = makeLearner();
    this.#learner.nameColumns(this.#names);
    this.#watch = new ChangeWatch(makeLearner);
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
    if (this.#watch.lines) this.#watch.forget();
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
    if (isNote) {
      const titled = this.#titles.above ? `${this.#titles.above} ${line}` : line;
      return [this.#event("note", { text: line }), ...(isComment(line) ? [] : this.#lookForChange(titled))];
    }
    this.#misfits++;
    if (this.#misfits >= MISFITS_BEFORE_LEARNING) {
      this.#names = [];
      this.#learn();
    }
    return [this.#event("damaged")];
  }

  /** Learn from a line of another kind; return the samples of another form, once the device prints them. */
  #lookForChange(line) {
    const found = this.#watch.take(line, this.#atS, this.#reader.isKnown(line));
    if (!found) return [];
    if (!found.templates) return [this.#event("unread", found)];
    const { held, templates, width } = this.#watch;
    this.#names = [];
    this.#learn();
    return this.#settle(found, held, templates, width);
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
      this.#used = null;
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
    return this.#settle(found, this.#held, this.#learner.templates, this.#learner.width);
  }

  /** Read by a layout from here on, and what was held back as well; or ask. */
  #settle(found, held, templates, width) {
    const decision = found.option ? found : this.#unlessItAlternates(found);
    if (decision.option) {
      this.#learn();
      this.#isAsked = true;
      const others = held.filter(({ line }) => line === undefined);
      return [...others, this.#event("question", { question: { ...decision, width } })];
    }
    const changes = this.#used !== null && !readsLike(decision, this.#used);
    this.#held = [];
    this.#used = decision;
    this.#reader = new LineReader(decision, templates);
    const events = [this.#event("layout", { layout: decision, changes, atS: held[0].atS })];
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
    if (!this.#learned.includes(key)) {
      if (this.#learned.length === MOST_FORMS) return { option: "columns", text: "the lines change their form again and again" };
      this.#learned.push(key);
    }
    return layout;
  }
}

/** Tell whether samples of two layouts can be joined: the same numbers of the same lines, in the same unit. */
function readsLike(one, other) {
  const what = ({ templates, axes, unit }) => JSON.stringify([templates.map(({ key }) => key), axes, unit]);
  return what(one) === what(other);
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
