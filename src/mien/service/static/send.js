// Sending a form: its progress, and its answer in place. After an error the page stays, with all that was chosen.
import { tell } from "./choose.js";
import { filled, texts } from "./texts.js";

export function sending(form, chosen, show) {
  const words = texts("texts");
  const { form: host } = chosen; // where progress and problems are shown, whichever form is sent
  const progress = host.querySelector(".progress");
  const bar = progress.querySelector("progress");
  const state = progress.querySelector("[role=status]");
  const amount = progress.querySelector(".amount"); // no part of the state, which is read aloud at each change
  const stop = progress.querySelector("[data-stop]");

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const faults = form === host ? chosen.faults() : [];
    tell(host, faults);
    if (!faults.length && progress.hidden) send(new FormData(form, event.submitter));
  });

  function send(content) {
    const request = new XMLHttpRequest();
    const end = (...faults) => {
      const focused = progress.contains(document.activeElement);
      busy(false);
      tell(host, faults);
      if (focused) form.querySelector("button:not([type=button])").focus();
    };
    request.open("POST", form.action);
    request.responseType = "document";
    request.upload.onprogress = ({ loaded, total }) => {
      bar.value = loaded / total;
      amount.textContent = `${Math.floor((100 * loaded) / total)}%`;
    };
    request.upload.onload = () => {
      bar.removeAttribute("value");
      amount.textContent = "";
      state.textContent = words.reading;
    };
    request.onload = () => {
      const page = request.response;
      if (request.status === 200 && page?.querySelector("main")) {
        show(page, request.responseURL);
        return;
      }
      const told = page?.querySelector("#problem");
      end(...(told ? document.adoptNode(told).children : [filled(words.refused, { n: request.status })]));
    };
    request.onerror = () => end(words.lost);
    request.onabort = () => end(words.stopped);
    stop.onclick = () => request.abort();
    busy(true);
    request.send(content);
  }

  function busy(is) {
    progress.hidden = !is;
    state.textContent = is ? words.sending : "";
    amount.textContent = "";
    bar.value = 0;
    host.setAttribute("aria-busy", is);
  }
}
