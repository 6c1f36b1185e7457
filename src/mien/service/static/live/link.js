// The way to the service and back: frames out, never more than two on their way, answers in; tried again when it breaks.

const ON_THEIR_WAY = 2;
const LONGER_SIDE = 640; // px
const QUALITY = 0.8;
const LEAST_MS = 1000 / 30 - 5; // between two frames; cameras are not exact
const LATE_MS = 3000; // without an answer or without a picture, until that is told
const SILENT_MS = 20_000; // without an answer the connection counts as lost
const SLOWER_MS = [1000, 2000, 4000, 8000]; // until the next frame, after so many refusals in a row
const AGAIN_S = [1, 2, 4, 8, 15, 30, 30, 30]; // until the next try, and then no more
const RULES = [1008, 1009]; // WebSocket's codes for what breaks a rule and for what is too large: the next is no better

export class Link {
  #told;
  #video;
  #socket = null;
  #asked = {};
  #waiting = [];
  #heard = 0; // when there was an answer last, since the connection was opened
  #refusals = 0;
  #tries = 0;
  #resume = 0;
  #timer = 0;

  /**
   * @param {HTMLVideoElement} video whose frames are sent
   * @param {{answer: Function, refused: Function, late: Function, lost: Function}} told `answer(answer, frame, taken)`
   *   for each frame that was read; `refused(said)` where one was not; `late(state)`, again and again, where no answer
   *   has come for a while (`slow`) or the camera has given no picture (`dark`); `lost({ code, reason }, seconds,
   *   forGood)` where the connection ended: the next try is in `seconds`, or never
   */
  constructor(video, told) {
    this.#video = video;
    this.#told = told;
  }

  /** Connect anew, asking for `labels` and a `prior`; whatever was on its way is forgotten. */
  open(asked) {
    this.close();
    this.#asked = asked;
    this.#heard = 0;
    const address = new URL("live/frames", location.href); // beside this page, wherever a proxy shows it
    address.protocol = location.protocol.replace("http", "ws");
    address.search = new URLSearchParams(asked);
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.onopen = () => this.#pump(socket);
    socket.onmessage = (message) => this.#answered(JSON.parse(message.data));
    socket.onclose = (event) => this.#ended(event);
  }

  /** End the connection, and try no more. */
  close() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    this.#waiting = [];
    this.#resume = 0;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  /** As `close`; the next connection has all its tries again. */
  end() {
    this.close();
    this.#tries = this.#refusals = 0;
  }

  #answered(answer) {
    this.#waiting.splice(0, answer.skipped);
    const { frame, taken } = this.#waiting.shift() || {};
    if (answer.error) {
      const slower = SLOWER_MS[Math.min(this.#refusals++, SLOWER_MS.length - 1)];
      this.#resume = performance.now() + slower;
      this.#told.refused(answer.error);
      return;
    }
    this.#heard = performance.now();
    this.#tries = this.#refusals = 0;
    this.#told.answer(answer, frame, taken);
  }

  #ended(event) {
    this.close();
    const forGood = (RULES.includes(event.code) && !this.#heard) || this.#tries >= AGAIN_S.length;
    const seconds = forGood ? 0 : AGAIN_S[this.#tries++];
    if (!forGood) this.#timer = setTimeout(() => this.open(this.#asked), 1000 * seconds);
    this.#told.lost(event, seconds, forGood);
  }

  async #pump(socket) {
    const canvas = document.createElement("canvas");
    const pen = canvas.getContext("2d");
    const picture = watch(this.#video, () => this.#socket === socket);
    let last = -Infinity;
    for (;;) {
      await new Promise(requestAnimationFrame); // none come while nobody sees the page
      if (this.#socket !== socket || socket.readyState !== WebSocket.OPEN) return;
      const now = performance.now();
      if (this.#waiting.length && now - this.#waiting[0].taken > SILENT_MS) {
        this.#ended({ code: 0, reason: "" });
        return;
      }
      if (this.#late(now, picture.at)) this.#told.late(this.#waiting.length ? "slow" : "dark");
      const { videoWidth: width, videoHeight: height } = this.#video;
      if (this.#waiting.length >= ON_THEIR_WAY || now < this.#resume || now - last < LEAST_MS) continue;
      if (!width || !picture.fresh) continue;
      picture.fresh = false;
      last = now;
      const scale = Math.min(1, LONGER_SIDE / Math.max(width, height));
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      pen.drawImage(this.#video, 0, 0, canvas.width, canvas.height);
      const frame = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
      if (!frame || this.#socket !== socket || socket.readyState !== WebSocket.OPEN) continue;
      this.#waiting.push({ frame, taken: now });
      socket.send(frame);
    }
  }

  /** Whether the oldest frame on its way, or the camera's next picture, has been waited for too long. */
  #late(now, pictured) {
    if (this.#waiting.length) return now - Math.max(this.#waiting[0].taken, this.#heard) > LATE_MS;
    return now - Math.max(pictured, this.#resume) > LATE_MS;
  }
}

/**
 * Whether a video has shown a picture since `fresh` was set to false, and when; always where a browser cannot tell.
 * It is watched as long as `wanted()`.
 */
function watch(video, wanted) {
  if (!video.requestVideoFrameCallback) return new Unwatched();
  const picture = { fresh: video.videoWidth > 0, at: performance.now() };
  const again = () => wanted() && video.srcObject && video.requestVideoFrameCallback(shown);
  const shown = () => {
    Object.assign(picture, { fresh: true, at: performance.now() });
    again();
  };
  again();
  return picture;
}

class Unwatched {
  get fresh() {
    return true;
  }

  set fresh(_) {}

  get at() {
    return performance.now();
  }
}
