import { useMemo, useState } from 'react';

/**
 * An idempotency key that stays while the same is asked for: a press after a lost answer asks for the
 * run that has begun, not for a second one. `renew` once the answer has come.
 */
export function useOnce(asked: unknown): { key: string; renew: () => void } {
  const [answered, setAnswered] = useState(0);
  const text = `${answered} ${JSON.stringify(asked)}`;
  // another text, another request
  const key = useMemo(() => (text ? crypto.randomUUID() : ''), [text]);
  return { key, renew: () => setAnswered((before) => before + 1) };
}

/** The header that carries the key. */
export const once = (key: string) => ({ headers: { 'Idempotency-Key': key } });
