import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import type { EditorView } from '@codemirror/view';

export interface Table {
  path: string;
  columns: { name: string; type: string }[];
}

/**
 * Tables after an open backtick, columns after an alias or a table's name, and the two days; who asks
 * before the tables have come gets them once they are there.
 */
export const completing =
  (known: () => Promise<Table[]>) =>
  async (context: CompletionContext): Promise<CompletionResult | null> => {
    const tables = await known();
    const path = context.matchBefore(/`[^`\n]*/);
    if (path) {
      return {
        from: path.from + 1,
        options: tables.map(
          (table): Completion => ({
            label: table.path,
            type: 'class',
            detail: `${table.columns.length} columns`,
            apply: closed(table.path),
          }),
        ),
        validFor: /^[^`\n]*$/,
      };
    }
    const parameter = context.matchBefore(/@\w*/);
    if (parameter) {
      return {
        from: parameter.from,
        options: ['@start_date', '@end_date'].map((label) => ({ label, type: 'variable', detail: 'DATE' })),
      };
    }
    const member = context.matchBefore(/\w+\.\w*/);
    const text = context.state.doc.toString();
    if (member) {
      const [alias = ''] = member.text.split('.');
      const table = aliases(text, tables)[alias.toLowerCase()];
      return table ? { from: member.from + alias.length + 1, options: columns([table]) } : null;
    }
    const word = context.matchBefore(/\w+/);
    if (!word && !context.explicit) return null;
    const used = [...new Set(Object.values(aliases(text, tables)))];
    return used.length ? { from: word?.from ?? context.pos, options: columns(used), validFor: /^\w*$/ } : null;
  };

const columns = (tables: Table[]): Completion[] =>
  tables.flatMap((table) =>
    table.columns.map(({ name, type }) => ({ label: name, type: 'property', detail: type, boost: 1 })),
  );

/** Inserts the path and closes its backticks, whether the second one is there already or not. */
const closed = (path: string) => (view: EditorView, _: Completion, from: number, to: number) => {
  const there = view.state.sliceDoc(to, to + 1) === '`';
  view.dispatch({
    changes: { from, to, insert: there ? path : `${path}\`` },
    selection: { anchor: from + path.length + 1 },
  });
};

/** The tables that the text names, by alias and by last part of their path. */
function aliases(text: string, tables: Table[]): Record<string, Table> {
  const found: Record<string, Table> = {};
  for (const match of text.matchAll(/`?([\w-]+(?:\.[\w-]+)+)`?(?:\s+(?:AS\s+)?([a-z_]\w*))?/gi)) {
    const table = tables.find(({ path }) => path === match[1]);
    if (!table) continue;
    const last = table.path.split('.').pop() ?? '';
    found[last.toLowerCase()] = table;
    if (match[2] && !/^(where|on|join|left|inner|cross|full|right|group|order|limit|union)$/i.test(match[2])) {
      found[match[2].toLowerCase()] = table;
    }
  }
  return found;
}
