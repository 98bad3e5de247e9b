import { NONE } from '../ui/format';

export interface Change {
  path: string;
  before: string;
  after: string;
}

/** Fields whose values differ, by their path; lists are compared as a whole. */
export function changes(before: unknown, after: unknown, path = ''): Change[] {
  if (same(before, after)) return [];
  if (isRecord(before) && isRecord(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => changes(before[name], after[name], path ? `${path}.${name}` : name));
  }
  return [{ path, before: text(before), after: text(after) }];
}

export const same = (one: unknown, other: unknown): boolean =>
  JSON.stringify(ordered(one)) === JSON.stringify(ordered(other));

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function text(value: unknown): string {
  if (value == null || value === '') return NONE;
  return typeof value === 'string' ? value : JSON.stringify(value, null, 1);
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isRecord(value)) return value ?? null;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each != null)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, each]) => [name, ordered(each)]),
  );
}
