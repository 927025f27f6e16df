/**
 * The WebSocket to the program: opened again when it is lost, once a second.
 *
 * @module connection
 */

const RETRY_MS = 1000;

/** Messages of the program, and requests to it. */
export class Connection {
  #socket = null;
  #onMessage;
  #onLost;

  /**
   * @param {{onMessage: (message: object) => void, onLost: (why: string) => void}} handlers
   */
  constructor({ onMessage, onLost }) {
    this.#onMessage = onMessage;
    this.#onLost = onLost;
    this.#open();
  }

  /** Ask the program for something; return whether it could be asked. */
  ask(request) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(request));
    return true;
  }

  #open() {
    this.#socket = new WebSocket(`ws://${location.host}/ws`);
    this.#socket.addEventListener("message", ({ data }) => this.#onMessage(JSON.parse(data)));
    this.#socket.addEventListener("close", ({ reason }) => {
      this.#onLost(reason);
      window.setTimeout(() => this.#open(), RETRY_MS);
    });
  }
}
