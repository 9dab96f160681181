"use strict";
(() => {
  const data = JSON.parse(document.getElementById("document").textContent);
  const say = (button, text) => {
    button.parentElement.querySelector("[role=status]").textContent = text;
  };

  // --- data to take away

  const saved = (name, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const copied = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // a page inside a notebook may not use the clipboard, but may copy what is selected
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      if (!done) throw new Error("copy refused");
    }
  };
  for (const button of document.querySelectorAll("[data-download]")) {
    button.addEventListener("click", () => {
      const name = button.dataset.download;
      // a tensor alone is what the command line reads
      const { report, ...tensor } = data;
      saved(name, JSON.stringify(name.endsWith(".report.json") ? data : tensor, null, 1) + "\n");
      say(button, "saved");
    });
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => {
      const rows = data.report.matrices[button.dataset.copy];
      copied(rows.map((row) => row.join("\t")).join("\n")).then(
        () => say(button, "copied"),
        () => say(button, "the browser does not allow it; download the tensor instead"),
      );
    });
  }

  // --- print shows what is folded away

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const fold of opened) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of opened) fold.open = false;
  });

  // --- surfaces to turn

  const place = document.getElementById("turning");
  if (!place) return;
  const scene = JSON.parse(document.getElementById("scene").textContent);
  const surfaces = surfacesIn(place, scene);
  if (!surfaces) {
    document.body.classList.add("still");
    return;
  }
  place.surfaces = surfaces;
  const buttons = document.querySelectorAll("[data-property]");
  const choose = (name) => {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.property === name));
    }
    surfaces.show(name);
  };
  for (const button of buttons) {
    button.addEventListener("click", () => choose(button.dataset.property));
  }
  document.querySelector("[data-view=reset]").addEventListener("click", surfaces.reset);
  document.querySelector("[data-view=picture]").addEventListener("click", (event) => {
    const shown = document.querySelector("[data-property][aria-pressed=true]").dataset.property;
    const link = document.createElement("a");
    link.href = surfaces.picture();
    link.download = `${event.currentTarget.dataset.stem}-${shown}.png`;
    link.click();
  });
  choose(buttons[0].dataset.property);
})();
