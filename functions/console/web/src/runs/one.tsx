import { Anchor, Button, Group, Modal, Stack, Table, Text, Title } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useParams } from 'wouter';

import { address, client, get, post, Problem } from '../api/client';
import { once, useOnce } from '../api/once';
import type { Api } from '../api/types';
import { bytes, count, day, price } from '../ui/format';
import { Act } from '../ui/act';
import { Ago, Failed, Figure, Head, Waiting } from '../ui/parts';
import { Done, StatusBadge } from './list';
import type { Detail, Entry, Run } from './types';
import { duration, TRIGGERS } from './words';

/** One run as a timeline of its tasks; the slowest is seen at once. */
export function OneRun() {
  const { id } = useParams<{ id: string }>();
  const loaded = useQuery({
    queryKey: ['run', id],
    queryFn: ({ signal }) => get<Detail>(`/api/runs/${id}`, {}, signal),
    refetchInterval: (query) => (!query.state.data || query.state.data.status === 'running' ? 2000 : false),
    // a run that was asked for a moment ago has no entry yet
    retry: (times, error) => times < (error instanceof Problem && error.status === 404 ? 15 : 1),
    retryDelay: 1000,
  });
  if (loaded.isError && !loaded.data) return <Failed error={loaded.error} retry={() => void loaded.refetch()} />;
  if (!loaded.data) return <Waiting label="Waiting for its first entry" />;
  const run = loaded.data;
  return (
    <>
      <Head
        title={`${TRIGGERS[run.trigger ?? ''] ?? 'Run'}`}
        under={
          <>
            {run.run_id} · started <Ago time={run.started_at} />
          </>
        }
      >
        {run.status === 'running' && <Cancel run={run} />}
        {run.status === 'held' && <Force run={run} />}
      </Head>
      <Stack gap="xl">
        <Group gap="xl" aria-live="polite">
          <StatusBadge status={run.status} />
          <Done run={run} />
          <Figure name="New">{count(run.inserted)}</Figure>
          <Figure name="Changed">{count(run.updated)}</Figure>
          <Figure name="Removed">{count(run.deleted)}</Figure>
          {run.bytes_processed != null && <Figure name="Read">{bytes(run.bytes_processed)}</Figure>}
          <Forecast id={run.run_id} status={run.status} />
        </Group>
        <section>
          <Title order={2} mb="xs">
            Tasks
          </Title>
          <Tasks run={run} />
        </section>
      </Stack>
    </>
  );
}

/** What the run reads by forecast, in bytes and money; silent where that cannot be told. */
function Forecast({ id, status }: { id: string; status: string }) {
  const forecast = useQuery({
    // when it has ended, all days that it read are known
    queryKey: ['run', id, 'forecast', status === 'running'],
    queryFn: ({ signal }) => get<Api['OfRun']>(`/api/runs/${id}/forecast`, {}, signal),
    staleTime: 300_000,
    retry: false,
  });
  if (!forecast.data || forecast.data.bytes == null) return null;
  return (
    <>
      <Figure name="Reads, by forecast">{bytes(forecast.data.bytes)}</Figure>
      <Figure name="Price by forecast, USD">{price(forecast.data.price_usd)}</Figure>
    </>
  );
}

function Tasks({ run }: { run: Detail }) {
  const tasks = run.entries.filter((entry) => entry.status !== 'planned');
  const waiting = run.entries.filter(
    (entry) => entry.status === 'planned' && !tasks.some((task) => task.conversion === entry.conversion),
  );
  const ends = tasks.map((entry) => new Date(entry.recorded_at).getTime());
  const begins = tasks.map((entry, index) => (ends[index] ?? 0) - (entry.seconds ?? 0) * 1000);
  const first = Math.min(...begins, new Date(run.started_at).getTime());
  const span = Math.max(...ends, first + 1000) - first;
  if (!run.entries.length) return <Text size="sm">It has not begun anything yet.</Text>;
  return (
    <Table.ScrollContainer minWidth={0}>
      <Table aria-label="Tasks of the run">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Conversion</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th className="wide-only" w="34%">
              When it worked
            </Table.Th>
            <Table.Th className="number">Took</Table.Th>
            <Table.Th className="number wide-only">Rows</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {tasks.map((entry, index) => (
            <Table.Tr key={`${entry.recorded_at} ${entry.conversion} ${entry.status} ${entry.start_date}`}>
              <Table.Td>
                {entry.conversion && !entry.conversion.startsWith('(') ? (
                  <Anchor component={Link} href={`/conversions/${entry.conversion}`} size="sm">
                    {entry.conversion}
                  </Anchor>
                ) : (
                  'GA4 into the stage'
                )}
                {entry.start_date && entry.end_date && (
                  <Text size="xs" c="dimmed">
                    {day(entry.start_date)} to {day(entry.end_date)}
                  </Text>
                )}
              </Table.Td>
              <Table.Td>
                <StatusBadge status={entry.status} />
                {entry.detail && (
                  <Text size="xs" mt={4} maw={360}>
                    {entry.detail}
                  </Text>
                )}
              </Table.Td>
              <Table.Td className="wide-only">
                <Bar from={((begins[index] ?? first) - first) / span} to={((ends[index] ?? first) - first) / span} />
              </Table.Td>
              <Table.Td className="number">{duration(entry.seconds)}</Table.Td>
              <Table.Td className="number wide-only" title={moved(entry)}>
                {entry.rows_total != null && entry.start_date && entry.end_date ? (
                  <Anchor
                    component={Link}
                    href={address(`/conversions/${entry.conversion}/rows`, { start: entry.start_date, end: entry.end_date })}
                    size="sm"
                  >
                    {count(entry.rows_total)}
                  </Anchor>
                ) : (
                  count(entry.rows_total)
                )}
              </Table.Td>
            </Table.Tr>
          ))}
          {waiting.map((entry) => (
            <Table.Tr key={`waiting ${entry.conversion} ${entry.start_date}`}>
              <Table.Td>{entry.conversion}</Table.Td>
              <Table.Td>
                <StatusBadge status="planned" />
              </Table.Td>
              <Table.Td className="wide-only" />
              <Table.Td />
              <Table.Td className="wide-only" />
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

const moved = (entry: Entry): string =>
  `${count(entry.inserted)} new, ${count(entry.updated)} changed, ${count(entry.deleted)} removed, ` +
  `${count(entry.duplicates)} duplicates, ${count(entry.refunded)} refunded, ${count(entry.quarantined)} in quarantine`;

function Bar({ from, to }: { from: number; to: number }) {
  return (
    <div style={{ background: 'var(--mantine-color-default-border)', borderRadius: 4, height: 10 }} aria-hidden>
      <div
        style={{
          marginLeft: `${from * 100}%`,
          width: `${Math.max((to - from) * 100, 0.8)}%`,
          height: '100%',
          borderRadius: 4,
          background: 'var(--series-1)',
        }}
      />
    </div>
  );
}

function Cancel({ run }: { run: Run }) {
  const cancel = useMutation({
    mutationFn: () => post(`/api/runs/${run.run_id}:cancel`),
    onSuccess: () => client.invalidateQueries({ queryKey: ['run', run.run_id] }),
  });
  return (
    <>
      <Act needs="operate" variant="default" onClick={() => cancel.mutate()} loading={cancel.isPending}>
        Cancel the rest
      </Act>
      <Modal opened={cancel.isError} onClose={() => cancel.reset()} title="Not cancelled">
        <Failed error={cancel.error} />
      </Modal>
    </>
  );
}

/** Runs what was held once more, past the brake, after saying what that means. */
function Force({ run }: { run: Detail }) {
  const [asking, setAsking] = useState(false);
  const held = run.entries.filter((entry) => entry.status === 'held');
  const { key, renew } = useOnce(run.held);
  const force = useMutation({
    mutationFn: () => post('/api/runs', { conversions: run.held, force: true }, once(key)),
    onSuccess: async () => {
      renew();
      setAsking(false);
      void client.invalidateQueries();
    },
  });
  return (
    <>
      <Act needs="operate" variant="default" onClick={() => setAsking(true)}>
        Release what was held
      </Act>
      <Modal opened={asking} onClose={() => setAsking(false)} title={`Write ${run.held.join(', ')} all the same?`}>
        <Stack>
          {held.map((entry) => (
            <Text size="sm" key={entry.conversion}>
              <b>{entry.conversion}</b>: {entry.detail}
            </Text>
          ))}
          {force.isError && <Failed error={force.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setAsking(false)}>
              Leave it held
            </Button>
            <Button onClick={() => force.mutate()} loading={force.isPending}>
              Write it
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
