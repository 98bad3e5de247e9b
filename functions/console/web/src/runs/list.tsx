import { Badge, Group, Progress, Select, Stack, Table, Tabs, Text } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';

import { get } from '../api/client';
import { useIncidents } from '../api/queries';
import { count } from '../ui/format';
import { Act } from '../ui/act';
import { Ago, Empty, Failed, Head, More, Waiting } from '../ui/parts';
import { Backfill } from './backfill';
import { Incidents } from './incidents';
import type { Api } from '../api/types';
import type { Run } from './types';
import { inWords, titled } from './cron';
import { duration, STATUS, TRIGGERS } from './words';

/** Incidents, runs and schedules. */
export function Runs() {
  const { tab = 'incidents' } = useParams<{ tab?: string }>();
  const [, navigate] = useLocation();
  const [asking, setAsking] = useState(false);
  const open = useIncidents({ state: 'open', limit: 20 });
  const waiting = open.data?.incidents.length ?? 0;
  return (
    <>
      <Head title="Runs and incidents" under="What was computed, when, and what waits for a person.">
        <Act needs="operate" variant="default" onClick={() => setAsking(true)}>
          Backfill
        </Act>
      </Head>
      <Tabs value={tab} onChange={(next) => navigate(next === 'incidents' ? '/runs' : `/runs/all/${next ?? ''}`)} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab
            value="incidents"
            rightSection={
              waiting > 0 ? (
                <Badge size="sm" color="orange" variant="light">
                  {waiting}
                  {open.data?.next_page && '+'}
                </Badge>
              ) : undefined
            }
          >
            Incidents
          </Tabs.Tab>
          <Tabs.Tab value="runs">Runs</Tabs.Tab>
          <Tabs.Tab value="schedules">Schedules</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="incidents">
          <Incidents />
        </Tabs.Panel>
        <Tabs.Panel value="runs">
          <RunTable />
        </Tabs.Panel>
        <Tabs.Panel value="schedules">
          <Schedules />
        </Tabs.Panel>
      </Tabs>
      <Backfill opened={asking} close={() => setAsking(false)} />
    </>
  );
}

export function StatusBadge({ status }: { status: string }) {
  const known = STATUS[status] ?? { word: status, sign: '·', color: 'gray' };
  return (
    <Badge variant="light" color={known.color} leftSection={<span aria-hidden>{known.sign}</span>}>
      {known.word}
    </Badge>
  );
}

function RunTable() {
  const [status, setStatus] = useState('');
  const runs = useInfiniteQuery({
    queryKey: ['runs', status],
    queryFn: ({ pageParam, signal }) => get<Api['RunList']>('/api/runs', { status, limit: 50, page: pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_page || undefined,
    placeholderData: keepPreviousData,
    // a run under way moves
    refetchInterval: (query) =>
      query.state.data?.pages.some((page) => page.runs.some((run) => run.status === 'running')) ? 3000 : false,
  });
  const all = runs.data?.pages.flatMap((page) => page.runs) ?? [];
  return (
    <Stack gap="sm">
      <Select
        aria-label="Status"
        data={[
          { value: '', label: 'All runs' },
          ...['running', 'finished', 'held', 'failed'].map((value) => ({ value, label: STATUS[value]?.word ?? value })),
        ]}
        value={status}
        onChange={(value) => setStatus(value ?? '')}
        allowDeselect={false}
        w={150}
      />
      {runs.isError && <Failed error={runs.error} retry={() => void runs.refetch()} />}
      {runs.isPending && <Waiting label="Loading the runs" />}
      {runs.data && all.length === 0 && (
        <Empty title="No run">In the last 14 days nothing ran{status && ' that ended like this'}.</Empty>
      )}
      {all.length > 0 && (
        <Table.ScrollContainer minWidth={0}>
          <Table highlightOnHover aria-label="Runs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Started</Table.Th>
                <Table.Th>Status</Table.Th>
                <Table.Th className="wide-only">Progress</Table.Th>
                <Table.Th className="number wide-only">New</Table.Th>
                <Table.Th className="number wide-only">Changed</Table.Th>
                <Table.Th className="number wide-only">Removed</Table.Th>
                <Table.Th className="number">Took</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {all.map((run) => (
                <Table.Tr key={run.run_id} className="linked">
                  <Table.Td>
                    <Link href={`/runs/${run.run_id}`} className="row-link">
                      {TRIGGERS[run.trigger ?? ''] ?? run.trigger ?? 'Run'}
                    </Link>
                    <Text size="xs" c="dimmed">
                      <Ago time={run.started_at} />
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    <StatusBadge status={run.status} />
                  </Table.Td>
                  <Table.Td className="wide-only">
                    <Done run={run} />
                  </Table.Td>
                  <Table.Td className="number wide-only">{count(run.inserted)}</Table.Td>
                  <Table.Td className="number wide-only">{count(run.updated)}</Table.Td>
                  <Table.Td className="number wide-only">{count(run.deleted)}</Table.Td>
                  <Table.Td className="number">{duration(run.seconds)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {all.length > 0 && runs.hasNextPage && (
        <More shown={all.length} next={() => void runs.fetchNextPage()} loading={runs.isFetchingNextPage} />
      )}
    </Stack>
  );
}

export function Done({ run }: { run: Run }) {
  const share = run.planned ? (100 * run.done) / run.planned : 0;
  return (
    <Group gap="xs" wrap="nowrap">
      <Progress value={share} w={90} aria-label={`${run.done} of ${run.planned} conversions`} />
      <Text size="xs">
        {run.done} of {run.planned}
      </Text>
    </Group>
  );
}

interface Schedule {
  name: string;
  cron: string;
  timezone: string;
  paused: boolean;
  owner: string;
  next_run_at: string | null;
  last_run_at: string | null;
  last_error: string;
}

function Schedules() {
  const schedules = useQuery({
    queryKey: ['schedules'],
    queryFn: ({ signal }) => get<{ schedules: Schedule[] }>('/api/schedules', {}, signal),
  });
  if (schedules.isError) return <Failed error={schedules.error} retry={() => void schedules.refetch()} />;
  if (!schedules.data) return <Waiting rows={3} label="Loading the schedules" />;
  if (!schedules.data.schedules.length) {
    return (
      <Empty title="Nothing runs by itself">
        The daily run is set by the deployment (Terraform). Until it is, press Run now on a conversion.
      </Empty>
    );
  }
  return (
    <Table.ScrollContainer minWidth={0}>
      <Table aria-label="Schedules">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>When</Table.Th>
            <Table.Th>Next</Table.Th>
            <Table.Th className="wide-only">Last</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {schedules.data.schedules.map((one) => (
            <Table.Tr key={one.name}>
              <Table.Td>
                {titled(one.name)}
                {one.paused && ' (paused)'}
                <Text size="xs" c="dimmed">
                  {one.owner === 'terraform' ? 'from the deployment' : 'made here'}
                </Text>
              </Table.Td>
              <Table.Td title={one.cron}>
                {inWords(one.cron)}
                <Text size="xs" c="dimmed">
                  {one.timezone}
                </Text>
              </Table.Td>
              <Table.Td>
                <Ago time={one.next_run_at} />
              </Table.Td>
              <Table.Td className="wide-only">
                <Ago time={one.last_run_at} />
                {one.last_error && (
                  <Text size="xs" c="var(--mantine-color-error)">
                    {one.last_error}
                  </Text>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
