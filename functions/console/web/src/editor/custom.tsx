import { Alert, List, Select, Switch, Text } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';

import type { Custom } from '../api/definitions';
import type { Verdict } from '../sql/verdict';
import { Waiting } from '../ui/parts';
import { NumberField, Revealing, useFieldError, useForm, useText } from './form';
import { ConversionSelect } from './references';
import { Section } from './section';
import { Tags } from './tags';

const SqlField = lazy(() => import('../sql/field'));

/** Rows of one's own query; its value may be predicted. */
export function CustomForm() {
  const { draft, set } = useForm<Custom>();
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const { label, description } = useText('sql');
  return (
    <>
      <Section title="Query">
        <Suspense fallback={<Waiting rows={1} height={300} label="Loading the editor" />}>
          <SqlField
            path="sql"
            label={label}
            about={description}
            value={draft.sql}
            change={(sql) => set({ sql })}
            conversion={draft.id}
            lookupTables={draft.lookup_tables}
            adjustmentDays={draft.adjustment_days}
            predicted={draft.predicted_value !== null}
            judged={setVerdict}
          />
        </Suspense>
        <Tags path="lookup_tables" value={draft.lookup_tables} change={(lookup_tables) => set({ lookup_tables })} />
      </Section>
      <Section title="Value">
        <Predicted verdict={verdict} />
      </Section>
      <Section title="Conversions adjustment">
        <Revealing
          path="adjustment_days"
          label="Follow changes in the CRM"
          description="What changes there after a conversion changes it here, for some days."
          on={draft.adjustment_days !== null}
          change={(on) => set({ adjustment_days: on ? 30 : null })}
        >
          <NumberField
            path="adjustment_days"
            value={draft.adjustment_days}
            change={(adjustment_days) => set({ adjustment_days })}
          />
        </Revealing>
      </Section>
      <Section title="Attribution">
        <ConversionSelect
          path="inherit_attribution_from"
          value={draft.inherit_attribution_from ?? ''}
          without={[draft.id]}
          clearable
          change={(id) => set({ inherit_attribution_from: id || null })}
        />
      </Section>
    </>
  );
}

/** Choosing it reveals target and window; why a conversion cannot be a target stands beside it. */
function Predicted({ verdict }: { verdict: Verdict | null }) {
  const { draft, set } = useForm<Custom>();
  const { label, description } = useText('predicted_value');
  const target = useText('predicted_value.target');
  const error = useFieldError('predicted_value');
  const chosen = draft.predicted_value;
  const offered = verdict?.predicted_value ?? null;
  const possible = offered?.available ?? false;
  const targets = [
    ...(offered?.eligible_targets ?? []).map((one) => ({ value: one.id, label: one.name, disabled: false })),
    ...(offered?.ineligible_targets ?? []).map((one) => ({
      value: one.id,
      label: `${one.name}: ${one.reason ?? ''}`,
      disabled: true,
    })),
  ];
  const known = targets.some(({ value }) => value === chosen?.target);
  return (
    <>
      <Switch
        label={label}
        description={description}
        checked={chosen !== null}
        disabled={!chosen && !possible}
        error={chosen ? undefined : error}
        data-field="predicted_value"
        onChange={(event) =>
          set({ predicted_value: event.currentTarget.checked ? { target: '', window_days: 40 } : null })
        }
      />
      {!verdict && (
        <Text size="xs" c="dimmed">
          Whether it can be predicted shows once the SQL has been validated.
        </Text>
      )}
      {offered && !offered.available && (
        <Alert color="blue" variant="light" title="Not yet possible">
          <Text size="sm">{offered.reason}</Text>
          {offered.fix && <Text size="sm">{offered.fix}</Text>}
        </Alert>
      )}
      {chosen && (
        <>
          <Select
            label={target.label}
            description={target.description}
            placeholder="Choose a conversion"
            data={known || !chosen.target ? targets : [...targets, { value: chosen.target, label: chosen.target }]}
            value={chosen.target || null}
            onChange={(id) => set({ predicted_value: { ...chosen, target: id ?? '' } })}
            error={error}
            withAsterisk
            data-field="predicted_value.target"
            comboboxProps={{ middlewares: { flip: true } }}
          />
          <NumberField
            path="predicted_value.window_days"
            value={chosen.window_days}
            change={(window_days) => set({ predicted_value: { ...chosen, window_days } })}
          />
          {offered && offered.features.length > 0 && (
            <Text size="sm" c="dimmed">
              The model learns from: {offered.features.join(', ')}.
            </Text>
          )}
          {offered && offered.ineligible_targets.length > 0 && (
            <details>
              <summary>Why others cannot be chosen</summary>
              <List size="sm">
                {offered.ineligible_targets.map((one) => (
                  <List.Item key={one.id}>
                    {one.name}: {one.reason}
                  </List.Item>
                ))}
              </List>
            </details>
          )}
        </>
      )}
    </>
  );
}
