import {
  ActionIcon,
  Autocomplete,
  Button,
  Group,
  Paper,
  SegmentedControl,
  Select,
  Stack,
  TagsInput,
  Text,
} from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';

import { get, Problem } from '../api/client';
import type { AllOf, AnyOf, Condition, Filter, FilterValue } from '../api/definitions';
import { count } from '../ui/format';
import { numberOf } from '../ui/number';
import { Search } from '../ui/search';
import { isGroup } from './draft';
import { useFieldError, useForm } from './form';

interface Dimension {
  name: string;
  title: string;
  group: string;
  type: 'text' | 'number' | 'either';
  operators: string[];
  events: number | null;
}

const GROUPS: Record<string, string> = {
  event: 'Event',
  event_params: 'Event parameters',
  user_properties: 'User properties',
  items: 'Products',
};
const OPERATORS: Record<string, string> = {
  equals: 'equals',
  not_equals: 'does not equal',
  contains: 'contains',
  not_contains: 'does not contain',
  starts_with: 'starts with',
  not_starts_with: 'does not start with',
  ends_with: 'ends with',
  not_ends_with: 'does not end with',
  matches_regex: 'matches the pattern',
  not_matches_regex: 'does not match the pattern',
  one_of: 'is one of',
  not_one_of: 'is none of',
  greater_than: '>',
  greater_or_equal: '≥',
  less_than: '<',
  less_or_equal: '≤',
  is_missing: 'is missing',
  is_present: 'is present',
};
const ORDER = Object.keys(OPERATORS);
const COMPARING = new Set(['greater_than', 'greater_or_equal', 'less_than', 'less_or_equal']);

/** Conditions joined by AND or OR, in groups; dimensions and values are those that GA4 recorded. */
export function Filters(props: {
  value: Filter | null;
  change: (filter: Filter | null) => void;
  event: string;
}) {
  const root = props.value === null ? { all: [] } : isGroup(props.value) ? props.value : { all: [props.value] };
  const parts = 'all' in root ? root.all : root.any;
  return (
    <Stack gap="xs">
      {parts.length === 0 && (
        <Text size="sm" c="dimmed">
          No filter: every such event counts.
        </Text>
      )}
      <Parts
        group={root}
        path="filters"
        event={props.event}
        depth={0}
        change={(group) => props.change(parts.length || hasParts(group) ? group : null)}
      />
    </Stack>
  );
}

const hasParts = (group: AllOf | AnyOf) => ('all' in group ? group.all : group.any).length > 0;

function Parts(props: {
  group: AllOf | AnyOf;
  path: string;
  event: string;
  depth: number;
  change: (group: AllOf | AnyOf) => void;
}) {
  const all = 'all' in props.group;
  const parts = 'all' in props.group ? props.group.all : props.group.any;
  const put = (next: Filter[], asAll = all) => props.change(asAll ? { all: next } : { any: next });
  const replace = (index: number, part: Filter) => put(parts.map((one, at) => (at === index ? part : one)));
  const remove = (index: number) => put(parts.filter((_, at) => at !== index));
  return (
    <Stack gap="xs">
      {parts.length > 1 && (
        <SegmentedControl
          size="xs"
          w="fit-content"
          aria-label="How the conditions are joined"
          data={[
            { value: 'all', label: 'All must hold (AND)' },
            { value: 'any', label: 'Any may hold (OR)' },
          ]}
          value={all ? 'all' : 'any'}
          onChange={(value) => put(parts, value === 'all')}
        />
      )}
      {parts.map((part, index) =>
        isGroup(part) ? (
          <Paper key={index} withBorder p="xs">
            <Group justify="flex-end" mb={4}>
              <Remove label={`Remove group ${index + 1}`} act={() => remove(index)} />
            </Group>
            <Parts
              {...props}
              group={part}
              path={`${props.path}.${all ? 'all' : 'any'}.${index}`}
              depth={props.depth + 1}
              change={(group) => (hasParts(group) ? replace(index, group) : remove(index))}
            />
          </Paper>
        ) : (
          <Line
            key={index}
            number={index + 1}
            condition={part}
            path={`${props.path}.${all ? 'all' : 'any'}.${index}`}
            event={props.event}
            change={(condition) => replace(index, condition)}
            remove={() => remove(index)}
          />
        ),
      )}
      <Group gap="xs">
        <Button size="xs" variant="default" onClick={() => put([...parts, blank()])}>
          + Condition
        </Button>
        {props.depth < 3 && (
          <Button
            size="xs"
            variant="subtle"
            onClick={() => put([...parts, all ? { any: [blank()] } : { all: [blank()] }])}
          >
            + Group
          </Button>
        )}
      </Group>
    </Stack>
  );
}

/** The operators, with the one that stands there even before it is known which there are. */
const withOwn = (operators: string[], own: string) => (operators.includes(own) ? operators : [own, ...operators]);

const blank = (): Condition => ({ dimension: '', operator: 'equals', value: '', products: 'any' });

function Remove(props: { label: string; act: () => void }) {
  return (
    <ActionIcon variant="subtle" color="gray" aria-label={props.label} onClick={props.act}>
      ✕
    </ActionIcon>
  );
}

function Line(props: {
  number: number;
  condition: Condition;
  path: string;
  event: string;
  change: (condition: Condition) => void;
  remove: () => void;
}) {
  const { condition, change } = props;
  const { dimensions, missing } = useDimensions(props.event);
  const error = useFieldError(props.path);
  const known = dimensions.find(({ name }) => name === condition.dimension);
  const operators = useMemo(
    () => [...(known?.operators ?? ['equals'])].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b)),
    [known],
  );
  return (
    <div>
      <div className="condition">
        <Search
          aria-label={`Condition ${props.number}: dimension`}
          placeholder="Dimension"
          data={grouped(dimensions, condition.dimension)}
          value={condition.dimension || null}
          onChange={(name) => name && change(fitted(condition, name, dimensions))}
          maxDropdownHeight={320}
          nothingFoundMessage={missing}
        />
        <Select
          aria-label={`Condition ${props.number}: comparison`}
          data={withOwn(operators, condition.operator).map((value) => ({ value, label: OPERATORS[value] ?? value }))}
          value={condition.operator}
          onChange={(operator) => operator && change(retyped(condition, operator as Condition['operator'], known))}
          allowDeselect={false}
        />
        <ValueField condition={condition} number={props.number} event={props.event} dimension={known} change={change} />
        <Remove label={`Remove condition ${props.number}`} act={props.remove} />
      </div>
      {condition.dimension.startsWith('items.') && (
        <SegmentedControl
          mt={6}
          size="xs"
          aria-label={`Condition ${props.number}: products`}
          data={[
            { value: 'any', label: 'Any product' },
            { value: 'all', label: 'All products' },
          ]}
          value={condition.products ?? 'any'}
          onChange={(value) => change({ ...condition, products: value as 'any' | 'all' })}
        />
      )}
      {error && (
        <Text size="xs" c="var(--mantine-color-error)" mt={4}>
          {error}
        </Text>
      )}
    </div>
  );
}

function ValueField(props: {
  condition: Condition;
  number: number;
  event: string;
  dimension: Dimension | undefined;
  change: (condition: Condition) => void;
}) {
  const { condition, change } = props;
  const label = `Condition ${props.number}: value`;
  const [typed, setTyped] = useState<string | null>(null);
  const numeric = props.dimension?.type === 'number' || COMPARING.has(condition.operator);
  const set = (value: FilterValue) => change({ ...condition, value });
  const meant = (text: string): FilterValue => (numeric ? numberOf(text) : text);
  // what was typed stands until something else is set: "0." is on its way to a number
  const text = typed !== null && meant(typed) === condition.value ? typed : written(condition.value);
  const values = useValues(condition.dimension, props.event, text);
  useEffect(() => {
    // written before it was known that the dimension holds numbers
    if (numeric && typeof condition.value === 'string' && numberOf(condition.value) !== null) set(numberOf(condition.value));
  }, [numeric]);
  if (condition.operator.startsWith('is_')) return <div />;
  if (condition.operator.endsWith('one_of')) {
    return (
      <TagsInput
        aria-label={label}
        placeholder="Values"
        data={values.map(({ value }) => value)}
        value={Array.isArray(condition.value) ? condition.value.map(String) : []}
        onChange={(all) => set(props.dimension?.type === 'number' ? all.map(Number).filter(Number.isFinite) : all)}
      />
    );
  }
  return (
    <Autocomplete
      aria-label={label}
      placeholder={numeric ? 'Number' : 'Value'}
      inputMode={numeric ? 'decimal' : 'text'}
      error={numeric && text !== '' && numberOf(text) === null ? 'A number is needed.' : undefined}
      data={values.map(({ value }) => value)}
      renderOption={({ option }) => (
        <Group justify="space-between" w="100%" wrap="nowrap">
          <Text size="sm" className="clip">
            {option.value}
          </Text>
          <Text size="xs" c="dimmed">
            {count(values.find(({ value }) => value === option.value)?.events)}
          </Text>
        </Group>
      )}
      // the API has searched already
      filter={({ options }) => options}
      value={text}
      onChange={(next) => {
        setTyped(next);
        set(meant(next));
      }}
      maxDropdownHeight={320}
    />
  );
}

const written = (value: FilterValue | undefined): string =>
  value == null || Array.isArray(value) ? '' : String(value);

function useDimensions(event: string): { dimensions: Dimension[]; missing: string } {
  const answer = useQuery({
    queryKey: ['dimensions', event],
    queryFn: ({ signal }) => get<{ dimensions: Dimension[] }>('/api/dimensions', { event }, signal),
    placeholderData: keepPreviousData,
    staleTime: 300_000,
  });
  const missing = answer.isError
    ? `The dimensions could not be listed: ${answer.error.message} ${answer.error instanceof Problem ? answer.error.fix : ''}`
    : answer.isPending
      ? 'Loading the dimensions'
      : 'GA4 has recorded nothing like it';
  return { dimensions: answer.data?.dimensions ?? [], missing };
}

function useValues(dimension: string, event: string, search: string) {
  const [wanted] = useDebouncedValue(search, 250);
  // of events only those that are there can be chosen; for others, those of the chosen event
  const of = dimension === 'event' || dimension === 'event_action' ? '' : event;
  const [last] = useState(() => ({ values: [] as { value: string; events: number }[] }));
  const answer = useQuery({
    queryKey: ['values', dimension, of, wanted],
    queryFn: ({ signal }) =>
      get<{ values: { value: string; events: number }[] }>(
        `/api/dimensions/${encodeURIComponent(dimension)}/values`,
        { event: of, search: wanted, limit: 50 },
        signal,
      ),
    enabled: Boolean(dimension),
    placeholderData: keepPreviousData,
    staleTime: 300_000,
  });
  return (answer.data ?? last).values;
}

function grouped(dimensions: Dimension[], chosen: string) {
  const groups = [...new Set(dimensions.map(({ group }) => group))];
  const data = groups.map((group) => ({
    group: GROUPS[group] ?? group,
    items: dimensions
      .filter((one) => one.group === group)
      .map(({ name, title }) => ({ value: name, label: title || name })),
  }));
  if (chosen && !dimensions.some(({ name }) => name === chosen)) {
    return [{ group: 'In this definition', items: [{ value: chosen, label: chosen }] }, ...data];
  }
  return data;
}

/** The condition on another dimension: an operator and a value that no longer fit start anew. */
function fitted(condition: Condition, name: string, dimensions: Dimension[]): Condition {
  const operators = dimensions.find((one) => one.name === name)?.operators ?? ['equals'];
  const operator = operators.includes(condition.operator) ? condition.operator : 'equals';
  return { dimension: name, operator, value: '', products: 'any' };
}

function retyped(condition: Condition, operator: Condition['operator'], known: Dimension | undefined): Condition {
  const former = condition.value;
  const one = Array.isArray(former) ? (former[0] ?? '') : (former ?? '');
  const numeric = known?.type === 'number' || COMPARING.has(operator);
  const number = one === '' || !Number.isFinite(Number(one)) ? null : Number(one);
  const single: FilterValue = numeric ? number : String(one);
  if (operator.startsWith('is_')) return { ...condition, operator, value: null };
  if (!operator.endsWith('one_of')) return { ...condition, operator, value: single };
  const list = Array.isArray(former) ? former : single === '' || single === null ? [] : [single];
  return { ...condition, operator, value: list as string[] | number[] };
}

/** The event names that the filter asks for, for values and dimensions of just these events. */
export function chosenEvent(filter: Filter | null): string {
  if (!filter) return '';
  if (!isGroup(filter)) {
    const named = ['event', 'event_action'].includes(filter.dimension) && filter.operator === 'equals';
    return named && typeof filter.value === 'string' ? filter.value : '';
  }
  return 'all' in filter ? (filter.all.map(chosenEvent).find(Boolean) ?? '') : '';
}

export function FilterSection() {
  const { draft, set } = useForm();
  if (draft.kind !== 'simple') return null;
  const event = draft.event_type === 'purchase' ? 'purchase' : chosenEvent(draft.filters);
  return <Filters value={draft.filters} event={event} change={(filters) => set({ filters } as Partial<typeof draft>)} />;
}
