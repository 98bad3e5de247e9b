import type { AllOf, AnyOf, Condition, Definition, Filter, FilterValue, LeadScoring } from '../api/definitions';

/** The types with a form written for them, as the product description shows them. */
export const TYPES = {
  purchase: {
    title: 'Purchase',
    about: 'Orders of your shop, counted once per order id.',
  },
  event: {
    title: 'Custom event',
    about: 'Any other event of GA4, such as a form that was sent.',
  },
  combined: {
    title: 'Combined conversion',
    about: 'Two or more conversions counted as one.',
  },
  custom: {
    title: 'Custom conversion',
    about: 'Rows of your own SQL over CRM or offline data.',
  },
  scoring: {
    title: 'Lead Scoring conversion',
    about: 'Leads of your CRM that are worth it, with the value a model expects.',
  },
} as const;
export type Type = keyof typeof TYPES;

const base = { id: '', name: '', description: '' };
const simple = {
  ...base,
  kind: 'simple',
  deduplicate_by_user: false,
  deduplication_days: null,
  once_per_session: false,
  missing_order_id: 'keep',
  order_ids_are_per_client: false,
  items: false,
  refunds: null,
  normalize: null,
} as const;

/** No column named: the product finds them by what CRMs usually call them. */
export const FOUND: Extract<LeadScoring['source'], { type: 'crm' }>['columns'] = {
  client_id: null,
  gclid: null,
  gbraid: null,
  wbraid: null,
  fbclid: null,
  msclkid: null,
  ttclid: null,
  li_fat_id: null,
  user_id: null,
  created: null,
  value: null,
  currency: null,
  won: null,
  lost: null,
};

/** An empty form of the type. */
export function fresh(type: Type): Definition {
  switch (type) {
    case 'purchase':
      return { ...simple, event_type: 'purchase', filters: null, value: { type: 'event' } };
    case 'event':
      return {
        ...simple,
        event_type: 'custom_event',
        filters: { all: [{ dimension: 'event_action', operator: 'equals', value: '', products: 'any' }] },
        value: { type: 'none' },
      };
    case 'combined':
      return { ...base, kind: 'combined', conversions: [], deduplication_days: null };
    case 'custom':
      return {
        ...base,
        kind: 'custom',
        sql: '',
        adjustment_days: 30,
        lookup_tables: [],
        inherit_attribution_from: null,
        predicted_value: null,
      };
    case 'scoring':
      return {
        ...base,
        kind: 'lead_scoring',
        source: { type: 'crm', crm: 'hubspot', dataset: '', columns: FOUND },
        milestone: null,
        lead_filters: [],
        conversion_window_days: null,
        qualification: { mode: 'auto', threshold: null },
        value: 'expected_value',
        value_map: null,
        adjustment_days: 30,
        excluded_attributes: [],
        confirmed_attributes: [],
      };
  }
}

/** The type whose form a definition has; null for a kind whose form is drawn from its schema. */
export function typeOf(definition: Definition): Type | null {
  switch (definition.kind) {
    case 'simple':
      return definition.event_type === 'purchase' ? 'purchase' : 'event';
    case 'lead_scoring':
      return 'scoring';
    case 'combined':
    case 'custom':
      return definition.kind;
    default:
      return null;
  }
}

/** "Purchase over 100" as purchase_over_100. */
export const slug = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '')
    .slice(0, 63);

export const isGroup = (filter: Filter): filter is AllOf | AnyOf => 'all' in filter || 'any' in filter;

const valueless = (operator: string): boolean => operator.startsWith('is_');

const empty = (value: FilterValue | undefined): boolean =>
  value == null || value === '' || (Array.isArray(value) && value.length === 0);

/** Whether the condition says what it compares with. */
export const isWhole = (condition: Condition): boolean =>
  Boolean(condition.dimension) && (valueless(condition.operator) || !empty(condition.value));

/** The filter without conditions that are still being written; null when nothing is left. */
export function written(filter: Filter | null): Filter | null {
  if (!filter) return null;
  if (!isGroup(filter)) return isWhole(filter) ? filter : null;
  const all = 'all' in filter;
  const parts = (all ? filter.all : filter.any)
    .map(written)
    .filter((part): part is Filter => part !== null);
  if (!parts.length) return null;
  return all ? { all: parts } : { any: parts };
}

/** What is sent: without half-written conditions. */
export const sent = (draft: Definition): Definition =>
  draft.kind === 'simple' ? { ...draft, filters: written(draft.filters) } : draft;

/** What is tried on history: a name and an id are not needed for that yet. */
export const tried = (draft: Definition): Definition => ({
  ...sent(draft),
  id: draft.id || 'draft',
  name: draft.name || 'Draft',
});

/** Whether enough is said to try it on history. */
export function canTry(draft: Definition): boolean {
  const definition = sent(draft);
  switch (definition.kind) {
    case 'simple':
      return definition.event_type === 'purchase' || definition.filters !== null;
    case 'combined':
      return definition.conversions.length > 1;
    case 'custom':
      return definition.sql.trim() !== '';
    case 'lead_scoring':
      // leads are scored by a model that is trained in a run, not while a form changes
      return false;
    default:
      // the API says what is still missing
      return true;
  }
}
