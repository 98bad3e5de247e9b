import { autocompletion, closeBrackets, completionKeymap, closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { keywordCompletionSource, sql } from '@codemirror/lang-sql';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { Compartment, EditorState } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';

import { nonce } from '../ui/theme';
import { completing, type Table } from './complete';
import { BigQuery } from './dialect';
import type { Issue } from './verdict';

interface Options {
  text: string;
  label: string;
  changed: (text: string) => void;
  asked: () => void;
  tables: () => Promise<Table[]>;
}

/** An editor of GoogleSQL in the element. Tab leaves it, as in any other field. */
export function mounted(parent: HTMLElement, options: Options): EditorView {
  return new EditorView({
    parent,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        EditorView.cspNonce.of(nonce),
        named.of(nameOf(options.label)),
        EditorView.lineWrapping,
        lineNumbers(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        highlightActiveLine(),
        lintGutter(),
        sql({ dialect: BigQuery, upperCaseKeywords: true }),
        autocompletion({
          override: [completing(options.tables), keywordCompletionSource(BigQuery, true)],
        }),
        syntaxHighlighting(colours),
        look,
        keymap.of([
          { key: 'Mod-Enter', run: () => (options.asked(), true) },
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...historyKeymap,
          ...completionKeymap,
          ...lintKeymap,
        ]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.changed(update.state.doc.toString());
        }),
      ],
    }),
  });
}

/** Names the editor anew. What is written in it, and the focus, stay. */
export function rename(view: EditorView, label: string): void {
  view.dispatch({ effects: named.reconfigure(nameOf(label)) });
}

const named = new Compartment();

const nameOf = (label: string) => EditorView.contentAttributes.of({ 'aria-label': label });

/** Underlines the findings that have a place, each with its fix where it has one. */
export function underline(view: EditorView, issues: Issue[]): void {
  const diagnostics = issues.flatMap((issue): Diagnostic[] => {
    const range = rangeOf(view, issue);
    if (!range) return [];
    const action = fixable(issue)
      ? {
          actions: [
            {
              name: 'Apply the fix',
              // where the underlined text is by now, which typing before it has moved
              apply: (at: EditorView, from: number, to: number) =>
                at.dispatch({ changes: { from, to, insert: issue.replacement ?? '' } }),
            },
          ],
        }
      : {};
    return [{ ...range, severity: issue.severity, message: issue.message, source: issue.code, ...action }];
  });
  view.dispatch(setDiagnostics(view.state, diagnostics));
}

/** Whether the finding says what to write, and where. */
export const fixable = (issue: Issue): boolean => issue.replacement != null && issue.line != null;

/** Writes the replacement where the finding says. */
export function applyFix(view: EditorView, issue: Issue): void {
  const range = rangeOf(view, issue);
  if (!range || issue.replacement == null) return;
  view.dispatch({ changes: { ...range, insert: issue.replacement } });
  view.focus();
}

/** Puts the cursor where the finding is. */
export function jump(view: EditorView, issue: Issue): void {
  const range = rangeOf(view, issue);
  if (!range) return;
  view.dispatch({ selection: { anchor: range.from, head: range.to }, scrollIntoView: true });
  view.focus();
}

function rangeOf(view: EditorView, issue: Issue): { from: number; to: number } | null {
  const from = offset(view, issue.line, issue.column);
  if (from === null) return null;
  const end = offset(view, issue.end_line, issue.end_column);
  const to = end ?? view.state.wordAt(from)?.to ?? view.state.doc.lineAt(from).to;
  return { from, to: Math.max(from, to) };
}

function offset(view: EditorView, line?: number | null, column?: number | null): number | null {
  if (line == null || line < 1 || line > view.state.doc.lines) return null;
  const at = view.state.doc.line(line);
  return Math.min(at.to, at.from + Math.max(0, (column ?? 1) - 1));
}

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--sql-keyword)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--sql-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--sql-number)' },
  { tag: tags.comment, color: 'var(--mantine-color-dimmed)', fontStyle: 'italic' },
  { tag: tags.typeName, color: 'var(--sql-type)' },
  { tag: tags.special(tags.name), color: 'var(--sql-number)' },
]);

const look = EditorView.theme({
  '&': {
    border: '1px solid var(--mantine-color-default-border)',
    borderRadius: 'var(--mantine-radius-md)',
    backgroundColor: 'var(--mantine-color-body)',
    fontSize: '13px',
  },
  '&.cm-focused': { outline: '2px solid var(--mantine-primary-color-filled)', outlineOffset: '1px' },
  '.cm-scroller': { fontFamily: 'ui-monospace, Menlo, Consolas, monospace', minHeight: '260px', maxHeight: '60vh' },
  '.cm-content': { caretColor: 'var(--mantine-color-text)' },
  '.cm-cursor': { borderLeftColor: 'var(--mantine-color-text)' },
  '.cm-gutters': {
    backgroundColor: 'transparent',
    color: 'var(--mantine-color-dimmed)',
    borderRight: '1px solid var(--mantine-color-default-border)',
  },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--mantine-color-text) 4%, transparent)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--mantine-color-body)',
    color: 'var(--mantine-color-text)',
    border: '1px solid var(--mantine-color-default-border)',
    borderRadius: 'var(--mantine-radius-sm)',
    maxWidth: 'min(560px, 90vw)',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    backgroundColor: 'var(--mantine-primary-color-filled)',
    color: 'white',
  },
  '.cm-diagnosticSource': { opacity: '1', color: 'var(--mantine-color-dimmed)' },
  '.cm-diagnosticAction': { backgroundColor: 'var(--mantine-primary-color-filled)', color: 'white' },
});
