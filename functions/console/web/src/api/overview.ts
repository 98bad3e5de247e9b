import { get, type Query } from './client';
import type { Health, Row, RowPage, TrendDay } from './types';

/** The list in one call, or, of an API that tells no totals with it, in one call a row. */
export async function overview(query: Query, signal: AbortSignal): Promise<RowPage> {
  const page = await get<RowPage | OldPage>('/api/conversions', query, signal).catch(() =>
    get<OldPage>('/api/conversions', {}, signal),
  );
  if ('total' in page) return page;
  const all = await Promise.all(page.conversions.map((one) => filled(one, signal)));
  const needle = String(query['search'] ?? '').toLowerCase();
  const rows = all.filter(
    ({ row }) =>
      (row.name.toLowerCase().includes(needle) || row.id.includes(needle)) &&
      (!query['kind'] || row.kind === query['kind']),
  );
  const first = all[0];
  return {
    currency: first?.statistics.currency ?? '',
    start_date: first?.statistics.start_date ?? '',
    end_date: first?.statistics.end_date ?? '',
    total: rows.length,
    conversions: rows.map(({ row }) => row),
    next_page: '',
  };
}

interface OldRow extends Omit<Row, 'name'> {
  definition: { name: string };
}
interface OldPage {
  conversions: OldRow[];
}
interface Statistics {
  currency: string;
  start_date: string;
  end_date: string;
  totals: { conversions: number; value: number | null };
  days: TrendDay[];
}

async function filled(one: OldRow, signal: AbortSignal) {
  const statistics = await get<Statistics>(`/api/conversions/${one.id}/statistics`, {}, signal);
  const row: Row = {
    ...one,
    name: one.definition.name,
    readable: true,
    reason: null,
    health: health(one),
    health_detail: one.last_run?.detail ?? null,
    conversions: statistics.totals.conversions,
    value: statistics.totals.value,
    trend: statistics.days,
  };
  return { row, statistics };
}

function health(one: OldRow): Health {
  if (one.status === 'archived') return 'archived';
  if (!one.last_run) return 'new';
  if (one.last_run.status === 'held' || one.last_run.status === 'waiting') return 'held';
  return one.last_run.status === 'failed' ? 'failing' : 'fresh';
}
