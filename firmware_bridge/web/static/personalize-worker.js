/**
 * Fits a model to a person beside the page, which stays alive meanwhile; the page ends it to cancel.
 *
 * In comes `{ general, takes, engine, trainer, recipe }`; out go `{ share }`, and at the end `{ found }` or `{ problem }`.
 *
 * @module personalize-worker
 */

import { personalize } from "./personalizing.js";

const AT_LEAST_MS = 100;

self.addEventListener("message", ({ data: { general, takes, ...how } }) => {
  let lastMs = 0;
  const progress = (share) => {
    if (performance.now() - lastMs < AT_LEAST_MS) return;
    lastMs = performance.now();
    self.postMessage({ share });
  };
  try {
    self.postMessage({ found: personalize(general, takes, { ...how, progress }) });
  } catch (error) {
    self.postMessage({ problem: error.message });
  }
});
