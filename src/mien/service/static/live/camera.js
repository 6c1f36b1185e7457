// The camera itself: asked for, turned round, and why there is none. What a person likes is remembered, nothing else.

const KEPT = "mien.camera";
const SIZE = { width: { ideal: 640 }, frameRate: { ideal: 30, max: 30 } }; // for a height browsers cut off the sides
const FAULTS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "taken",
  AbortError: "taken",
};

/** Whether the browser gives this page a camera at all. */
export function given() {
  return Boolean(navigator.mediaDevices && navigator.mediaDevices.getUserMedia);
}

/** A camera's stream: the one with that id, or else one that faces that way. */
export function open({ id = "", facing = "user" }) {
  const which = id ? { deviceId: { exact: id } } : { facingMode: { ideal: facing } };
  return navigator.mediaDevices.getUserMedia({ video: { ...SIZE, ...which }, audio: false });
}

/** The state that a browser's refusal means. */
export function fault(error) {
  return FAULTS[error.name] || "broken";
}

/** All cameras; their names are known once one was allowed. */
export async function cameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === "videoinput");
}

/** What a camera is: its id, and which way it faces where that is known (`user` or `environment`). */
export function about(stream) {
  const { deviceId = "", facingMode = "" } = stream.getVideoTracks()[0].getSettings();
  return { id: deviceId, facing: facingMode };
}

/** Call where a camera is connected or unplugged. */
export function changed(listener) {
  if (given()) navigator.mediaDevices.addEventListener("devicechange", listener);
}

/** Preferences as they were left: `mirror` (true, false or undefined) and `facing`; no device, no name. */
export function preferences() {
  try {
    const { mirror, facing } = JSON.parse(localStorage.getItem(KEPT)) || {};
    return { mirror, facing: facing === "environment" ? facing : "user" };
  } catch {
    return { mirror: undefined, facing: "user" }; // a browser may keep nothing, and that is no fault
  }
}

export function remember(preferred) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(preferred));
  } catch {
    // as above
  }
}
