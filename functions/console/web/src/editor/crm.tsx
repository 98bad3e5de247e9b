import { ActionIcon, Group, Select, Stack, TagsInput, TextInput, Button } from '@mantine/core';
import { useState } from 'react';

import type { LeadScoring } from '../api/definitions';
import { Rows, TextField, useForm } from './form';
import { ConversionSelect } from './references';
import { Choice, ErrorOf } from './simple';
import { Tags } from './tags';

type Crm = Extract<LeadScoring['source'], { type: 'crm' }>;
type Columns = Crm['columns'];
type Reached = NonNullable<Columns['won']>;
type Milestone = LeadScoring['milestone'];
type Condition = LeadScoring['lead_filters'][number];

/** Columns that hold what their names do not say; all may stay empty. */
export function NamedColumns({ columns, change }: { columns: Columns; change: (columns: Columns) => void }) {
  const put = (part: Partial<Columns>) => change({ ...columns, ...part });
  // as it was found: who empties the last column goes on writing in it
  const [named] = useState(() => Object.values(columns).some((one) => one !== null));
  return (
    <details open={named}>
      <summary>Columns that hold what their names do not say</summary>
      <Stack gap="sm" mt="sm" data-field="source.columns">
        <TextField path="source.columns.client_id" value={columns.client_id ?? ''} change={(name) => put({ client_id: name || null })} />
        <TextField path="source.columns.gclid" value={columns.gclid ?? ''} change={(name) => put({ gclid: name || null })} />
        <TextField path="source.columns.gbraid" value={columns.gbraid ?? ''} change={(name) => put({ gbraid: name || null })} />
        <TextField path="source.columns.wbraid" value={columns.wbraid ?? ''} change={(name) => put({ wbraid: name || null })} />
        <TextField path="source.columns.fbclid" value={columns.fbclid ?? ''} change={(name) => put({ fbclid: name || null })} />
        <TextField path="source.columns.msclkid" value={columns.msclkid ?? ''} change={(name) => put({ msclkid: name || null })} />
        <TextField path="source.columns.ttclid" value={columns.ttclid ?? ''} change={(name) => put({ ttclid: name || null })} />
        <TextField path="source.columns.li_fat_id" value={columns.li_fat_id ?? ''} change={(name) => put({ li_fat_id: name || null })} />
        <TextField path="source.columns.user_id" value={columns.user_id ?? ''} change={(name) => put({ user_id: name || null })} />
        <TextField path="source.columns.created" value={columns.created ?? ''} change={(name) => put({ created: name || null })} />
        <TextField path="source.columns.value" value={columns.value ?? ''} change={(name) => put({ value: name || null })} />
        <TextField path="source.columns.currency" value={columns.currency ?? ''} change={(name) => put({ currency: name || null })} />
        <Group grow align="flex-start">
          <TextField path="source.columns.won.column" value={columns.won?.column ?? ''} change={(column) => put({ won: reached(columns.won, { column }) })} />
          <Tags path="source.columns.won.values" value={columns.won?.values ?? []} change={(values) => put({ won: reached(columns.won, { values }) })} />
        </Group>
        <Group grow align="flex-start">
          <TextField path="source.columns.lost.column" value={columns.lost?.column ?? ''} change={(column) => put({ lost: reached(columns.lost, { column }) })} />
          <Tags path="source.columns.lost.values" value={columns.lost?.values ?? []} change={(values) => put({ lost: reached(columns.lost, { values }) })} />
        </Group>
        <ErrorOf path="source.columns" />
      </Stack>
    </details>
  );
}

/** A column with its values; nothing when both are empty. */
function reached(before: Reached | null, part: Partial<Reached>): Reached | null {
  const after = { column: '', values: [], ...before, ...part };
  return after.column || after.values.length ? after : null;
}

const MILESTONES = {
  won: 'A won deal',
  stage: 'A stage of its deal',
  lead: 'A value of the lead',
  conversion: 'Another conversion',
};

/** What a lead is to reach; a won deal unless something earlier is chosen. */
export function MilestoneField() {
  const { draft, set } = useForm<LeadScoring>();
  const at = draft.milestone;
  const put = (milestone: Milestone) => set({ milestone });
  return (
    <>
      <Choice
        path="milestone"
        value={at?.type ?? 'won'}
        words={MILESTONES}
        change={(type) => put(fresh(type as keyof typeof MILESTONES))}
      />
      {at?.type === 'stage' && (
        <Tags path="milestone.stages" value={at.stages} change={(stages) => put({ ...at, stages })} />
      )}
      {at?.type === 'lead' && (
        <>
          <TextField path="milestone.column" value={at.column} change={(column) => put({ ...at, column })} required />
          <Tags path="milestone.values" value={at.values} change={(values) => put({ ...at, values })} />
          <TextField path="milestone.at" value={at.at ?? ''} change={(moment) => put({ ...at, at: moment || null })} />
        </>
      )}
      {at?.type === 'conversion' && (
        <ConversionSelect path="milestone.target" value={at.target} without={[draft.id]} change={(target) => put({ ...at, target })} />
      )}
    </>
  );
}

function fresh(type: keyof typeof MILESTONES): Milestone {
  switch (type) {
    case 'won':
      return null;
    case 'stage':
      return { type, stages: [] };
    case 'lead':
      return { type, column: '', values: [], at: null };
    case 'conversion':
      return { type, target: '' };
  }
}

const OPERATORS: Record<Condition['operator'], string> = {
  one_of: 'is one of',
  not_one_of: 'is none of',
  is_present: 'is present',
  is_missing: 'is missing',
};

/** Only leads that pass all of these are scored and learnt from. */
export function LeadFilters() {
  const { draft, set } = useForm<LeadScoring>();
  const all = draft.lead_filters;
  const put = (lead_filters: Condition[]) => set({ lead_filters });
  const replace = (index: number, part: Partial<Condition>) =>
    put(all.map((one, at) => (at === index ? { ...one, ...part } : one)));
  return (
    <Rows path="lead_filters">
      {all.map((one, index) => (
        <div className="condition" key={index}>
          <TextInput
            aria-label={`Lead condition ${index + 1}: column`}
            placeholder="Column"
            value={one.column}
            onChange={(event) => replace(index, { column: event.currentTarget.value })}
          />
          <Select
            aria-label={`Lead condition ${index + 1}: comparison`}
            data={Object.entries(OPERATORS).map(([value, word]) => ({ value, label: word }))}
            value={one.operator}
            allowDeselect={false}
            onChange={(operator) => {
              const chosen = (operator ?? 'one_of') as Condition['operator'];
              replace(index, { operator: chosen, ...(chosen.startsWith('is_') ? { values: [] } : {}) });
            }}
          />
          {one.operator.startsWith('is_') ? (
            <div />
          ) : (
            <TagsInput
              aria-label={`Lead condition ${index + 1}: values`}
              placeholder={one.values.length ? '' : 'Values'}
              value={one.values}
              onChange={(values) => replace(index, { values })}
            />
          )}
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove lead condition ${index + 1}`}
            onClick={() => put(all.filter((_, at) => at !== index))}
          >
            ✕
          </ActionIcon>
        </div>
      ))}
      <ErrorOf path="lead_filters" />
      <Button size="xs" variant="default" w="fit-content" onClick={() => put([...all, { column: '', operator: 'one_of', values: [] }])}>
        + Condition on leads
      </Button>
    </Rows>
  );
}
