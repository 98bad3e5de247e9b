import type { Definition } from '../api/definitions';
import type { Health, Kind, LastRun } from '../api/types';

export interface Stored {
  id: string;
  version: number;
  kind: Kind;
  status: string;
  definition: Definition;
  referenced_tables: string[];
  created_at: string;
  created_by: string | null;
  last_run: LastRun | null;
  warnings?: { message: string; fix: string }[];
  readable?: boolean;
  reason?: string | null;
  health?: Health;
}

export interface Figures {
  conversions: number;
  value: number | null;
  refunded: number | null;
  qualified: number | null;
  attributed: number;
}

export interface Statistics {
  start_date: string;
  end_date: string;
  currency: string;
  totals: Figures & { attributed_share: number | null };
  days: (Figures & { date: string })[];
}

export interface Record_ {
  id: string;
  created: string;
  date: string;
  client_id: string | null;
  user_id: string | null;
  order_id: string | null;
  value: number | null;
  currency: string | null;
  value_project: number | null;
  value_refunded: number | null;
  value_kind: string | null;
  is_qualified: boolean | null;
  source: string | null;
  medium: string | null;
  campaign: string | null;
  country: string | null;
  updated_at: string | null;
  [more: string]: unknown;
}

export interface Explanation {
  id: string;
  verdict: string;
  dropped_by: string;
  sentence: string;
  steps: { step: string; passed: boolean | null; text: string }[];
}

export interface History {
  changes: {
    changed_at: string;
    change: string;
    cause: string;
    old_value: number | null;
    new_value: number | null;
    old_qualified: boolean | null;
    new_qualified: boolean | null;
    definition_version: number | null;
    run_id: string;
    fields: string[];
  }[];
  row: Record<string, unknown> | null;
}
