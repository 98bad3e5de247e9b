import { Checkbox, JsonInput, Select, Switch, TagsInput, TextInput } from '@mantine/core';
import { useState } from 'react';

import type { FieldError } from '../api/client';
import { NumberBox } from '../ui/number';
import { same } from '../versions/compare';
import { resolved, useForm, type Schema } from './form';
import { Section } from './section';

type Values = Record<string, unknown>;

/** What every conversion has; the form asks for it above what is drawn. */
const COMMON = new Set(['kind', 'id', 'name', 'description']);

/** The fields of a kind of conversion that has no form written for it. */
export function DrawnForm({ schema }: { schema: Schema }) {
  const { draft, set, errors } = useForm();
  const names = Object.keys(schema.properties ?? {}).filter((name) => !COMMON.has(name));
  return (
    <Section title={schema.title ?? 'Settings'}>
      {names.map((name) => (
        <DrawnField
          key={name}
          name={name}
          root={schema}
          draft={draft as unknown as Values}
          set={(field, value) => set({ [field]: value })}
          errors={errors}
        />
      ))}
    </Section>
  );
}

/** What a schema says of fields that nobody has filled in. */
export const defaultsOf = (schema: Schema): Values =>
  Object.fromEntries(
    Object.entries(schema.properties ?? {}).flatMap(([name, each]) => (each.default === undefined ? [] : [[name, each.default]])),
  );

export interface DrawnProps {
  name: string;
  root: Schema;
  draft: Values;
  set: (name: string, value: unknown) => void;
  errors: FieldError[];
  fixed?: boolean;
  /** The words for the values of a choice. */
  words?: Record<string, string>;
}

/** One field, drawn by its type in the schema. */
export function DrawnField({ name, root, draft, set, errors, fixed = false, words = {} }: DrawnProps) {
  const own = root.properties?.[name];
  const schema = settable(root, own);
  const value = draft[name];
  const required = root.required?.includes(name) ?? false;
  const shared = {
    label: own?.title ?? name,
    description: own?.description ?? '',
    error: errors.find(({ field }) => field === name || field?.startsWith(`${name}.`))?.message,
    'data-field': name,
  };
  if (schema.const === true) {
    return <Checkbox {...shared} checked={value === true} onChange={(event) => set(name, event.currentTarget.checked)} />;
  }
  if (schema.type === 'boolean') {
    return <Switch {...shared} checked={Boolean(value)} onChange={(event) => set(name, event.currentTarget.checked)} />;
  }
  if (schema.enum) {
    return (
      <Select
        {...shared}
        data={schema.enum.map((one) => ({ value: one, label: words[one] ?? one.replaceAll('_', ' ') }))}
        value={typeof value === 'string' ? value : null}
        onChange={(next) => set(name, next)}
        withAsterisk={required}
        allowDeselect={!required && !('default' in (own ?? {}))}
      />
    );
  }
  if (schema.type === 'integer' || schema.type === 'number') {
    return (
      <NumberBox
        {...shared}
        optional
        value={typeof value === 'number' ? value : null}
        change={(next) => set(name, next)}
        withAsterisk={required}
        {...(schema.minimum === undefined ? {} : { min: schema.minimum })}
        {...(schema.maximum === undefined ? {} : { max: schema.maximum })}
      />
    );
  }
  if (schema.type === 'array' && schema.items && resolved(root, schema.items).type === 'string') {
    const texts = Array.isArray(value) ? value.map(String) : [];
    return <TagsInput {...shared} value={texts} onChange={(next) => set(name, next)} withAsterisk={required} />;
  }
  if (schema.type !== undefined && schema.type !== 'string') {
    return <Structure shared={shared} required={required} value={value} change={(next) => set(name, next)} />;
  }
  const secret = String(schema.pattern ?? '').includes('secret:');
  return (
    <TextInput
      {...shared}
      type={schema.format === 'date' ? 'date' : 'text'}
      placeholder={secret ? 'secret:projects/…/versions/latest' : exampleOf(own)}
      value={typeof value === 'string' ? value : ''}
      disabled={fixed}
      withAsterisk={required}
      autoComplete="off"
      onChange={(event) => set(name, event.currentTarget.value || (required ? '' : null))}
    />
  );
}

export const exampleOf = (schema: Schema | undefined): string => {
  const first = schema?.examples?.[0];
  return typeof first === 'string' ? first : '';
};

/** The schema of a value that is there: of an optional field, what it is when it is not null. */
function settable(root: Schema, own: Schema | undefined): Schema {
  const choices = [...(own?.anyOf ?? []), ...(own?.oneOf ?? [])].map((one) => resolved(root, one));
  const given = choices.find((one) => one.type !== 'null') ?? {};
  return { ...own, ...(own?.$ref ? resolved(root, own) : {}), ...given };
}

/** A value with parts of its own, as JSON: whoever adds such a field may write a form for it. */
function Structure(props: {
  shared: { label: string; description: string; error: string | undefined; 'data-field': string };
  required: boolean;
  value: unknown;
  change: (value: unknown) => void;
}) {
  const [typed, setTyped] = useState<string | null>(null);
  const meant = typed === null ? undefined : parsed(typed);
  const broken = typed !== null && meant === undefined;
  // what was typed stands until something else is set
  const stands = broken || (meant !== undefined && same(meant, props.value));
  function write(next: string) {
    setTyped(next);
    const value = parsed(next);
    if (value !== undefined) props.change(value);
  }
  return (
    <JsonInput
      {...props.shared}
      error={broken ? 'This is no JSON yet.' : props.shared.error}
      value={stands ? (typed ?? '') : props.value == null ? '' : JSON.stringify(props.value, null, 2)}
      onChange={write}
      withAsterisk={props.required}
      autosize
      minRows={2}
    />
  );
}

/** The value of a JSON text, null of none; undefined of what is none yet. */
function parsed(text: string): unknown {
  try {
    return text.trim() ? JSON.parse(text) : null;
  } catch {
    return undefined;
  }
}
