import { Badge, Button, Grid, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';

import { ask, client, get, Problem, type Answer, type FieldError } from '../api/client';
import { remarksKey } from '../conversion/remarks';
import type { ConversionVersion } from '../api/types';
import type { Definition } from '../api/definitions';
import { Act, useRefusal } from '../ui/act';
import { useShortcuts } from '../ui/keys';
import { Coming, Empty, Failed, Head } from '../ui/parts';
import { CombinedForm } from './combined';
import { same } from '../versions/compare';
import { Conflict } from '../versions/conflict';
import { CustomForm } from './custom';
import { fresh, sent, slug, typeOf, TYPES, type Type } from './draft';
import { defaultsOf, DrawnForm } from './drawn';
import { Effect } from './effect';
import { useKinds } from './kinds';
import { kept, useKept } from './kept';
import { FormProvider, TextField, type Form, type Schema } from './form';
import { Resumed } from './resumed';
import { Review } from './review';
import { ScoringForm } from './scoring';
import { Section } from './section';
import { SimpleForm } from './simple';

/** What somebody writes in. */
const WRITTEN = 'input, textarea, [contenteditable=true]';

type Editable = ConversionVersion & { definition: Definition };

/** The form of a new conversion of the type that the address names. */
export function NewConversion() {
  const { type } = useParams<{ type: string }>();
  if (!(type in TYPES)) return <NewOfSchema kind={type} />;
  return <Editor key={type} start={fresh(type as Type)} stored={null} />;
}

/** The form of a kind that only its schema describes. */
function NewOfSchema({ kind }: { kind: string }) {
  const kinds = useKinds();
  if (!kinds.data) return <Coming of={kinds} label="Loading the form" />;
  const schema = kinds.data[kind];
  if (!schema) return <Empty title="There is no such type">Choose one under + Add.</Empty>;
  const start = { ...defaultsOf(schema), kind, id: '', name: '', description: '' };
  return <Editor key={kind} start={start as unknown as Definition} stored={null} />;
}

/** The form of a conversion that exists. What is being typed is never replaced by what is loaded. */
export function EditConversion() {
  const { id } = useParams<{ id: string }>();
  const loaded = useQuery({
    queryKey: ['editing', id],
    queryFn: ({ signal }) => ask<Editable>('GET', `/api/conversions/${id}`, { signal }),
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  if (!loaded.data) return <Coming of={loaded} label="Loading the conversion" />;
  if (!loaded.data.data.definition) {
    return <Empty title="This release cannot read it">{loaded.data.data.unreadable}</Empty>;
  }
  return <Editor key={id} start={loaded.data.data.definition} stored={loaded.data} />;
}

function Editor(props: { start: Definition; stored: Answer<Editable> | null }) {
  const key = props.stored?.data.id ?? `new ${typeOf(props.start) ?? props.start.kind}`;
  const [before] = useState(() => kept<Definition>(key));
  const [draft, setDraft] = useState<Definition>(before?.draft ?? props.start);
  // over the version that it was typed over, so that what others saved meanwhile shows as a conflict
  const [live, setLive] = useState(props.stored && { ...props.stored, etag: before?.etag ?? props.stored.etag });
  const [theirs, setTheirs] = useState<Answer<Editable> | null>(null);
  const [ownId, setOwnId] = useState(false);
  const [reviewing, setReviewing] = useState(false);
  const [saving, setSaving] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const form = useRef<HTMLDivElement>(null);
  const [, navigate] = useLocation();
  const schema = useSchema(draft.kind);
  const { data: currency } = useQuery({
    queryKey: ['currency'],
    queryFn: ({ signal }) => get<{ currency?: string }>('/api/conversions', { limit: 1 }, signal),
    staleTime: Infinity,
  });

  const changed = !same(sent(draft), sent(live?.data.definition ?? props.start));
  const forget = useKept(key, draft, live?.etag ?? null, changed);
  const errors: FieldError[] = problem instanceof Problem ? errorsOf(problem) : [];
  const set = (change: Partial<Definition>) =>
    setDraft((before) => {
      const after = { ...before, ...change } as Definition;
      return live || ownId || !('name' in change) ? after : { ...after, id: slug(after.name) };
    });

  async function save(unknownEvent = false) {
    setSaving(true);
    setProblem(null);
    const query = unknownEvent ? '?allow_unknown_event=true' : '';
    try {
      const body = sent(draft);
      const answer = live
        ? await ask<ConversionVersion>('PUT', `/api/conversions/${draft.id}${query}`, {
            body,
            // a proxy may drop the ETag, and without a version any newer one would be overwritten
            headers: { 'If-Match': live.etag ?? `"${live.data.version}"` },
          })
        : await ask<ConversionVersion>('POST', `/api/conversions${query}`, { body });
      forget();
      void client.invalidateQueries();
      client.setQueryData(remarksKey(answer.data.id), answer.data.warnings);
      navigate(`/conversions/${answer.data.id}?saved=${answer.data.version}`);
    } catch (error) {
      setReviewing(false);
      if (error instanceof Problem && error.code === 'version_conflict') {
        ask<Editable>('GET', `/api/conversions/${draft.id}`).then(setTheirs, setProblem);
      } else {
        setProblem(error);
      }
    } finally {
      setSaving(false);
    }
  }

  const begin = () => (live ? setReviewing(true) : void save());
  const refusal = useRefusal('edit');
  useShortcuts({ 'mod+s': () => changed && !refusal && !saving && begin() });
  useEffect(() => {
    // who has gone on writing meanwhile is left there
    if (!problem || document.activeElement?.matches(WRITTEN)) return;
    const first = errors[0]?.field;
    const field = first && form.current?.querySelector<HTMLElement>(`[data-field="${first.split('.')[0]}"], [data-field="${first}"]`);
    field && (field.matches(WRITTEN) ? field : field.querySelector<HTMLElement>(WRITTEN))?.focus();
  }, [problem]);

  const type = typeOf(draft);
  const { title, about } = type ? TYPES[type] : { title: schema?.title ?? draft.kind, about: schema?.description };
  const value: Form = { draft, set: set as Form['set'], errors, schema };
  return (
    <FormProvider value={value}>
      <Head
        title={live ? `Edit ${live.data.definition.name}` : `New: ${title}`}
        under={about}
      >
        {changed && (
          <Badge variant="light" color="blue">
            Not saved
          </Badge>
        )}
        <Button variant="default" component={Link} href={live ? `/conversions/${draft.id}` : '/'} onClick={forget}>
          Cancel
        </Button>
        <Act needs="edit" onClick={begin} loading={saving} disabled={!changed}>
          {live ? 'Review and save' : 'Save'}
        </Act>
      </Head>
      {before && changed && (
        <Resumed
          at={before.at}
          startOver={() => {
            setDraft(live?.data.definition ?? props.start);
            // from the newest version on: nothing is left of what was typed over an older one
            if (live && live.data === props.stored?.data) setLive(props.stored);
          }}
        />
      )}
      {problem !== null && (
        <Stack mb="md" gap="xs" align="flex-start">
          <Failed error={problem} title="Not saved" />
          {problem instanceof Problem && problem.code === 'unknown_event' && (
            <Button size="xs" variant="default" onClick={() => void save(true)}>
              Save it all the same
            </Button>
          )}
        </Stack>
      )}
      <Grid gap="xl" ref={form}>
        <Grid.Col span={{ base: 12, lg: draft.kind === 'custom' ? 8 : 7 }}>
          <Section title="General">
            <TextField path="name" value={draft.name} change={(name) => set({ name })} required autoFocus={!live} />
            <TextField
              path="id"
              value={draft.id}
              disabled={live !== null}
              required
              change={(id) => {
                setOwnId(true);
                set({ id });
              }}
            />
            <TextField path="description" value={draft.description} change={(description) => set({ description })} long />
          </Section>
          {draft.kind === 'simple' && <SimpleForm currency={currency?.currency ?? ''} />}
          {draft.kind === 'combined' && <CombinedForm />}
          {draft.kind === 'custom' && <CustomForm />}
          {draft.kind === 'lead_scoring' && <ScoringForm />}
          {!type && schema && <DrawnForm schema={schema} />}
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: draft.kind === 'custom' ? 4 : 5 }}>
          <div className="beside">
            <Effect draft={draft} />
          </div>
        </Grid.Col>
      </Grid>
      {live && (
        <Review
          opened={reviewing}
          close={() => setReviewing(false)}
          live={live.data.definition}
          draft={draft}
          save={() => void save()}
          saving={saving}
        />
      )}
      <Conflict
        opened={theirs !== null}
        theirs={theirs?.data.definition}
        author={theirs?.data.created_by ?? ''}
        mine={sent(draft)}
        close={() => setTheirs(null)}
        takeTheirs={() => {
          if (theirs) setDraft(theirs.data.definition);
          setLive(theirs);
          setTheirs(null);
        }}
        keepMine={() => {
          setLive(theirs);
          setTheirs(null);
          setReviewing(true);
        }}
      />
    </FormProvider>
  );
}

const errorsOf = (problem: Problem): FieldError[] =>
  problem.errors.length ? problem.errors : problem.field ? [{ field: problem.field, message: problem.message }] : [];

function useSchema(kind: string): Schema | undefined {
  return useQuery({
    queryKey: ['schema', kind],
    queryFn: ({ signal }) => get<Schema>(`/api/schemas/${kind}`, {}, signal),
    staleTime: Infinity,
  }).data;
}
