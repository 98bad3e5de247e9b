/** What the three functions say, by the names that the screens use. */

export type Kind = 'simple' | 'combined' | 'custom' | 'lead_scoring';
export type Health =
  | 'fresh'
  | 'late'
  | 'held'
  | 'failing'
  | 'unexported'
  | 'new'
  | 'unreadable'
  | 'archived';

export interface TrendDay {
  date: string;
  conversions: number;
  value: number | null;
}

export interface LastRun {
  run_id: string;
  recorded_at: string;
  status: string;
  rows_total: number | null;
  value_total: number | null;
  duplicates: number | null;
  quarantined: number | null;
  detail: string | null;
}

export interface Row {
  id: string;
  name: string;
  kind: Kind;
  version: number;
  status: string;
  created_at: string;
  created_by: string | null;
  readable: boolean;
  reason: string | null;
  health: Health;
  health_detail: string | null;
  conversions: number | null;
  value: number | null;
  trend: TrendDay[];
  last_run: LastRun | null;
}

export interface RowPage {
  currency: string;
  start_date: string;
  end_date: string;
  total: number;
  conversions: Row[];
  next_page: string;
}

export interface Incident {
  incident_id: string;
  recorded_at: string;
  code: string;
  severity: 'info' | 'warning' | 'error';
  conversion: string | null;
  run_id: string | null;
  detail: string | null;
  fix: string | null;
  state?: 'open' | 'acknowledged' | 'resolved';
  acknowledged_by?: string | null;
  note?: string | null;
}

export interface IncidentPage {
  incidents: Incident[];
  next_page?: string;
  total?: number;
}

export interface Me {
  email: string;
  role: 'viewer' | 'editor' | 'operator';
  may: { edit: boolean; operate: boolean; see_personal_data: boolean };
}
