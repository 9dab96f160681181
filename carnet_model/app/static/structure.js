// A structure to turn: balls and sticks on a canvas, far ones first. `structureIn(place, drawing)` draws
// what carnet_model/app/drawing.py describes; lengths are in angstrom.

const BALL = 0.55; // of the covalent radius
const STICK = 0.14; // angstrom
const HOME = [[0.94, -0.34, 0], [0.13, 0.36, 0.92], [-0.31, -0.87, 0.38]];
const ZOOM = [0.4, 8];

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const scaled = (a, by) => a.map((x) => x * by);
const plus = (a, b) => a.map((x, i) => x + b[i]);
const unit = (a) => scaled(a, 1 / Math.hypot(...a));

/** Rows to the right, up and towards the eye, made perpendicular. */
const framed = ([right, up]) => {
  const first = unit(right);
  const towards = unit(cross(first, up));
  return [first, cross(towards, first), towards];
};
const turned = ([right, up, towards], along, across) => {
  const aside = unit(plus(scaled(right, Math.cos(along)), scaled(towards, Math.sin(along))));
  const nearer = unit(cross(aside, up));
  const raised = unit(plus(scaled(up, Math.cos(across)), scaled(nearer, -Math.sin(across))));
  return [aside, raised, unit(cross(aside, raised))];
};
const mixed = (hex, other, share) => {
  const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgb(${parts.map((part) => Math.round(part + share * (other - part))).join(",")})`;
};

/** Both ends of every edge of the cell, from the lattice vectors along which it repeats. */
const edgesOf = (cell) => {
  const corners = [...Array(2 ** cell.length).keys()];
  const place = (corner) =>
    cell.reduce((sum, row, n) => ((corner >> n) & 1 ? plus(sum, row) : sum), [0, 0, 0]);
  return corners.flatMap((corner) =>
    cell.map((_, n) => n).filter((n) => !((corner >> n) & 1)).map((n) => [place(corner), place(corner | (1 << n))]));
};

export const structureIn = (place, drawing) => {
  const canvas = document.createElement("canvas");
  place.append(canvas);
  const edges = edgesOf(drawing.cell);
  const points = [...drawing.balls, ...edges.flat()];
  const middle = [0, 1, 2].map((i) => {
    const along = points.map((point) => point[i]);
    return (along.reduce((a, b) => Math.min(a, b)) + along.reduce((a, b) => Math.max(a, b))) / 2;
  });
  const away = (point) => plus(point, scaled(middle, -1));
  const balls = drawing.balls.map(away);
  const reach = points.reduce((most, point) => Math.max(most, Math.hypot(...away(point))), 0) + 1;
  const radius = (ball) => BALL * drawing.radii[drawing.kinds[ball]];
  let [view, zoom, waiting] = [framed(HOME), 1, false];

  const draw = () => {
    waiting = false;
    const [width, height] = [place.clientWidth, place.clientHeight];
    if (!width || !height) return;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    [canvas.width, canvas.height] = [Math.round(ratio * width), Math.round(ratio * height)];
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const size = (zoom * Math.min(width, height)) / (2 * reach);
    const seen = (point) => [width / 2 + size * dot(view[0], point), height / 2 - size * dot(view[1], point)];
    const ink = getComputedStyle(place).color;
    const line = (from, to, colour, thick) => {
      context.strokeStyle = colour;
      context.lineWidth = thick;
      context.beginPath();
      context.moveTo(...seen(from));
      context.lineTo(...seen(to));
      context.stroke();
    };
    const colour = (ball) => drawing.colours[drawing.kinds[ball]];
    const pieces = balls.map((centre, ball) => ({ depth: dot(view[2], centre), draw: () => {
      const [x, y] = seen(centre);
      const across = size * radius(ball);
      const light = context.createRadialGradient(x - 0.35 * across, y - 0.4 * across, 0.1 * across, x, y, across);
      light.addColorStop(0, mixed(colour(ball), 255, 0.75));
      light.addColorStop(0.45, colour(ball));
      light.addColorStop(1, mixed(colour(ball), 0, 0.5));
      context.fillStyle = light;
      context.beginPath();
      context.arc(x, y, across, 0, 2 * Math.PI);
      context.fill();
    } }));
    for (const [from, to] of drawing.sticks) {
      const half = scaled(plus(balls[from], balls[to]), 0.5);
      for (const end of [from, to]) {
        const nearest = scaled(plus(balls[end], half), 0.5);
        pieces.push({ depth: dot(view[2], nearest) - 0.01, draw: () =>
          line(balls[end], half, mixed(colour(end), 0, 0.2), Math.max(1.5, size * STICK)) });
      }
    }
    for (const [from, to] of edges.map((ends) => ends.map(away))) {
      // in short pieces, so that what is nearer covers them
      for (let part = 0; part < 8; part += 1) {
        const at = (share) => plus(scaled(from, 1 - share), scaled(to, share));
        pieces.push({ depth: dot(view[2], at((part + 0.5) / 8)), draw: () =>
          line(at(part / 8), at((part + 1) / 8), ink, 1) });
      }
    }
    pieces.sort((a, b) => a.depth - b.depth);
    for (const piece of pieces) piece.draw();
  };
  const redraw = () => {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  };
  const turn = (along, across) => {
    view = turned(view, along, across);
    redraw();
  };
  const magnify = (times) => {
    zoom = Math.min(Math.max(zoom * times, ZOOM[0]), ZOOM[1]);
    redraw();
  };
  const reset = () => {
    [view, zoom] = [framed(HOME), 1];
    redraw();
  };

  const held = new Map();
  const spread = () => {
    const [one, two] = [...held.values()];
    return Math.hypot(one.x - two.x, one.y - two.y);
  };
  place.addEventListener("pointerdown", (event) => {
    held.set(event.pointerId, { x: event.clientX, y: event.clientY });
    place.setPointerCapture(event.pointerId);
  });
  place.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const apart = held.size === 2 ? spread() : 0;
    held.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (apart) magnify(spread() / apart);
    else turn(0.008 * (event.clientX - before.x), 0.008 * (event.clientY - before.y));
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    place.addEventListener(kind, (event) => held.delete(event.pointerId));
  }
  place.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // a wheel alone scrolls the page
    event.preventDefault();
    magnify(Math.exp(-0.0025 * event.deltaY));
  }, { passive: false });
  const keys = {
    ArrowLeft: () => turn(-0.1, 0), ArrowRight: () => turn(0.1, 0), ArrowUp: () => turn(0, -0.1),
    ArrowDown: () => turn(0, 0.1), "+": () => magnify(1.15), "-": () => magnify(1 / 1.15), Home: reset,
  };
  place.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  new ResizeObserver(redraw).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  return { reset, view: () => view.map((row) => [...row]) };
};
