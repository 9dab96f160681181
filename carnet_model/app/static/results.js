// What is shown of one answer: head, moduli, structure, surfaces, tensor, form, files to take away.
import { element, formula, lowered, save, symmetry, table } from "./elements.js";
import { alike, number, withIntervals } from "./numbers.js";
import { structureIn } from "./structure.js";

export const MODULI = [
  ["K", "bulk modulus", "bulk_hill", "bulk"],
  ["G", "shear modulus", "shear_hill", "shear"],
  ["E", "Young's modulus", "youngs_hill", "youngs"],
];

/** A view in another unit of pressure, where its tensor is one. */
export const inUnit = (view, unit) => {
  const factor = view.unit === "GPa" && view.pressures[unit] ? 1 / view.pressures[unit] : 1;
  return { factor, unit: factor === 1 ? view.unit : unit };
};

const fact = (symbol, words, value, apart = "", tone = null) =>
  element("div", { class: tone }, element("dt", {}, `${symbol} `, element("small", {}, words)),
    element("dd", {}, value, apart ? element("span", { class: "apart" }, apart) : null));

const facts = (view, { factor, unit }) => {
  const list = element("dl", { class: "glance", "aria-label": "At a glance" });
  const { moduli, uncertainty } = view;
  if (moduli) {
    for (const [symbol, words, key, name] of MODULI) {
      const half = (ending) => uncertainty?.[name + ending] && factor * uncertainty[name + ending];
      const [value, apart] = withIntervals(factor * moduli[key], half(""), half("_95"));
      list.append(fact(symbol, words, `${value} ${unit}`, apart));
    }
    list.append(fact("ν", "Poisson's ratio", number(moduli.poisson_hill)));
    list.append(fact("A", "universal anisotropy", number(moduli.universal_anisotropy)));
    list.append(view.stable ? fact("", "stability", "stable", "", "good")
      : fact("", "stability", "unstable", "some strain costs no energy", "alarm"));
  } else if (Array.isArray(view.tensor) === false && typeof view.tensor === "number") {
    list.append(fact("", view.target, `${number(view.tensor)} ${view.unit}`));
  }
  if (view.density_kg_m3) list.append(fact("ρ", "density", `${number(view.density_kg_m3)} kg/m³`));
  return list;
};

const words = (view) => {
  const names = [view.name];
  if (view.space_group) names.push(["space group ", ...symmetry(view.space_group)]);
  if (view.group) {
    names.push(["point group ", ...symmetry(view.group.symbol), ` (${view.group.schoenflies})`], view.group.system);
  }
  return element("p", { class: "names" }, names.map((name) => element("span", {}, name)));
};

const notes = (view) => [
  view.known ? `This is ${view.known} of the training set, or nearly: the network has seen it.` : "",
  ...view.warnings,
].filter(Boolean).map((text) => element("p", { class: "note" }, text));

// --- structure and surfaces

const structure = ({ structure: drawing, formula: name }) => {
  if (!drawing) return null;
  const hint = "Drag to turn; pinch, or scroll with Ctrl, to come closer. Keys: arrows, +, −, Home.";
  const place = element("div", { class: "turning structure", role: "img", tabindex: 0,
    "aria-label": `Structure of ${name}: ${drawing.elements.join(", ")}, ${drawing.balls.length} atoms drawn. ${hint}` });
  const legend = drawing.elements.map((symbol, n) => {
    const mark = element("i", { "aria-hidden": "true" });
    mark.style.background = drawing.colours[n];
    return element("li", {}, mark, symbol);
  });
  if (drawing.left_out) legend.push(element("li", {}, `${drawing.left_out} atoms are not drawn`));
  place.drawn = structureIn(place, drawing);
  return element("section", { "aria-label": "Structure" }, element("h3", {}, "Structure"), place,
    element("ul", { class: "elements", "aria-label": "Elements" }, legend), element("p", { class: "hint" }, hint));
};

/** The values of a surface times a factor, in the bytes that surfaces.js reads. */
const rescaled = (surface, factor, unit) => {
  if (surface.unit !== "GPa" || factor === 1) return surface;
  const bytes = Uint8Array.from(atob(surface.values), (letter) => letter.charCodeAt(0));
  const values = new Float32Array(bytes.buffer).map((value) => factor * value);
  const text = Array.from(new Uint8Array(values.buffer), (byte) => String.fromCharCode(byte)).join("");
  const heading = surface.heading.map((line) => line.replace("GPa", unit));
  return { ...surface, heading, unit, low: factor * surface.low, high: factor * surface.high, values: btoa(text) };
};

const surfaces = (view, { factor, unit }) => {
  if (!view.surfaces) return null;
  const scene = { ...view.surfaces, surfaces: view.surfaces.surfaces.map((each) => rescaled(each, factor, unit)) };
  const place = element("div", { class: "turning surface", role: "img", tabindex: 0,
    "aria-label": `Surface over all directions of ${view.name}. Keys: arrows, +, −.` });
  const section = element("section", { "aria-label": "Over all directions" },
    element("h3", {}, "Over all directions"), place);
  const drawn = surfacesIn(place, scene);
  if (!drawn) {
    place.remove();
    section.append(element("p", {}, "This browser draws no WebGL; the HTML report has still pictures."));
    return section;
  }
  place.surfaces = drawn;
  const chosen = element("select", { onchange: (event) => drawn.show(event.target.value) },
    scene.surfaces.map((each) => element("option", { value: each.name }, each.heading.join(", "))));
  section.append(element("p", { class: "ways" }, element("label", {}, "Show ", chosen)),
    element("p", { class: "hint" }, "The distance from the centre is the size in that direction. Point at it for its value."));
  requestAnimationFrame(() => drawn.show(chosen.value));
  return section;
};

// --- tensor and form

const matrix = (values, marks, names, caption) => {
  const texts = alike(values.flat());
  const largest = Math.max(...values.flat().map(Math.abs)) || 1;
  const width = values[0].length;
  const rows = values.map((row, i) => [names(i), ...row.map((value, j) => {
    const mark = marks?.[i][j] ?? "";
    const cell = element("td", {}, mark === "." ? "·" : texts[width * i + j],
      mark && mark !== "." ? element("sup", {}, mark) : null);
    const share = Math.abs(value) / largest;
    if (share > 1e-3 && mark !== ".") cell.style.background = `rgba(${value > 0 ? "33,102,172" : "178,24,43"},${0.1 + 0.3 * share})`;
    return cell;
  })]);
  return table(["", ...values[0].map((_, j) => names(j))], rows, { caption, kind: "matrix" });
};
const named = (count) => (n) => (count === 3 ? "xyz"[n] : String(n + 1));

const tensor = (view, { factor, unit }) => {
  const section = element("section", { "aria-label": "Tensor" }, element("h3", {}, view.title ?? view.target));
  const frame = { canonical: "canonical axes", structure: "the axes of the file", ieee: "the IEEE axes", given: "the axes it is stated in" };
  const where = `${unit ? `in ${unit}, ` : ""}in ${frame[view.frame.name] ?? view.frame.name}`;
  if (view.matrix) {
    const { values, marks } = view.matrix;
    const names = named(values[0].length);
    const times = (rows) => rows.map((row) => row.map((value) => factor * value));
    const legend = marks ? " Entries with one letter are equal by symmetry, · vanishes." : "";
    section.append(matrix(times(values), marks, names, `${where}.${legend}`));
    const spread = view.uncertainty?.stiffness;
    if (spread) {
      section.append(element("details", {}, element("summary", {}, "Intervals of its components"),
        matrix(times(spread), null, names, `half-widths of 68 % intervals, ${where}`),
        view.uncertainty.stiffness_95
          ? matrix(times(view.uncertainty.stiffness_95), null, names, `half-widths of 95 % intervals, ${where}`) : null));
    }
  } else {
    section.append(element("pre", {}, element("code", {}, (view.text ?? [view.csv]).join("\n"))));
  }
  const along = view.axes?.map((text, n) => (text ? `${"xyz"[n]}: ${text}` : "")).filter(Boolean) ?? [];
  if (along.length) section.append(element("p", { class: "hint" }, along.join("; ")));
  return section;
};

const form = ({ group, name }) => {
  if (!group) return null;
  const section = element("section", { "aria-label": "Form under the point group" },
    element("h3", {}, "What point group ", symmetry(group.symbol), " leaves"),
    element("p", {}, `${group.independent} independent constants of ${group.of}, in the standard axes of the group.`));
  if (group.latex) section.append(formula(group.latex, `Form of the tensor of ${name} in symbols`));
  else section.append(element("pre", {}, element("code", {}, group.relations.join("\n"))));
  return section;
};

// --- files to take away

const downloads = (view, report) => {
  const stem = view.name.replace(/^.*[/\\]/, "").replace(/\.[A-Za-z0-9]+$/, "").replace(/[^\w.-]+/g, "-") || "tensor";
  const said = element("span", { role: "status" });
  const button = (text, act) => element("button", { type: "button", onclick: async () => {
    said.textContent = "";
    try {
      await act();
      said.textContent = `${text} saved`;
    } catch (error) {
      said.textContent = error.message;
    }
  } }, text);
  return element("section", { "aria-label": "Downloads" }, element("h3", {}, "Take it away"),
    element("p", { class: "buttons" },
      button("JSON", () => save(`${stem}.json`, view.json, "application/json")),
      button("CSV", () => save(`${stem}.csv`, view.csv, "text/csv")),
      view.title ? button("HTML report", async () => save(`${stem}.html`, await report(), "text/html")) : null,
      button("BibTeX", () => save("natural-tensors.bib", view.bibtex, "application/x-bibtex")),
      said));
};

/** Show an answer in a place; `report` asks for its HTML. */
export const showIn = (place, view, unit, report) => {
  const units = inUnit(view, unit);
  place.replaceChildren(
    element("h2", {}, view.formula ? lowered(view.formula) : view.name),
    words(view), ...notes(view), facts(view, units),
    element("div", { class: "views" }, structure(view) ?? "", surfaces(view, units) ?? "",
      tensor(view, units), form(view) ?? ""),
    downloads(view, report));
};
