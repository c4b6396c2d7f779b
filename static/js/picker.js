/* A select that searches: typing asks data-picker (JSON {results: [{id, text, note}]}), or filters its own
   options when the address is empty. The select stays in the form and keeps the value. */
let serial = 0;

class Picker {
  constructor(box) {
    this.box = box;
    this.select = box.querySelector("select");
    this.build();
    this.input.addEventListener("input", (event) => event.isComposing || this.later());
    this.input.addEventListener("compositionend", () => this.later());
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.input.addEventListener("focus", () => this.input.select());
    this.input.addEventListener("click", () => this.search());
    this.input.addEventListener("blur", () => setTimeout(() => this.leave(), 120));
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => this.clicked(event));
  }

  build() {
    const { select } = this;
    const number = ++serial;
    this.input = document.createElement("input");
    Object.assign(this.input, { type: "text", autocomplete: "off", placeholder: select.dataset.placeholder, id: select.id || `picker-${number}` });
    this.input.required = select.required;
    this.input.value = select.selectedOptions[0]?.value ? select.selectedOptions[0].text : "";
    for (const name of ["aria-label", "aria-describedby", "aria-invalid"]) {
      if (select.hasAttribute(name)) this.input.setAttribute(name, select.getAttribute(name));
    }
    this.list = document.createElement("div");
    Object.assign(this.list, { className: "picker-list", id: `picker-list-${number}`, hidden: true });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", select.dataset.placeholder);
    for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": this.list.id, "aria-autocomplete": "list" })) this.input.setAttribute(name, value);
    select.removeAttribute("id");
    select.hidden = true;
    select.required = false;
    this.box.append(this.input, this.list);
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), 180);
  }

  async search() {
    const text = this.input.value.trim();
    const chosen = this.select.selectedOptions[0];
    const query = chosen?.value && chosen.text === text ? "" : text;
    this.show(this.box.dataset.picker ? await this.ask(query) : this.own(query));
  }

  own(query) {
    const wanted = query.toLowerCase();
    const options = [...this.select.options].filter((o) => o.value && o.text.toLowerCase().includes(wanted));
    return options.slice(0, 50).map((o) => ({ id: o.value, text: o.text }));
  }

  async ask(query) {
    this.request?.abort();
    this.request = new AbortController();
    const url = new URL(this.box.dataset.picker, location.href);
    url.searchParams.set("q", query);
    const answer = await fetch(url, { signal: this.request.signal, headers: { Accept: "application/json" } }).catch(() => null);
    return answer?.ok ? (await answer.json()).results : [];
  }

  show(results) {
    if (document.activeElement !== this.input) return;
    this.active = -1;
    this.list.replaceChildren(...results.map((one, index) => this.option(one, index)));
    if (!results.length) this.list.append(this.nothing());
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.input.removeAttribute("aria-activedescendant");
  }

  option(one, index) {
    const item = document.createElement("div");
    item.setAttribute("role", "option");
    item.id = `${this.list.id}-${index}`;
    item.dataset.value = one.id;
    item.dataset.text = one.text;
    item.append(one.text);
    if (one.note) item.append(Object.assign(document.createElement("small"), { textContent: one.note }));
    return item;
  }

  nothing() {
    const item = document.createElement("div");
    item.className = "none";
    item.setAttribute("role", "option");
    item.setAttribute("aria-disabled", "true");
    item.textContent = this.select.dataset.none;
    return item;
  }

  move(step) {
    const items = [...this.list.querySelectorAll("[data-value]")];
    if (!items.length) return;
    this.active = (this.active + step + items.length) % items.length;
    items.forEach((item, index) => item.setAttribute("aria-selected", String(index === this.active)));
    items[this.active].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", items[this.active].id);
  }

  pressed(event) {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) this.search();
      else this.move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !this.list.hidden) {
      event.preventDefault();
      const item = this.list.querySelector('[aria-selected="true"]') || this.list.querySelector("[data-value]");
      if (item) this.choose(item);
    } else if (event.key === "Escape" && !this.list.hidden) {
      event.stopPropagation();
      event.preventDefault();
      this.close();
    }
  }

  clicked(event) {
    const item = event.target.closest("[data-value]");
    if (item) this.choose(item);
  }

  choose(item) {
    this.set(item.dataset.value, item.dataset.text);
    this.close();
  }

  set(value, text) {
    let option = [...this.select.options].find((o) => o.value === value);
    if (!option) this.select.add((option = new Option(text, value)));
    this.select.value = value;
    this.input.value = value ? text : "";
    this.select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  leave() {
    this.close();
    const chosen = this.select.selectedOptions[0];
    if (!this.input.value.trim()) {
      if (this.select.value) this.set("", "");
    } else this.input.value = chosen?.value ? chosen.text : "";
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}

export function enhancePickers(root) {
  root.querySelectorAll("[data-picker]:not([data-ready])").forEach((box) => {
    box.dataset.ready = "1";
    box.picker = new Picker(box);
  });
}
