/**
 * The elements of the page by their ids, and sentences in its lists of notices.
 *
 * @module elements
 */

const known = new Map();

/** Return an element by its id. */
export function element(id) {
  if (!known.has(id)) known.set(id, document.getElementById(id));
  return known.get(id);
}

/** Write a text, unless it is there already: what is written again is read out again. */
export function write(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text;
}

/** Make an element with a text, never with markup. */
export function made(tag, text = "", className = "") {
  const node = document.createElement(tag);
  node.textContent = text;
  if (className) node.className = className;
  return node;
}

const notices = new Map();

/** Show a sentence about something in a list of notices; an empty one takes it away. */
export function notice(about, sentence, { warn = false, place = "notices" } = {}) {
  const key = `${place}/${about}`;
  const there = notices.get(key);
  if (!sentence) {
    there?.remove();
    notices.delete(key);
    return;
  }
  const line = there ?? made("li");
  if (line.textContent !== sentence) line.textContent = sentence;
  line.classList.toggle("warn", warn);
  if (!there) element(place).append(line);
  notices.set(key, line);
}

/** Return seconds as minutes and seconds. */
export function clockTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Return a share as a whole percentage. */
export const percent = (share) => `${Math.round(100 * share)} %`;
