import { Radio, SegmentedControl, Select, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useRef } from 'react';

import type { Simple, Value } from '../api/definitions';
import { fresh } from './draft';
import { FilterSection } from './filters';
import { NumberField, Revealing, useFieldError, useForm, useText } from './form';
import { ConversionSelect } from './references';
import { Section } from './section';

/** Purchase or custom event: filters, value, duplicates, refunds, normalization. */
export function SimpleForm({ currency }: { currency: string }) {
  const { draft, set } = useForm<Simple>();
  const purchase = draft.event_type === 'purchase';
  // what stood in the other type's form, so that a look at it loses nothing
  const other = useRef<Partial<Simple> | null>(null);
  function change(type: 'purchase' | 'event') {
    const next = other.current ?? blank(type);
    other.current = fieldsOf(draft);
    set(next);
  }
  return (
    <>
      <Section title="Conversion event type">
        <EventType purchase={purchase} change={change} />
      </Section>
      <Section
        title="Filters"
        about={purchase ? 'Which purchases count.' : 'Which event counts, and under which conditions.'}
      >
        <div data-field="filters">
          <FilterSection />
          <ErrorOf path="filters" />
        </div>
      </Section>
      <Section title="Conversion value">
        <ValueChoice value={draft.value} change={(value) => set({ value })} currency={currency} />
      </Section>
      <Section
        title="Conversions deduplication"
        about={purchase ? 'Each order id counts once.' : 'One conversion of a user silences the next for some days.'}
      >
        <Revealing
          path="deduplicate_by_user"
          on={draft.deduplicate_by_user}
          change={(on) => set({ deduplicate_by_user: on, deduplication_days: on && !purchase ? 30 : null })}
        >
          {!purchase && (
            <NumberField
              path="deduplication_days"
              value={draft.deduplication_days}
              change={(deduplication_days) => set({ deduplication_days })}
              required
            />
          )}
        </Revealing>
        {!purchase && (
          <Flag path="once_per_session" on={draft.once_per_session} change={(once_per_session) => set({ once_per_session })} />
        )}
        {purchase && <MissingOrderId />}
        {purchase && (
          <Flag
            path="order_ids_are_per_client"
            on={draft.order_ids_are_per_client}
            change={(order_ids_are_per_client) => set({ order_ids_are_per_client })}
          />
        )}
      </Section>
      {purchase && (
        <Section title="Products">
          <Flag path="items" on={draft.items} change={(items) => set({ items })} />
        </Section>
      )}
      {purchase && (
        <Section title="Conversions adjustment">
          <Revealing
            path="refunds"
            on={draft.refunds !== null}
            change={(on) => set({ refunds: on ? { days: 30, remove_fully_refunded: false } : null })}
          >
            {draft.refunds && (
              <>
                <NumberField
                  path="refunds.days"
                  value={draft.refunds.days}
                  change={(days) => draft.refunds && set({ refunds: { ...draft.refunds, days } })}
                />
                <Flag
                  path="refunds.remove_fully_refunded"
                  on={draft.refunds.remove_fully_refunded}
                  change={(on) => draft.refunds && set({ refunds: { ...draft.refunds, remove_fully_refunded: on } })}
                />
              </>
            )}
          </Revealing>
        </Section>
      )}
      <Section title="Normalize by conversion">
        <Revealing
          path="normalize"
          on={draft.normalize !== null}
          change={(on) => set({ normalize: on ? { by: '', days: 90, lag_days: 0 } : null })}
        >
          {draft.normalize && (
            <>
              <ConversionSelect
                path="normalize.by"
                value={draft.normalize.by}
                without={[draft.id]}
                change={(by) => draft.normalize && set({ normalize: { ...draft.normalize, by } })}
              />
              <NumberField
                path="normalize.days"
                value={draft.normalize.days}
                change={(days) => draft.normalize && set({ normalize: { ...draft.normalize, days } })}
              />
              <NumberField
                path="normalize.lag_days"
                value={draft.normalize.lag_days}
                change={(lag_days) => draft.normalize && set({ normalize: { ...draft.normalize, lag_days } })}
              />
            </>
          )}
        </Revealing>
      </Section>
    </>
  );
}

/** The fields of the type anew; what names the conversion stays. */
const blank = (type: 'purchase' | 'event'): Partial<Simple> => fieldsOf(fresh(type) as Simple);

function fieldsOf({ id: _id, name: _name, description: _description, ...fields }: Simple): Partial<Simple> {
  return fields;
}

function EventType(props: { purchase: boolean; change: (type: 'purchase' | 'event') => void }) {
  return (
    <SegmentedControl
      w="fit-content"
      aria-label="Conversion event type"
      data={[
        { value: 'purchase', label: 'Purchase' },
        { value: 'event', label: 'Custom event' },
      ]}
      value={props.purchase ? 'purchase' : 'event'}
      data-field="event_type"
      onChange={(type) => props.change(type as 'purchase' | 'event')}
    />
  );
}

function ValueChoice(props: { value: Value; change: (value: Value) => void; currency: string }) {
  const { value } = props;
  return (
    <Stack gap="xs" data-field="value">
      <Radio.Group
        aria-label="Conversion value"
        value={value.type}
        onChange={(type) =>
          props.change(type === 'manual' ? { type, amount: 1, currency: null } : { type: type as 'event' | 'none' })
        }
      >
        <Stack gap="xs">
          <Radio value="event" label="Event value" description="What GA4 recorded: the revenue of a purchase, else the parameter value." />
          <Radio value="manual" label="Manual value" description="Every conversion is worth the same." />
          <Radio value="none" label="No value" description="Conversions are counted only." />
        </Stack>
      </Radio.Group>
      {value.type === 'manual' && (
        <div style={{ display: 'flex', gap: 12, flexWrap: 'wrap', marginLeft: 32 }}>
          <NumberField
            path="value.amount"
            value={value.amount}
            decimalScale={2}
            change={(amount) => props.change({ ...value, amount })}
          />
          <TextInput
            label="Currency"
            description="Three letters, or empty for the project's."
            placeholder={props.currency}
            value={value.currency ?? ''}
            maxLength={3}
            maw={220}
            data-field="value.currency"
            onChange={(event) => props.change({ ...value, currency: event.currentTarget.value.toUpperCase() || null })}
          />
        </div>
      )}
      <ErrorOf path="value" />
    </Stack>
  );
}

function MissingOrderId() {
  const { draft, set } = useForm<Simple>();
  const { label, description } = useText('missing_order_id');
  return (
    <div data-field="missing_order_id">
      <Text size="sm">{label}</Text>
      <Text size="xs" c="dimmed" mb={4}>
        {description}
      </Text>
      <SegmentedControl
        size="xs"
        aria-label={label}
        data={[
          { value: 'keep', label: 'Keep' },
          { value: 'drop', label: 'Drop' },
        ]}
        value={draft.missing_order_id}
        onChange={(value) => set({ missing_order_id: value as 'keep' | 'drop' })}
      />
    </div>
  );
}

export function Flag(props: { path: string; on: boolean; change: (on: boolean) => void }) {
  const { label, description } = useText(props.path);
  return (
    <Switch
      label={label}
      description={description}
      checked={props.on}
      data-field={props.path}
      onChange={(event) => props.change(event.currentTarget.checked)}
    />
  );
}

export function ErrorOf({ path }: { path: string }) {
  const error = useFieldError(path);
  if (!error) return null;
  return (
    <Text size="xs" c="var(--mantine-color-error)" role="alert">
      {error}
    </Text>
  );
}

/** A choice among words of the schema. */
export function Choice(props: {
  path: string;
  value: string;
  words: Record<string, string>;
  change: (value: string) => void;
}) {
  const { label, description } = useText(props.path);
  return (
    <Select
      label={label}
      description={description}
      data={Object.entries(props.words).map(([value, word]) => ({ value, label: word }))}
      value={props.value}
      allowDeselect={false}
      onChange={(value) => value && props.change(value)}
      error={useFieldError(props.path)}
      maw={420}
      data-field={props.path}
    />
  );
}
