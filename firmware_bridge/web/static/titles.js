/**
 * Titles of lines: they name the sensor of the lines below them. The rules of edgehar.firmware_bridge.text.titles.
 *
 * @module titles
 */

import { sensorOfText } from "./names.js";
import { dissect, lettersOf } from "./template.js";

const LONGEST_TITLE = 40;
const ROUND = 40;
const SHORT_ROUND = 8;
const MOST_TITLES = 32;
const ENDS_WITH_NUMBER = /\d[^:]*[\p{L}\p{N}_.]\s*$|\d\s*$/u;

/** Finds lines that name the sensor of the lines below them again and again: `Gyroscope:`, `--- acc (g) ---`, `"gyro": {`. */
export class Titles {
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
    if (this.#last.has(title) || this.#last.size < MOST_TITLES) this.#last.set(title, this.#lines);
    // Of a stream with one title only, nothing but a message now and then is known.
    const isTitle = hasNumbers && since > 1 && since <= (this.#last.size > 1 ? ROUND : SHORT_ROUND);
    if (isTitle) this.above = title;
    return isTitle;
  }
}

/** Tell whether a line speaks of a sensor: `Gyroscope in degrees/second`. */
export function speaksOfSensor(text) {
  return sensorOfText(text.replaceAll("/", " ")) !== null;
}
