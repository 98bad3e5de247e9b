import type { Api } from '../api/types';

export interface WhatIf {
  cut: number;
  leads: number;
  leads_per_30_days: number;
  precision: number;
  recall: number;
  share: number;
  value_share: number;
}

export type Interval = [number, number];

/** The correction that every score carries, and what it would have done at earlier times. */
export interface Level {
  choice: string;
  factor: number;
  note: string;
  replays?: { days_ago: number; promised: number; came: number }[];
}

export interface Model {
  conversion: string;
  model_id: string;
  trained_at: string;
  reason: string | null;
  card: {
    data?: { days: number; leads: number; won: number; open: number; window_days: number | null };
    model?: { top_attributes?: { attribute: string; points: number }[]; level?: Level };
    promise?: { wins: number; wins_interval_80: Interval; value: number; value_interval_80: Interval };
    quality?: {
      forward?: { leads: number; lift_top_10: number };
      money?: { predicted_to_actual: number | null };
      lack_of_skill?: string;
      reliability?: { actual: number; predicted: number; leads: number }[];
    };
    threshold?: { cut: number; measure: string; reason: string };
    what_if?: WhatIf[];
    window?: { in_words?: string };
    warnings?: string[];
  };
  calibration: Api['Cohort'][];
}

export type Thresholds = Api['Thresholds'];
export type LeadPage = Api['LeadPage'];
export type LeadScore = Api['LeadScore'];
