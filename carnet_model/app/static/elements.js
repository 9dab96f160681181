// Elements of a page, made without markup from text: nothing that is read can become a tag.

/** An element with attributes, properties that start with a dot, and children (text or elements). */
export const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key.startsWith(".")) made[key.slice(1)] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
};

/** A table: headings, and rows whose first cell names them. */
export const table = (headings, rows, { caption = "", kind = "", label = caption } = {}) =>
  element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label || "table" },
    element("table", { class: kind || null },
      caption ? element("caption", {}, caption) : null,
      headings.length
        ? element("thead", {}, element("tr", {}, headings.map((text) => element("th", { scope: "col" }, text))))
        : null,
      element("tbody", {}, rows.map(([first, ...others]) =>
        element("tr", {}, element("th", { scope: "row" }, first),
          others.map((cell) => (cell instanceof HTMLTableCellElement ? cell : element("td", {}, cell))))))));

/** Pieces of text with their numbers lowered: SiO2. */
export const lowered = (text) =>
  text.split(/(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)/).map((part, place) => (place % 2 ? element("sub", {}, part) : part));

/** A point or space group with bars and screw axes: −3m with the 3 overlined, P3₂21. */
export const symmetry = (text) =>
  text.split(/([-_]\d)/).map((part, place) => {
    if (place % 2 === 0) return part;
    return part[0] === "_" ? element("sub", {}, part[1]) : element("span", { class: "bar" }, part[1]);
  });

/** A formula, typeset; its source where that fails. */
export const formula = (source, label) => {
  const place = element("div", { class: "formula scroll", tabindex: 0, role: "region", "aria-label": label });
  try {
    katex.render(source, place, { displayMode: true, throwOnError: true, maxExpand: 1000, maxSize: 50 });
  } catch {
    place.append(element("code", {}, source));
  }
  return place;
};

/** Give a file to whoever looks at the page. */
export const save = (name, text, type) => {
  const link = element("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
