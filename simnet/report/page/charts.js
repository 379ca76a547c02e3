// One chart: axes, series, and what the pointer or the arrow keys tell.
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 480, LEAST_WIDTH = 240, HEIGHT = 300, EDGE = { left: 62, right: 14, top: 20, bottom: 44 };
const MARKERS = {
  o: "M-3.5,0a3.5,3.5 0 1,0 7,0a3.5,3.5 0 1,0 -7,0", s: "M-3,-3H3V3H-3Z", "^": "M0,-4L4,3H-4Z",
  D: "M0,-4.2L4.2,0L0,4.2L-4.2,0Z", v: "M0,4L4,-3H-4Z", P: "M-1.3,-4H1.3V-1.3H4V1.3H1.3V4H-1.3V1.3H-4V-1.3H-1.3Z",
  X: "M-4,-2.5L-2.5,-4L0,-1.5L2.5,-4L4,-2.5L1.5,0L4,2.5L2.5,4L0,1.5L-2.5,4L-4,2.5L-1.5,0Z",
  "*": "M0,-4.5L1.2,-1.4H4.4L1.8,.6L2.8,3.9L0,1.9L-2.8,3.9L-1.8,.6L-4.4,-1.4H-1.2Z",
};

function add(parent, name, attributes = {}, text = null) {
  const node = parent.namespaceURI === SVG || name === "svg" ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== null) node.textContent = text;
  return parent.appendChild(node);
}

const colour = (style) => `var(--s${style % STYLES.length})`;
const styleOf = (style) => STYLES[style % STYLES.length];

function swatch(parent, style, block) {
  const svg = add(parent, "svg", { viewBox: "0 -6 30 12", width: 30, height: 12, "aria-hidden": "true" });
  svg.style.cssText = "width:30px;flex:none";
  if (block) return add(svg, "rect", { x: 6, y: -5, width: 18, height: 10, fill: colour(style) });
  add(svg, "line", { x1: 0, x2: 30, y1: 0, y2: 0, stroke: colour(style), "stroke-width": 2, "stroke-dasharray": styleOf(style).dash });
  return add(svg, "path", { d: MARKERS[styleOf(style).marker], transform: "translate(15,0)", fill: colour(style) });
}

const isWide = (chart) => Boolean(chart.choices || chart.kind === "bars");
const widthOf = (chart) => chart.width || (isWide(chart) ? 2 * WIDTH : WIDTH);

// Drawn in the pixels that there are, so that letters keep their size on a narrow screen.
function fit(figure, chart) {
  const style = getComputedStyle(figure);
  const room = figure.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  if (room > 0) chart.width = Math.max(LEAST_WIDTH, Math.round(room));
}

// Names of categories that do not fit side by side are written aslant, below each other.
function slanted(chart) {
  const names = chart.x.categories || [];
  const longest = Math.max(0, ...names.map((name) => name.length));
  return chart.kind === "lines" && names.length * (6.2 * longest + 8) > widthOf(chart) - EDGE.left - EDGE.right;
}
const LONGEST = 18; // letters of a name aslant
const bottomOf = (chart) => EDGE.bottom + (slanted(chart) ? 58 : 0);

// Scales: from values to pixels.
function scales(chart, visible) {
  const categories = chart.x.categories || [];
  const xs = chart.x.at || chart.x.edges || visible.flatMap((s) => s.x);
  let low = Math.min(...xs), high = Math.max(...xs);
  if (chart.kind === "steps") low = Math.min(0, low);
  if (categories.length) { low = -0.5; high = categories.length - 0.5; }
  if (low === high) { low -= 0.5 * Math.abs(low || 1); high += 0.5 * Math.abs(high || 1); }
  const place = chart.x.log ? Math.log : (v) => v;
  const pad = chart.kind === "lines" && !categories.length ? 0.03 : 0;
  const [a, b] = [place(low), place(high)];
  const span = (b - a) * (1 + 2 * pad), start = a - (b - a) * pad;
  const x = (v) => EDGE.left + ((place(v) - start) / span) * (widthOf(chart) - EDGE.left - EDGE.right);
  const means = visible.flatMap((s) => s.mean || s.y).filter((v) => v !== null);
  const top = Math.max(...means, 0), bottom = Math.min(...means, 0);
  const reach = visible.flatMap((s) => (s.high || []).filter((v) => v !== null));
  const least = Math.min(...means);
  const log = chart.kind === "lines" && !chart.y.share && least > 0 && top / least >= DATA.very_wide_range;
  const ceiling = log ? top * 1.6 : chart.y.share ? 1 : Math.max(top, Math.min(Math.max(...reach, 0), 1.5 * top)) * 1.05 || 1;
  const floor = log ? least / 1.6 : bottom < 0 ? bottom * 1.05 : 0;
  const height = log ? Math.log : (v) => v;
  const y = (v) => HEIGHT - bottomOf(chart) - ((height(v) - height(floor)) / (height(ceiling) - height(floor))) * (HEIGHT - EDGE.top - bottomOf(chart));
  return { x, y, low, high, floor, ceiling, log };
}

function drawAxes(svg, chart, scale) {
  const bottom = HEIGHT - bottomOf(chart), aslant = slanted(chart), right = widthOf(chart) - EDGE.right;
  const [factor, prefix] = prefixOf(scale.ceiling, chart.y.unit);
  const ticksOf = scale.log ? logTicks : niceTicks;
  for (const tick of ticksOf(scale.floor * factor, scale.ceiling * factor, 5)) {
    const y = scale.y(tick / factor);
    add(svg, "line", { class: "gridline", x1: EDGE.left, x2: right, y1: y, y2: y });
    add(svg, "text", { class: "small", x: EDGE.left - 6, y: y + 4, "text-anchor": "end" }, short(tick));
  }
  const unit = chart.y.unit ? `${prefix}${chart.y.unit}` : "";
  if (unit) add(svg, "text", { class: "small dim", x: 4, y: 9 }, unit);
  const [xFactor, xPrefix] = prefixOf(scale.high, chart.x.unit);
  const categories = chart.x.categories || [];
  let ticks = categories.length ? categories.map((_, i) => i) : chart.x.at;
  if (!ticks || chart.x.measured || (!categories.length && ticks.length > 12)) {
    ticks = chart.x.log ? chart.x.at : niceTicks(scale.low * xFactor, scale.high * xFactor, 6).map((t) => t / xFactor);
  }
  let last = -Infinity;
  for (const tick of ticks) {
    const x = scale.x(tick), text = categories.length ? categories[tick] : short(tick * xFactor);
    if (x - last < (aslant ? 11 : 8 + 6.2 * Math.min(text.length, 12))) continue;
    last = x;
    add(svg, "line", { class: "axisline", x1: x, x2: x, y1: bottom, y2: bottom + 4 });
    const place = aslant ? { "text-anchor": "end", transform: `rotate(-35 ${x} ${bottom + 14})` } : { "text-anchor": "middle" };
    const label = add(svg, "text", { class: "small", x, y: bottom + (aslant ? 14 : 16), ...place }, text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);
    if (text.length > LONGEST) add(label, "title", {}, text);
  }
  add(svg, "line", { class: "axisline", x1: EDGE.left, x2: right, y1: bottom, y2: bottom });
  const xUnit = chart.x.unit ? ` (${xPrefix}${chart.x.unit})` : "";
  add(svg, "text", { x: (EDGE.left + right) / 2, y: HEIGHT - 8, "text-anchor": "middle" }, chart.x.label + xUnit);
}

const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(2)},${y.toFixed(2)}`).join("");

function drawSeries(svg, chart, series, scale) {
  const group = add(svg, "g", { "data-series": series.name });
  const stroke = { fill: "none", stroke: colour(series.style), "stroke-width": 1.8, "stroke-dasharray": styleOf(series.style).dash, "stroke-linejoin": "round" };
  if (chart.kind === "stairs") {
    const d = series.y.flatMap((v, i) => [[scale.x(chart.x.edges[i]), scale.y(v)], [scale.x(chart.x.edges[i + 1]), scale.y(v)]]);
    add(group, "path", { ...stroke, d: path(d) });
    return;
  }
  if (chart.kind === "steps") {
    let before = 0;
    const d = series.x.flatMap((v, i) => { const pair = [[scale.x(v), scale.y(before)], [scale.x(v), scale.y(series.y[i])]]; before = series.y[i]; return pair; });
    add(group, "path", { ...stroke, d: path(d) });
    return;
  }
  const known = series.x.map((_, i) => i).filter((i) => series.mean[i] !== null);
  const banded = known.filter((i) => series.low[i] !== null);
  const clip = (v) => Math.max(Math.min(v, scale.ceiling), scale.floor);
  if (series.joined) {
    const edge = (end, i) => [scale.x(series.x[i]), scale.y(clip(series[end][i]))];
    const band = [...banded.map((i) => edge("high", i)), ...banded.slice().reverse().map((i) => edge("low", i))];
    if (banded.length > 1) add(group, "path", { class: "band", d: `${path(band)}Z`, fill: colour(series.style), "fill-opacity": 0.18 });
    add(group, "path", { ...stroke, d: path(known.map((i) => [scale.x(series.x[i]), scale.y(series.mean[i])])) });
  }
  for (const i of series.joined && banded.length > 1 ? [] : banded) {
    const x = scale.x(series.x[i]);
    add(group, "line", { x1: x, x2: x, y1: scale.y(clip(series.low[i])), y2: scale.y(clip(series.high[i])), stroke: colour(series.style) });
  }
  for (const i of known) {
    const at = `translate(${scale.x(series.x[i]).toFixed(2)},${scale.y(series.mean[i]).toFixed(2)})`;
    const hollow = !series.steady[i];
    add(group, "path", { class: "mark", d: MARKERS[styleOf(series.style).marker], transform: at, stroke: colour(series.style), fill: hollow ? "var(--page)" : colour(series.style) });
  }
}

// Spans of rounds, end to end: one bar per point.
function drawBars(svg, chart, visible, tip) {
  const whole = widthOf(chart), most_left = Math.min(190, 0.36 * whole);
  const left = Math.min(most_left, 20 + 6.4 * Math.max(...chart.categories.map((c) => c.length)));
  const fits = Math.floor((left - 12) / 6.2);
  const row = 26, height = row * chart.categories.length + 46;
  svg.setAttribute("viewBox", `0 0 ${whole} ${height}`);
  const totals = chart.categories.map((_, i) => visible.reduce((sum, s) => sum + (s.mean[i] || 0), 0));
  const most = chart.shares ? 1 : Math.max(...totals) || 1;
  const [factor, prefix] = chart.shares ? [100, "%"] : prefixOf(most, chart.x.unit);
  const x = (v) => left + (v / most) * (whole - left - 14);
  for (const tick of niceTicks(0, most * factor, Math.max(3, Math.round(whole / 120)))) {
    add(svg, "line", { class: "gridline", x1: x(tick / factor), x2: x(tick / factor), y1: 4, y2: height - 38 });
    add(svg, "text", { class: "small", x: x(tick / factor), y: height - 24, "text-anchor": "middle" }, short(tick));
  }
  add(svg, "text", { x: (left + whole) / 2, y: height - 6, "text-anchor": "middle" }, chart.shares ? `share of the round (${prefix})` : `${chart.x.label} (${prefix}${chart.x.unit})`);
  chart.categories.forEach((name, i) => {
    const label = add(svg, "text", { class: "small", x: left - 8, y: row * i + 20, "text-anchor": "end" }, name.length > fits ? `${name.slice(0, fits - 1)}…` : name);
    add(label, "title", {}, name);
    let start = 0;
    for (const series of visible) {
      const value = series.mean[i];
      if (!value) continue;
      const length = chart.shares ? value / totals[i] : value;
      const width = x(start + length) - x(start);
      const bar = add(svg, "rect", { "data-series": series.name, x: x(start), y: row * i + 6, width, height: row - 8, fill: colour(series.style), stroke: "var(--page)" });
      const share = `${((100 * value) / totals[i]).toFixed(0)} %`;
      if (width > 44) add(svg, "text", { class: "small", x: x(start) + width / 2, y: row * i + 20, "text-anchor": "middle", style: `fill:var(--on${series.style % STYLES.length});pointer-events:none` }, share);
      const lines = [[series, `${quantity(value, chart.x.unit, series.low[i], series.high[i])}, ${share}`]];
      bar.addEventListener("pointermove", (event) => tip.show(event, name, lines));
      start += length;
    }
  });
  svg.addEventListener("pointerleave", tip.hide);
}
