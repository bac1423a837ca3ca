"use strict";
/* The map: draws all items onto a canvas, tells what is under the pointer, and what lies within a lasso. */
(() => {
  const NONE = 65535, NO_DOUBT = 255, SPAN = 65535, MARGIN = 0.04;
  const COLOURS = [
    [31, 119, 180], [255, 127, 14], [44, 160, 44], [214, 39, 40], [148, 103, 189], [140, 86, 75],
    [227, 119, 194], [188, 189, 34], [23, 190, 207], [77, 77, 255], [0, 128, 96], [200, 90, 0],
  ];
  const RAMP = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 200, 37]];
  const READERS = { "<u4": Uint32Array, "<u2": Uint16Array, "u1": Uint8Array };
  const root = document.getElementById("map-root");
  if (!root) return;
  const base = `/projects/${root.dataset.project}/map/`;
  const canvas = document.getElementById("map-canvas");
  const form = document.getElementById("map-form");
  const card = document.getElementById("map-card");
  const by = document.getElementById("map-by");
  const said = document.getElementById("map-said");
  let header = null, columns = null, view = { x: 0, y: 0, zoom: 1 };
  let within = null, lasso = null, moved = null, due = false, hovered = -1;
  const items = new Map(), names = JSON.parse(root.dataset.names || "{}");

  const colourOf = (i) => COLOURS[i % COLOURS.length].map((c) => Math.round(c / (1 + 0.45 * Math.floor(i / COLOURS.length))));
  const ramp = (share) => {
    const at = share * (RAMP.length - 1), low = Math.min(Math.floor(at), RAMP.length - 2);
    return RAMP[low].map((c, k) => Math.round(c + (at - low) * (RAMP[low + 1][k] - c)));
  };
  const css = (c) => `rgb(${c[0]},${c[1]},${c[2]})`;
  const nothing = () => (matchMedia("(prefers-color-scheme: dark)").matches ? [92, 92, 98] : [190, 190, 196]);
  const packed = (c, alpha) => ((alpha << 24) | (c[2] << 16) | (c[1] << 8) | c[0]) >>> 0;

  function read(buffer) {
    const length = new DataView(buffer).getUint32(0, true);
    header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    columns = {};
    let at = 4 + length;
    for (const [name, kind] of header.columns) {
      at += (4 - (at % 4)) % 4;
      columns[name] = new READERS[kind](buffer, at, header.items);
      at += columns[name].byteLength;
    }
  }

  /* From the map to the canvas, in its own pixels. */
  function frame() {
    const size = Math.min(canvas.width, canvas.height) * (1 - 2 * MARGIN) * view.zoom;
    return { size, left: canvas.width / 2 - size / 2 + view.x, top: canvas.height / 2 - size / 2 + view.y };
  }

  function table() {
    const empty = nothing();
    if (by.value === "doubt") {
      return Array.from({ length: 256 }, (_, i) => (i === NO_DOUBT ? empty : ramp(i / 254)));
    }
    return namesOf().map((_, i) => colourOf(i));
  }
  const namesOf = () => (by.value === "annotator" ? header.annotators.map((id) => names[id] || `user ${id}`) : header.labels);

  function draw() {
    due = false;
    if (!columns) return;
    const context = canvas.getContext("2d"), { width, height } = canvas;
    const image = context.createImageData(width, height), pixels = new Uint32Array(image.data.buffer);
    const { size, left, top } = frame(), scale = size / SPAN;
    const colours = table(), empty = packed(nothing(), 255), column = columns[by.value];
    const vivid = colours.map((c) => packed(c, 255)), pale = colours.map((c) => packed(c, 50)), faint = packed(nothing(), 50);
    const radius = Math.max(1, Math.min(6, Math.round(devicePixelRatio * (header.items > 20000 ? 1 : header.items > 3000 ? 1.6 : 2.6) * Math.sqrt(view.zoom))));
    const disc = [];
    for (let dy = -radius; dy <= radius; dy++) {
      for (let dx = -radius; dx <= radius; dx++) if (dx * dx + dy * dy <= radius * radius) disc.push(dy * width + dx);
    }
    const dots = Int32Array.from(disc), xs = columns.x, ys = columns.y;
    const put = (i, colour) => {
      const x = (left + xs[i] * scale + 0.5) | 0, y = (top + ys[i] * scale + 0.5) | 0;
      if (x < radius || y < radius || x >= width - radius || y >= height - radius) return;
      const middle = y * width + x;
      for (let d = 0; d < dots.length; d++) pixels[middle + dots[d]] = colour;
    };
    const none = by.value === "doubt" ? NO_DOUBT : NONE, n = header.items;
    for (let i = 0; i < n; i++) if (column[i] === none && !(within && within[i])) put(i, within ? faint : empty);
    for (let i = 0; i < n; i++) if (column[i] !== none && !(within && within[i])) put(i, within ? pale[column[i]] : vivid[column[i]]);
    if (within) for (let i = 0; i < n; i++) if (within[i]) put(i, column[i] === none ? empty : vivid[column[i]]);
    context.putImageData(image, 0, 0);
    if (lasso && lasso.length > 1) {
      context.beginPath();
      lasso.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.closePath();
      context.fillStyle = "rgba(77,119,255,.15)";
      context.strokeStyle = "rgb(77,119,255)";
      context.lineWidth = 1.5 * devicePixelRatio;
      context.fill();
      context.stroke();
    }
    root.dataset.drawn = String(n);
    root.dataset.drawnAt ||= String(Math.round(performance.now()));
  }
  const redraw = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(draw);
  };

  function legend() {
    const list = document.getElementById("map-legend");
    list.replaceChildren();
    const entry = (colour, name, count = "") => {
      const item = document.createElement("li"), dot = document.createElement("i"), text = document.createElement("bdi");
      dot.style.background = colour;
      text.textContent = name;
      item.append(dot, text, count);
      list.append(item);
      return dot;
    };
    if (by.value === "doubt") {
      entry(`linear-gradient(90deg,${RAMP.map(css).join(",")})`, "sure to doubtful").className = "ramp";
    } else {
      const counts = new Uint32Array(namesOf().length);
      for (const each of columns[by.value]) if (each !== NONE) counts[each]++;
      namesOf().forEach((name, i) => counts[i] && entry(css(colourOf(i)), name, ` (${counts[i].toLocaleString()})`));
    }
    entry(css(nothing()), by.value === "label" ? "no label yet" : by.value === "annotator" ? "nobody yet" : "none");
  }

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * devicePixelRatio, (event.clientY - box.top) * devicePixelRatio];
  };

  function nearest(x, y) {
    const { size, left, top } = frame(), scale = size / SPAN;
    let best = (9 * devicePixelRatio) ** 2, found = -1;
    for (let i = 0; i < header.items; i++) {
      const dx = left + columns.x[i] * scale - x, dy = top + columns.y[i] * scale - y, far = dx * dx + dy * dy;
      if (far < best) { best = far; found = i; }
    }
    return found;
  }

  function inside(polygon) {
    const { size, left, top } = frame(), scale = size / SPAN, chosen = new Uint8Array(header.items);
    const xs = polygon.map((p) => p[0]), ys = polygon.map((p) => p[1]);
    const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    for (let i = 0; i < header.items; i++) {
      const x = left + columns.x[i] * scale, y = top + columns.y[i] * scale;
      if (x < x0 || x > x1 || y < y0 || y > y1) continue;
      let odd = 0;
      for (let k = 0, before = polygon.length - 1; k < polygon.length; before = k++) {
        if ((ys[k] > y) !== (ys[before] > y) && x < ((xs[before] - xs[k]) * (y - ys[k])) / (ys[before] - ys[k]) + xs[k]) odd ^= 1;
      }
      chosen[i] = odd;
    }
    return chosen;
  }

  function select(chosen) {
    const count = chosen ? chosen.reduce((sum, each) => sum + each, 0) : 0;
    within = count ? chosen : null;
    if (form) {
      const tasks = [];
      if (within) for (let i = 0; i < header.items; i++) if (within[i]) tasks.push(columns.task[i]);
      form.elements.tasks.value = tasks.join(" ");
      document.getElementById("map-clear").hidden = !within;
    }
    said.textContent = within ? `${count.toLocaleString()} items are selected.` : "";
    redraw();
  }

  async function hover(i, x, y) {
    hovered = i;
    if (i < 0) { card.hidden = true; return; }
    const task = columns.task[i];
    if (!items.has(task)) {
      await new Promise((wait) => setTimeout(wait, 60));
      if (hovered !== i) return;
      const answer = await fetch(`${base}item?task=${task}`);
      items.set(task, answer.ok ? await answer.json() : {});
    }
    if (hovered !== i) return;
    const known = items.get(task), told = [`task ${task}`];
    if (columns.label[i] !== NONE) told.push(`labelled ${header.labels[columns.label[i]]}`);
    if (columns.guess[i] !== NONE) told.push(`predicted ${header.labels[columns.guess[i]]}`);
    if (columns.doubt[i] !== NO_DOUBT) told.push(`doubt ${Math.round((100 * columns.doubt[i]) / 254)} %`);
    card.replaceChildren();
    if (known.picture) {
      const picture = document.createElement("img");
      picture.alt = "";
      picture.src = known.picture;
      card.append(picture);
    } else if (known.text) {
      const line = document.createElement("p");
      line.dir = "auto";
      line.textContent = known.text;
      card.append(line);
    }
    const line = document.createElement("p");
    line.textContent = told.join(" · ");
    card.append(line);
    card.hidden = false;
    const box = canvas.getBoundingClientRect(), left = x / devicePixelRatio, top = y / devicePixelRatio;
    card.style.left = `${Math.max(4, Math.min(left + 12, box.width - card.offsetWidth - 4))}px`;
    card.style.top = `${Math.max(4, Math.min(top + 12, box.height - card.offsetHeight - 4))}px`;
  }

  function zoom(factor, x = canvas.width / 2, y = canvas.height / 2) {
    const next = Math.max(1, Math.min(60, view.zoom * factor)), ratio = next / view.zoom;
    const dx = x - canvas.width / 2, dy = y - canvas.height / 2;
    view = next === 1 ? { x: 0, y: 0, zoom: 1 } : { x: dx - (dx - view.x) * ratio, y: dy - (dy - view.y) * ratio, zoom: next };
    redraw();
  }

  /* Send a form of ours, and follow what becomes of it. */
  async function ask(what, fields) {
    const key = Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, "0")).join("");
    const body = new URLSearchParams({ ...fields, key, seal: form.elements.seal.value });
    said.textContent = "Asked for; a worker is about to do it…";
    const sent = await fetch(base + what, { method: "POST", body, redirect: "manual" });
    if (sent.type !== "opaqueredirect") {
      said.textContent = "This was refused: open the page anew, and try again.";
      return;
    }
    for (;;) {
      const told = await (await fetch(`${base}asked?key=${key}`)).json();
      if (told.said) { outcome(told); return; }
      await new Promise((wait) => setTimeout(wait, 300));
    }
  }

  function outcome(told) {
    said.textContent = `${told.said}. `;
    if (told.wish) {
      const undo = document.createElement("button");
      undo.type = "button";
      undo.textContent = "Undo";
      undo.addEventListener("click", () => ask("release", { wish: told.wish }));
      said.append(undo);
    }
    if (told.address) {
      const link = document.createElement("a");
      link.href = told.address;
      link.rel = "noreferrer";
      link.textContent = "Open it in Label Studio";
      said.append(link);
    }
  }

  function listen() {
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      hover(-1);
      if (event.shiftKey || event.button === 1) moved = { from: at(event), x: view.x, y: view.y };
      else lasso = [at(event)];
    });
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = at(event);
      if (moved) {
        view = { ...view, x: moved.x + x - moved.from[0], y: moved.y + y - moved.from[1] };
        redraw();
      } else if (lasso) {
        lasso.push([x, y]);
        redraw();
      } else hover(nearest(x, y), x, y);
    });
    canvas.addEventListener("pointerup", () => {
      const drawn = lasso;
      lasso = moved = null;
      if (drawn) select(drawn.length > 4 ? inside(drawn) : null);
    });
    canvas.addEventListener("pointercancel", () => { lasso = moved = null; redraw(); });
    canvas.addEventListener("pointerleave", () => { if (!lasso) hover(-1); });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 400), ...at(event));
    }, { passive: false });
    document.getElementById("map-in").addEventListener("click", () => zoom(1.6));
    document.getElementById("map-out").addEventListener("click", () => zoom(1 / 1.6));
    document.getElementById("map-all").addEventListener("click", () => zoom(0));
    by.addEventListener("change", () => { legend(); redraw(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { legend(); redraw(); });
    if (!form) return;
    document.getElementById("map-clear").addEventListener("click", () => select(null));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(event.submitter && event.submitter.id === "map-show" ? "show" : "first", { tasks: form.elements.tasks.value });
    });
  }

  function fit() {
    const box = canvas.getBoundingClientRect();
    canvas.width = Math.max(1, Math.round(box.width * devicePixelRatio));
    canvas.height = Math.max(1, Math.round(box.height * devicePixelRatio));
    draw();
  }

  async function load() {
    const answer = await fetch(`${base}data`);
    read(await answer.arrayBuffer());
    items.clear();
    select(null);
    legend();
  }

  /* A map that is made, or made anew, while the page is open. */
  async function follow() {
    for (;;) {
      await new Promise((wait) => setTimeout(wait, document.hidden ? 30000 : 3000));
      const answer = await fetch(`${base}state`).catch(() => null);
      if (!answer || !answer.ok) continue;
      const told = await answer.json();
      if (!canvas) {
        if (told.version) { location.reload(); return; }
        if (told.progress) root.textContent = told.progress;
      } else if ((told.version !== header.version || told.changes !== header.changes) && told.version && !within && !lasso) await load();
    }
  }

  (async () => {
    if (canvas) {
      await load();
      listen();
      new ResizeObserver(fit).observe(canvas);
      fit();
    }
    follow();
  })();
})();
