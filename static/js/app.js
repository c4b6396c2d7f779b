/* What every page needs: toasts, errors of htmx, dialogs, menus, preferences, selections, pickers. */
import { failed, watchToasts } from "./toasts.js";
import { watchDialogs } from "./dialogs.js";
import { enhancePickers } from "./picker.js";
import { watchSelections } from "./selection.js";
import { watchDrops } from "./files.js";
import { watchPreferences } from "./preferences.js";

const onReady = [enhancePickers, watchDrops, focusErrors];

function focusErrors(root) {
  root.querySelector("[data-focus]")?.focus();
}

/* A swap keeps the keyboard where it was (htmx does that for elements with an id) or goes to errors. */
function prepare(root) {
  onReady.forEach((step) => step(root));
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.getResponseHeader("HX-Retarget")) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});
document.addEventListener("htmx:responseError", (event) => failed(event.detail.xhr.status));
document.addEventListener("htmx:sendError", () => failed(0));
document.addEventListener("htmx:timeout", () => failed(0));
document.addEventListener("htmx:load", (event) => {
  if (event.target !== document.body) prepare(event.target);
});

/* In a long menu the page one is on stays in sight. */
document.querySelector(".sidebar nav [aria-current]")?.scrollIntoView({ block: "nearest" });

/* "/" goes to the search box, unless somebody is typing or composing Chinese. */
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = document.querySelector(`[data-shortcut="${CSS.escape(event.key)}"]`);
  if (target && target.offsetParent) {
    event.preventDefault();
    target.focus();
  }
});

watchToasts();
watchDialogs();
watchSelections();
watchPreferences();
prepare(document);
