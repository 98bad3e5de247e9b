import type { Health, RowPage } from '../api/types';
import { ago } from '../ui/format';

/** The kinds that have a form written for them; others are named by their schema. */
export const KINDS: Record<string, string> = {
  simple: 'Simple',
  combined: 'Combined',
  custom: 'Custom',
  lead_scoring: 'Lead Scoring',
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

/** Why a conversion needs an eye, as the rest of a sentence that begins with its name. */
export function attention(one: RowPage['attention'][number]): string {
  const since = one.last_run_at ? `, last computed ${ago(one.last_run_at)}` : '';
  return `${HEALTH[one.health].eye}${since}.${one.health_detail ? ` ${one.health_detail}` : ''}`;
}
