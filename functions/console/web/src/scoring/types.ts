export interface WhatIf {
  cut: number;
  leads: number;
  leads_per_30_days: number;
  precision: number;
  recall: number;
  share: number;
  value_share: number;
}

export interface Model {
  conversion: string;
  model_id: string;
  trained_at: string;
  reason: string | null;
  card: {
    data?: { days: number; leads: number; won: number; open: number; window_days: number | null };
    model?: { top_attributes?: { attribute: string; points: number }[] };
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
  calibration: {
    date: string;
    leads: number;
    predicted_wins: number;
    actual_wins: number;
    wins_margin: number | null;
    predicted_value: number | null;
    actual_value: number | null;
    complaint: string | null;
  }[];
}

export interface LeadRow {
  id: string;
  created: string;
  probability: number;
  expected_value: number | null;
  is_qualified: boolean;
}

export interface LeadPage {
  leads: LeadRow[];
  next_page?: string;
}

export interface LeadScore extends LeadRow {
  scored_at: string;
  grade: string | null;
  deal_value_if_won: number | null;
  qualified_at: string | null;
  reasons: { attribute: string | null; value: string | null; points: number | null }[];
}
