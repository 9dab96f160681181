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
  if (!document.createElement("canvas").getContext("webgl")) {
    document.body.classList.add("still");
    return;
  }
  const figure = JSON.parse(document.getElementById("figure").textContent);
  const surfaces = figure.data.flatMap((trace, index) => (trace.type === "mesh3d" ? [index] : []));
  // all surfaces are drawn on the directions of the first, and joined like them
  const { i, j, k, customdata } = figure.data[surfaces[0]];
  for (const index of surfaces) Object.assign(figure.data[index], { i, j, k, customdata });

  const black = figure.layout.font.color;
  const inked = figure.data.flatMap((trace) => [trace.line, trace.textfont])
    .filter((style) => style && style.color === black);
  // a colour bar that is moved leaves its old self behind: what moves it draws all anew
  let drawn = "";
  const draw = () => {
    const narrow = place.clientWidth < 560;
    const ink = getComputedStyle(document.body).color;
    if (drawn === `${narrow} ${ink}`) return;
    const camera = drawn ? place.layout.scene.camera : figure.layout.scene.camera;
    drawn = `${narrow} ${ink}`;
    figure.layout.font.color = ink;
    for (const style of inked) style.color = ink;
    for (const index of surfaces) {
      const bar = figure.data[index].colorbar;
      Object.assign(bar, narrow
        ? { orientation: "h", x: 0.5, xanchor: "center", y: 0, yanchor: "bottom", len: 0.9 }
        : { orientation: "v", x: 1, xanchor: "right", y: 0.5, yanchor: "middle", len: 0.7 });
      bar.title.side = "top";
    }
    figure.layout.scene.camera = camera;
    figure.layout.scene.domain = { y: [narrow ? 0.18 : 0, 1] };
    Plotly.newPlot(place, figure.data, figure.layout, {
      responsive: true,
      displaylogo: false,
      modeBarButtons: [["toImage", "resetCameraDefault3d"]],
    });
  };
  const buttons = document.querySelectorAll("[data-property]");
  const choose = (name) => {
    for (const trace of figure.data) trace.visible = trace.meta === name;
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.property === name));
    }
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      choose(button.dataset.property);
      Plotly.restyle(place, { visible: figure.data.map((trace) => trace.visible) });
    });
  }
  choose(buttons[0].dataset.property);
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", draw);
})();
