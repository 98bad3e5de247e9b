export interface Run {
  run_id: string;
  trigger: string | null;
  status: string;
  started_at: string;
  last_entry_at: string;
  planned: number;
  done: number;
  held: string[];
  failed: string[];
  inserted: number;
  updated: number;
  deleted: number;
  bytes_processed: number | null;
  seconds: number;
}

export interface Entry {
  recorded_at: string;
  conversion: string;
  status: string;
  tier: number | null;
  start_date: string | null;
  end_date: string | null;
  rows_read: number | null;
  rows_total: number | null;
  value_total: number | null;
  inserted: number | null;
  updated: number | null;
  deleted: number | null;
  duplicates: number | null;
  quarantined: number | null;
  bytes_processed: number | null;
  seconds: number | null;
  detail: string | null;
}

export interface Plan {
  conversions: string[];
  start_date: string;
  end_date: string;
  days: number;
  bytes: number | null;
  price_usd: number | null;
  text: string;
  run_id: string;
}
