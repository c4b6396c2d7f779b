/* Messages at the bottom of the page. Good news leaves by itself, bad news waits to be read. */
const area = document.getElementById("messages");
const SECONDS = { undo: 10, plain: 6 };

export function toast(text, kind = "success", undo = null) {
  const item = document.createElement("div");
  item.className = `toast ${kind}`;
  item.dataset.toast = kind;
  const body = document.createElement("div");
  body.textContent = text;
  if (undo) body.append(button("link", undo.label, undo.act));
  item.append(body, closer());
  area.append(item);
  return item;
}

/* The sentence for a status the server could not explain itself. */
export function failed(status) {
  const words = { 0: "offline", 403: "denied", 401: "denied", 404: "gone" };
  toast(area.dataset[words[status] || "failed"], "danger");
}

function button(className, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

function closer() {
  const made = button("button quiet small square", "×", () => {});
  made.dataset.dismiss = "";
  made.setAttribute("aria-label", area.dataset.close);
  return made;
}

function leaveLater(item) {
  if (item.dataset.timed || ["error", "danger", "warning"].includes(item.dataset.toast)) return;
  item.dataset.timed = "1";
  const seconds = item.querySelector(".link") ? SECONDS.undo : SECONDS.plain;
  const leave = () => (item.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : item.remove());
  setTimeout(leave, seconds * 1000);
}

export function watchToasts() {
  area.querySelectorAll("[data-toast]").forEach(leaveLater);
  new MutationObserver(() => area.querySelectorAll("[data-toast]").forEach(leaveLater)).observe(area, { childList: true });
  area.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest(".toast").remove());
}
