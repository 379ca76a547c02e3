// Panels of charts with one legend each, what the pointer tells, and tables that sort.
const DATA = JSON.parse(document.getElementById("data").textContent);
const STYLES = DATA.styles;

function makeTip(figure) {
  const box = add(figure, "div", { class: "tip", role: "status" });
  box.hidden = true;
  return {
    show(event, heading, lines) {
      box.replaceChildren();
      add(box, "b", {}, heading);
      for (const [series, text] of lines) {
        const line = add(box, "div");
        swatch(line, series.style, series.x === undefined && series.y === undefined);
        add(line, "span", {}, series.name);
        add(line, "span", { class: "value" }, text);
      }
      box.hidden = false;
      const frame = figure.getBoundingClientRect();
      const x = event.clientX - frame.left, y = event.clientY - frame.top;
      const left = x > frame.width / 2 ? x - box.offsetWidth - 14 : x + 14;
      box.style.left = `${Math.max(4, Math.min(left, frame.width - box.offsetWidth - 4))}px`;
      box.style.top = `${Math.max(4, y - box.offsetHeight - 8)}px`;
    },
    hide() { box.hidden = true; },
  };
}

// What each visible series says at one place of the x axis.
function tell(chart, visible, at) {
  if (chart.kind === "stairs") {
    const bin = Math.max(0, Math.min(chart.x.edges.findIndex((e) => e > at), chart.x.edges.length - 1) - 1);
    return visible.map((s) => [s, quantity(s.y[bin], "")]);
  }
  if (chart.kind === "steps") {
    return visible.filter((s) => s.x.length).map((s) => [s, `${(100 * (s.y[s.x.findLastIndex((v) => v <= at)] || 0)).toFixed(1)} %`]);
  }
  return visible.flatMap((s) => s.x.map((v, i) => [v, i]).filter(([v]) => v === at).map(([, i]) =>
    [s, (s.names ? `${s.names[i]}: ` : "") + quantity(s.mean[i], chart.y.unit, s.low[i], s.high[i]) + (s.steady[i] ? "" : ", no steady state")]));
}

function heading(chart, at) {
  if (chart.x.categories && chart.x.categories.length) return chart.x.categories[at];
  return `${chart.x.label}: ${chart.kind === "lines" && !chart.x.measured ? `${short(at)} ${chart.x.unit}` : quantity(at, chart.x.unit)}`;
}

function draw(figure, chart, hidden, tip) {
  fit(figure, chart);
  figure.querySelector("svg.chart")?.remove();
  tip.hide();
  const svg = add(figure, "svg", { class: "chart", viewBox: `0 0 ${widthOf(chart)} ${HEIGHT}`, role: "img", "aria-label": chart.title });
  const visible = chart.series.filter((_, i) => !hidden.has(i));
  if (chart.kind === "bars") return drawBars(svg, chart, visible, tip);
  const scale = scales(chart, visible);
  if (chart.x.warmup) {
    const right = scale.x(chart.x.warmup);
    add(svg, "rect", { class: "warmup", x: EDGE.left, y: EDGE.top, width: right - EDGE.left, height: HEIGHT - EDGE.top - bottomOf(chart) });
    add(svg, "text", { class: "small dim", x: EDGE.left + 4, y: EDGE.top + 12 }, "warm-up");
  }
  drawAxes(svg, chart, scale);
  for (const series of visible) drawSeries(svg, chart, series, scale);
  const cross = add(svg, "line", { class: "cross", y1: EDGE.top, y2: HEIGHT - bottomOf(chart), visibility: "hidden" });
  const places = chart.kind === "lines" ? chart.x.at : niceTicks(scale.low, scale.high, 100);
  let index = -1;
  const point = (at, event) => {
    const lines = tell(chart, visible, at);
    if (!lines.length) return;
    cross.setAttribute("x1", scale.x(at));
    cross.setAttribute("x2", scale.x(at));
    cross.setAttribute("visibility", "visible");
    tip.show(event, heading(chart, at), lines);
  };
  const leave = () => { cross.setAttribute("visibility", "hidden"); tip.hide(); };
  const nearest = (x) => places.reduce((best, at, i) => (Math.abs(scale.x(at) - x) < Math.abs(scale.x(places[best]) - x) ? i : best), 0);
  svg.setAttribute("tabindex", "0");
  svg.addEventListener("pointermove", (event) => {
    const frame = svg.getBoundingClientRect();
    index = nearest(((event.clientX - frame.left) / frame.width) * widthOf(chart));
    point(places[index], event);
  });
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("blur", leave);
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") leave();
    if (!step) return;
    event.preventDefault();
    index = Math.max(0, Math.min(places.length - 1, index + step));
    const frame = svg.getBoundingClientRect();
    point(places[index], { clientX: frame.left + (scale.x(places[index]) / widthOf(chart)) * frame.width, clientY: frame.top + frame.height / 2 });
  });
}

function choose(caption, chart, redraw) {
  const select = add(caption, "select", { "aria-label": "metric" });
  for (const section of new Set(chart.choices.map((choice) => choice.section))) {
    const group = add(select, "optgroup", { label: section });
    chart.choices.forEach((choice, i) => choice.section === section && add(group, "option", { value: i }, choice.column));
  }
  const meaning = add(caption, "div", { class: "note" });
  const apply = () => {
    const choice = chart.choices[Number(select.value)];
    meaning.textContent = choice.label + (choice.unit ? ` (${choice.unit})` : "");
    chart.title = choice.label;
    chart.y = { label: choice.label, unit: choice.unit, share: choice.share };
    chart.series.forEach((series, i) => Object.assign(series, choice.series[i]));
    redraw();
  };
  select.addEventListener("change", apply);
  return apply;
}

function offerShares(caption, chart, redraw) {
  const label = add(caption, "label", { class: "note" }, " ");
  const box = add(label, "input", { type: "checkbox" });
  label.append(" as shares of the round");
  box.checked = Boolean(chart.shares);
  box.addEventListener("change", () => { chart.shares = box.checked; redraw(); });
}

function showPanel(parent, panel) {
  const section = add(parent, "section", { id: `panel-${panel.id}` });
  add(section, "h3", {}, panel.title);
  const hidden = new Set(), redraws = [];
  const named = panel.legend.length > 1 || panel.legend[0];
  const legend = add(section, "div", { class: "legend", role: "group", "aria-label": "series shown" });
  const charts = add(section, "div", { class: "charts" });
  for (const chart of panel.charts) {
    const figure = add(charts, "figure", isWide(chart) ? { class: "wide" } : {});
    const caption = add(figure, "figcaption", {}, chart.choices ? "Any metric: " : chart.title);
    const tip = makeTip(figure);
    const redraw = () => draw(figure, chart, hidden, tip);
    redraws.push(redraw);
    new ResizeObserver(() => {
      const before = chart.width;
      fit(figure, chart);
      if (chart.width !== before) redraw();
    }).observe(figure);
    if (chart.choices) choose(caption, chart, redraw)();
    else redraw();
    if (chart.kind === "bars") offerShares(caption, chart, redraw);
  }
  (named ? panel.legend : []).forEach((name, i) => {
    const style = panel.charts[0].series[i].style;
    const button = add(legend, "button", { type: "button", "aria-pressed": "true" });
    swatch(button, style, panel.charts[0].kind === "bars");
    add(button, "span", {}, name);
    button.addEventListener("click", () => {
      const show = !hidden.delete(i);
      if (show) hidden.add(i);
      button.setAttribute("aria-pressed", String(!show));
      redraws.forEach((redraw) => redraw());
    });
  });
  return section;
}

function showCharts() {
  const parent = document.getElementById("charts");
  if (!parent) return;
  if (DATA.sweeps.length > 1) {
    const label = add(parent, "label", { class: "axis" }, "x axis: ");
    const select = add(label, "select", { id: "axis" });
    DATA.sweeps.forEach((panel, i) => add(select, "option", { value: i }, panel.axis));
    select.addEventListener("change", () => sections.forEach((s, i) => { s.hidden = i !== Number(select.value); }));
  }
  const sections = DATA.sweeps.map((panel) => showPanel(parent, panel));
  sections.slice(1).forEach((section) => { section.hidden = true; });
  DATA.panels.forEach((panel) => showPanel(parent, panel));
}

// Rows by one column: numbers by value, text by the alphabet, the unknown always last.
function sortBy(table, column, header) {
  const ascending = header.getAttribute("aria-sort") !== "ascending";
  table.querySelectorAll("th").forEach((th) => th.removeAttribute("aria-sort"));
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const key = (row) => { const cell = row.cells[column]; return cell.dataset.v === undefined ? cell.textContent : cell.dataset.v === "" ? null : Number(cell.dataset.v); };
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
  const rows = [...table.tBodies[0].rows].map((row) => [key(row), row]);
  rows.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : (ascending ? 1 : -1) * compare(a, b)));
  table.tBodies[0].append(...rows.map(([, row]) => row));
}

document.querySelectorAll("table.sortable").forEach((table) => {
  table.querySelectorAll("th").forEach((th, column) => th.querySelector("button").addEventListener("click", () => sortBy(table, column, th)));
});
showCharts();
window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
