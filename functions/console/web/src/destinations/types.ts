import type { Schema } from '../editor/form';

export const PLATFORMS: Record<string, string> = {
  google_ads: 'Google Ads',
  meta: 'Meta',
  google_analytics: 'Google Analytics',
  linkedin: 'LinkedIn',
  microsoft_ads: 'Microsoft Ads',
  tiktok: 'TikTok',
  google_customer_match: 'Google Customer Match',
  meta_audience: 'Meta audience',
};

export type Config = Record<string, unknown> & {
  id: string;
  kind: string;
  name: string;
  mode?: string;
  conversions: Record<string, string>[];
};

export interface Advice {
  code: string;
  severity: 'error' | 'warning';
  message: string;
  fix: string;
}

export interface StoredDestination {
  id: string;
  version: number;
  kind: string;
  status: string;
  definition: Config | null;
  unreadable: string | null;
  created_at: string;
  created_by: string | null;
  problems: Advice[];
}

export interface FormOf {
  schema: Schema & { required?: string[] };
  capabilities: {
    max_batch: number;
    max_age_days: Record<string, number>;
    deduplication_hours: number | null;
    adjusts: string[];
    adjusts_within_days: number | null;
    answers_later: boolean;
    audience: boolean;
  };
}

export interface DryRun {
  complete: boolean;
  held_by_platform: number;
  before_first_day: number;
  notes: string[];
  verdicts: Record<string, number>;
  rows: {
    id: string;
    verdict: string;
    reason?: string | null;
    key?: string | null;
    value?: number | null;
    currency?: string | null;
    event_time?: string | null;
  }[];
  requests: {
    sha256: string;
    bytes: number;
    rows: string[];
    method: string;
    url: string;
    headers: Record<string, string>;
    credential: { in: string; name: string; reference: string };
    body?: string | null;
  }[];
}

export interface LedgerEntry {
  recorded_at: string;
  happened_at: string;
  conversion: string;
  conversion_id: string;
  op: string | null;
  state: string;
  reason: string | null;
  value: number | null;
  currency: string | null;
  request_id: string | null;
}

export interface Standing {
  conversion: string;
  state: string;
  op: string | null;
  reason: string | null;
  conversions: number;
}

export const STATES: Record<string, { word: string; sign: string; color: string }> = {
  accepted: { word: 'Accepted', sign: '✓', color: 'teal' },
  sending: { word: 'Under way', sign: '↻', color: 'blue' },
  unknown: { word: 'In doubt', sign: '?', color: 'orange' },
  ambiguous: { word: 'You decide', sign: '?', color: 'orange' },
  rejected: { word: 'Refused', sign: '✕', color: 'red' },
  failed: { word: 'Refused later', sign: '✕', color: 'red' },
  retry: { word: 'To be sent again', sign: '↻', color: 'orange' },
  skipped: { word: 'Not sent', sign: '–', color: 'gray' },
  expired: { word: 'Too old', sign: '–', color: 'gray' },
  unsupported_change: { word: 'Change not taken', sign: '–', color: 'gray' },
  requested: { word: 'Replay asked for', sign: '↻', color: 'blue' },
  absent: { word: 'Not there', sign: '–', color: 'gray' },
  erased: { word: 'Erased', sign: '–', color: 'gray' },
  create: { word: 'Send', sign: '+', color: 'teal' },
  restate: { word: 'Send the new value', sign: '~', color: 'blue' },
  retract: { word: 'Take back', sign: '−', color: 'orange' },
  nothing: { word: 'Nothing to do', sign: '=', color: 'gray' },
};
