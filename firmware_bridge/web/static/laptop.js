/**
 * The laptop that served this page, where it takes recordings: its address holds a token after the #.
 *
 * @module laptop
 */

const KEY = "edgehar token";
const TIMEOUT_MS = 120_000;

/** @returns {string} The token that this page was opened with; empty where nobody takes recordings. */
export function token() {
  const given = location.hash.slice(1);
  try {
    if (/^[\w-]{16,64}$/.test(given)) sessionStorage.setItem(KEY, given);
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return given;
  }
}

/**
 * Send a recording.
 *
 * @param {string} csv
 * @returns {Promise<{file: string} | {problem: string}>} The name it got there, or why it was not taken.
 */
export async function sendToLaptop(csv) {
  try {
    const reply = await fetch("recordings", {
      method: "POST",
      body: csv,
      headers: { "Content-Type": "text/csv", "X-Edgehar-Token": token() },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = (await reply.text()).slice(0, 300);
    if (reply.ok) return { file: text };
    // Another server answers with a page of its own.
    const isSentence = reply.headers.get("Content-Type")?.startsWith("text/plain");
    return { problem: isSentence ? text : `The server takes no recordings (${reply.status}): download the CSV instead.` };
  } catch {
    return { problem: "The laptop does not answer: is har phone --serve still running, in the same network?" };
  }
}
