/* Moving deals between columns, by dragging (SortableJS, loaded by the page) or by "Move to…". The card moves
   at once; when the server refuses (409, 422) it goes back and the reason is shown. */
import { failed } from "./toasts.js";

const token = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
function place(card, { list, next }) {
  const left = card.closest(".deals");
  list.insertBefore(card, next);
  if (left !== list) [left, list].forEach(recount);
}

/* A column may hold more deals than cards, so the count is moved by one, not counted anew. */
function recount(list) {
  const count = list.closest(".column").querySelector("[data-count]");
  const cards = list.querySelectorAll("[data-deal]").length;
  count.textContent = Number(count.textContent) + cards - Number(list.dataset.cards);
  list.dataset.cards = cards;
}

async function save(card, stage) {
  const body = new URLSearchParams({ stage, version: card.dataset.version });
  const headers = { "X-CSRFToken": token(), "HX-Request": "true", "X-Requested-With": "kanban" };
  return fetch(card.dataset.move, { method: "POST", body, headers }).catch(() => null);
}

/* Answers the server may give: 204 or 200 (fresh board header in HX-Trigger or a card), HX-Redirect for a form
   that must be filled in first (why lost), a refusal as HTML for the message area. */
async function settle(answer, card, undo) {
  if (answer?.ok) {
    const next = answer.headers.get("HX-Redirect");
    if (next) location.assign(next);
    const html = answer.status === 200 ? await answer.text() : "";
    if (html) replace(card, html);
    return;
  }
  undo();
  const text = answer ? await answer.text() : "";
  if (answer?.headers.get("HX-Retarget")) document.getElementById("messages").insertAdjacentHTML("beforeend", text);
  else failed(answer?.status ?? 0);
}

function replace(card, html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-deal]");
  if (!fresh) return;
  card.replaceWith(fresh);
  window.htmx?.process(fresh);
}

/* `from` and `to` are places: a column's list and the card that follows. */
async function move(card, from, to) {
  place(card, to);
  await settle(await save(card, to.list.dataset.stage), card, () => place(card, from));
}

function dropped({ item, from, to, oldDraggableIndex }) {
  if (from === to) return;
  const target = { list: to, next: item.nextElementSibling };
  const others = from.querySelectorAll("[data-deal]");
  const origin = { list: from, next: others[oldDraggableIndex] ?? null };
  from.insertBefore(item, origin.next);
  move(item, origin, target);
}

function chosen(event) {
  const select = event.target.closest("[data-move-to]");
  if (!select?.value) return;
  const card = select.closest("[data-deal]");
  const list = document.querySelector(`.deals[data-stage="${CSS.escape(select.value)}"]`);
  if (!list) return select.form.requestSubmit();
  const origin = { list: card.closest(".deals"), next: card.nextElementSibling };
  select.value = "";
  move(card, origin, { list, next: list.firstElementChild });
}

function start() {
  document.addEventListener("change", chosen);
  const options = { group: "deals", animation: 120, draggable: ".deal", filter: "select, label", preventOnFilter: false, delay: 150, delayOnTouchOnly: true, onEnd: dropped };
  document.querySelectorAll(".deals").forEach((list) => {
    list.dataset.cards = list.querySelectorAll("[data-deal]").length;
    window.Sortable?.create(list, options);
  });
}

start();
