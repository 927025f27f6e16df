/**
 * The one kind of error that the library raises.
 *
 * @module errors
 */

/** What went wrong, in one sentence: what was expected, what came, what to do next. */
export class HarError extends Error {
  name = "HarError";
}
