// The editor of policies and templates, over a textarea that stays the form's field: it is put into a shadow tree,
// where its styles are constructed sheets, which the page's policy lets in without a nonce. Without JavaScript the
// textarea is what there is.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { HighlightStyle, StreamLanguage, bracketMatching, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { Annotation, EditorState } from "@codemirror/state";
import { EditorView, keymap, lineNumbers, placeholder, showPanel } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const fromField = Annotation.define();
const KEYS = "Tab indents. Esc, then Tab leaves the text.";
const KEYS_OF_FINDINGS = `${KEYS} F8 goes to the next finding.`;

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--accent)" },
  { tag: tags.string, color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--wait)" },
  { tag: tags.special(tags.brace), color: "var(--accent)", fontWeight: "600" },
  { tag: tags.tagName, color: "var(--dim)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const edge = "1px solid light-dark(#8a939e, #6b7480)";
const mark = (colour) => ({ backgroundImage: "none", textDecoration: `underline wavy ${colour}`, textUnderlineOffset: ".2em" });
const sign = (colour, shape) => ({ content: "normal", "&::before": { content: `"${shape}" / ""`, color: colour, fontSize: ".75em" } });
const looks = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--sunk)", border: edge, borderRadius: "4px", fontSize: ".87rem" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", maxHeight: "36rem", overflow: "auto" },
  ".cm-content": { padding: ".6rem 0", caretColor: "var(--ink)" },
  ".cm-line": { padding: "0 .9rem 0 .4rem" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--dim)", border: "0" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 .3rem 0 .6rem" },
  ".cm-placeholder": { color: "var(--dim)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "transparent", outline: "1px solid var(--dim)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "var(--bad-bg)" },
  ".cm-gutter-lint": { width: "1.1rem" },
  ".cm-gutter-lint .cm-gutterElement": { padding: "0 0 0 .35rem" },
  ".cm-lint-marker": { width: "auto", height: "auto" },
  ".cm-lint-marker-error": sign("var(--bad)", "■"),
  ".cm-lint-marker-warning": sign("var(--wait)", "▲"),
  ".cm-lint-marker-info": sign("var(--dim)", "○"),
  ".cm-lintRange-error": mark("var(--bad)"),
  ".cm-lintRange-warning": mark("var(--wait)"),
  ".cm-lintRange-info": mark("var(--dim)"),
  ".cm-tooltip": { backgroundColor: "var(--page)", color: "var(--ink)", border: edge, borderRadius: "4px", maxWidth: "32rem" },
  ".cm-diagnostic": { padding: ".4rem .75rem", fontFamily: "inherit" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--wait)" },
  ".cm-diagnostic-info": { borderLeftColor: "var(--dim)" },
  ".cm-panels": { position: "static", backgroundColor: "var(--sunk)", color: "var(--dim)" },
  ".cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-panel.keys": { padding: ".2rem .9rem", fontSize: ".93em" },
  ".cm-panel.cm-panel-lint": { color: "var(--ink)" },
  ".cm-panel.cm-panel-lint ul [aria-selected]": { backgroundColor: "var(--line)", color: "var(--ink)" },
  ".cm-panel.cm-panel-lint button": { color: "var(--dim)" },
});

const withGaps = StreamLanguage.define({
  token(stream) {
    if (stream.match(/^\{\{.*?\}\}+/)) return "brace.special";
    if (stream.match(/^<\/?[a-zA-Z!][^<>{]*>?/)) return "tagName";
    stream.next();
    stream.eatWhile(/[^{<]/);
    return null;
  },
});
const LANGUAGES = { json: json(), template: withGaps };

function keysPanel(words) {
  return () => ({ dom: Object.assign(document.createElement("div"), { id: "keys", className: "keys", textContent: words }) });
}

function edit(field) {
  const label = field.labels[0];
  const name = label.textContent.trim();
  const place = Object.assign(document.createElement("div"), { className: "editor" });
  const hasFindings = field.dataset.findings !== undefined;
  field.after(place);
  const root = place.attachShadow({ mode: "open", delegatesFocus: true });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: field.value,
      extensions: [
        lineNumbers(),
        history(),
        indentUnit.of("  "),
        EditorState.tabSize.of(2),
        bracketMatching(),
        LANGUAGES[field.dataset.editor],
        syntaxHighlighting(colours),
        hasFindings ? lintGutter() : [],
        placeholder(field.placeholder),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": name, "aria-describedby": "keys" }),
        EditorView.domEventObservers({ keydown: leavesWithTab }),
        EditorView.updateListener.of(kept),
        showPanel.of(keysPanel(hasFindings ? KEYS_OF_FINDINGS : KEYS)),
        keymap.of([...lintKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
        looks,
        EditorView.theme({ ".cm-content, .cm-gutter": { minHeight: `min(${field.rows * 1.5 + 1.2}em, var(--least-text))` } }),
      ],
    }),
  });
  field.hidden = true;
  if (label.htmlFor) {
    label.removeAttribute("for"); // or two things on the page would have this name
    if (label.classList.contains("unseen")) label.remove();
    label.addEventListener("click", () => view.focus());
  }

  function kept(update) {
    if (!update.docChanged) return;
    field.value = update.state.doc.toString();
    if (!update.transactions.some((one) => one.annotation(fromField)))
      field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  field.addEventListener("written", () => {
    const before = view.state.doc.toString();
    const after = field.value;
    let from = 0;
    let end = 0;
    const least = Math.min(before.length, after.length);
    while (from < least && before[from] === after[from]) from++;
    while (end < least - from && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
    view.dispatch({
      changes: { from, to: before.length - end, insert: after.slice(from, after.length - end) },
      annotations: fromField.of(true),
    });
  });

  field.addEventListener("line", (event) => {
    event.preventDefault();
    const { from, to } = line(view.state, event.detail);
    view.dispatch({ selection: { anchor: to, head: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    view.focus();
    place.scrollIntoView({ block: "nearest" });
  });

  if (hasFindings) {
    const look = () => view.dispatch(setDiagnostics(view.state, findings(view.state)));
    document.getElementById("preview").addEventListener("put", look);
    look();
  }
}

function line(state, number) {
  const found = state.doc.line(Math.min(Math.max(number, 1), state.doc.lines));
  return { from: found.from + found.text.search(/\S|$/), to: found.to };
}

// What the server found in the text, as it stands under it.
function findings(state) {
  const kinds = { bad: "error", wait: "warning", note: "info" };
  return [...document.querySelectorAll("#preview .findings li")].map((item) => ({
    ...line(state, Number(item.querySelector("[data-line]").dataset.line)),
    severity: kinds[item.className],
    message: item.querySelector(".says").textContent,
    source: item.querySelector(".code").textContent,
  }));
}

// Esc lets the next Tab leave; the editor's own two seconds are short for who has no sight of it.
function leavesWithTab(event, view) {
  if (event.key === "Escape") queueMicrotask(() => view.setTabFocusMode(60_000));
}

for (const field of document.querySelectorAll("textarea[data-editor]")) edit(field);
