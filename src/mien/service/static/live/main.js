// The camera page: its states, each told in words, and its controls. The parts are in the files beside this one.

import { arrange, draw, mirrored, scaled } from "../tags.js";
import { about, cameras, changed, fault, given, open, preferences, remember } from "./camera.js";
import { Faces } from "./faces.js";
import { Link } from "./link.js";
import { tagged } from "./marks.js";
import { save } from "./still.js";
import { Strip } from "./strip.js";
import { named, problem, reason, say, share, state as stateText, word } from "./texts.js";

const page = Object.fromEntries([...document.querySelectorAll("#camera, #camera [id]")].map((each) => [each.id, each]));
const LETTERS = 16; // px
const SLOWLY_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 2000 : 500; // between two drawings of the strip
const LISTED_MS = 250; // between two lists of faces
const STEADY_MS = 2000; // until what is seen is said
const SECOND_MS = 1000;
const PLAYS_MS = 3000; // that a camera is given to show its first picture, before it is told that there is none
const ALONE_MS = 1000; // until it is told that there is no face
const AGAIN = 1013; // WebSocket's code for a service that is full
const OF_LATE = 30; // frames that the rate is of

const preferred = preferences();
const link = new Link(page.video, { answer: answered, refused, late, lost });
let stream = null;
let turn = 0; // of the camera that is on or asked for; what was asked for before is not wanted any more
let faces = new Faces();
let strip = new Strip();
let places = new Map();
let latest = null; // the frame that was read last, and the faces in it
let times = [];
let due = 0; // when the next try to connect is made, ms
let seen = { faces: 0, listed: 0, words: "", since: 0, said: "" };

page.start.addEventListener("click", start);
page.stop.addEventListener("click", () => stop("off"));
page.again.addEventListener("click", connect);
page.mirror.addEventListener("click", () => {
  preferred.mirror = !isMirrored();
  remember(preferred);
  turned();
});
page.turn.addEventListener("click", () => {
  preferred.facing = about(stream).facing === "environment" ? "user" : "environment";
  remember(preferred);
  change({ facing: preferred.facing });
});
page.which.addEventListener("change", async () => {
  await change({ id: page.which.value });
  if (!stream || !about(stream).facing) return;
  preferred.facing = about(stream).facing;
  remember(preferred);
});
for (const choice of [page.labels, page.prior]) choice.addEventListener("change", () => stream && connect());
page.save.addEventListener("click", async () => {
  page.unsaved.hidden = true;
  try {
    const how = { marked: page.marked.checked, mirror: isMirrored(), type: page.type.value };
    await save(latest.frame, latest.faces, how);
  } catch {
    page.unsaved.hidden = false; // most of all for want of memory
  }
});
page.video.addEventListener("resize", shaped);
document.addEventListener("visibilitychange", seenOrNot);
addEventListener("pagehide", left);
changed(() => stream && listed());
setInterval(() => stream && drawStrip(performance.now()), SLOWLY_MS); // time goes by, whether answers come or not
setInterval(() => due && counted(), SECOND_MS);
page.camera.hidden = false;
show(given() ? "off" : "insecure");

async function start() {
  await use({ facing: preferred.facing });
  (stream ? page.stop : page.start).focus();
}

function isVisible(element) {
  return element.getClientRects().length > 0;
}

/** Use another camera; what had the focus has it again, unless another control has it meanwhile. */
async function change(which) {
  const focused = document.activeElement;
  await use(which);
  const now = document.activeElement;
  if (now !== document.body && isVisible(now)) return;
  [focused, page.stop, page.start].find(isVisible)?.focus();
}

/** Use a camera in place of the one that is on. */
async function use(which) {
  release();
  show("asking");
  const mine = turn;
  try {
    const opened = await open(which);
    if (turn !== mine) return off(opened);
    stream = opened;
    for (const track of opened.getTracks()) track.addEventListener("ended", () => turn === mine && stop("gone"));
    page.video.srcObject = stream;
    await Promise.race([page.video.play(), new Promise((done) => setTimeout(done, PLAYS_MS))]);
  } catch (error) {
    if (turn !== mine) return; // it is gone, or another is used: why is told already
    const state = fault(error);
    stop(state, state === "broken" ? error.message : "");
    return;
  }
  await listed();
  if (turn !== mine) return; // it is gone already
  turned();
  connect();
  page.frame.scrollIntoView({ block: "nearest" });
  seenOrNot();
}

function connect() {
  faces = new Faces();
  places = new Map();
  cleared();
  seen.faces = performance.now();
  show("connecting");
  link.open({ labels: page.labels.value, prior: page.prior.value });
}

/** Camera off, connection closed; what was seen is forgotten. */
function stop(state, detail = "", foreign = true) {
  const focused = document.activeElement;
  link.end();
  release();
  strip = new Strip();
  drawStrip(performance.now());
  show(state, { detail, foreign });
  if (!isVisible(focused)) page.start.focus();
}

function release() {
  turn++;
  if (stream) off(stream);
  stream = null;
  page.video.srcObject = null;
  cleared();
}

function off(opened) {
  opened.getTracks().forEach((track) => track.stop());
}

function cleared() {
  latest = null;
  times = [];
  seen = { ...seen, words: "", said: "" };
  page.save.disabled = true;
  page.boxes.width = 0;
  page.boxes.dataset.labels = page.rate.textContent = page.spoken.textContent = "";
  page.faces.replaceChildren();
  page.crowded.hidden = page.unsaved.hidden = true;
}

/** Tell a state: its title and sentence, what else is known (`foreign`: in English), and what may be done. */
function show(name, { detail = "", foreign = true, seconds = 0 } = {}) {
  const told = [name, detail, seconds].join();
  due = seconds ? performance.now() + 1000 * seconds : 0;
  if (page.camera.dataset.told === told) return;
  Object.assign(page.camera.dataset, { told, state: name });
  const { title, words } = stateText(name);
  page.title.textContent = title;
  page.state.textContent = words;
  page.detail.textContent = detail;
  page.detail.lang = foreign ? "en" : document.documentElement.lang;
  const on = stream !== null;
  page.camera.classList.toggle("off", !on);
  page.frame.hidden = page.bar.hidden = page.seen.hidden = !on;
  page.choice.hidden ||= !on;
  page.title.hidden = on;
  page.start.hidden = on || name === "asking";
  page.start.disabled = name === "insecure";
  page.steps.hidden = name !== "off";
  if (!seconds && document.activeElement === page.again) page.stop.focus();
  page.again.hidden = !seconds;
  counted();
}

/** How long it is until the next try. */
function counted() {
  const seconds = Math.round((due - performance.now()) / 1000);
  page.wait.textContent = seconds > 0 ? say("again_in", { seconds }) : "";
}

function answered(answer, frame, taken) {
  const now = performance.now();
  const shown = faces.update(answer.faces, now);
  if (frame) latest = { frame, faces: shown };
  page.save.disabled = !latest;
  strip.add(faces.largest, now);
  if (shown.length) seen.faces = now;
  show(now - seen.faces < ALONE_MS ? "live" : "noface");
  mark(answer, shown);
  rated(taken, now);
  if (now - seen.listed >= LISTED_MS) list(shown, now);
  speak(shown, now);
}

/** Draw over the moving picture. */
function mark(answer, shown) {
  const fine = Math.min(devicePixelRatio || 1, 2);
  const [width, height] = [page.video.clientWidth, page.video.clientHeight];
  page.boxes.width = Math.round(width * fine);
  page.boxes.height = Math.round(height * fine);
  const pen = page.boxes.getContext("2d");
  pen.scale(fine, fine);
  const placed = scaled(shown, width / answer.width);
  const drawn = tagged(isMirrored() ? mirrored(placed, width) : placed);
  places = arrange(pen, drawn, [width, height], LETTERS, places);
  draw(pen, drawn, places, LETTERS);
  page.boxes.dataset.labels = shown.map((face) => face.label).join(" ");
}

function rated(taken, now) {
  times = [...times.slice(1 - OF_LATE), now];
  if (times.length < 2 || taken === undefined) return;
  const frames = Math.round((1000 * (times.length - 1)) / (now - times[0]));
  page.rate.textContent = say("rate", { frames, ms: Math.round(now - taken) });
}

/** Each face in words, for whoever cannot see its tag, or for whose tag there is no room. */
function list(shown, now) {
  seen.listed = now;
  const crowded = shown.some((face) => places.get(face.number)?.short);
  const numbered = crowded || shown.length > 1;
  const lines = shown.map((face) => {
    const line = document.createElement("li");
    const doubts = face.uncertain ? ` – ${say("uncertain")}: ${face.reasons.map(reason).join("; ")}` : "";
    const name = document.createElement("bdi"); // its share comes after it, whichever way it is written
    name.textContent = named(face);
    line.append(numbered ? `${face.number}: ` : "", name, ` ${share(face)}${doubts}`);
    return line;
  });
  page.faces.replaceChildren(...lines);
  page.crowded.hidden = !crowded;
}

function drawStrip(now) {
  strip.draw(page.strip, now);
  page.lately.textContent = strip.told(now);
}

/** Say politely what is seen, once it has been the same for a while. */
function speak(shown, now) {
  const words = shown
    .map((face) => say(shown.length > 1 ? "face" : "one_face", { number: face.number, word: said(face) }))
    .join(" ");
  if (words !== seen.words) Object.assign(seen, { words, since: now });
  if (now - seen.since < STEADY_MS || words === seen.said) return;
  seen.said = words;
  page.spoken.textContent = words;
}

function said(face) {
  return face.uncertain ? say("perhaps", { word: word(face.label) }) : word(face.label);
}

/** The service did not take a frame: why, in our words where we know it, else in its own. */
function refused(said) {
  const known = problem(said);
  cleared(); // whatever was seen is of a picture that is gone
  show(known || "unread", { detail: known ? "" : said });
}

/** Nothing is known of what the camera shows now. */
function late(state) {
  if (page.camera.dataset.state === state) return;
  cleared();
  show(state);
}

/** The connection ended: it is tried again in so many seconds, or not. */
function lost({ code, reason: said }, seconds, forGood) {
  const known = problem(said);
  if (forGood) {
    stop(said ? "denied" : "lost", known ? stateText(known).words : said, !known);
  } else {
    cleared();
    show(code === AGAIN ? "full" : "trying", { detail: known ? "" : said, seconds });
  }
}

/** Nothing is read while nobody sees the page. */
function seenOrNot() {
  if (!stream) return;
  const hidden = document.visibilityState === "hidden";
  stream.getTracks().forEach((track) => (track.enabled = !hidden));
  if (hidden) {
    link.close();
    cleared();
    show("hidden");
  } else if (page.camera.dataset.state === "hidden") connect();
}

/** Who comes back finds the camera off: browsers keep a page that is left, WebKit with a camera that gives no more. */
function left() {
  if (stream || page.camera.dataset.state === "asking") stop("off");
}

function isMirrored() {
  return preferred.mirror ?? (stream === null || about(stream).facing !== "environment");
}

function turned() {
  const mirror = isMirrored();
  page.mirror.setAttribute("aria-pressed", String(mirror));
  page.video.classList.toggle("mirrored", mirror);
  places = new Map();
}

function shaped() {
  page.frame.style.setProperty("--ratio", String(page.video.videoWidth / page.video.videoHeight || 4 / 3));
}

/** The cameras to choose from, where there are several. */
async function listed() {
  const all = await cameras();
  if (!stream) return;
  const { id, facing } = about(stream);
  page.which.replaceChildren(
    ...all.map((each, place) => new Option(each.label || say("camera", { number: place + 1 }), each.deviceId)),
  );
  page.which.value = id;
  page.choice.hidden = all.length < 2;
  page.turn.hidden = all.length < 2 || !facing;
}
