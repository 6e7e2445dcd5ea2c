// CodeMirror with SQL and completion, as the global `editor`
import { autocompletion } from "@codemirror/autocomplete";
import { PostgreSQL, sql } from "@codemirror/lang-sql";
import { Prec } from "@codemirror/state";
import { keymap } from "@codemirror/view";
import { EditorView, basicSetup } from "codemirror";

window.editor = { EditorView, Prec, PostgreSQL, autocompletion, basicSetup, keymap, sql };
