/**
 * What this browser keeps for this page, and why it could not.
 *
 * @module storage
 */

const DATABASE = "edgehar";
/** Takes by a number, fitted models by the hash of the general model. */
export const TAKES = "takes";
export const MODELS = "models";

/** Open the database, and make what is missing in it. */
export async function openDatabase() {
  const request = indexedDB.open(DATABASE, 2);
  request.onupgradeneeded = () => {
    const { objectStoreNames: names } = request.result;
    if (!names.contains(TAKES)) request.result.createObjectStore(TAKES, { autoIncrement: true });
    if (!names.contains(MODELS)) request.result.createObjectStore(MODELS);
  };
  const database = await settled(request);
  // A later version of this page in another tab must not wait for this one.
  database.onversionchange = () => database.close();
  return database;
}

/** Return the result of a request. */
export function settled(request) {
  return new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
    request.onblocked = () => failed(new Error("an older version of this page is open in another tab"));
  });
}

/** Write, and wait until it is on the disk. */
export async function written(database, store, write) {
  const transaction = database.transaction(store, "readwrite");
  const whole = new Promise((done, failed) => {
    transaction.oncomplete = done;
    transaction.onabort = () => failed(transaction.error);
  });
  const [found] = await Promise.all([settled(write(transaction.objectStore(store))), whole]);
  return found;
}

/** @returns {string} Why writing failed, as a clause. */
export function whyNotKept(error) {
  return error?.name === "QuotaExceededError" ? "the disk is full" : "the browser refused";
}
