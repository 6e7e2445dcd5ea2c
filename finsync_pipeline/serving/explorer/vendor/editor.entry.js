// CodeMirror with SQL and completion, as the global `editor`
import { autocompletion } from "@codemirror/autocomplete";
import { SQLDialect, sql } from "@codemirror/lang-sql";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Prec } from "@codemirror/state";
import { keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { EditorView, basicSetup } from "codemirror";

window.editor = { EditorView, HighlightStyle, Prec, SQLDialect, autocompletion, basicSetup, keymap, sql, syntaxHighlighting, tags };
