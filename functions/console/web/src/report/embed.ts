import type { Shown } from './types';

/** Where a file of the report keeps what it shows; common/local/demo/report.py fills the same place. */
export const PLACE = '__SHOWN__';

/** The file that shows this: JSON in which no text can end the element around it. */
export const fileOf = (template: string, shown: Shown): string =>
  template.replace(PLACE, () => JSON.stringify(shown).replaceAll('<', '\\u003c'));
