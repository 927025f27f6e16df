/**
 * The clock of a device, from the ticks in its lines: time, missing samples, wraps, restarts. A tick that does not fit must
 * be confirmed by the one after it, for a damaged digit looks the same. The rules of
 * edgehar.firmware_bridge.stream.device_clock.
 *
 * @module device-clock
 */

const MODULI = [2 ** 8, 2 ** 16, 2 ** 32];
const LONGEST_GAP_PERIODS = 1000;
const GAP_FACTOR = 1.5;
const FEWEST_PERIODS = 20;
const PERIODS_AVERAGED = 1000;
const SURE_GAP = 10;

/** Follows the ticks of a device. */
export class DeviceClock {
  #tickS;
  #originS;
  #period;
  #anchor = 0;
  #periods = 0;
  #isAveraged = false;
  #last = null;
  #offset = 0;
  #origin = 0;
  #doubtful = null;
  #isAnnounced = false;

  /** @param {{tickS: number, period: number, originS?: number}} ticks Their length and step, and what the first stands for. */
  constructor({ tickS, period, originS = 0 }) {
    this.#tickS = tickS;
    this.#period = period;
    this.#originS = originS;
  }

  /** Take note that the device has said it began anew: a step backward needs no confirmation. */
  announceRestart() {
    this.#isAnnounced = true;
  }

  /**
   * Take the tick of the next sample.
   *
   * @param {number} tick
   * @returns {{timeS: number, lost: number, restart: boolean} | null} When it was taken, how many samples are missing before
   *   it, and whether the clock began anew; null where the sample must not be used.
   */
  advance(tick) {
    const isAnnounced = this.#isAnnounced;
    this.#isAnnounced = false;
    if (this.#last === null) {
      this.#last = this.#anchor = this.#origin = tick;
      return this.#step({});
    }
    const now = this.#unwrapped(tick);
    const step = now - this.#last;
    const longest = LONGEST_GAP_PERIODS * this.#period;
    if (step >= 0 && step <= longest) {
      this.#doubtful = null;
      return this.#forward(now);
    }
    if (isAnnounced) return this.#restart(tick, 1);
    if (this.#doubtful !== null && tick > this.#doubtful && tick - this.#doubtful <= longest) {
      this.#doubtful = null;
      return step > 0 ? this.#forward(now) : this.#restart(tick, 2);
    }
    this.#doubtful = tick;
    return null;
  }

  #step({ lost = 0, restart = false }) {
    return { timeS: this.#originS + (this.#last - this.#origin) * this.#tickS, lost, restart };
  }

  #forward(now) {
    const step = now - this.#last;
    this.#last = now;
    if (step === 0) return null;
    const lost = step > GAP_FACTOR * this.#period ? Math.round(step / this.#period) - 1 : 0;
    this.#refine(now, 1 + lost);
    return this.#step({ lost });
  }

  /** Average the period over many samples: ticks may be too coarse to show it in one step. */
  #refine(now, periods) {
    if (periods > 1 + SURE_GAP) {
      this.#anchor = now;
      this.#periods = 0;
      return;
    }
    this.#periods += periods;
    const isFull = this.#periods >= PERIODS_AVERAGED;
    if (isFull || (!this.#isAveraged && this.#periods >= FEWEST_PERIODS)) this.#period = (now - this.#anchor) / this.#periods;
    if (isFull) {
      this.#anchor = now;
      this.#periods = 0;
      this.#isAveraged = true;
    }
  }

  /** Go on after the device began anew, so many periods after the last sample that was used. */
  #restart(tick, periods) {
    const now = this.#last + periods * this.#period;
    this.#offset = now - tick;
    this.#last = this.#anchor = now;
    this.#periods = 0;
    return this.#step({ lost: periods - 1, restart: true });
  }

  /** Return a tick on a scale that does not wrap. */
  #unwrapped(tick) {
    const now = tick + this.#offset;
    if (now >= this.#last) return now;
    for (const modulus of MODULI) {
      const ahead = now + modulus - this.#last;
      const isNear = ahead > 0 && ahead <= Math.min(LONGEST_GAP_PERIODS * this.#period, modulus / 4);
      if (this.#last - this.#offset < modulus && isNear) {
        this.#offset += modulus;
        return now + modulus;
      }
    }
    return now;
  }
}
