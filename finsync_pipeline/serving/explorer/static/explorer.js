// What the libraries need from the pages: charts are drawn, the drawer is opened, choices are sent at once.
"use strict";

const script = document.currentScript;

// A library is loaded when a page first needs it
const loaded = {};
function library(name) {
  loaded[name] ??= new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = script.dataset[name];
    element.onload = resolve;
    element.onerror = () => reject(new Error(name));
    document.head.append(element);
  });
  return loaded[name];
}

const shades = () => {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(name).trim();
};

// data: {x: [...], series: [{name, data}], y} for lines and bars; {x, y, cells: [[x, y, value]], names} for heat maps
const drawings = {
  lines: (data, color) => series(data, "line", color),
  bars: (data, color) => series(data, "bar", color),
  ranking: (data, color) => {
    const { xAxis, yAxis, ...rest } = series(data, "bar", color);
    return { ...rest, xAxis: { ...yAxis, nameLocation: "middle", nameGap: 28 }, yAxis: { ...xAxis, inverse: true }, grid: { ...rest.grid, bottom: 28 } };
  },
  heatmap: (data, color) => ({
    tooltip: { renderMode: "richText", formatter: (point) => `${data.y[point.value[1]]}, ${data.x[point.value[0]]}: ${point.value[2]}` },
    grid: { left: 8, right: 8, top: 8, bottom: 76, containLabel: true },
    xAxis: { type: "category", data: data.x, axisLabel: { color: color("--quiet") } },
    yAxis: { type: "category", data: data.y, inverse: true, axisLabel: { color: color("--quiet") } },
    visualMap: { min: data.least ?? 0, max: data.most ?? 1, calculable: true, orient: "horizontal", left: "center", bottom: 0, textStyle: { color: color("--quiet") } },
    series: [{ type: "heatmap", data: data.cells }],
  }),
};
// Tooltips are drawn, since the pages allow no style in HTML
const written = (value) => value?.toLocaleString(document.documentElement.lang) ?? "\u2013";
function series(data, type, color) {
  const axisLabel = { color: color("--quiet"), lineHeight: 15 };
  return {
    tooltip: { trigger: "axis", renderMode: "richText", valueFormatter: written },
    legend: { type: "scroll", top: 0, left: 110, textStyle: { color: color("--text") } },
    grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
    xAxis: { type: "category", data: data.x, axisLabel },
    yAxis: {
      type: "value", name: data.y ?? "", scale: type === "line", axisLabel,
      nameTextStyle: { align: "left" }, splitLine: { lineStyle: { color: color("--line") } },
    },
    series: data.series.map((each) => ({ ...each, type, connectNulls: false, symbolSize: 6 })),
  };
}

async function draw(figure) {
  if (figure.dataset.drawn) return;
  figure.dataset.drawn = "true";
  const data = JSON.parse(figure.querySelector("script").textContent);
  await library("charts");
  const shade = shades();
  const color = (name) => solid(shade(name));
  const chart = echarts.init(figure, null, { renderer: "canvas" });
  chart.setOption({
    animation: false,
    aria: { enabled: true },
    textStyle: { color: color("--text") },
    color: ["--link", "--good", "--warn", "--bad", "--quiet", "--violet", "--teal"].map(color),
    ...drawings[figure.dataset.chart](data, color),
  });
  new ResizeObserver(() => chart.resize()).observe(figure);
}

// `light-dark(a, b)` as the color that holds now: a canvas does not know it
function solid(text) {
  const probe = document.createElement("span");
  probe.style.color = text;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function prepare(part) {
  part.querySelectorAll("[data-chart]").forEach(draw);
  part.querySelectorAll("textarea[data-editor]").forEach((each) => library("editor").then(() => window.startEditor?.(each)));
}

document.addEventListener("DOMContentLoaded", () => prepare(document));
document.addEventListener("htmx:after:swap", () => prepare(document));
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-submits]")) return;
  const { form, name, value } = event.target;
  if (!form.matches(".settings")) return form.requestSubmit();
  // Parts of the page may have been replaced since: the address has the state
  const address = new URL(location);
  address.searchParams.set(name, value);
  location.assign(address);
});
const unreachable = (is) => { document.getElementById("unreachable").hidden = !is; };
document.addEventListener("htmx:error", () => unreachable(true));
document.addEventListener("htmx:after:swap", () => unreachable(false));
// Where a number comes from is shown in the drawer, unless it is opened elsewhere
document.addEventListener("click", (event) => {
  const cell = event.target.closest("a.cell");
  if (!cell || new URL(cell.href).pathname !== "/trace" || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  htmx.ajax("GET", cell.href, { target: "#drawer-content", swap: "innerHTML" });
});
// What is loaded into the drawer opens it
document.addEventListener("htmx:after:swap", () => {
  const drawer = document.getElementById("drawer");
  const content = document.getElementById("drawer-content");
  if (content.children.length && !drawer.open) drawer.showModal();
  else if (drawer.open && !drawer.contains(document.activeElement)) content.querySelector("[tabindex]")?.focus();
});
document.addEventListener("close", (event) => {
  if (event.target.id === "drawer") document.getElementById("drawer-content").replaceChildren();
}, true);
document.addEventListener("keydown", (event) => {
  const field = document.querySelector(`[data-shortcut="${CSS.escape(event.key)}"]`);
  if (field && !event.target.closest("input, textarea, select, [contenteditable]")) {
    event.preventDefault();
    field.focus();
  }
});
