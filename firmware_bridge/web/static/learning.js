/**
 * Learn from the first lines of a stream where x, y and z stand: by names where there are any, by evidence, or by asking.
 * The rules of edgehar.firmware_bridge.text.learning, slots and layout.
 *
 * A layout is `{templates, axes, names, time, unit, only}`: the lines that hold a sample, where x, y and z stand in them
 * (`{template, slot}`), what they are called, the time column, the unit that the lines give, and which number the lines of
 * one sensor among several have. A question is `{option, text}`.
 *
 * @module learning
 */

import { behavesLikeTime, COUNTER, findAxes, guessUnit, sensorNumber, takesTurns, timeByName, timeColumn } from "./evidence.js";
import { accelerometers, findAcceleration, isOfAcceleration, readName, unitOfColumns } from "./names.js";
import { dissect, hasDecimalCommas, hasSplitDecimals, isVariant } from "./template.js";

const TIME_ROWS = 20;
const EVIDENCE_ROWS = 100;
const MOST_ROWS = 400;
const CYCLES = 3;
const LARGEST = 1e19;
const SHOWN_LETTERS = 80;
const LONGEST_QUESTION = 200;
const MOST_SHOWN = 12;
const SEPARATORS = { ";": "semicolons", ",": "commas", "": "blanks", "|": "bars", "/": "slashes" };

const places = (template, slots) => slots.map((slot) => ({ template, slot }));
const shorten = (line, most) => (line.trim().length > most ? `${line.trim().slice(0, most - 1)}…` : line.trim());
const ask = (text) => ({ option: "columns", text: shorten(text, LONGEST_QUESTION) });

/** Watches lines until it is clear where x, y and z are. */
export class LayoutLearner {
  #rateHz;
  #columns;
  #header = [];
  #hasDecimalComma = false;
  #rows = [];
  #groups = new Map();
  #saids = new Map();
  #fitting = [];

  /**
   * @param {{rateHz: number, columns?: number[] | null}} known The expected rate, and the slots of x, y and z where a person
   *   has said them.
   */
  constructor({ rateHz, columns = null }) {
    this.#rateHz = rateHz;
    this.#columns = columns;
  }

  /** @returns {number} How many lines of numbers have been seen. */
  get rows() {
    return this.#rows.length;
  }

  /** @returns {Set<string>} The keys of the templates of all kinds of lines seen. */
  get templates() {
    const kinds = new Set(this.#kinds().map(({ template }) => template.key));
    const seen = this.#rows.map(({ template }) => template.key);
    return new Set(seen.filter((key) => kinds.has(key) || !this.#groups.has(key)));
  }

  /** @returns {number} How many numbers the last line has. */
  get width() {
    return this.#rows.at(-1)?.numbers.length ?? 0;
  }

  /** Take the names of a header. */
  nameColumns(names) {
    this.#header = names;
    this.#saids.clear();
  }

  /** Take a line; return whether it has numbers. */
  add(line) {
    if (!this.#hasDecimalComma && hasDecimalCommas(line)) this.#useDecimalCommas();
    const cut = dissect(line, this.#hasDecimalComma);
    if (!cut) return false;
    const known = this.#groups.get(cut.template.key);
    const row = { at: this.#rows.length, line, template: known?.template ?? cut.template, numbers: cut.numbers };
    this.#rows.push(row);
    if (row.numbers.every((each) => Math.abs(each) <= LARGEST)) {
      if (!known) this.#groups.set(row.template.key, { template: row.template, rows: [] });
      this.#groups.get(row.template.key).rows.push(row);
    }
    return true;
  }

  /** Return the layout, a question, or null while more lines are needed. */
  decide() {
    if (!this.#rows.length) return null;
    const isFinal = this.#rows.length >= MOST_ROWS;
    const latest = this.#rows.slice(-TIME_ROWS).map(({ line }) => line);
    if (!this.#hasDecimalComma && latest.length === TIME_ROWS && hasSplitDecimals(latest)) this.#useDecimalCommas();
    if (this.#columns) return this.#declared(isFinal);
    const groups = this.#kinds();
    if (!groups.length) groups.push({ template: this.#rows.at(-1).template, rows: [] });
    const decided = this.#byNames(groups, isFinal);
    if (decided) return decided;
    const most = groups.reduce((best, each) => (each.rows.length > best.rows.length ? each : best));
    const others = groups.reduce((sum, { rows }) => sum + rows.length, 0) - most.rows.length;
    // A log line now and then has names, and does not speak for the lines of numbers.
    const prevails = !others || (most.rows.length >= TIME_ROWS && most.rows.length > 3 * others);
    const isNamed = (group) => this.#names(group.template).some(Boolean);
    if (groups.some(isNamed) && (isNamed(most) || !prevails)) {
      return isFinal ? this.#unclear(`names do not say which numbers are acceleration${this.#there(groups)}`) : null;
    }
    const siblings = siblingsOf(most, groups);
    return siblings.length > 1 ? this.#ofSiblings(siblings, isFinal) : this.#bare(most, isFinal);
  }

  /** Return lines by their kind: of one template, or of templates that differ only in words at the end of the line. */
  #kinds() {
    const heads = new Map();
    for (const group of this.#groups.size ? this.#groups.values() : this.#withoutMissing()) {
      const head = JSON.stringify(group.template.constants.slice(0, -1));
      if (!heads.has(head)) heads.set(head, []);
      const known = heads.get(head).find(([first]) => isVariant(group.template, first.template));
      if (known) known.push(group);
      else heads.get(head).push([group]);
    }
    return [...heads.values()].flat().flatMap((alike) => {
      const rows = alike.flatMap((group) => group.rows).toSorted((a, b) => a.at - b.at);
      if (alike.length === 1 || areInTurn(rows)) return alike;
      const { template } = alike.reduce((best, each) => (each.rows.length > best.rows.length ? each : best));
      return [{ template, rows }];
    });
  }

  /** Return lines in which some numbers are always missing, as those of a sensor that is not there, as zeros. */
  #withoutMissing() {
    const all = new Map();
    for (const row of this.#rows) all.set(row.template.key, [...(all.get(row.template.key) ?? []), row]);
    const rows = [...all.values()].reduce((best, each) => (each.length > best.length ? each : best), []);
    const isThere = (row, slot) => Number.isFinite(row.numbers[slot]);
    const isConstant = (_, slot) => rows.every((row) => isThere(row, slot) === isThere(rows[0], slot));
    if (rows.length < TIME_ROWS || !rows[0].numbers.every(isConstant)) return [];
    const zeros = rows.map((row) => ({ ...row, numbers: row.numbers.map((each) => (Number.isFinite(each) ? each : 0)) }));
    return [{ template: rows[0].template, rows: zeros }];
  }

  /** Ask which sensor is wanted of those whose lines are written alike and take turns. */
  #ofSiblings(siblings, isFinal) {
    if (siblings.reduce((sum, { rows }) => sum + rows.length, 0) < TIME_ROWS && !isFinal) return null;
    const lines = siblings.slice(0, CYCLES).map(({ rows }) => `“${shorten(rows.at(-1).line, 40)}”`).join(" and ");
    return { option: "sensor", text: `${siblings.length} kinds of lines take turns, as those of several sensors do: ${lines}` };
  }

  /** Return the names that lines come back with, to be told. */
  #there(groups) {
    const kinds = groups.filter(({ rows }) => rows.length >= CYCLES);
    const there = [...new Set(kinds.flatMap(({ template }) => this.#names(template)).filter(Boolean))];
    if (!there.length) return ": the words change from line to line, and only decimal numbers are read";
    return `: ${there.slice(0, MOST_SHOWN).join(", ")}${there.length > MOST_SHOWN ? ", …" : ""}`;
  }

  /** Return the names of a template's slots: the header's, if it has as many, else those in the line. */
  #names(template) {
    return this.#header.length === template.slots && !template.names.some(Boolean) ? this.#header : template.names;
  }

  /** Return what the names of a kind of line say, worked out once. */
  #said(group) {
    const known = this.#saids.get(group.template.key);
    if (known) return known;
    const names = this.#names(group.template);
    const found = findAcceleration(names, group.template.units);
    const several = found.axes ? [] : accelerometers(names, group.template.units);
    const said = { ...found, several: several.map((axes) => ({ axes, unit: unitOfColumns(names, axes) })) };
    this.#saids.set(group.template.key, said);
    return said;
  }

  /** Decide by names, of one kind of line or of several that follow each other. */
  #byNames(groups, isFinal) {
    let found = [];
    const doubts = [];
    for (const group of groups) {
      const said = this.#said(group);
      if (said.axes && group.rows.length) found.push({ group, ...said });
      else if (said.several.length > 1 && group.rows.length) found.push(...said.several.map((each) => ({ group, ...each })));
      else if (said.doubt) doubts.push(said.doubt);
    }
    found = inUnits(found);
    const areSiblings = new Set(found.map(({ group }) => JSON.stringify(group.template.constants.slice(1)))).size === 1;
    const named = found.filter(({ group, axes }) => readName(this.#names(group.template)[axes[0]]).sensor);
    if (named.length && !areSiblings) found = named;
    const hasCome = found.some(({ group }) => group.rows.length > 1) || this.#header.some(Boolean) || isFinal;
    // Until a kind of line comes again, the other kinds that the device prints are not known.
    if (found.length && !hasCome) return null;
    if (found.length === 1) return this.#ofOne(found[0].group, found[0], isFinal);
    if (found.length > 1) return this.#ofMany(found, isFinal);
    const across = this.#ofSeveral(groups);
    if (across.templates) {
      // Another line of the same round may print the same sensor in its unit.
      const recent = this.rows - 2 * groups.length;
      const isComing = groups.some(({ rows }) => rows.length === CYCLES - 1 && rows.at(-1).at >= recent);
      return isComing && !isFinal ? null : across;
    }
    if (across.doubt) doubts.push(across.doubt);
    return doubts.length && (isFinal || this.rows >= TIME_ROWS) ? ask(doubts[0]) : null;
  }

  /** Ask which of several sensors is wanted, once it is clear that there are several. */
  #ofMany(found, isFinal) {
    // A device that changed what it prints: the lines that came last count.
    const latest = found.find(({ group }) => group.template === this.#rows.at(-1).template)?.group;
    const common = found.reduce((best, each) => (each.group.rows.length >= best.group.rows.length ? each : best));
    if (latest && latest.rows.length < common.group.rows.length / 2) {
      return isFinal ? this.#ofOne(common.group, common, isFinal) : null;
    }
    if (common.group.rows.length < CYCLES && !isFinal) return null;
    if (!found.some(({ group, axes }) => readName(this.#names(group.template)[axes[0]]).sensor)) {
      // Two sensors whose names say nothing: gravity speaks for one of them, or for both.
      if (found.some(({ group }) => group.rows.length < EVIDENCE_ROWS) && !isFinal) return null;
      const felt = found.filter(({ group, axes }) => guessUnit(group.rows.map(({ numbers }) => axes.map((at) => numbers[at]))).unit);
      if (felt.length === 1) return this.#ofOne(felt[0].group, felt[0], isFinal);
    }
    const kinds = new Set(found.map(({ group }) => group));
    if (kinds.size === 1) {
      const names = this.#names(found[0].group.template);
      const called = found.map(({ axes }) => axes.map((slot) => names[slot]).join("/"));
      return ask(`there are ${found.length} accelerometers: ${called.join(" and ")}`);
    }
    const lines = found.map(({ group }) => `“${shorten(group.rows.at(-1).line, 40)}”`);
    return ask(`${found.length} kinds of lines hold an acceleration: ${lines.join(" and ")}`);
  }

  /** Return the layout of lines that name their axes; with a named time, once that has been watched. */
  #ofOne({ template, rows }, { axes, unit }, isFinal) {
    const names = this.#names(template);
    const numbers = rows.map((row) => row.numbers);
    const ticks = (slot) => numbers.map((row) => row[slot]);
    const isWatched = rows.length >= TIME_ROWS || isFinal;
    if (isLabelOfFour(template, axes)) {
      // "ACC 4812 0.1 0.2 0.9": the label stands before a time, or "ACC 0.1 0.2 0.9 1.0" before the axes.
      if (!isWatched) return null;
      const [first, second, third] = axes;
      if (behavesLikeTime(ticks(first), this.#rateHz)) {
        const time = timeColumn({ template: 0, slot: first }, ticks(first), "", this.#rateHz);
        return layoutOf({ templates: [template], axes: places(0, [second, third, third + 1]), time, unit });
      }
    }
    let place = timeByName(names);
    const others = names.map((_, slot) => slot).filter((slot) => !axes.includes(slot));
    const mayBeNumber = others.some((slot) => numbers.every((row) => Number.isInteger(row[slot])));
    if (!isWatched && (others.includes(place) || template.hasLastWords || mayBeNumber)) return null;
    const units = new Set(axes.map((slot) => template.units[slot]));
    if (!unit && [...units].filter(Boolean).length > 1) return this.#unclear("x, y and z are in different units");
    const number = sensorNumber(numbers, { axes, names });
    if (number?.slot === place) place = -1;
    const isTime = place >= 0 && !axes.includes(place);
    const time = isTime ? timeColumn({ template: 0, slot: place }, ticks(place), names[place], this.#rateHz) : null;
    const called = axes.map((slot) => names[slot]);
    const written = unit ?? (units.size === 1 ? [...units][0] : null);
    return this.#only(layoutOf({ templates: [template], axes: places(0, axes), names: called, time, unit: written }), number, rows);
  }

  /** Ask which sensor is wanted, where a number tells several apart. */
  #only(layout, number, rows) {
    if (!number) return layout;
    const name = this.#names(layout.templates[0])[number.slot];
    const which = name ? `“${name}”` : `number ${number.slot + 1}`;
    const line = shorten(rows.at(-1).line, SHOWN_LETTERS);
    return { option: "sensor", text: `a line is “${line}”: its ${which} tells ${number.values.length} sensors apart` };
  }

  /** Return the layout of samples that take several lines, each with a part of the axes; else `{doubt}`. */
  #ofSeveral(groups) {
    const kinds = groups.filter(({ rows }) => rows.length >= CYCLES);
    let parts = kinds.flatMap(({ template }) => this.#names(template).map((name, slot) => ({ template, slot, name })));
    const written = parts.filter(({ template, slot }) => isOfAcceleration(template.units[slot]));
    if (findAcceleration(written.map(({ name }) => name)).axes) parts = written;
    const said = findAcceleration(parts.map(({ name }) => name));
    if (!said.axes) return { doubt: said.doubt };
    const chosen = said.axes.map((at) => parts[at]);
    const used = groups.map(({ template }) => template).filter((each) => chosen.some(({ template }) => template === each));
    const templates = fromFirst(used, chosen.map(({ template }) => template));
    const axes = chosen.map(({ template, slot }) => ({ template: templates.indexOf(template), slot }));
    const units = new Set(chosen.map(({ template, slot }) => said.unit ?? template.units[slot]));
    const unit = units.size === 1 ? [...units][0] : null;
    return layoutOf({ templates, axes, names: chosen.map(({ name }) => name), unit });
  }

  /** Decide on lines of numbers without names. */
  #bare({ template, rows }, isFinal) {
    // Words may tell sensors apart that take turns.
    if (template.hasLastWords && rows.length < TIME_ROWS && !isFinal) return null;
    if (template.slots === 3 && rows.length) return layoutOf({ templates: [template], axes: places(0, [0, 1, 2]) });
    if (template.slots < 3) {
      const isEnough = isFinal || this.rows >= EVIDENCE_ROWS;
      const few = `${template.slots} number${template.slots > 1 ? "s" : ""} a line without names are no x, y and z`;
      return isEnough ? this.#unclear(few) : null;
    }
    if (rows.length < TIME_ROWS && !isFinal) return null;
    const numbers = rows.map((row) => row.numbers);
    const ticks = (slot) => numbers.map((row) => row[slot]);
    const times = [0, template.slots - 1].filter((slot) => behavesLikeTime(ticks(slot), this.#rateHz)).slice(0, 1);
    const isSeen = rows.length >= EVIDENCE_ROWS || isFinal;
    // An axis may rise evenly for a moment, but not by whole numbers.
    if (times.length && !isSeen && !ticks(times[0]).every(Number.isInteger)) return null;
    const number = template.slots > 3 ? sensorNumber(numbers, { axes: [], names: [], times }) : null;
    const known = number ? [...times, number.slot] : times;
    const left = template.constants.slice(1).map((_, slot) => slot).filter((slot) => !known.includes(slot));
    let axes = left.length === 3 ? left : null;
    let reason = "";
    if (!axes && isSeen && numbers.length) {
      const evidence = findAxes(numbers, known);
      ({ axes, reason } = evidence);
      if (evidence.fitting.length) {
        // Looked at often enough, any sensor fits by chance: the right one fits every time.
        const fitting = evidence.fitting.map(String);
        this.#fitting = this.#fitting.length ? fitting.filter((each) => this.#fitting.includes(each)) : fitting;
        if (!this.#fitting.includes(String(axes))) axes = null;
      }
    }
    if (!axes) return isFinal ? this.#unclear(reason || "the columns have no names") : null;
    const time = times.length ? timeColumn({ template: 0, slot: times[0] }, ticks(times[0]), "", this.#rateHz) : null;
    return this.#only(layoutOf({ templates: [template], axes: places(0, axes), time }), number, rows);
  }

  /** Find the lines that have the columns that a person has said. */
  #declared(isFinal) {
    const axes = this.#columns;
    const groups = this.#kinds().toSorted((a, b) => b.rows.length - a.rows.length);
    const group = groups.find(({ template }) => axes.every((slot) => slot < template.slots));
    if (!group) {
      const isEnough = isFinal || this.rows >= EVIDENCE_ROWS;
      return isEnough ? this.#unclear(`it has no numbers ${axes.map((slot) => slot + 1).join(", ")}`) : null;
    }
    const { template, rows } = group;
    if (rows.length < TIME_ROWS && !isFinal && template.slots > 3) return null;
    const layout = this.#ofOne(group, { axes, unit: this.#said(group).unit }, true);
    if (layout.option || layout.time || this.#names(template).some(Boolean)) return layout;
    const ticks = rows.map((row) => row.numbers[0]);
    if (!axes.includes(0) && behavesLikeTime(ticks.slice(0, TIME_ROWS), this.#rateHz)) {
      layout.time = timeColumn({ template: 0, slot: 0 }, ticks, "", this.#rateHz);
    }
    return layout;
  }

  /** Return the question of a stream that cannot be understood alone, with a line of it. */
  #unclear(why) {
    return ask(`a line is “${shorten(this.#rows.at(-1).line, SHOWN_LETTERS)}”: ${why}`);
  }

  /** Read the lines again with commas inside numbers. */
  #useDecimalCommas() {
    const rows = this.#rows;
    this.#hasDecimalComma = true;
    this.#rows = [];
    this.#groups.clear();
    this.#saids.clear();
    this.#fitting = [];
    for (const { line } of rows) this.add(line);
  }
}

function layoutOf({ templates, axes, names = [], time = null, unit = null }) {
  return { templates, axes, names, time, unit: isOfAcceleration(unit) ? unit : null };
}

/** Tell whether the last words of lines change so often, and their numbers with them, that they are of several sensors. */
function areInTurn(rows) {
  const isMoving = (slot) => rows.some(({ numbers }, at) => at && numbers[slot] < rows[at - 1].numbers[slot]);
  const moving = rows[0].numbers.map((_, slot) => slot).filter(isMoving);
  const samples = rows.map(({ numbers }) => moving.map((slot) => numbers[slot]));
  return rows.length >= 3 && takesTurns(samples, rows.map(({ template }) => template.key));
}

/** Return the kinds that are written like one, but for their first or last words, and about as common as it is. */
function siblingsOf({ template, rows }, groups) {
  const [first, ...between] = template.constants;
  const last = between.pop();
  return groups.filter(
    ({ template: { constants }, rows: others }) =>
      template.slots >= 3 &&
      String(constants.slice(1, -1)) === String(between) &&
      (constants[0] === first || constants.at(-1) === last) &&
      others.length >= Math.max(CYCLES, rows.length / 3),
  );
}

/** Leave out a sensor's counts where it is also printed in a unit: `X: 2524 ..`, then `X: 1.51 .. m/s^2`. */
function inUnits(found) {
  const unitOf = ({ group, axes, unit }) => {
    const units = new Set(axes.map((slot) => group.template.units[slot]));
    return unit ?? (units.size === 1 ? [...units][0] : null);
  };
  const written = found.filter((each) => isOfAcceleration(unitOf(each)));
  const counts = found.filter((each) => [null, "counts"].includes(unitOf(each)));
  return written.length === 1 && counts.length === found.length - 1 ? written : found;
}

/** Tell whether one word names the axes, and a fourth number without a name follows them. */
function isLabelOfFour(template, [first, second, third]) {
  if (second !== first + 1 || third !== first + 2 || third + 1 >= template.slots) return false;
  return !/\p{L}/u.test(template.constants.slice(second, third + 2).join(""));
}

/** Return the lines of a sample in the order in which it prints them: they follow each other in a circle. */
function fromFirst(templates, axes) {
  const order = axes.map((template) => templates.indexOf(template));
  for (const wanted of [order, order.toReversed()]) {
    const start = wanted[0];
    const turned = wanted.map((each) => (each - start + templates.length) % templates.length);
    if (turned.every((each, at) => !at || each >= turned[at - 1])) return [...templates.slice(start), ...templates.slice(0, start)];
  }
  return templates;
}

/** Return how lines are read, in the words of `har live`. */
export function describeLayout({ templates: [template, ...others], axes, names, time }) {
  if (others.length) return `a sample takes ${others.length + 1} lines: ${names.join(", ")}`;
  const timed = time && ({ [COUNTER]: "counter", null: "time" }[time.unit] ?? `time in ${time.unit}`);
  if (names.some(Boolean)) {
    const shown = names.map((name, axis) => `${"xyz"[axis]} is ${name}`).join(", ");
    return `${template.slots} numbers a line: ${shown}${timed ? `, ${timed}` : ""}`;
  }
  const slots = Array(template.slots).fill("unused");
  axes.forEach(({ slot }, axis) => (slots[slot] = "xyz"[axis]));
  if (time) slots[time.place.slot] = timed;
  const between = SEPARATORS[template.slots > 1 ? template.constants[1] : ""] ?? "text";
  const comma = template.hasDecimalComma ? ", with decimal commas" : "";
  return `${template.slots} columns separated by ${between}${comma}: ${slots.join(", ")}`;
}
