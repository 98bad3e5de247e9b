import type { Health, Row } from '../api/types';
import { ago } from '../ui/format';

/** The kinds that have a form written for them; others are named by their schema. */
export const KINDS: Record<string, string> = {
  simple: 'Simple',
  combined: 'Combined',
  custom: 'Custom SQL',
  lead_scoring: 'Lead scoring',
};

interface State {
  word: string;
  icon: string;
  color: string;
  /** Why somebody should look; nothing for what is as it should be. */
  eye: string;
}

/** Each state by word and sign, so that colour says nothing alone. */
export const HEALTH: Record<Health, State> = {
  fresh: { word: 'Fresh', icon: '✓', color: 'teal', eye: '' },
  late: { word: 'Late', icon: '◷', color: 'orange', eye: 'has not been computed on time' },
  held: { word: 'Held', icon: '‖', color: 'orange', eye: 'waits for a person' },
  failing: { word: 'Failing', icon: '✕', color: 'red', eye: 'failed in its last run' },
  unexported: { word: 'Not exported', icon: '⇥', color: 'yellow', eye: 'has rows that were not sent' },
  new: { word: 'Not run yet', icon: '○', color: 'gray', eye: '' },
  unreadable: { word: 'Unreadable', icon: '?', color: 'red', eye: 'cannot be read by this release' },
  archived: { word: 'Archived', icon: '▭', color: 'gray', eye: '' },
};

/** What needs an eye today, one sentence a conversion. */
export const needsAnEye = (rows: Row[]): { row: Row; sentence: string }[] =>
  rows
    .filter((row) => HEALTH[row.health].eye)
    .map((row) => ({ row, sentence: sentence(row) }));

function sentence(row: Row): string {
  const why = row.health_detail;
  const since = row.last_run ? `, last computed ${ago(row.last_run.recorded_at)}` : '';
  return `${HEALTH[row.health].eye}${since}.${why ? ` ${why}` : ''}`;
}
