// A slot: where a file is dropped or chosen, and what is shown of it.
import { element } from "./elements.js";
import { ask, fields } from "./requests.js";
import { showIn } from "./results.js";

export class Slot {
  /** `settings()` gives frame and unit; `changed()` is called when there is something else to see. */
  constructor(number, shipped, settings, changed) {
    this.settings = settings;
    this.changed = changed;
    this.file = null;
    this.view = null;
    this.entry = 0;
    this.asking = null;
    this.place = document.getElementById("slot").content.cloneNode(true).firstElementChild;
    this.place.setAttribute("aria-label", `Crystal ${number}`);
    this.form = this.place.querySelector("form");
    this.status = this.place.querySelector(".status");
    this.alarm = this.place.querySelector(".alarm");
    this.shown = this.place.querySelector(".shown");
    this.listen();
    this.offer(shipped);
  }

  listen() {
    const { form } = this;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
    form.elements.file.addEventListener("change", () => this.take(form.elements.file.files[0]));
    form.elements.shipped.addEventListener("change", () => this.fetch(form.elements.shipped.value));
    for (const kind of ["dragenter", "dragover"]) {
      this.place.addEventListener(kind, (event) => {
        event.preventDefault();
        form.classList.add("over");
      });
    }
    for (const kind of ["dragleave", "drop"]) {
      this.place.addEventListener(kind, (event) => {
        event.preventDefault();
        form.classList.remove("over");
      });
    }
    this.place.addEventListener("drop", (event) => {
      form.elements.shipped.value = "";
      this.take(event.dataTransfer.files[0]);
    });
  }

  offer(shipped) {
    const titles = { structure: "Structures", measured: "Measured tensors", computed: "Computed tensors" };
    for (const [holds, label] of Object.entries(titles)) {
      this.form.elements.shipped.append(element("optgroup", { label },
        shipped.filter((each) => each.holds === holds)
          .map((each) => element("option", { value: each.name, title: each.source }, each.title))));
    }
  }

  take(file) {
    if (!file) return;
    this.file = file;
    this.entry = 0;
    this.ask();
  }

  async fetch(name) {
    if (!name) return;
    try {
      const response = await ask(`/api/crystals/${encodeURIComponent(name)}`);
      this.form.elements.file.value = "";
      this.take(new File([await response.blob()], `${name}.json`));
    } catch (error) {
      this.fail(error);
    }
  }

  fields() {
    const { kind, group } = this.form.elements;
    return fields({
      file: this.file, frame: this.settings().frame, entry: this.entry, kind: kind.value, group: group.value,
    });
  }

  async ask() {
    if (!this.file) {
      this.fail(new Error("no file is chosen\ndrop one, or choose one of the list"));
      return;
    }
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    this.alarm.hidden = true;
    this.say(`Working on ${this.file.name}`, true);
    try {
      const response = await ask("/api/view", { ...this.fields(), signal: asking.signal });
      this.view = await response.json();
      this.show();
    } catch (error) {
      if (asking === this.asking) this.fail(error);
    }
  }

  say(text, busy = false) {
    this.status.textContent = text;
    this.status.classList.toggle("busy", busy);
    this.place.setAttribute("aria-busy", String(busy));
  }

  fail(error) {
    if (error.name === "AbortError") return;
    this.view = null;
    this.shown.hidden = true;
    this.say("");
    this.alarm.replaceChildren(...error.message.split("\n").flatMap((line, n) => (n ? [element("br"), line] : [line])));
    this.alarm.hidden = false;
    this.changed();
  }

  show() {
    if (!this.view) return;
    this.say(`${this.view.name} is shown`);
    this.shown.hidden = false;
    showIn(this.shown, this.view, this.settings().unit, async () => (await ask("/api/report", this.fields())).text());
    if (this.view.entries.length > 1) this.shown.prepend(this.choice());
    this.changed();
  }

  /** The structures of a file that holds several. */
  choice() {
    const chosen = element("select", { onchange: (event) => {
      this.entry = Number(event.target.value);
      this.ask();
    } }, this.view.entries.map((name, n) => element("option", { value: n, selected: n === this.view.entry }, name)));
    return element("p", { class: "ways" }, element("label", {}, "Structure of the file ", chosen));
  }
}
