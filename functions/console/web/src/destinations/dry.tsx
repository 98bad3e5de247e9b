import { Badge, Button, Code, CopyButton, Group, Paper, Select, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { post } from '../api/client';
import { bytes, count, money, plural } from '../ui/format';
import { useRefusal } from '../ui/act';
import { Ago, Empty, Failed, Waiting } from '../ui/parts';
import { STATES, type DryRun } from './types';

const SHOWN = 100;

/** Each row's verdict and the exact requests that a run would send now; nothing is sent. */
export function DryRunTab(props: { id: string; conversions: string[] }) {
  const [conversion, setConversion] = useState(props.conversions[0] ?? '');
  const [only, setOnly] = useState('');
  const refusal = useRefusal('edit');
  const dry = useQuery({
    queryKey: ['dry-run', props.id, conversion],
    queryFn: ({ signal }) =>
      post<DryRun>(`/export-preview/destinations/${props.id}/dry-run`, { conversion, limit: 1000, bodies: 3 }, { signal }),
    enabled: conversion !== '' && !refusal,
    retry: false,
  });
  if (refusal) return <Empty title="Nothing is tried">{refusal}</Empty>;
  if (!conversion) return <Empty title="Nothing to try">It sends no conversion yet. Edit it and name one.</Empty>;
  const rows = dry.data?.rows.filter((row) => !only || stateOf(row.verdict) === only) ?? [];
  return (
    <Stack>
      <Group align="flex-end">
        <Select
          label="Conversion"
          data={props.conversions}
          value={conversion}
          onChange={(value) => setConversion(value ?? '')}
          allowDeselect={false}
        />
        <Button variant="default" onClick={() => void dry.refetch()} loading={dry.isFetching}>
          Try again
        </Button>
      </Group>
      {dry.isError && <Failed error={dry.error} retry={() => void dry.refetch()} title="It could not be tried" />}
      {dry.isPending && <Waiting label="Judging each row" />}
      {dry.data && (
        <>
          <Group gap="xs">
            {Object.entries(dry.data.verdicts).map(([verdict, rowsOf]) => (
              <Verdict key={verdict} verdict={verdict} label={`${count(rowsOf)} · ${verdict.replaceAll('_', ' ')}`} />
            ))}
          </Group>
          {dry.data.notes.map((note) => (
            <Text size="sm" c="dimmed" key={note}>
              {note}
            </Text>
          ))}
          {dry.data.rows.length === 0 && (
            <Empty title="Nothing would be sent">The platform has all that it should have.</Empty>
          )}
          {dry.data.rows.length > 0 && (
            <section>
              <Group justify="space-between" mb="xs">
                <Title order={2}>Rows</Title>
                <Select
                  aria-label="Only these rows"
                  data={[
                    { value: '', label: 'All rows' },
                    ...[...new Set(dry.data.rows.map((row) => stateOf(row.verdict)))].map((value) => ({
                      value,
                      label: STATES[value]?.word ?? value,
                    })),
                  ]}
                  value={only}
                  onChange={(value) => setOnly(value ?? '')}
                  allowDeselect={false}
                  w={190}
                />
              </Group>
              <Table.ScrollContainer minWidth={0} maxHeight={420} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
                <Table stickyHeader aria-label="Rows of the dry run">
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>Row</Table.Th>
                      <Table.Th>Verdict</Table.Th>
                      <Table.Th className="number">Value</Table.Th>
                      <Table.Th className="wide-only">When</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {rows.slice(0, SHOWN).map((row) => (
                      <Table.Tr key={row.id}>
                        <Table.Td>{row.id}</Table.Td>
                        <Table.Td>
                          <Verdict verdict={row.verdict} />
                          {row.reason && (
                            <Text size="xs" c="dimmed">
                              {row.reason.replaceAll('_', ' ')}
                            </Text>
                          )}
                        </Table.Td>
                        <Table.Td className="number">
                          {money(row.value)} {row.value == null ? '' : row.currency}
                        </Table.Td>
                        <Table.Td className="wide-only">
                          <Ago time={row.event_time} />
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
              {rows.length > SHOWN && (
                <Text size="xs" c="dimmed" mt="xs">
                  {SHOWN} of {plural(rows.length, 'row')} shown{dry.data.complete ? '' : '; a run works on more'}.
                </Text>
              )}
            </section>
          )}
          {dry.data.requests.length > 0 && (
            <section>
              <Title order={2} mb="xs">
                {plural(dry.data.requests.length, 'request')}
              </Title>
              <Stack gap="sm">
                {dry.data.requests.slice(0, 10).map((request) => (
                  <Request key={request.sha256} request={request} />
                ))}
              </Stack>
            </section>
          )}
        </>
      )}
    </Stack>
  );
}

const stateOf = (verdict: string): string => verdict.split(':')[0] ?? verdict;

function Verdict(props: { verdict: string; label?: string }) {
  const known = STATES[stateOf(props.verdict)] ?? { word: props.verdict, sign: '·', color: 'gray' };
  return (
    <Badge variant="light" color={known.color} leftSection={<span aria-hidden>{known.sign}</span>}>
      {props.label ?? known.word}
    </Badge>
  );
}

/** A request as it leaves, its secret named and never shown. */
export function Request({ request }: { request: DryRun['requests'][number] }) {
  const refusal = useRefusal('operate');
  return (
    <Paper withBorder p="sm">
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        <b>{request.method}</b> {request.url}
      </Text>
      <Text size="xs" c="dimmed">
        {plural(request.rows.length, 'row')} · {bytes(request.bytes)} · the secret goes into {request.credential.in}{' '}
        {request.credential.name}
      </Text>
      {refusal && request.body == null && (
        <Text size="xs" c="dimmed">
          Its body may name people. {refusal}
        </Text>
      )}
      {request.body && (
        <details>
          <summary>What is sent, byte for byte</summary>
          <Group justify="flex-end">
            <CopyButton value={request.body}>
              {({ copied, copy }) => (
                <Button size="compact-sm" variant="subtle" onClick={copy}>
                  {copied ? 'Copied' : 'Copy'}
                </Button>
              )}
            </CopyButton>
          </Group>
          <Code block tabIndex={0} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', maxHeight: 320, overflow: 'auto' }}>
            {pretty(request.body)}
          </Code>
        </details>
      )}
    </Paper>
  );
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
