/** A conversion as the forms edit it; the same shapes that the API saves. */

export interface Condition {
  dimension: string;
  operator: string;
  value?: FilterValue;
  products?: 'any' | 'all';
}
export type FilterValue = string | number | string[] | number[] | null;
export interface AllOf {
  all: Filter[];
}
export interface AnyOf {
  any: Filter[];
}
export type Filter = Condition | AllOf | AnyOf;

interface Base {
  id: string;
  name: string;
  description: string;
}

export type Value =
  | { type: 'event' }
  | { type: 'manual'; amount: number; currency: string | null }
  | { type: 'none' };

export interface Simple extends Base {
  kind: 'simple';
  event_type: 'purchase' | 'custom_event';
  filters: Filter | null;
  value: Value;
  deduplicate_by_user: boolean;
  deduplication_days: number | null;
  once_per_session: boolean;
  missing_order_id: 'keep' | 'drop';
  refunds: { days: number; remove_fully_refunded: boolean } | null;
  normalize: { by: string; days: number; lag_days: number } | null;
}

export interface Combined extends Base {
  kind: 'combined';
  conversions: string[];
  deduplication_days: number | null;
}

export interface Custom extends Base {
  kind: 'custom';
  sql: string;
  adjustment_days: number | null;
  lookup_tables: string[];
  inherit_attribution_from: string | null;
  predicted_value: { target: string; window_days: number } | null;
}

export type CrmName = 'hubspot' | 'salesforce' | 'dynamics' | 'pipedrive';
export type LeadSource =
  | { type: 'crm'; crm: CrmName; dataset: string }
  | { type: 'query'; leads_sql: string; deals_sql: string };

export interface LeadScoring extends Base {
  kind: 'lead_scoring';
  source: LeadSource;
  conversion_window_days: number | null;
  qualification: { mode: string; threshold: number | null };
  value: 'expected_value' | 'deal_value_if_won';
  adjustment_days: number;
  excluded_attributes: string[];
  confirmed_attributes: string[];
}

export type Definition = Simple | Combined | Custom | LeadScoring;
