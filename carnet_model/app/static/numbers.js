// How numbers look: as on the page of the report (natural_tensors/formatting.py).

const MINUS = "\u2212";
const NOTHING = "\u2013";

const digits = (value, decimals) => {
  const text = value.toFixed(Math.min(Math.max(decimals, 0), 12));
  return (Number(text) ? text : (0).toFixed(Math.min(Math.max(decimals, 0), 12))).replace("-", MINUS);
};
const size = (value) => Math.floor(Math.log10(Math.abs(value)));
const power = (value) => {
  const [mantissa, exponent] = value.toExponential(3).split("e");
  const raised = [...String(Number(exponent))].map((letter) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[letter] ?? "⁻").join("");
  return `${mantissa.replace("-", MINUS)} × 10${raised}`;
};
const odd = (value) => value !== 0 && (size(value) < -4 || size(value) >= 7);

/** Four significant digits; a dash for what does not exist. */
export const number = (value) => {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  if (value === 0) return "0";
  return odd(value) ? power(value) : digits(value, 3 - size(value));
};

/** Numbers of one table: the decimals that the largest needs; rounding of it is 0. */
export const alike = (values) => {
  const largest = Math.max(...values.filter(Number.isFinite).map(Math.abs), 0);
  if (!largest) return values.map((value) => (Number.isFinite(value) ? "0" : NOTHING));
  if (odd(largest)) return values.map((value) => (Math.abs(value) < 1e-4 * largest ? "0" : number(value)));
  const decimals = 3 - size(largest);
  return values.map((value) =>
    !Number.isFinite(value) ? NOTHING : Math.abs(value) < 0.5 * 10 ** -decimals ? "0" : digits(value, decimals));
};

/** A value with half-widths of its intervals: ["37.8", "± 1.2 (68 %), ± 2.6 (95 %)"]. */
export const withIntervals = (value, narrow, wide) => {
  if (!narrow || !Number.isFinite(narrow)) return [number(value), ""];
  const first = narrow.toExponential(0);
  const decimals = (first.startsWith("1") ? 1 : 0) - Number(first.split("e")[1]);
  if (odd(value) || decimals > 9) return [number(value), `± ${number(narrow)} (68 %)`];
  const parts = [`± ${digits(narrow, decimals)} (68 %)`];
  if (wide && Number.isFinite(wide)) parts.push(`± ${digits(wide, decimals)} (95 %)`);
  return [digits(value, decimals), parts.join(", ")];
};
