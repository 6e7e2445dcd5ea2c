// The SQL view: a text field becomes an editor with completion, a long query is posted, one that runs can be cancelled.
"use strict";

const json = (address) => fetch(address).then((response) => (response.ok ? response.json() : null)).catch(() => null);

// What a SELECT is written with: no other word is completed
const KEYWORDS =
  "all and any as asc between by case cross cube desc distinct else end except exists explain filter first from full group " +
  "having ilike in inner intersect is join last left like limit not null nulls offset on or order outer over partition " +
  "qualify right rollup rows select semi anti then union using when where window with true false";
const FUNCTIONS =
  "abs any_value arg_max arg_min avg cast coalesce concat count date_diff date_trunc first greatest if lag last lead least " +
  "length lower ln max median min month nullif quantile_cont quarter rank replace round row_number stddev string_agg " +
  "substring sum trim try_cast upper year";
const TYPES = "bigint boolean date decimal double integer varchar";

// Views with their columns for the completion; items also where they are texts: item = 'revenue'
async function known() {
  const [views, items] = await Promise.all([json("/api/v1/views"), json("/api/v1/items")]);
  const option = (type, detail) => (each) => ({ label: each.name, type, detail: detail(each), info: each.description, boost: 1 });
  const columns = (view) => view.columns.map(option("property", (each) => each.type));
  const schema = Object.fromEntries((views?.views ?? []).map((view) => [view.name, columns(view)]));
  return {
    schema,
    items: (items?.items ?? []).map(option("constant", (each) => each.statement)),
    // Before FROM is written, the columns of every view
    names: [...new Map(Object.values(schema).flat().map((each) => [each.label, each])).values()],
  };
}

const inText = (items) => (context) => {
  const found = context.matchBefore(/'\w*/);
  const isItem = found && /\bitem\b[^;]*$/i.test(context.state.sliceDoc(Math.max(0, found.from - 200), found.from));
  return isItem ? { from: found.from + 1, options: items, validFor: /^\w*$/ } : null;
};
const anyColumn = (names, schema) => (context) => {
  const found = context.matchBefore(/[\w.']+/);
  const text = context.state.doc.toString();
  const isNamed = Object.keys(schema).some((view) => new RegExp(`\\b${view}\\b`, "i").test(text));
  return found && !isNamed && /^\w+$/.test(found.text) ? { from: found.from, options: names, validFor: /^\w*$/ } : null;
};

const colors = {
  "&": { color: "var(--text)", backgroundColor: "var(--ground)", border: "1px solid var(--line)", borderRadius: "4px", fontSize: ".95rem" },
  "&.cm-focused": { outline: "3px solid var(--link)", outlineOffset: "1px" },
  ".cm-content": { caretColor: "var(--text)", minHeight: "9rem" },
  ".cm-scroller": { fontFamily: "ui-monospace, monospace", maxHeight: "24rem", overflow: "auto" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { color: "var(--quiet)", backgroundColor: "var(--raised)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--link) 9%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--mark)",
  },
  ".cm-tooltip": { color: "var(--text)", backgroundColor: "var(--raised)", border: "1px solid var(--line)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { color: "var(--ground)", backgroundColor: "var(--link)" },
  ".cm-completionDetail": { color: "inherit" },
  ".cm-completionInfo": { maxWidth: "24rem" },
};

const highlights = ({ tags }) => [
  { tag: tags.keyword, color: "var(--link)" },
  { tag: [tags.string, tags.number, tags.bool, tags.null], color: "var(--good)" },
  { tag: [tags.typeName, tags.standard(tags.name)], color: "var(--warn)" },
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
];

// Over a selection the browser itself would write elements with a style, which the policy of the page forbids
const typeOver = ({ EditorView }) => (event, view) => {
  const { from, to, empty } = view.state.selection.main;
  if (event.inputType !== "insertText" || !event.data || empty || view.composing) return false;
  event.preventDefault();
  const insert = () => view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type" });
  const handlers = view.state.facet(EditorView.inputHandler);
  if (!handlers.some((handle) => handle(view, from, to, event.data, insert))) view.dispatch(insert());
  return true;
};

// In a shadow root the editor's style sheets are made by script, which the policy of the page allows
async function startEditor(field) {
  if (field.dataset.started) return;
  field.dataset.started = "true";
  const { EditorView, HighlightStyle, Prec, SQLDialect, basicSetup, keymap, sql, syntaxHighlighting } = window.editor;
  const place = document.createElement("div");
  place.className = "editor";
  field.before(place);
  const root = place.attachShadow({ mode: "open" });
  const { schema, items, names } = await known();
  const dialect = SQLDialect.define({ keywords: KEYWORDS, builtin: FUNCTIONS, types: TYPES });
  const run = () => (field.form.requestSubmit(), true);
  const view = new EditorView({
    doc: field.value,
    root,
    parent: root,
    extensions: [
      Prec.highest(keymap.of([{ key: "Mod-Enter", run }])),
      Prec.highest(EditorView.domEventHandlers({ beforeinput: typeOver(window.editor) })),
      basicSetup,
      sql({ dialect, schema, upperCaseKeywords: true }),
      dialect.language.data.of({ autocomplete: inText(items) }),
      dialect.language.data.of({ autocomplete: anyColumn(names, schema) }),
      syntaxHighlighting(HighlightStyle.define(highlights(window.editor))),
      EditorView.lineWrapping,
      EditorView.theme(colors),
      EditorView.contentAttributes.of({ "aria-label": "SQL", "aria-describedby": "sql-keys" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) field.value = update.state.doc.toString();
      }),
    ],
  });
  field.hidden = true;
  field.required = false;
  place.editor = view;
  document.querySelector("label[for=sql]").addEventListener("click", () => view.focus());
  mark();
}
window.startEditor = startEditor;

// The place of a mistake is selected in the editor
function mark() {
  const problem = document.querySelector("#answer [data-line]");
  const view = document.querySelector(".editor")?.editor;
  if (!problem || !view) return;
  const { line, column, length } = problem.dataset;
  if (line > view.state.doc.lines) return;
  const start = Math.min(view.state.doc.line(+line).from + +column - 1, view.state.doc.length);
  const end = Math.min(start + Math.max(1, +length), view.state.doc.length);
  view.dispatch({ selection: { anchor: start, head: end }, scrollIntoView: true });
}

let began;
let clock;
function running(is) {
  const line = document.getElementById("running");
  clearInterval(clock);
  line.hidden = !is;
  if (!is) return;
  began = Date.now();
  line.querySelector("span").textContent = "The query runs.";
  clock = setInterval(() => {
    line.querySelector("span").textContent = `The query runs, ${Math.round((Date.now() - began) / 1000)} s.`;
  }, 1000);
}

const isQuery = (event) => event.target.closest?.("#query, #answer");
document.addEventListener("htmx:before:request", (event) => isQuery(event) && running(true));
document.addEventListener("htmx:finally:request", () => running(false));
document.addEventListener("htmx:after:swap", mark);
document.addEventListener("click", (event) => {
  if (!event.target.closest("#running button")) return;
  for (const id of ["query", "answer"]) document.getElementById(id).dispatchEvent(new CustomEvent("htmx:abort"));
  running(false);
});
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (form.id !== "query" || form.elements.q.value.length <= +form.dataset.mostLinked) return;
    event.preventDefault();
    event.stopPropagation();
    form.method = "post";
    form.submit();
  },
  true,
);
