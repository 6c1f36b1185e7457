// The pages of photos: what their scripts add to what is there without them. Sent forms are answered in place.
import { choosing } from "./choose.js";
import { marking, saving } from "./marks.js";
import { sending } from "./send.js";
import { asking } from "./why.js";

let shown = location.pathname;

function begin() {
  document.documentElement.classList.add("scripted");
  const chosen = choosing(document.getElementById("form"));
  for (const form of document.querySelectorAll("form[data-send]")) sending(form, chosen, show);
  marking(document);
  saving(document);
  asking(document);
}

// Another page's content in place of this one's.
function show(page, address) {
  document.querySelector("main").replaceWith(document.adoptNode(page.querySelector("main")));
  document.title = page.title;
  const again = new URL(address).pathname === location.pathname; // another result: one step back is still the form
  history[again ? "replaceState" : "pushState"](null, "", address);
  shown = location.pathname;
  begin();
  scrollTo({ top: 0, behavior: "instant" });
  document.querySelector("main").focus({ preventScroll: true });
}

addEventListener("popstate", () => {
  if (location.pathname !== shown) location.reload();
});

begin();
