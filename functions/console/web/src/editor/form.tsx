import { Stack, Switch, Text, Textarea, TextInput, type NumberInputProps } from '@mantine/core';
import { createContext, useContext, type ReactNode } from 'react';

import type { Definition } from '../api/definitions';
import type { FieldError } from '../api/client';
import { NumberBox, type Numbered } from '../ui/number';

/** What a form needs to know: the draft, how to change it, errors by field, the schema's texts. */
export interface Form<D extends Definition = Definition> {
  draft: D;
  set: (change: Partial<D>) => void;
  errors: FieldError[];
  schema: Schema | undefined;
}

export interface Schema {
  title?: string;
  description?: string;
  examples?: unknown[];
  default?: unknown;
  type?: string;
  enum?: string[];
  const?: unknown;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  required?: string[];
  properties?: Record<string, Schema>;
  anyOf?: Schema[];
  oneOf?: Schema[];
  $ref?: string;
  $defs?: Record<string, Schema>;
}

const Context = createContext<Form | null>(null);
export const FormProvider = Context.Provider;

export function useForm<D extends Definition>(): Form<D> {
  const form = useContext(Context);
  if (!form) throw new Error('A field stands outside of its form.');
  return form as unknown as Form<D>;
}

interface Text {
  label: string;
  description: string;
  minimum?: number;
  maximum?: number;
  /** Of a choice: what may be chosen. */
  values: string[];
}

/** Title, help and limits of a field such as refunds.days, as the API's own schema has them. */
export function useText(path: string): Text {
  const { schema } = useForm();
  const found = schema && describedAt(schema, schema, path.split('.'));
  const limits = [found, ...(found?.anyOf ?? [])].find((one) => one?.maximum !== undefined);
  return {
    // until the schema has come, the path names the field
    label: found?.title ?? inWords(path),
    description: found?.description ?? '',
    values: found?.enum ?? [],
    ...(limits?.minimum === undefined ? {} : { minimum: limits.minimum }),
    ...(limits?.maximum === undefined ? {} : { maximum: limits.maximum }),
  };
}

/** "close_date" as Close date. */
export function inWords(path: string): string {
  const words = (path.split('.').at(-1) ?? path).replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The field within a schema, through references and the choices of a union. */
function describedAt(root: Schema, at: Schema, path: string[]): Schema | undefined {
  const [name, ...rest] = path;
  if (name === undefined) return at;
  for (const one of [at, ...(at.anyOf ?? []), ...(at.oneOf ?? [])].map((each) => resolved(root, each))) {
    const next = one.properties?.[name];
    if (next) {
      const found = describedAt(root, rest.length ? resolved(root, next) : next, rest);
      if (found) return found;
    }
    if (one !== at && (one.anyOf || one.oneOf)) {
      const found = describedAt(root, one, path);
      if (found) return found;
    }
  }
  return undefined;
}

/** What a reference names, or the schema itself. */
export const resolved = (root: Schema, at: Schema): Schema =>
  at.$ref ? (root.$defs?.[at.$ref.split('/').pop() ?? ''] ?? at) : at;

/** The first error of a field, or of a part of it. */
export function useFieldError(path: string): string | undefined {
  return useForm().errors.find(({ field }) => field === path || field?.startsWith(`${path}.`))?.message;
}

/** A field of several rows, below its words from the schema. */
export function Rows({ path, children }: { path: string; children: ReactNode }) {
  const { label, description } = useText(path);
  return (
    <Stack gap="xs" data-field={path}>
      <div>
        <Text size="sm" fw={500}>
          {label}
        </Text>
        <Text size="xs" c="dimmed">
          {description}
        </Text>
      </div>
      {children}
    </Stack>
  );
}

export function TextField(props: {
  path: string;
  value: string;
  change: (value: string) => void;
  required?: boolean;
  disabled?: boolean;
  long?: boolean;
  autoFocus?: boolean;
}) {
  const { label, description } = useText(props.path);
  const error = useFieldError(props.path);
  const shared = {
    label,
    description,
    value: props.value,
    error: error,
    disabled: props.disabled ?? false,
    withAsterisk: props.required ?? false,
    'data-field': props.path,
  };
  return props.long ? (
    <Textarea {...shared} autosize minRows={1} onChange={(event) => props.change(event.currentTarget.value)} />
  ) : (
    <TextInput
      {...shared}
      data-autofocus={props.autoFocus}
      onChange={(event) => props.change(event.currentTarget.value)}
    />
  );
}

export function NumberField({
  path,
  required = false,
  ...rest
}: { path: string; required?: boolean } & Numbered & Pick<NumberInputProps, 'step' | 'decimalScale'>) {
  const text = useText(path);
  return (
    <NumberBox
      decimalScale={0}
      {...rest}
      label={text.label}
      description={text.description}
      {...(text.minimum === undefined ? {} : { min: text.minimum })}
      {...(text.maximum === undefined ? {} : { max: text.maximum })}
      clampBehavior="blur"
      error={useFieldError(path)}
      withAsterisk={required}
      maw={320}
      data-field={path}
    />
  );
}

/** A switch that reveals what depends on it. */
export function Revealing(props: {
  path: string;
  on: boolean;
  change: (on: boolean) => void;
  label?: string;
  description?: string;
  children?: ReactNode;
}) {
  const text = useText(props.path);
  const error = useFieldError(props.path);
  return (
    <div>
      <Switch
        label={props.label ?? text.label}
        description={props.description ?? text.description}
        checked={props.on}
        error={props.on && props.children ? undefined : error}
        onChange={(event) => props.change(event.currentTarget.checked)}
        data-field={props.path}
      />
      {props.on && props.children && (
        <div style={{ margin: '12px 0 4px 48px', display: 'grid', gap: 12 }}>{props.children}</div>
      )}
    </div>
  );
}
