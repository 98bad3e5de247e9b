import { useQuery } from '@tanstack/react-query';

import { get } from '../api/client';
import type { FormOf } from './types';

/** The form of each kind of destination, and what its platform can do. */
export const useForms = () =>
  useQuery({
    queryKey: ['destination-forms'],
    queryFn: ({ signal }) => get<Record<string, FormOf>>('/export-preview/destinations/schemas', {}, signal),
    staleTime: Infinity,
  });

/** The platform's own name, as its form says it. */
export function usePlatform(): (kind: string) => string {
  const forms = useForms().data;
  return (kind) => forms?.[kind]?.schema.properties?.['kind']?.description ?? kind.replaceAll('_', ' ');
}
