const DAYS = ['Sundays', 'Mondays', 'Tuesdays', 'Wednesdays', 'Thursdays', 'Fridays', 'Saturdays'];

/** When a schedule runs, in words where they are plain; else the five fields of cron as they are. */
export function inWords(cron: string): string {
  const [minute = '', hour = '', date, month, weekday = ''] = cron.split(' ');
  const at = /^\d+$/;
  if (date !== '*' || month !== '*' || !at.test(minute)) return cron;
  if (hour === '*' && weekday === '*') return `Every hour, at ${minute.padStart(2, '0')} past`;
  if (!at.test(hour)) return cron;
  const time = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
  if (weekday === '*') return `Every day at ${time}`;
  return at.test(weekday) ? `${DAYS[Number(weekday) % 7] ?? cron} at ${time}` : cron;
}

/** A schedule's name as people read it: "Daily run" of daily-run. */
export const titled = (name: string): string => {
  const words = name.replaceAll('-', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
};
