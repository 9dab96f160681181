// The page: its tabs, its toolbar, one slot or two.
import { compare } from "./comparison.js";
import { listen } from "./decompose.js";
import { element } from "./elements.js";
import { ask } from "./requests.js";
import { Slot } from "./slot.js";

const at = (name) => document.getElementById(name);

// --- tabs

const tabs = [...document.querySelectorAll("[role=tab]")];
const choose = (tab) => {
  for (const each of tabs) {
    each.setAttribute("aria-selected", String(each === tab));
    each.tabIndex = each === tab ? 0 : -1;
    at(each.getAttribute("aria-controls")).hidden = each !== tab;
  }
};
for (const tab of tabs) {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const next = tabs[(tabs.indexOf(tab) + 1) % tabs.length];
    choose(next);
    next.focus();
  });
}

// --- crystals

const slots = [];
const settings = () => ({ frame: at("frame").value, unit: at("unit").value });
const compared = () => {
  const views = slots.map((slot) => slot.view);
  const units = Object.keys(views.find(Boolean)?.pressures ?? {});
  for (const unit of units) {
    if (![...at("unit").options].some((option) => option.value === unit)) at("unit").append(element("option", { value: unit }, unit));
  }
  at("comparison").hidden = !(views.length === 2 && views.every(Boolean));
  if (!at("comparison").hidden) at("comparison").replaceChildren(...compare(...views, settings().unit));
};

const start = async () => {
  let shipped = [];
  try {
    shipped = await (await ask("/api/crystals")).json();
    const about = await (await ask("/api/about")).json();
    at("about").textContent = `natural-tensors ${about.natural_tensors}, conventions ${about.conventions}, weights ${about.model}`;
  } catch (error) {
    at("about").textContent = error.message;
  }
  const add = () => {
    const slot = new Slot(slots.length + 1, shipped, settings, compared);
    slots.push(slot);
    at("slots").append(slot.place);
  };
  add();
  listen(at("decompose"));
  at("frame").addEventListener("change", () => slots.forEach((slot) => slot.file && slot.ask()));
  at("unit").addEventListener("change", () => slots.forEach((slot) => slot.show()));
  at("compare").addEventListener("click", () => {
    const two = slots.length === 1;
    if (two) add();
    else {
      const [gone] = slots.splice(1);
      gone.asking?.abort();
      gone.place.remove();
    }
    at("slots").classList.toggle("two", two);
    at("compare").setAttribute("aria-pressed", String(two));
    compared();
  });
};
start();
