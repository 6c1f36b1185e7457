// The camera's picture goes to the service frame by frame, never more than two on their way, and the answers are drawn
// over it. Whatever stops it is told in words.
"use strict";

const video = document.getElementById("video");
const boxes = document.getElementById("boxes");
const toggle = document.getElementById("toggle");
const state = document.getElementById("state");
const rate = document.getElementById("rate");
const labels = document.getElementById("labels");
const ON_THEIR_WAY = 2;
const LONGER_SIDE = 640;
const OF_LATE = 30;

let stream = null;
let socket = null;
let waiting = [];
let answered = [];

toggle.addEventListener("click", async () => {
  if (stream) {
    stop("The camera is off.");
    return;
  }
  toggle.disabled = true; // a second camera could not be switched off
  try {
    await start();
  } finally {
    toggle.disabled = false;
  }
});
labels.addEventListener("change", () => stream && connect());

async function start() {
  state.textContent = "Waiting for the camera.";
  if (!navigator.mediaDevices) {
    state.textContent = "This browser gives cameras to secure pages alone: open this page through https or on this machine.";
    return;
  }
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 }, audio: false });
  } catch (error) {
    const reasons = {
      NotAllowedError: "The camera was refused. Allow it in the browser's settings for this page, and start again.",
      NotFoundError: "No camera was found.",
      NotReadableError: "Another program is using the camera.",
    };
    state.textContent = reasons[error.name] || "The camera cannot be used: " + error.message;
    return;
  }
  stream.getTracks().forEach((track) => track.addEventListener("ended", () => stop("The camera has gone.")));
  video.srcObject = stream;
  await video.play();
  toggle.textContent = "Stop the camera";
  toggle.setAttribute("aria-pressed", "true");
  connect();
}

function connect() {
  if (socket) {
    socket.onclose = null;
    socket.close();
  }
  waiting = [];
  answered = [];
  const address = new URL("live/frames", location.href); // beside this page, wherever a proxy shows it
  address.protocol = location.protocol.replace("http", "ws");
  address.search = new URLSearchParams({ labels: labels.value });
  const opened = new WebSocket(address);
  socket = opened;
  opened.onopen = () => {
    state.textContent = "Live.";
    pump(opened);
  };
  opened.onmessage = (message) => draw(JSON.parse(message.data));
  opened.onclose = () => stop("The connection to the service is lost. Start the camera again to try once more.");
}

async function pump(current) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  while (stream && socket === current && current.readyState === WebSocket.OPEN) {
    await new Promise(requestAnimationFrame);
    if (waiting.length >= ON_THEIR_WAY || !video.videoWidth) continue;
    const scale = Math.min(1, LONGER_SIDE / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const taken = performance.now();
    const frame = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.8));
    if (frame && current.readyState === WebSocket.OPEN) {
      waiting.push(taken);
      current.send(frame);
    }
  }
}

function draw(answer) {
  waiting.splice(0, answer.skipped);
  const taken = waiting.shift();
  const now = performance.now();
  answered.push(now);
  answered = answered.slice(-OF_LATE);
  if (answer.error) {
    state.textContent = answer.error + ".";
    return;
  }
  state.textContent = answer.faces.length ? "Live." : "Live: no face was found.";
  boxes.width = video.clientWidth;
  boxes.height = video.clientHeight;
  const scale = boxes.width / answer.width;
  const pen = boxes.getContext("2d");
  pen.font = "600 16px system-ui, sans-serif";
  pen.lineWidth = 3;
  for (const face of answer.faces) {
    const [x0, y0, x1, y1] = face.box.map((edge) => edge * scale);
    const text = `${face.label}${face.uncertain ? "?" : ""} ${Math.floor(face.confidence * 100)}%`;
    pen.setLineDash(face.uncertain ? [10, 8] : []);
    pen.strokeStyle = "#f0e442";
    pen.strokeRect(x0, y0, x1 - x0, y1 - y0);
    const width = pen.measureText(text).width + 12;
    const top = y0 >= 24 ? y0 - 24 : y1;
    pen.fillStyle = "#f0e442";
    pen.fillRect(x0 - 1.5, top, width, 24);
    pen.fillStyle = "#000";
    pen.fillText(text, x0 + 4.5, top + 17);
  }
  boxes.dataset.labels = answer.faces.map((face) => face.label).join(" ");
  if (answered.length > 1 && taken !== undefined) {
    const seconds = (answered[answered.length - 1] - answered[0]) / 1000;
    const frames = ((answered.length - 1) / seconds).toFixed(0);
    rate.textContent = `${frames} frames a second, ${(now - taken).toFixed(0)} ms from camera to answer`;
  }
}

function stop(words) {
  const current = socket;
  socket = null;
  if (current) {
    current.onclose = null;
    current.close();
  }
  if (stream) stream.getTracks().forEach((track) => track.stop());
  stream = null;
  video.srcObject = null;
  boxes.width = boxes.width;
  rate.textContent = "";
  toggle.textContent = "Start the camera";
  toggle.setAttribute("aria-pressed", "false");
  state.textContent = words;
}
