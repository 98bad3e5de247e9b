import type { Incident } from '../api/types';

/** What happened, as a sentence of its own: whom it is about stands before it already. */
export function sentenceOf({ conversion, detail, code }: Incident): string {
  const text = detail ?? code.replaceAll('_', ' ');
  return conversion ? text.replace(`${conversion}: `, '') : text;
}
