import {
  ActionIcon,
  Badge,
  Button,
  Fieldset,
  Group,
  Stack,
  Switch,
  TagsInput,
  TextInput,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';

import { ask, client, Problem, type Answer } from '../api/client';
import { useAllConversions } from '../api/queries';
import { defaultsOf, DrawnField, exampleOf, type DrawnProps } from '../editor/drawn';
import { resolved, type Schema } from '../editor/form';
import { slug } from '../editor/draft';
import { kept, useKept } from '../editor/kept';
import { Resumed } from '../editor/resumed';
import { Act } from '../ui/act';
import { same } from '../versions/compare';
import { Conflict } from '../versions/conflict';
import { Coming, Empty, Failed, Head } from '../ui/parts';
import { Search, withChosen } from '../ui/search';
import { Advices } from './advice';
import { CreateLists } from './audiences';
import { useForms, usePlatform } from './forms';
import type { Config, FormOf, DestinationVersion, Mapped, Mapping } from './types';

/** Fields that a person has to think about first; the others wait under "More". */
const FIRST = new Set(['name', 'id', 'mode', 'conversions', 'default_consent', 'eea_default_consent', 'start_date']);
const WORDS: Record<string, string> = {
  live: 'Live',
  paused: 'Paused',
  test: 'Test',
  granted: 'Granted',
  denied: 'Denied',
  any: 'Any',
  actual: 'Only measured',
  predicted: 'Only predicted',
  none: 'No values',
  skip: 'Do not send',
  without_user_data: 'Send without user data',
  web: 'Web',
  crm: 'CRM',
};

export function NewDestination() {
  const { kind } = useParams<{ kind: string }>();
  const forms = useForms();
  if (!forms.data) return <Coming of={forms} label="Loading the form" />;
  const form = forms.data[kind];
  if (!form) return <Empty title="There is no such platform">Choose one under Destinations.</Empty>;
  return <Form key={kind} form={form} start={fresh(kind, form.schema)} stored={null} />;
}

export function EditDestination() {
  const { id } = useParams<{ id: string }>();
  const forms = useForms();
  const stored = useQuery({
    queryKey: ['editing-destination', id],
    queryFn: ({ signal }) => ask<DestinationVersion>('GET', `/export-preview/destinations/${id}`, { signal }),
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  if (!stored.data) return <Coming of={stored} label="Loading the destination" />;
  if (!forms.data) return <Coming of={forms} label="Loading the form" />;
  const { kind, definition, unreadable } = stored.data.data;
  const form = forms.data[kind];
  if (!form || !definition) {
    return <Empty title="This release cannot read it">{unreadable ?? `It knows no platform ${kind}.`}</Empty>;
  }
  return <Form key={id} form={form} start={definition} stored={stored.data} />;
}

function fresh(kind: string, schema: Schema): Config {
  // a new destination begins paused: nothing is sent before a dry run was looked at
  return { ...defaultsOf(schema), kind, id: '', name: '', mode: 'paused', conversions: [{ conversion: '' }] };
}

function Form(props: { form: FormOf; start: Config; stored: Answer<DestinationVersion> | null }) {
  const { schema } = props.form;
  const place = `destination ${props.stored?.data.id ?? `new ${props.start.kind}`}`;
  const [before] = useState(() => kept<Config>(place));
  const [draft, setDraft] = useState<Config>(before?.draft ?? props.start);
  const [problem, setProblem] = useState<unknown>(null);
  // over the version that it was typed over, so that what others saved meanwhile shows as a conflict
  const [etag, setEtag] = useState(before ? before.etag : (props.stored?.etag ?? null));
  const [live, setLive] = useState({ definition: props.start, etag: props.stored?.etag ?? null });
  const [theirs, setTheirs] = useState<Answer<DestinationVersion> | null>(null);
  const [saving, setSaving] = useState(false);
  const [, navigate] = useLocation();
  const changed = !same(draft, live.definition);
  const forget = useKept(place, draft, etag, changed);
  const errors = problem instanceof Problem ? problem.errors : [];
  const set = (name: string, value: unknown) =>
    setDraft((before) => {
      const after: Config = { ...before, [name]: value };
      return name === 'name' && !props.stored ? { ...after, id: slug(String(value)) } : after;
    });
  const names = Object.keys(schema.properties ?? {}).filter((name) => name !== 'kind');
  const first = names.filter((name) => FIRST.has(name) || schema.required?.includes(name));
  const rest = names.filter((name) => !first.includes(name));
  const order = [...FIRST];
  first.sort((a, b) => (order.indexOf(a) + 1 || 99) - (order.indexOf(b) + 1 || 99));

  async function save() {
    setSaving(true);
    setProblem(null);
    try {
      const saved = await ask<DestinationVersion>('PUT', `/export-preview/destinations/${draft.id}`, {
        body: draft,
        // a new one replaces none that there is
        headers: { 'If-Match': etag ?? '"0"' },
      });
      forget();
      void client.invalidateQueries();
      navigate(`/destinations/${saved.data.id}?saved=${saved.data.version}`);
    } catch (error) {
      // one that exists was edited meanwhile; a new one's id is taken, which its error says
      const edited = props.stored && error instanceof Problem && error.code === 'version_conflict';
      if (edited) ask<DestinationVersion>('GET', `/export-preview/destinations/${draft.id}`).then(setTheirs, setProblem);
      else setProblem(error);
    } finally {
      setSaving(false);
    }
  }

  /** From the newest version on: nothing is left of what was typed over an older one. */
  function startOver() {
    setDraft(live.definition);
    setEtag(live.etag);
  }

  /** Goes on from their version, with their fields or one's own, which the next save writes. */
  function decide(next: Config) {
    setDraft(next);
    setEtag(theirs?.etag ?? null);
    setLive({ definition: theirs?.data.definition ?? live.definition, etag: theirs?.etag ?? null });
    setTheirs(null);
  }

  const platform = usePlatform();
  const field = (name: string) =>
    name === 'conversions' ? (
      <Mappings key={name} root={schema} draft={draft} set={set} errors={errors} />
    ) : (
      <DrawnField
        key={name}
        name={name}
        root={schema}
        draft={draft}
        set={set}
        errors={errors}
        fixed={name === 'id' && props.stored !== null}
        words={WORDS}
      />
    );
  return (
    <>
      <Head
        title={props.stored ? `Edit ${props.start.name}` : `New: ${platform(draft.kind)}`}
        under={able(props.form)}
      >
        {changed && (
          <Badge variant="light" color="blue">
            Not saved
          </Badge>
        )}
        <Button variant="default" component={Link} href={props.stored ? `/destinations/${draft.id}` : '/destinations'} onClick={forget}>
          Cancel
        </Button>
        <Act needs="edit" onClick={() => void save()} loading={saving} disabled={!draft.id}>
          Save
        </Act>
      </Head>
      {before && changed && <Resumed at={before.at} startOver={startOver} />}
      <Stack maw={640}>
        {problem !== null && <Failed error={problem} title="Not saved" />}
        {first.map(field)}
        <details>
          <summary>More</summary>
          <Stack mt="sm">{rest.map(field)}</Stack>
        </details>
        <CreateLists draft={draft} can={props.form.capabilities} fill={setDraft} />
        <Check draft={draft} />
      </Stack>
      <Conflict
        opened={theirs !== null}
        theirs={theirs?.data.definition ?? undefined}
        author={theirs?.data.created_by ?? ''}
        mine={draft}
        close={() => setTheirs(null)}
        takeTheirs={() => decide(theirs?.data.definition ?? draft)}
        keepMine={() => decide(draft)}
      />
    </>
  );
}

/** What the platform can do, in a sentence. */
function able({ capabilities }: FormOf): string {
  const age = capabilities.max_age_days[''] ?? Object.values(capabilities.max_age_days)[0];
  return [
    age ? `It takes conversions up to ${age} days old` : 'It takes conversions of any age',
    capabilities.adjusts.length ? 'changes are sent too.' : 'it keeps what it got first.',
  ].join('; ');
}

function Check({ draft }: { draft: Config }) {
  const [asked, setAsked] = useState<Config | null>(null);
  const checked = useQuery({
    queryKey: ['check', asked],
    queryFn: ({ signal }) =>
      ask<{ problems: DestinationVersion['problems'] }>('POST', '/export-preview/destinations/check', {
        body: asked,
        signal,
      }),
    enabled: asked !== null,
    retry: false,
    staleTime: 0,
  });
  return (
    <Stack gap="xs" align="flex-start">
      <Button variant="default" onClick={() => setAsked({ ...draft })} loading={checked.isFetching}>
        Check credentials and mapping
      </Button>
      {checked.isError && <Failed error={checked.error} title="Not right yet" />}
      {checked.data && !checked.isError && <Advices problems={checked.data.data.problems} />}
    </Stack>
  );
}

/** Which conversion is sent as which event, goal or list of the platform. */
function Mappings({ root, draft, set, errors }: Pick<DrawnProps, 'root' | 'set' | 'errors'> & { draft: Config }) {
  const schema = root.properties?.['conversions'];
  const list = useAllConversions();
  const known = list.data?.conversions.map(({ id, name }) => ({ value: id, label: name })) ?? [];
  const item = schema?.items && resolved(root, schema.items);
  const others = Object.keys(item?.properties ?? {}).filter((name) => name !== 'conversion');
  const put = (index: number, name: string, value: Mapped) =>
    set('conversions', draft.conversions.map((one, at) => (at === index ? mappedAs(one, name, value) : one)));
  return (
    <Fieldset legend={schema?.title ?? 'Conversions'} data-field="conversions">
      <Stack gap="sm">
        {draft.conversions.map((mapping, index) => (
          <Group key={index} align="flex-end" gap="xs">
            <Search
              label={index === 0 ? 'Conversion' : undefined}
              aria-label={`Conversion ${index + 1}`}
              placeholder="Choose"
              data={withChosen(known, mapping['conversion'])}
              value={mapping['conversion'] || null}
              onChange={(id) => put(index, 'conversion', id ?? '')}
              flex="1 1 180px"
              error={errors.find(({ field }) => field === `conversions.${index}.conversion`)?.message}
            />
            {others.map((name) => (
              <MappingField
                key={name}
                schema={item?.properties?.[name]}
                name={name}
                index={index}
                value={mapping[name]}
                change={(value) => put(index, name, value)}
                error={errors.find(({ field }) => `${field}.`.startsWith(`conversions.${index}.${name}.`))?.message}
              />
            ))}
            {draft.conversions.length > 1 && (
              <ActionIcon
                variant="subtle"
                color="gray"
                mb={4}
                aria-label={`Remove conversion ${index + 1}`}
                onClick={() => set('conversions', draft.conversions.filter((_, at) => at !== index))}
              >
                ✕
              </ActionIcon>
            )}
          </Group>
        ))}
        <Button
          size="xs"
          variant="default"
          w="fit-content"
          onClick={() => set('conversions', [...draft.conversions, { conversion: '' }])}
        >
          + Conversion
        </Button>
      </Stack>
    </Fieldset>
  );
}

/** The mapping with the field; what is empty is not said. */
function mappedAs(mapping: Mapping, name: string, value: Mapped): Mapping {
  const { [name]: _, ...others } = mapping;
  return { ...others, conversion: mapping.conversion, ...(value === '' && name !== 'conversion' ? {} : { [name]: value }) };
}

/** One field of a mapping; the first row has the labels for all. */
function MappingField(props: {
  schema: Schema | undefined;
  name: string;
  index: number;
  value: Mapped | undefined;
  change: (value: Mapped) => void;
  error: string | undefined;
}) {
  const { schema, value } = props;
  const title = schema?.title ?? props.name;
  if (schema?.type === 'boolean') {
    return (
      <Switch
        label={title}
        aria-label={`${title} ${props.index + 1}`}
        checked={value === true}
        onChange={(event) => props.change(event.currentTarget.checked)}
        error={props.error}
        mb={8}
      />
    );
  }
  if (schema?.type === 'array') {
    return (
      <TagsInput
        label={props.index === 0 ? title : undefined}
        aria-label={`${title} ${props.index + 1}`}
        value={Array.isArray(value) ? value : []}
        onChange={props.change}
        flex="1 1 180px"
        error={props.error}
      />
    );
  }
  return (
    <TextInput
      label={props.index === 0 ? title : undefined}
      aria-label={`${title} ${props.index + 1}`}
      placeholder={exampleOf(schema)}
      value={typeof value === 'string' ? value : ''}
      onChange={(event) => props.change(event.currentTarget.value)}
      flex="1 1 180px"
      error={props.error}
    />
  );
}
