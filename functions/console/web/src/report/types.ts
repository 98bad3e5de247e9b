import type { Api, Incident } from '../api/types';

/** What was true of a day, where a shop was invented and its answers are known. */
export interface TrueDay {
  date: string;
  conversions: number;
  value: number;
}

/** All that the report shows; `known` and `console` stand only in a file. */
export interface Shown {
  report: Api['Report'];
  incidents: Incident[];
  known?: Record<string, TrueDay[]>;
  console?: string;
}

export type Line = Api['ReportLine'];
