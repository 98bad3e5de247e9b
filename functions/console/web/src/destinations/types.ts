import type { Export } from '../api/types';
import type { Schema } from '../editor/form';

/** A conversion, and what the platform is to make of it. */
export type Mapped = string | boolean | string[];
export type Mapping = { conversion: string } & Record<string, Mapped>;

export type Config = Record<string, unknown> & {
  id: string;
  kind: string;
  name: string;
  mode?: string;
  conversions: Mapping[];
};

export type Advice = Export['Advice'];
export type DestinationVersion = Omit<Export['DestinationVersion'], 'definition'> & { definition: Config | null };
export type FormOf = Omit<Export['Form'], 'schema'> & { schema: Schema };
export type DryRun = Export['DryRun'];
export type LedgerEntry = Export['LedgerEntry'];
export type DeliveryStateCount = Export['DeliveryStateCount'];

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
  parked: { word: 'Set aside, tried again daily', sign: '‖', color: 'orange' },
  erased: { word: 'Erased', sign: '–', color: 'gray' },
  create: { word: 'Send', sign: '+', color: 'teal' },
  restate: { word: 'Send the new value', sign: '~', color: 'blue' },
  retract: { word: 'Take back', sign: '−', color: 'orange' },
  nothing: { word: 'Nothing to do', sign: '=', color: 'gray' },
};

/** What a dry run says in the place of a state; no entry of the ledger has one of these. */
const DECISIONS = ['create', 'restate', 'retract', 'nothing'];
export const LEDGER_STATES = Object.entries(STATES).filter(([state]) => !DECISIONS.includes(state));
