/**
 * The template of a text line: the constant text, and the slots between it that numbers stand in. It names the slots.
 * The rules of edgehar.firmware_bridge.text.template and decimal_commas.
 *
 * @module template
 */

import { axisOf, readName, unitAtStart } from "./names.js";

const MOST_SLOTS = 64;
// eslint-disable-next-line no-control-regex -- colour codes of loggers begin with this character
const ESCAPES = /\x1b\[[0-9;?]*[ -/]*[@-~]/g;
// Text that holds digits without being a number comes first, so that the digits are not found.
const TEXT_WITH_DIGITS =
  String.raw`\*[0-9a-fA-F]{2}(?=\s*$)|\d{4}-\d{2}-\d{2}(?:T(?=\d))?` +
  String.raw`|(?<!\d)(?:\d{1,2}[\/.\-]\d{1,2}[\/.\-](?:\d\d)?\d\d|\d{4}[\/.]\d{1,2}[\/.]\d{1,2})(?=[ ,;\tT]+\d{1,2}:\d\d)` +
  String.raw`|\d{1,2}:\d{2}:\d{2}(?:\.\d+(?:,\d{3}(?=\]))?|,\d{3}(?=[\s\]]))?Z?|<inf>|0[xX][0-9a-fA-F]+|[\/*^]\s?s(?:ec)?\^?2|\bms\/2`;
const WORD = String.raw`\p{L}\p{N}_`;
const number = (mark) => {
  const body = String.raw`[-+]?(?:\d+[.]-\d{5,6}|\d+${mark}?\d*|${mark}\d+)(?:[eE][-+]?\d{1,3}(?![${WORD}]))?`;
  return (
    String.raw`(?<![${WORD}.^])(?<![${WORD}^][-+])(?<number>${body})(?!\d)` +
    String.raw`|(?<![${WORD}])[-+]?(?<missing>nan|inf(?:inity)?|ovf|null|none|nil)(?![${WORD}])`
  );
};
const TOKENS = ["[.]", ","].map((mark) => new RegExp(`(?<text>${TEXT_WITH_DIGITS})|${number(mark)}`, "giu"));
const MARKED = new RegExp(TEXT_WITH_DIGITS, "gu");
/** The level of a log line changes now and then: `W (4812) imu: ..` is of the kind of `I (4802) imu: ..`. */
const LEVEL = /^(\s*)[WEDV]( \(\d+\))/;
/** A sign that is printed apart from its number: `X:- 0.12`. */
const SIGN_APART = /([:=,;|]\s*[-+])\s+(?=[\d.])/g;
const GLUED = /(?<=^|[\s,;|])([xyzXYZ])(?=[-+]?\d*\.\d)/g;
const NOISE = new RegExp(String.raw`[^${WORD}()[\]\/^²*°%.\-]+`, "gu");
const LETTER = /\p{L}/u;
const TELEPLOT = /^>[^:>]+:$/;

/** The constant text of a line, in as many pieces as it has slots, and one more. */
export class Template {
  #named = null;

  constructor(constants, hasDecimalComma) {
    this.constants = constants;
    this.hasDecimalComma = hasDecimalComma;
    /** Equal for lines of the same template. */
    this.key = JSON.stringify([hasDecimalComma, constants]);
    this.slots = constants.length - 1;
    this.letters = lettersOf(constants.join(""));
  }

  /** @returns {string[]} The name of every slot: what stands before it, with the sensor that an earlier slot named. */
  get names() {
    return (this.#named ??= namesAndUnits(this.constants)).names;
  }

  /** @returns {boolean} Whether the line ends with words that are no unit. */
  get hasLastWords() {
    return LETTER.test(unitAtStart(this.constants.at(-1))[1]);
  }

  /** @returns {(string | null)[]} The unit of every slot, where one stands behind it or behind the group it ends. */
  get units() {
    return (this.#named ??= namesAndUnits(this.constants)).units;
  }
}

/** Tell whether two templates are the same but for words at the end, which name neither a number nor a unit. */
export function isVariant(template, other) {
  return (
    String(template.constants.slice(0, -1)) === String(other.constants.slice(0, -1)) &&
    template.slots === other.slots &&
    template.hasDecimalComma === other.hasDecimalComma &&
    (template.hasLastWords || other.hasLastWords) &&
    JSON.stringify([template.names, template.units]) === JSON.stringify([other.names, other.units])
  );
}

/** Return how many letters a text has. */
export function lettersOf(text) {
  return text.match(/\p{L}/gu)?.length ?? 0;
}

/**
 * Cut a line into its template and its numbers, NaN where one is missing; null for a line without a number.
 *
 * @param {string} line
 * @param {boolean} [hasDecimalComma]
 * @returns {{template: Template, numbers: number[]} | null}
 */
export function dissect(line, hasDecimalComma = false) {
  const written = line.replace(ESCAPES, "").replaceAll("â\x88\x92", "-").replace(LEVEL, "$1I$2").replace(SIGN_APART, "$1");
  const text = written.replace(GLUED, "$1:");
  const constants = [];
  const numbers = [];
  let end = 0;
  for (const found of text.matchAll(TOKENS[Number(hasDecimalComma)])) {
    if (found.groups.text !== undefined) continue;
    if (numbers.length === MOST_SLOTS) return null;
    constants.push(text.slice(end, found.index));
    numbers.push(valueOf(found.groups.number));
    end = found.index + found[0].length;
  }
  if (!numbers.length) return null;
  // One separator behind the last number is a habit of sketches, and says nothing.
  constants.push(text.slice(end).trimEnd().replace(/,$/, "").replace(/;$/, ""));
  return { template: templateOf(constants, hasDecimalComma), numbers };
}

/** Return the number that was written, or NaN. */
function valueOf(written) {
  // Zephyr's "%d.%06d" of a negative number, of which both parts are negative and the sign takes up a zero.
  const twice = /^([-+]?\d+)[.]-(\d+)$/.exec(written ?? "");
  return twice ? -Math.abs(twice[1]) - twice[2] / 1e6 : Number(written?.replace(",", ".") ?? NaN);
}

const MOST_KNOWN = 256;
const known = new Map();

/** Return the template of pieces of a line; most lines have the same as the one before. */
function templateOf(pieces, hasDecimalComma) {
  const raw = `${hasDecimalComma}\n${pieces.join("\n")}`;
  if (!known.has(raw)) {
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(raw, new Template(pieces.map(normal), hasDecimalComma));
  }
  return known.get(raw);
}

/** Return a constant without what the width of numbers changes; a time of day becomes a mark of its own. */
function normal(constant) {
  const changes = (text) => /^(?:\d|\*[^s])/.test(text) && !(/^0x/i.test(text) && text.length <= 4);
  return constant
    .replace(MARKED, (text) => (changes(text) ? "§" : text))
    .replace(/\s+/g, " ")
    .trim();
}

function namesAndUnits(constants) {
  const pieces = [constants[0]];
  const units = [];
  for (const constant of constants.slice(1)) {
    const [unit, rest] = unitAtStart(constant);
    units.push(unit);
    pieces.push(rest);
  }
  const befores = fromLists(fromBehind(pieces) ?? pieces.slice(0, -1));
  if (isTagged(befores)) return { names: befores.map(() => ""), units };
  if (befores.length === 2 && constants[1] === ":" && TELEPLOT.test(constants[0])) {
    return { names: ["time ms", withoutNoise(constants[0])], units: [null, units[1]] };
  }
  const names = [];
  // A quantity with a number of its own, such as "Roll: 3", names no axes that follow.
  let isScalar = false;
  let prefix = "";
  let vector = 0;
  for (const before of befores) {
    let name = withoutNoise(before);
    const said = readName(name);
    if (!said.axis && (said.sensor || name)) {
      // "acc=(1, 2, 3)": a sensor, then numbers without names, are its axes.
      [prefix, vector, isScalar] = [name, 0, said.sensor === "other"];
    } else if (said.axis && (said.sensor || said.rest.length)) {
      [prefix, vector, isScalar] = [[said.sensor, ...said.rest].filter(Boolean).join(" "), 3, false];
    } else if (said.axis && prefix && !isScalar) {
      [name, vector] = [`${prefix} ${name}`, 3];
    }
    if (!name && prefix && vector < 3 && names.length) {
      vector++;
      name = vector < 3 ? `${prefix} ${"xyz"[vector]}` : "";
    }
    names.push(name);
  }
  return { names: withFirstAxes(names), units: spread(units, names) };
}

/** Return what names each slot where the names stand behind the numbers: `Acc: 1 x, 2 y, 3 z`; null if not so. */
function fromBehind([first, ...behind]) {
  if (axisOf(withoutNoise(first))) return null;
  const axes = behind.map((piece) => axisOf(withoutNoise(piece)));
  const ends = behind.map((piece, at) => at === behind.length - 1 || (/[,;|]\s*$/.test(piece) && !/^\s*[,;|]/.test(piece)));
  // Only behind its number can a name stand with which the line ends.
  const isToTheEnd = axes.at(-1) && behind.every((piece) => LETTER.test(piece));
  const isNamed = (_, start) =>
    axes.slice(start, start + 3).join("") === "xyz" && (isToTheEnd || ends.slice(start, start + 3).every(Boolean));
  return axes.some(isNamed) ? [`${first} ${behind[0]}`, ...behind.slice(1)] : null;
}

/** Return what names each slot where names stand as a list before their numbers: `ax, ay, az: 1, 2, 3`. */
function fromLists(befores) {
  const named = [...befores];
  befores.forEach((before, at) => {
    const text = before.replace(/^[ ,;|)\]}]+|[ ,;|)\]}]+$/g, "");
    const lists = [text.split(/\s*[,/;&]\s*|\s+and\s+/), withoutNoise(text).split(" ")];
    const found = lists.find((names) => {
      const axes = names.map(axisOf);
      const behind = befores.slice(at + 1, at + names.length);
      const isListed = ["x", "y", "z"].every((axis) => axes.includes(axis)) && behind.length === names.length - 1;
      return isListed && !LETTER.test(behind.join("")) && (!axes.includes(null) || /[,/]/.test(text));
    });
    if (found) named.splice(at, found.length, ...found);
  });
  return named;
}

/** Tell whether one word begins a line of more than three numbers, and nothing names these: `$VNIMU,1,2,3,4`. */
function isTagged([first, ...others]) {
  const tag = withoutNoise(first);
  if (others.length < 3 || !tag || others.some((each) => LETTER.test(each))) return false;
  const said = readName(tag);
  return !said.sensor && !said.axis;
}

/** Return the words of a constant that can be a name. */
function withoutNoise(before) {
  // What closes an element of XML names the number before it.
  const text = before.replace(/<\/[^<>]*>/g, " ").replace(NOISE, " ");
  const kept = new Set();
  for (const pair of text.matchAll(/[([][^()[\]]*[)\]]/g)) kept.add(pair.index).add(pair.index + pair[0].length - 1);
  // A bracket without its other half encloses the numbers, not a word of the name.
  const whole = [...text].map((character, at) => ("()[]".includes(character) && !kept.has(at) ? " " : character)).join("");
  return whole.replace(/^[ \-./*^]+|[ \-./*^]+$/g, "").split(/\s+/).filter(Boolean).join(" ");
}

/** Give the first slot of an unnamed vector its axis: `acc 0.1 0.2 0.3` is x, y and z of acc. */
function withFirstAxes(names) {
  const isVector = (name, at) => name && names[at + 1] === `${name} y` && names[at + 2] === `${name} z`;
  return names.map((name, at) => (isVector(name, at) ? `${name} x` : name));
}

/** Let a unit hold for the slots of the same sensor before it: it stands once, behind the last of them. */
function spread(units, names) {
  const all = [...units];
  const read = names.map(readName);
  let held = new Set();
  for (let at = all.length - 1; at >= 0; at--) {
    if (all[at] !== null) {
      held = new Set([read[at].axis]);
    } else if (held.size && read[at].sensor === read[at + 1].sensor && !held.has(read[at].axis)) {
      all[at] = all[at + 1];
      held.add(read[at].axis);
    } else {
      held.clear();
    }
  }
  return all;
}

/** Tell whether one line shows that commas stand inside its numbers: `0,44;0,83;-0,78`, `X: 0,44 Y: 0,83 Z: -0,78`. */
export function hasDecimalCommas(line) {
  if (line.split(",").length < 4) return false;
  // A date and a time of day may stand before the numbers.
  const bare = line.replace(/^\s*(?:[\d./-]+[ T;\t])?\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*[;|\t ]/, "");
  if (/^\s*[-+]?\d+(?:,\d+)?(?:\s*[;|\t ]\s*[-+]?\d+(?:,\d+)?){2,}[\s;]*$/.test(bare)) return true;
  if (!LETTER.test(line) || line.includes(".")) return false;
  const tokens = line.match(/(?<![\p{L}\p{N}_.,])[-+]?\d+(?:[.,]\d+)*/gu) ?? [];
  const decimals = tokens.map((token) => /^[-+]?\d+,(\d{2,})$/.exec(token)?.[1].length).filter(Boolean);
  return decimals.length >= 3 && new Set(decimals).size === 1 && tokens.length - decimals.length <= 1;
}

/** Tell whether commas stand inside the numbers as well as between them: `0,44,0,83,-0,78`. */
export function hasSplitDecimals(lines) {
  if (!lines.every((line) => /^\s*[-+]?\d+(,[-+]?\d+){5,}\s*,?\s*$/.test(line))) return false;
  const rows = lines.map((line) => line.trim().replace(/,+$/, "").split(","));
  if (rows.some((row) => row.length !== rows[0].length) || rows[0].length % 2) return false;
  const decimals = rows.flatMap((row) => row.filter((_, at) => at % 2));
  return (
    decimals.every((text) => /^\d+$/.test(text) && text.length === decimals[0].length) &&
    rows.some((row) => row.some((text, at) => at % 2 === 0 && (text.startsWith("-0") || text === "0")))
  );
}
