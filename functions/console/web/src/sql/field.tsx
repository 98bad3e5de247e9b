import { Alert, Badge, Button, Group, Loader, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query';
import type { EditorView } from '@codemirror/view';
import { useEffect, useRef, useState } from 'react';

import { client, get, post } from '../api/client';
import type { Api } from '../api/types';
import { useFieldError } from '../editor/form';
import { Failed } from '../ui/parts';
import type { Table } from './complete';
import { Contract } from './contract';
import { applyFix, fixable, jump, mounted, rename, underline } from './editor';
import { Findings, Returned, type Verdict } from './verdict';

interface Props {
  path: string;
  label: string;
  about: string;
  value: string;
  change: (text: string) => void;
  contract?: string;
  conversion?: string;
  lookupTables?: string[];
  adjustmentDays?: number | null;
  predicted?: boolean;
  judged?: (verdict: Verdict) => void;
}

/** A query with all that can be said of it while it is written. */
export default function SqlField(props: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const [profiled, setProfiled] = useState('');
  const [text] = useDebouncedValue(props.value, 700);
  const tables = useQuery(TABLES).data?.tables ?? NO_TABLES;
  const latest = useRef(props);
  latest.current = props;
  // texts of the editor that have not come back as `value` yet
  const onTheWay = useRef<string[]>([]);
  const verdict = useVerdict(props, text, profiled === text && text !== '');
  const error = useFieldError(props.path);

  useEffect(() => {
    if (!host.current) return;
    const editor = mounted(host.current, {
      text: latest.current.value,
      label: latest.current.label,
      changed: (now) => {
        onTheWay.current.push(now);
        latest.current.change(now);
      },
      // as it stands there, which on a slow machine `value` does not know yet
      asked: () => setProfiled(editor.state.doc.toString()),
      tables: () => client.ensureQueryData(TABLES).then(({ tables }) => tables, () => NO_TABLES),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);

  // the label comes with the schema, perhaps after the first words are typed
  useEffect(() => {
    if (view.current) rename(view.current, props.label);
  }, [props.label]);

  useEffect(() => {
    // what was typed comes back late on a slow machine: to write it would take away what came after
    const back = onTheWay.current.indexOf(props.value);
    onTheWay.current.splice(0, back + 1);
    const editor = view.current;
    if (back >= 0 || !editor || editor.state.doc.toString() === props.value) return;
    // what comes from outside, such as a version that is restored
    replace(editor, props.value);
    onTheWay.current = [];
  }, [props.value]);

  useEffect(() => {
    if (!view.current || !verdict.data || verdict.isPlaceholderData) return;
    // a verdict that comes late is about another text, whose places are elsewhere
    if (view.current.state.doc.toString() !== text) return;
    underline(view.current, verdict.data.issues);
    latest.current.judged?.(verdict.data);
  }, [verdict.data, verdict.isPlaceholderData]);

  const checking = verdict.isFetching || text !== props.value;
  return (
    <Stack gap="xs" data-field={props.path}>
      <div>
        <Text size="sm" fw={500}>
          {props.label}
        </Text>
        <Text size="xs" c="dimmed">
          {props.about}
        </Text>
      </div>
      {!props.contract && (
        <Contract
          empty={!props.value.trim()}
          tables={tables}
          start={(sql) => view.current && replace(view.current, sql)}
        />
      )}
      <div ref={host} />
      <Group gap="sm" mih={28}>
        <Button size="xs" variant="default" onClick={() => setProfiled(props.value)} disabled={!props.value.trim()}>
          Validate and show rows
        </Button>
        <Text size="xs" c="dimmed">
          Ctrl+Enter validates, Ctrl+Space completes.
        </Text>
        {checking && props.value.trim() && (
          <Badge variant="light" color="gray" leftSection={<Loader size={10} />}>
            Checking
          </Badge>
        )}
      </Group>
      {error && (
        <Alert color="red" variant="light" role="alert">
          {error}
        </Alert>
      )}
      {verdict.isError && <Failed error={verdict.error} retry={() => void verdict.refetch()} />}
      {verdict.data && props.value.trim() && (
        <div aria-live="polite">
          <Findings
            verdict={verdict.data}
            // a fix has its place in the text that was judged
            fixable={(issue) => !checking && fixable(issue)}
            jump={(issue) => view.current && jump(view.current, issue)}
            fix={(issue) => view.current && applyFix(view.current, issue)}
            adopt={(query) => view.current && replace(view.current, query)}
          />
        </div>
      )}
      {verdict.data && props.value.trim() && <Returned verdict={verdict.data} />}
    </Stack>
  );
}

function replace(view: EditorView, text: string): void {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
}

function useVerdict(props: Props, sql: string, withProfile: boolean) {
  const body = {
    sql,
    contract: props.contract ?? 'conversion',
    lookup_tables: props.lookupTables ?? [],
    predicted_value: props.predicted ?? false,
    conversion_id: props.conversion || null,
    adjustment_days: props.adjustmentDays ?? 1,
    with_profile: withProfile,
  };
  return useQuery({
    queryKey: ['validate-sql', body],
    queryFn: ({ signal }) => post<Verdict>('/validate-sql', body, { signal }),
    enabled: sql.trim() !== '',
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
}

const NO_TABLES: Table[] = [];

/** The first tables that SQL may read, for completion. */
const TABLES = queryOptions({
  queryKey: ['tables'],
  queryFn: ({ signal }) => get<Api['Tables']>('/api/tables', { limit: 200 }, signal),
  staleTime: 300_000,
});
