/** Numbers, money and times as people write them; `–` stands for "there is none", never for 0. */
export const NONE = '–';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
const share = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });

export const count = (value: number | null | undefined): string =>
  value == null ? NONE : whole.format(value);

export const decimal = (value: number | null | undefined): string =>
  value == null ? NONE : precise.format(value);

export const percent = (value: number | null | undefined): string =>
  value == null ? NONE : share.format(value);

const cents = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Money without its unit, which stands once in the header; whole units from 1,000 on. */
export const money = (value: number | null | undefined): string =>
  value == null ? NONE : Math.abs(value) >= 1000 || Number.isInteger(value) ? whole.format(value) : cents.format(value);

/** What something costs: what is little is not nothing. */
export const price = (value: number | null | undefined): string =>
  value != null && value > 0 && value < 0.01 ? '< 0.01' : decimal(value);

export function bytes(value: number | null | undefined): string {
  if (value == null) return NONE;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log(Math.max(value, 1)) / Math.log(1024)));
  return `${precise.format(Math.round((value / 1024 ** power) * 10) / 10)} ${units[power]}`;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Infinity],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'long' });

/** "3 hours ago", with the exact time to be had from `exact`. */
export function ago(time: string, now = Date.now()): string {
  let amount = (new Date(time).getTime() - now) / 1000;
  for (const [unit, size] of STEPS) {
    // rounded first: 59.6 seconds are a minute
    if (Math.abs(Math.round(amount)) < size) return relative.format(Math.round(amount), unit);
    amount /= size;
  }
  return NONE;
}

export const exact = (time: string): string =>
  new Date(time).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'long' });

/** A calendar day such as 2026-11-28, which has no time zone of its own, as "28 Nov"; a year ago as
 * "28 Nov 2025", since the same day of this year would look alike. */
export const day = (date: string, now = new Date()): string =>
  new Date(`${date}T00:00:00Z`).toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
    ...(now.getTime() - new Date(date).getTime() > 330 * 86_400_000 ? { year: 'numeric' } : {}),
  });

/** A difference with its sign, such as "+5" or "−1". */
export const signed = (value: number, written: (amount: number) => string = count): string =>
  `${value > 0 ? '+' : value < 0 ? '−' : ''}${written(Math.abs(value))}`;

/** The one word and its number: "1 row", "2 rows". */
export const plural = (amount: number, word: string, words = `${word}s`): string =>
  `${count(amount)} ${amount === 1 ? word : words}`;
