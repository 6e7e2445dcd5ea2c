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
  lines: (data) => series(data, "line"),
  bars: (data) => series(data, "bar"),
  heatmap: (data) => ({
    tooltip: { formatter: (point) => `${data.y[point.value[1]]}, ${data.x[point.value[0]]}: ${point.value[2]}` },
    grid: { left: 8, right: 8, top: 8, bottom: 76, containLabel: true },
    xAxis: { type: "category", data: data.x },
    yAxis: { type: "category", data: data.y, inverse: true },
    visualMap: { min: data.least ?? 0, max: data.most ?? 1, calculable: true, orient: "horizontal", left: "center", bottom: 0 },
    series: [{ type: "heatmap", data: data.cells }],
  }),
};
function series(data, type) {
  return {
    tooltip: { trigger: "axis" },
    legend: { type: "scroll", top: 0 },
    grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
    xAxis: { type: "category", data: data.x },
    yAxis: { type: "value", name: data.y ?? "", scale: type === "line" },
    series: data.series.map((each) => ({ ...each, type, connectNulls: false, symbolSize: 6 })),
  };
}

async function draw(figure) {
  if (figure.dataset.drawn) return;
  figure.dataset.drawn = "true";
  const data = JSON.parse(figure.querySelector("script").textContent);
  await library("charts");
  const color = shades();
  const chart = echarts.init(figure, null, { renderer: "canvas" });
  const drawing = drawings[figure.dataset.chart](data);
  const written = { color: solid(color("--text")) };
  const lines = { lineStyle: { color: solid(color("--line")) } };
  for (const axis of [drawing.xAxis, drawing.yAxis]) {
    Object.assign(axis, { axisLabel: written, nameTextStyle: written, axisLine: lines });
    if (axis.type === "value") axis.splitLine = lines;
  }
  for (const part of [drawing.legend, drawing.visualMap]) if (part) part.textStyle = written;
  chart.setOption({
    animation: false,
    aria: { enabled: true },
    textStyle: written,
    color: ["--link", "--good", "--warn", "--bad", "--quiet", "--violet", "--teal"].map((name) => solid(color(name))),
    ...drawing,
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
  part.querySelectorAll("[data-editor]").forEach((each) => library("editor").then(() => window.startEditor?.(each)));
}

document.addEventListener("DOMContentLoaded", () => prepare(document));
document.addEventListener("htmx:after:swap", () => prepare(document));
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});
// What is loaded into the drawer opens it
document.addEventListener("htmx:after:swap", () => {
  const drawer = document.getElementById("drawer");
  const content = document.getElementById("drawer-content");
  if (content.children.length && !drawer.open) drawer.showModal();
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
