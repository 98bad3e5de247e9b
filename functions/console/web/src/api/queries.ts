import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';

import { get } from './client';
import type { IncidentPage, Me, RowPage } from './types';

export interface ListQuery {
  search: string;
  kind: string;
  status: string;
  sort: string;
}

/** The list of conversions, page after page; the former rows stay while others are looked for. */
export const useConversions = (query: ListQuery) =>
  useInfiniteQuery({
    queryKey: ['conversions', query],
    queryFn: ({ pageParam, signal }): Promise<RowPage> =>
      get<RowPage>('/api/conversions', { ...query, page: pageParam, limit: 100 }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_page || undefined,
    placeholderData: keepPreviousData,
  });

/** All active conversions by name, for a choice among them: a page of the list would leave some out. */
export const useAllConversions = (kind = '') =>
  useQuery({
    queryKey: ['conversions', 'all', kind],
    queryFn: ({ signal }) => get<RowPage>('/api/conversions', { kind, sort: 'name', limit: 1000 }, signal),
  });

export const useIncidents = (query: { state?: string; conversion?: string; limit?: number }) =>
  useQuery({
    queryKey: ['incidents', query],
    queryFn: ({ signal }) => get<IncidentPage>('/api/incidents', { limit: 50, ...query }, signal),
    placeholderData: keepPreviousData,
  });

export const useMe = () =>
  useQuery({
    queryKey: ['me'],
    queryFn: ({ signal }) => get<Me>('/api/me', {}, signal),
    staleTime: Infinity,
  });
