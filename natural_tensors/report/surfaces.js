"use strict";
// Surfaces over all directions, drawn by WebGL, turned by hand. `surfacesIn(place, scene)` draws in an
// element; the scene is what natural_tensors/report/surfaces.py writes. All lengths are shares of the
// longest radius of a surface.
const surfacesIn = (() => {
  const AXES = [1.3, 1.1]; // how far x y z and a b c reach
  const BESIDE = 0.1; // a lattice vector often lies on an axis: its letter stands beside the end
  const FIT = 1.45; // what of the surface's surroundings is in view
  const LIFT = 1.004; // lines float above the surface, so that they are not hidden in it
  const LINE = 2.2; // pixels
  const SHADE = [0.125, 0.145, 0.169]; // lines on a surface, dark on any page
  const ZOOM = [0.5, 6];
  const NARROW = 560; // pixels; below, the colour bar lies under the surface
  const BAR = 74; // pixels of the colour bar and its numbers, where it stands on the right
  const MINUS = "\u2212";
  const LIGHT = [-0.408, 0.454, 0.681].map((x) => x / Math.hypot(0.408, 0.454, 0.681));

  // --- numbers

  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const cross = (a, b) => [
    a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0],
  ];
  const unit = (a) => a.map((x) => x / Math.hypot(...a));
  const written = (text) => text.replace("-", MINUS);
  const fixed = (value, decimals) => {
    const text = value.toFixed(decimals);
    return written(Number(text) ? text : (0).toFixed(decimals)); // no minus before a zero
  };
  const decimalsOf = (size, digits) =>
    Math.min(Math.max(digits - 1 - Math.floor(Math.log10(size || 1)), 0), 8);

  /** Rows of a rotation: to the right, up, and towards the eye, which looks at the centre. */
  const lookingFrom = (eye) => {
    const right = unit(cross([0, 0, 1], eye));
    return [right, cross(eye, right), eye];
  };
  /** The view turned by radians about the screen's upward and rightward axis. */
  const turned = (view, along, across) => {
    const [right, up, towards] = view;
    const mix = (a, b, c, s) => unit(a.map((x, i) => c * x + s * b[i]));
    const aside = mix(right, towards, Math.cos(along), Math.sin(along));
    const nearer = unit(cross(aside, up));
    const raised = mix(up, nearer, Math.cos(across), -Math.sin(across));
    return [aside, raised, unit(cross(aside, raised))];
  };

  /** Corners and triangles of the grid of directions: rings of equal polar angle, then the poles. */
  const sphere = (steps) => {
    const around = 2 * (steps - 1);
    const directions = [];
    for (let ring = 1; ring < steps - 1; ring += 1) {
      const polar = (Math.PI * ring) / (steps - 1);
      for (let place = 0; place < around; place += 1) {
        const azimuth = (2 * Math.PI * place) / around;
        directions.push([
          Math.sin(polar) * Math.cos(azimuth), Math.sin(polar) * Math.sin(azimuth), Math.cos(polar),
        ]);
      }
    }
    const north = directions.push([0, 0, 1]) - 1;
    const south = directions.push([0, 0, -1]) - 1;
    const corner = (ring, place) =>
      ring === 0 ? north : ring === steps - 1 ? south : (ring - 1) * around + (place % around);
    const triangles = [];
    for (let ring = 0; ring < steps - 1; ring += 1) {
      for (let place = 0; place < around; place += 1) {
        const [a, b] = [corner(ring, place), corner(ring + 1, place)];
        const [c, d] = [corner(ring + 1, place + 1), corner(ring, place + 1)];
        if (ring < steps - 2) triangles.push(a, b, c);
        if (ring > 0) triangles.push(a, c, d);
      }
    }
    const meridian = (place) => [...Array(steps).keys()].map((ring) => corner(ring, place));
    const loop = (place) => [...meridian(place), ...meridian(place + around / 2).reverse()];
    const equator = [...Array(around + 1).keys()].map((place) => corner((steps - 1) / 2, place));
    // the sections with the planes xy, yz and zx
    return { directions, triangles, circles: [equator, loop(around / 4), loop(0)] };
  };

  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  const coloured = (share, stops) => {
    const last = stops.findIndex(([at]) => at >= share);
    if (last <= 0) return rgb(stops[last < 0 ? stops.length - 1 : 0][1]);
    const [[low, from], [high, to]] = [stops[last - 1], stops[last]];
    const part = high > low ? (share - low) / (high - low) : 1;
    const [start, end] = [rgb(from), rgb(to)];
    return start.map((x, i) => x + part * (end[i] - x));
  };

  /** What is drawn of one surface, as flat arrays. */
  const built = (ball, surface) => {
    const bytes = Uint8Array.from(atob(surface.values), (letter) => letter.charCodeAt(0));
    const values = new Float32Array(bytes.buffer);
    const reach = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    const count = values.length;
    const points = new Float32Array(3 * count);
    const normals = new Float32Array(3 * count);
    const colours = new Float32Array(3 * count);
    ball.directions.forEach((direction, place) => {
      const radius = Math.abs(values[place]) / reach;
      const share = (values[place] - surface.low) / (surface.high - surface.low);
      points.set(direction.map((x) => radius * x), 3 * place);
      colours.set(coloured(share, surface.stops), 3 * place);
    });
    const point = (place) => points.subarray(3 * place, 3 * place + 3);
    for (let at = 0; at < ball.triangles.length; at += 3) {
      const [a, b, c] = ball.triangles.slice(at, at + 3);
      const [p, q, r] = [point(a), point(b), point(c)];
      const area = cross([q[0] - p[0], q[1] - p[1], q[2] - p[2]], [r[0] - p[0], r[1] - p[1], r[2] - p[2]]);
      for (const corner of [a, b, c]) for (let i = 0; i < 3; i += 1) normals[3 * corner + i] += area[i];
    }
    const segments = [];
    for (const circle of ball.circles) {
      const line = circle.map((place) => [...point(place)].map((x) => LIFT * x));
      for (let at = 1; at < line.length; at += 1) segments.push([line[at - 1], line[at], SHADE]);
    }
    return { values, reach, points, normals, colours, segments };
  };

  // --- WebGL

  const BODY = [
    `attribute vec3 point, normal, colour; uniform mat3 view; uniform vec4 scale; varying vec3 seen, tint;
     void main() { seen = view * normal; tint = colour; vec3 p = view * point;
       gl_Position = vec4(p.xy * scale.xy + scale.zw, -p.z / 4.0, 1.0); }`,
    `precision mediump float; varying vec3 seen, tint; uniform vec3 light;
     void main() { vec3 n = seen * inversesqrt(max(dot(seen, seen), 1e-20));
       gl_FragColor = vec4(tint * (0.64 + 0.38 * max(dot(n, light), 0.0)), 1.0); }`,
  ];
  // a segment is two triangles: every corner knows both ends, and on which side of them it is
  const SEGMENT = [
    `attribute vec3 start, end, colour; attribute vec2 side; uniform mat3 view; uniform vec4 scale;
     uniform vec2 pixel; varying vec3 tint;
     void main() { tint = colour; vec3 p = view * start, q = view * end;
       vec2 along = (q.xy - p.xy) * scale.xy / pixel;
       along = dot(along, along) > 1e-8 ? normalize(along) : vec2(1.0, 0.0);
       vec3 at = mix(p, q, side.x); vec2 off = (vec2(-along.y, along.x) * side.y + along * (side.x - 0.5) * 0.6) * pixel;
       gl_Position = vec4(at.xy * scale.xy + scale.zw + off, -at.z / 4.0 - 0.0005, 1.0); }`,
    "precision mediump float; varying vec3 tint; void main() { gl_FragColor = vec4(tint, 1.0); }",
  ];

  const program = (gl, sources) => {
    const made = gl.createProgram();
    [gl.VERTEX_SHADER, gl.FRAGMENT_SHADER].forEach((kind, place) => {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, sources[place]);
      gl.compileShader(shader);
      gl.attachShader(made, shader);
    });
    gl.linkProgram(made);
    if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made));
    return made;
  };
  const filled = (gl, kind, array) => {
    const buffer = gl.createBuffer();
    gl.bindBuffer(kind, buffer);
    gl.bufferData(kind, array, gl.STATIC_DRAW);
    return buffer;
  };
  const attribute = (gl, made, name, size, buffer, stride = 0, offset = 0) => {
    const at = gl.getAttribLocation(made, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, gl.FLOAT, false, 4 * stride, 4 * offset);
  };
  const ribbons = (segments) =>
    new Float32Array(segments.flatMap(([start, end, colour]) =>
      [[0, -1], [0, 1], [1, 1], [0, -1], [1, 1], [1, -1]].flatMap((side) => [...start, ...end, ...colour, ...side])));

  /** Return a function that draws bodies and segments in a view; null without WebGL. */
  const painter = (canvas, triangles) => {
    const gl = canvas.getContext("webgl", { antialias: true, preserveDrawingBuffer: true });
    if (!gl) return null;
    const [body, segment] = [program(gl, BODY), program(gl, SEGMENT)];
    const corners = filled(gl, gl.ELEMENT_ARRAY_BUFFER, new Uint16Array(triangles));
    const [axes, buffers] = [gl.createBuffer(), new Map()];
    const drawn = (buffer, count) => {
      attribute(gl, segment, "start", 3, buffer, 11, 0);
      attribute(gl, segment, "end", 3, buffer, 11, 3);
      attribute(gl, segment, "colour", 3, buffer, 11, 6);
      attribute(gl, segment, "side", 2, buffer, 11, 9);
      gl.drawArrays(gl.TRIANGLES, 0, 6 * count);
    };
    return (shown, lines, view, scale, pixel) => {
      if (!buffers.has(shown)) {
        const arrays = [shown.points, shown.normals, shown.colours, ribbons(shown.segments)];
        buffers.set(shown, arrays.map((array) => filled(gl, gl.ARRAY_BUFFER, array)));
      }
      const [points, normals, colours, sections] = buffers.get(shown);
      const rows = new Float32Array([0, 1, 2].flatMap((i) => view.map((row) => row[i])));
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      gl.enable(gl.DEPTH_TEST);
      gl.useProgram(body);
      attribute(gl, body, "point", 3, points);
      attribute(gl, body, "normal", 3, normals);
      attribute(gl, body, "colour", 3, colours);
      gl.uniformMatrix3fv(gl.getUniformLocation(body, "view"), false, rows);
      gl.uniform4fv(gl.getUniformLocation(body, "scale"), scale);
      gl.uniform3fv(gl.getUniformLocation(body, "light"), LIGHT);
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, corners);
      gl.drawElements(gl.TRIANGLES, triangles.length, gl.UNSIGNED_SHORT, 0);
      gl.useProgram(segment);
      gl.uniformMatrix3fv(gl.getUniformLocation(segment, "view"), false, rows);
      gl.uniform4fv(gl.getUniformLocation(segment, "scale"), scale);
      gl.uniform2fv(gl.getUniformLocation(segment, "pixel"), pixel);
      drawn(sections, shown.segments.length);
      gl.bindBuffer(gl.ARRAY_BUFFER, axes);
      gl.bufferData(gl.ARRAY_BUFFER, ribbons(lines), gl.STREAM_DRAW);
      drawn(axes, lines.length);
    };
  };

  // --- the surface under a point of the screen

  /** Corner and weights of the nearest triangle at (x, y) of the view, and its depth; or null. */
  const hit = (ball, shown, view, x, y) => {
    const { points } = shown;
    const [right, up, towards] = view;
    const count = points.length / 3;
    const [u, v] = [new Float32Array(count), new Float32Array(count)];
    for (let at = 0; at < count; at += 1) {
      const [a, b, c] = [points[3 * at], points[3 * at + 1], points[3 * at + 2]];
      u[at] = right[0] * a + right[1] * b + right[2] * c - x;
      v[at] = up[0] * a + up[1] * b + up[2] * c - y;
    }
    let best = null;
    const { triangles } = ball;
    for (let at = 0; at < triangles.length; at += 3) {
      const [i, j, k] = [triangles[at], triangles[at + 1], triangles[at + 2]];
      const [p, q, r] = [u[j] * v[k] - u[k] * v[j], u[k] * v[i] - u[i] * v[k], u[i] * v[j] - u[j] * v[i]];
      const area = p + q + r;
      if (!area || !((p >= 0 && q >= 0 && r >= 0) || (p <= 0 && q <= 0 && r <= 0))) continue;
      const shares = [p / area, q / area, r / area];
      const depth = [i, j, k].reduce(
        (sum, corner, n) => sum + shares[n] * dot(towards, points.subarray(3 * corner, 3 * corner + 3)), 0);
      if (!best || depth > best.depth) best = { depth, shares, corners: [i, j, k] };
    }
    return best;
  };

  // --- colour bar and letters, on a canvas above

  const ticksOf = (low, high, most) => {
    const size = Math.max(Math.abs(low), Math.abs(high));
    if (high - low < 2e-3 * size) {
      const middle = (low + high) / 2;
      return [[middle, fixed(middle, decimalsOf(size, 4))]];
    }
    const raw = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((times) => times * power >= raw * (1 - 1e-9));
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const ticks = [];
    for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n += 1) {
      ticks.push([n * step, fixed(n * step, decimals)]);
    }
    return ticks;
  };

  const drawBar = (context, surface, area, narrow, ink) => {
    const { x, y, width, height } = area;
    const gradient = narrow
      ? context.createLinearGradient(x, 0, x + width, 0)
      : context.createLinearGradient(0, y + height, 0, y);
    for (const [share, colour] of surface.stops) gradient.addColorStop(share, colour);
    context.fillStyle = gradient;
    context.fillRect(x, y, width, height);
    context.fillStyle = ink;
    context.strokeStyle = ink;
    context.lineWidth = 1;
    for (const [value, text] of ticksOf(surface.low, surface.high, narrow ? 6 : 9)) {
      const share = (value - surface.low) / (surface.high - surface.low);
      context.beginPath();
      if (narrow) {
        context.textAlign = "center";
        context.textBaseline = "top";
        context.moveTo(x + share * width, y + height);
        context.lineTo(x + share * width, y + height + 4);
        context.fillText(text, x + share * width, y + height + 6);
      } else {
        context.textAlign = "left";
        context.textBaseline = "middle";
        context.moveTo(x + width, y + (1 - share) * height);
        context.lineTo(x + width + 4, y + (1 - share) * height);
        context.fillText(text, x + width + 8, y + (1 - share) * height);
      }
      context.stroke();
    }
    context.textBaseline = "bottom";
    context.textAlign = narrow ? "center" : "right";
    if (narrow) context.fillText(surface.heading.join(", "), x + width / 2, y - 5);
    else {
      surface.heading.slice().reverse().forEach((line, n) => context.fillText(line, x + BAR, y - 8 - 17 * n));
    }
  };

  return (place, scene) => {
    const ball = sphere(scene.steps);
    const [below, above] = [document.createElement("canvas"), document.createElement("canvas")];
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    let paint = painter(below, ball.triangles);
    if (!paint) return null;
    place.append(below, above, tip);
    const bodies = scene.surfaces.map(() => null);
    const home = lookingFrom(unit(scene.eye));
    let [view, zoom, chosen, waiting] = [home, 1, 0, false];

    const body = () => (bodies[chosen] ??= built(ball, scene.surfaces[chosen]));
    const accent = rgb(scene.accent);

    /** Where things are: the size in pixels, the bar, the centre, and pixels a unit. */
    const layout = () => {
      const [width, height] = [place.clientWidth, place.clientHeight];
      const narrow = width < NARROW;
      const free = narrow ? { width, height: height - 62 } : { width: width - BAR, height };
      const bar = narrow
        ? { x: 0.08 * width, y: height - 32, width: 0.84 * width, height: 11 }
        : { x: width - BAR - 4, y: 0.2 * height, width: 14, height: 0.66 * height };
      const size = (zoom * Math.min(free.width, free.height)) / (2 * FIT);
      return { width, height, narrow, bar, size, x: free.width / 2, y: free.height / 2 };
    };

    const draw = () => {
      waiting = false;
      const at = layout();
      if (!at.width || !at.height) return;
      const ratio = Math.min(window.devicePixelRatio || 1, 2);
      for (const canvas of [below, above]) {
        if (canvas.width !== Math.round(ratio * at.width)) canvas.width = Math.round(ratio * at.width);
        if (canvas.height !== Math.round(ratio * at.height)) canvas.height = Math.round(ratio * at.height);
      }
      const ink = getComputedStyle(place).color;
      const tint = ink.match(/[\d.]+/g).slice(0, 3).map((x) => Number(x) / 255);
      const shown = body();
      const axes = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map((axis, n) => ({ axis, letter: "xyz"[n], lattice: false }));
      (scene.lattice || []).forEach((axis, n) => axes.push({ axis, letter: "abc"[n], lattice: true }));
      const end = ({ axis, lattice }, share = 1) => axis.map((x) => share * AXES[Number(lattice)] * x);
      const lines = axes.map((entry) => [end(entry, entry.lattice ? 0 : -1), end(entry), entry.lattice ? accent : tint]);
      paint(shown, lines, view, new Float32Array([
        (2 * at.size) / at.width, (2 * at.size) / at.height, (2 * at.x) / at.width - 1, 1 - (2 * at.y) / at.height,
      ]), [LINE / at.width, LINE / at.height]);
      const context = above.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, at.width, at.height);
      const font = getComputedStyle(place).fontFamily;
      context.font = `italic 16px ${font}`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      for (const entry of axes) {
        const tail = end(entry, 1.06);
        const flat = [dot(view[0], tail) + (entry.lattice ? BESIDE : 0), dot(view[1], tail)];
        const cover = hit(ball, shown, view, ...flat);
        context.globalAlpha = cover && cover.depth > dot(view[2], tail) ? 0.3 : 1;
        context.fillStyle = entry.lattice ? scene.accent : ink;
        context.fillText(entry.letter, at.x + at.size * flat[0], at.y - at.size * flat[1]);
      }
      context.globalAlpha = 1;
      context.font = `13px ${font}`;
      drawBar(context, scene.surfaces[chosen], at.bar, at.narrow, ink);
    };
    const redraw = () => {
      if (!waiting) requestAnimationFrame(draw);
      waiting = true;
    };

    /** Say the value under the pointer. */
    const point = (event) => {
      const box = place.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      const at = layout();
      const shown = body();
      const found = hit(ball, shown, view, (x - at.x) / at.size, (at.y - y) / at.size);
      tip.hidden = !found;
      if (!found) return;
      const blend = (of) => found.corners.reduce((sum, corner, n) => sum + found.shares[n] * of(corner), 0);
      const value = blend((corner) => shown.values[corner]);
      const along = unit([0, 1, 2].map((i) => blend((corner) => ball.directions[corner][i])));
      const { unit: of } = scene.surfaces[chosen];
      const size = Math.abs(value) < 1e-6 * shown.reach ? shown.reach : Math.abs(value);
      const strong = document.createElement("strong");
      strong.textContent = fixed(value, decimalsOf(size, 4)) + (of ? ` ${of}` : "");
      tip.replaceChildren(strong, document.createElement("br"), `along ${along.map((x) => fixed(x, 2)).join(", ")}`);
      const [wide, high] = [tip.offsetWidth, tip.offsetHeight];
      tip.style.left = `${Math.max(0, Math.min(x + 14, at.width - wide))}px`;
      tip.style.top = `${y - high - 12 < 0 ? y + 18 : y - high - 12}px`;
    };

    // --- hands

    const held = new Map();
    const spread = () => {
      const [one, two] = [...held.values()];
      return Math.hypot(one.x - two.x, one.y - two.y);
    };
    const magnify = (times) => {
      zoom = Math.min(Math.max(zoom * times, ZOOM[0]), ZOOM[1]);
      tip.hidden = true;
      redraw();
    };
    const turn = (along, across) => {
      view = turned(view, along, across);
      tip.hidden = true;
      redraw();
    };
    place.addEventListener("pointerdown", (event) => {
      held.set(event.pointerId, { x: event.clientX, y: event.clientY });
      place.setPointerCapture(event.pointerId);
      if (event.pointerType !== "mouse") point(event);
    });
    place.addEventListener("pointermove", (event) => {
      const before = held.get(event.pointerId);
      if (!before) {
        point(event);
        return;
      }
      const apart = held.size === 2 ? spread() : 0;
      held.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (held.size === 2) {
        if (apart) magnify(spread() / apart);
        return;
      }
      const quick = 2.2 / Math.min(place.clientWidth, place.clientHeight);
      turn(quick * (event.clientX - before.x), quick * (event.clientY - before.y));
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      place.addEventListener(kind, (event) => held.delete(event.pointerId));
    }
    place.addEventListener("pointerleave", () => { tip.hidden = true; });
    // a wheel alone scrolls the page; with Ctrl, as a pinch on a trackpad arrives, it comes closer
    place.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      magnify(Math.exp(-0.0025 * event.deltaY));
    }, { passive: false });
    const reset = () => {
      [view, zoom] = [home, 1];
      tip.hidden = true;
      redraw();
    };
    const keys = {
      ArrowLeft: () => turn(-0.1, 0), ArrowRight: () => turn(0.1, 0), ArrowUp: () => turn(0, -0.1),
      ArrowDown: () => turn(0, 0.1), "+": () => magnify(1.15), "-": () => magnify(1 / 1.15), Home: reset,
    };
    place.addEventListener("keydown", (event) => {
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });
    below.addEventListener("webglcontextlost", (event) => event.preventDefault());
    below.addEventListener("webglcontextrestored", () => {
      paint = painter(below, ball.triangles);
      redraw();
    });
    new ResizeObserver(redraw).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

    return {
      /** Show another surface, from the same side. */
      show: (name) => {
        chosen = scene.surfaces.findIndex((surface) => surface.name === name);
        tip.hidden = true;
        draw();
      },
      reset,
      /** The view as it stands: rows to the right, up, and towards the eye. */
      view: () => view.map((row) => [...row]),
      /** The picture as PNG, on the colour of the page. */
      picture: () => {
        draw();
        const whole = document.createElement("canvas");
        [whole.width, whole.height] = [below.width, below.height];
        const context = whole.getContext("2d");
        context.fillStyle = getComputedStyle(document.body).backgroundColor;
        context.fillRect(0, 0, whole.width, whole.height);
        for (const layer of [below, above]) context.drawImage(layer, 0, 0);
        return whole.toDataURL("image/png");
      },
    };
  };
})();
