// Two tensors beside each other, in numbers.
import { element, table } from "./elements.js";
import { number } from "./numbers.js";
import { inUnit, MODULI } from "./results.js";

const percent = (first, second) => {
  const change = (100 * (first - second)) / Math.abs(second);
  return Number.isFinite(change) ? `${change > 0 ? "+" : ""}${change.toFixed(1)} %`.replace("-", "\u2212") : "\u2013";
};

/** How far two matrices are apart: the norm of the difference over that of the second. */
const apart = (first, second) => {
  const [a, b] = [first.flat(), second.flat()];
  const norm = (values) => Math.hypot(...values);
  return norm(a.map((value, n) => value - b[n])) / norm(b);
};

export const compare = (first, second, unit) => {
  const rows = [];
  if (first.moduli && second.moduli) {
    const units = inUnit(first, unit);
    for (const [symbol, , key] of MODULI) {
      const [a, b] = [units.factor * first.moduli[key], units.factor * second.moduli[key]];
      rows.push([`${symbol} [${units.unit}]`, number(a), number(b), percent(a, b)]);
    }
    for (const [symbol, key] of [["ν", "poisson_hill"], ["A", "universal_anisotropy"]]) {
      rows.push([symbol, number(first.moduli[key]), number(second.moduli[key]), percent(first.moduli[key], second.moduli[key])]);
    }
  }
  const parts = [element("h2", {}, "Compared")];
  if (first.target !== second.target) {
    parts.push(element("p", {}, `One is ${first.target}, the other ${second.target}: they are different tensors.`));
  } else if (first.matrix && second.matrix) {
    rows.push(["tensor", "", "", `${(100 * apart(first.matrix.values, second.matrix.values)).toFixed(1)} %`]);
    parts.push(element("p", { class: "hint" },
      "Tensor: norm of the difference over that of the second, entry by entry, in the axes each is shown in: it says something only where these are the same."));
  }
  if (rows.length) {
    parts.splice(1, 0, table(["", `1: ${first.name}`, `2: ${second.name}`, "1 against 2"], rows,
      { label: "Comparison of the two" }));
  }
  return parts;
};
