import { Radio, Stack, TextInput } from '@mantine/core';
import { lazy, Suspense, useRef } from 'react';

import type { CrmName, LeadScoring } from '../api/definitions';
import { Waiting } from '../ui/parts';
import { LeadFilters, MilestoneField, NamedColumns } from './crm';
import { FOUND } from './draft';
import { inWords, NumberField, useFieldError, useForm, useText } from './form';
import { Section } from './section';
import { Choice, ErrorOf } from './simple';
import { Tags } from './tags';
import { ValueMapField } from './valuemap';

const SqlField = lazy(() => import('../sql/field'));

/** Names that are spelled otherwise than their code. */
const CRMS: Record<string, string> = {
  hubspot: 'HubSpot',
  dynamics: 'Microsoft Dynamics',
};
const MODES = {
  auto: 'Automatic: where money or wins are separated best',
  probability: 'At least this probability',
  top_share: 'The best share of leads',
  expected_value: 'At least this expected value',
  target_precision: 'So many of the qualified must win',
  all: 'All leads',
};

type Source = LeadScoring['source'];
const SOURCES: Record<Source['type'], Source> = {
  crm: { type: 'crm', crm: 'hubspot', dataset: '', columns: FOUND },
  query: { type: 'query', leads_sql: '', deals_sql: '' },
};

/** Where leads and deals come from, which leads qualify, and what they are worth. */
export function ScoringForm() {
  const { draft, set } = useForm<LeadScoring>();
  const { source, qualification } = draft;
  const crms = useText('source.crm').values;
  // what stood in the other way's form, so that a look at it loses nothing
  const other = useRef<Pick<LeadScoring, 'source' | 'milestone'> | null>(null);
  function change(type: Source['type']) {
    const next = other.current ?? { source: SOURCES[type], milestone: null };
    other.current = { source, milestone: draft.milestone };
    set(next);
  }
  const threshold = !['auto', 'all'].includes(qualification.mode);
  return (
    <>
      <Section title="Leads and deals">
        <Radio.Group
          aria-label="Where leads come from"
          value={source.type}
          data-field="source.type"
          onChange={(type) => change(type as Source['type'])}
        >
          <Stack gap="xs">
            <Radio value="crm" label="Standard CRM integration" description="Leads and deals as a CRM is loaded into BigQuery." />
            <Radio value="query" label="Custom data integration" description="Queries of your own: one of leads, one of deals." />
          </Stack>
        </Radio.Group>
        {source.type === 'crm' ? (
          <>
            <Choice
              path="source.crm"
              value={source.crm}
              words={Object.fromEntries([...new Set([...crms, source.crm])].map((crm) => [crm, CRMS[crm] ?? inWords(crm)]))}
              change={(crm) => set({ source: { ...source, crm: crm as CrmName } })}
            />
            <Dataset value={source.dataset} change={(dataset) => set({ source: { ...source, dataset } })} />
            <NamedColumns columns={source.columns} change={(columns) => set({ source: { ...source, columns } })} />
          </>
        ) : (
          <Suspense fallback={<Waiting rows={2} height={120} label="Loading the editor" />}>
            <SqlField
              path="source.leads_sql"
              label="Leads"
              about="One row a lead: lead_id, client_id, created, user_id, and what was known of it then."
              contract="leads"
              value={source.leads_sql}
              change={(leads_sql) => set({ source: { ...source, leads_sql } })}
            />
            <SqlField
              path="source.deals_sql"
              label="Deals"
              about="One row an outcome: lead_id, outcome_at, status, deal_value, currency."
              contract="deals"
              value={source.deals_sql}
              change={(deals_sql) => set({ source: { ...source, deals_sql } })}
            />
          </Suspense>
        )}
        <ErrorOf path="source" />
        {source.type === 'crm' && <MilestoneField />}
        <LeadFilters />
        <NumberField
          path="conversion_window_days"
          optional
          value={draft.conversion_window_days}
          change={(conversion_window_days) => set({ conversion_window_days })}
        />
      </Section>
      <Section title="Qualified leads" about="Only leads above the threshold become conversions.">
        <Choice
          path="qualification.mode"
          value={qualification.mode}
          words={MODES}
          change={(mode) =>
            set({ qualification: { mode: mode as LeadScoring['qualification']['mode'], threshold: ['auto', 'all'].includes(mode) ? null : mode === 'expected_value' ? 100 : 0.2 } })
          }
        />
        {threshold && (
          <NumberField
            path="qualification.threshold"
            value={qualification.threshold}
            decimalScale={3}
            step={0.05}
            change={(at) => set({ qualification: { ...qualification, threshold: at } })}
          />
        )}
        <Choice
          path="value"
          value={draft.value}
          words={{ expected_value: 'Expected value: probability × deal value', deal_value_if_won: 'Deal value if won' }}
          change={(value) => set({ value: value as LeadScoring['value'] })}
        />
        <ValueMapField />
      </Section>
      <Section title="Model">
        <NumberField
          path="adjustment_days"
          value={draft.adjustment_days}
          change={(adjustment_days) => set({ adjustment_days })}
        />
        <Tags path="excluded_attributes" value={draft.excluded_attributes} change={(tags) => set({ excluded_attributes: tags })} />
        <Tags path="confirmed_attributes" value={draft.confirmed_attributes} change={(tags) => set({ confirmed_attributes: tags })} />
      </Section>
    </>
  );
}

function Dataset(props: { value: string; change: (value: string) => void }) {
  const { label, description } = useText('source.dataset');
  return (
    <TextInput
      label={label}
      description={description}
      placeholder="my-project.hubspot"
      value={props.value}
      error={useFieldError('source.dataset')}
      withAsterisk
      maw={420}
      data-field="source.dataset"
      onChange={(event) => props.change(event.currentTarget.value.trim())}
    />
  );
}
