/** Statuses of runs and of their tasks, by word, sign and colour. */
export const STATUS: Record<string, { word: string; sign: string; color: string }> = {
  running: { word: 'Running', sign: '↻', color: 'blue' },
  finished: { word: 'Finished', sign: '✓', color: 'teal' },
  cancelled: { word: 'Cancelled', sign: '⊘', color: 'gray' },
  planned: { word: 'Planned', sign: '○', color: 'gray' },
  staging: { word: 'Reading GA4', sign: '↻', color: 'blue' },
  staged: { word: 'GA4 read', sign: '✓', color: 'teal' },
  applied: { word: 'Written', sign: '✓', color: 'teal' },
  unchanged: { word: 'Nothing new', sign: '=', color: 'teal' },
  held: { word: 'Held', sign: '‖', color: 'orange' },
  failed: { word: 'Failed', sign: '✕', color: 'red' },
  superseded: { word: 'A newer run took over', sign: '↷', color: 'gray' },
  continued: { word: 'Goes on', sign: '…', color: 'blue' },
  unscored: { word: 'Waits for scores', sign: '…', color: 'blue' },
  coalesced: { word: 'Joined to a run', sign: '↷', color: 'gray' },
  scored: { word: 'Scored', sign: '✓', color: 'teal' },
  trained: { word: 'Trained', sign: '✓', color: 'teal' },
  recovered: { word: 'Books completed', sign: '✓', color: 'gray' },
};

export const TRIGGERS: Record<string, string> = {
  schedule: 'By schedule',
  manual: 'By hand',
  load: 'CRM load',
  backfill: 'Backfill',
  definition: 'New definition',
};

export function duration(seconds: number | null | undefined): string {
  if (seconds == null) return '–';
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  // rounded first: 119.7 s are 2 min 0 s
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
