// The second tab: a pasted matrix, its natural parts and their formulas.
import { element, formula, save } from "./elements.js";
import { ask, fields } from "./requests.js";

const CUBIC = ["C11 C12 C12 0 0 0", "C12 C11 C12 0 0 0", "C12 C12 C11 0 0 0", "0 0 0 C44 0 0", "0 0 0 0 C44 0", "0 0 0 0 0 C44"];
const SAMPLES = {
  "copper, measured": ["elastic", "169 122 122 0 0 0\n122 169 122 0 0 0\n122 122 169 0 0 0\n0 0 0 75.3 0 0\n0 0 0 0 75.3 0\n0 0 0 0 0 75.3"],
  "cubic stiffness, in symbols": ["elastic", CUBIC.join("\n")],
  "a strain": ["ij=ji", "0.010 0.002 0\n0.002 0.004 0\n0 0 -0.006"],
  "a velocity gradient": ["ij", "0.1 0.4 0\n-0.2 0.3 0\n0 0 0.5"],
};

const share = (part) => {
  if (typeof part.share !== "number") return "";
  return part.share < 1e-10 ? ", share 0" : `, ${(100 * part.share).toFixed(2)} % of the squared norm`;
};

const shownOf = (answer) => [
  element("h2", {}, `${answer.class}: ${answer.irreps}`),
  element("p", { class: "names" }, [`symmetry ${answer.symmetry || "none"}`, `form ${answer.form}`,
    answer.exact ? "exact" : "numbers", ...answer.notes].map((text) => element("span", {}, text))),
  element("h3", {}, "Its parts"),
  element("p", { class: "hint" }, "A share is that of the squared norm; of copies of one weight, of their orthonormal form."),
  ...answer.parts.map((part) => element("section", { "aria-label": `Part of weight ${part.weight}, copy ${part.copy}` },
    element("p", { class: "hint" }, `Weight ${part.weight}, copy ${part.copy}${share(part)}`),
    formula(part.latex, `Part of weight ${part.weight}, copy ${part.copy}`),
    typeof part.share === "string" ? formula(`\\text{share} = ${part.share}`, "Its share of the squared norm") : null)),
  element("h3", {}, "The formulas of its class"),
  element("p", { class: "hint" }, "Angle brackets: the symmetric traceless part."),
  formula(answer.formulas, `Formulas of ${answer.class}`),
  element("p", { class: "buttons" },
    element("button", { type: "button", onclick: () => save("parts.json", `${JSON.stringify(answer, null, 1)}\n`, "application/json") }, "Save JSON"),
    element("button", { type: "button", onclick: () => save("formulas.tex", `${answer.formulas}\n`, "application/x-tex") }, "Save LaTeX")),
];

/** Make the tab work. */
export const listen = (tab) => {
  const form = tab.querySelector("form");
  const sample = tab.querySelector("#sample");
  const [status, alarm, shown] = [".status", ".alarm", ".shown"].map((name) => tab.querySelector(name));
  sample.append(...Object.keys(SAMPLES).map((name) => element("option", { value: name }, name)));
  sample.addEventListener("change", () => {
    if (!SAMPLES[sample.value]) return;
    [form.elements.kind.value, form.elements.matrix.value] = SAMPLES[sample.value];
    form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    alarm.hidden = true;
    status.textContent = "Working";
    status.classList.add("busy");
    try {
      const { matrix, kind, project } = form.elements;
      const response = await ask("/api/decompose",
        fields({ matrix: matrix.value, kind: kind.value, project: project.checked }));
      shown.replaceChildren(...shownOf(await response.json()));
      shown.hidden = false;
      status.textContent = "Done";
    } catch (error) {
      shown.hidden = true;
      status.textContent = "";
      alarm.textContent = error.message.replace("\n", "; ");
      alarm.hidden = false;
    } finally {
      status.classList.remove("busy");
    }
  });
};
