import { useQuery } from '@tanstack/react-query';

import { get } from '../api/client';
import { KINDS } from '../conversions/words';
import type { Schema } from './form';

/** The schema of each kind of conversion that the API takes. */
export const useKinds = () =>
  useQuery({
    queryKey: ['kinds'],
    queryFn: ({ signal }) => get<{ kinds: Record<string, Schema> }>('/api/schemas', {}, signal),
    staleTime: Infinity,
    select: ({ kinds }) => kinds,
  });

/** The name of each kind: our word for it, else the title of its schema. */
export function useKindNames(): Record<string, string> {
  const others = Object.entries(useKinds().data ?? {}).filter(([kind]) => !(kind in KINDS));
  return { ...KINDS, ...Object.fromEntries(others.map(([kind, schema]) => [kind, schema.title ?? kind])) };
}
