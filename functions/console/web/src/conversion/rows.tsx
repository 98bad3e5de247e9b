import { Badge, Button, Drawer, Group, Select, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useSearchParams } from 'wouter';

import { get } from '../api/client';
import { day, money, NONE } from '../ui/format';
import { Ago, Empty, Failed, More, Waiting } from '../ui/parts';
import type { History, Record_ } from './types';
import { CAUSES, CHANGES } from './words';
import { Walk } from './why';

interface RecordPage {
  start_date: string;
  end_date: string;
  records: Record_[];
  next_page: string;
}
const KINDS: Record<string, string> = {
  actual: '',
  manual: 'manual',
  predicted: 'predicted',
  normalized: 'normalized',
  estimated: 'estimated',
};

/** The rows, newest first; each opens with its walk and its history. */
export function Rows({ id }: { id: string }) {
  const [asked, setAsked] = useSearchParams();
  const [by, setBy] = useState(asked.get('by') ?? 'id');
  const [text, setText] = useState(asked.get('is') ?? '');
  // what a figure elsewhere counts, as its link says
  const [start, end, medium] = ['start', 'end', 'medium'].map((name) => asked.get(name) ?? '');
  const narrowed = { start_date: start, end_date: end, medium };
  const [open, setOpen] = useState<string | null>(null);
  const [wanted] = useDebouncedValue(text.trim(), 300);
  const rows = useInfiniteQuery({
    queryKey: ['records', id, by, wanted, narrowed],
    queryFn: ({ pageParam, signal }) =>
      get<RecordPage>(`/api/conversions/${id}/records`, { [by]: wanted, ...narrowed, limit: 50, page: pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_page || undefined,
    placeholderData: keepPreviousData,
  });
  const all = rows.data?.pages.flatMap((page) => page.records) ?? [];
  return (
    <>
      <Group mb="sm" gap="xs">
        <Select
          aria-label="Search by"
          data={[
            { value: 'id', label: 'Id' },
            { value: 'client_id', label: 'Client id' },
            { value: 'user_id', label: 'User id' },
            { value: 'country', label: 'Country' },
            { value: 'source', label: 'Source' },
            { value: 'campaign', label: 'Campaign' },
          ]}
          value={by}
          onChange={(value) => setBy(value ?? 'id')}
          allowDeselect={false}
          w={130}
        />
        <TextInput
          aria-label="Search rows"
          placeholder="Exactly this"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          flex="1 1 200px"
          maw={320}
        />
        {start && end && (
          <Button variant="default" onClick={() => setAsked({})} rightSection={<span aria-hidden>✕</span>}>
            {[start === end ? day(start) : `${day(start)} to ${day(end)}`, medium].filter(Boolean).join(', ')}
          </Button>
        )}
      </Group>
      {rows.isError && <Failed error={rows.error} retry={() => void rows.refetch()} />}
      {rows.isPending && <Waiting label="Loading the rows" />}
      {rows.data && all.length > 0 && <RecordTable rows={all} open={setOpen} />}
      {rows.data && all.length > 0 && (
        <More
          shown={all.length}
          next={rows.hasNextPage ? () => void rows.fetchNextPage() : undefined}
          loading={rows.isFetchingNextPage}
        />
      )}
      {rows.data && all.length === 0 && !rows.isPlaceholderData && (
        <Empty title={wanted ? 'No such row' : 'No rows in the last 30 days'}>
          {wanted
            ? 'Under “Why, why not” you can ask why it is not a conversion.'
            : 'Either it has not run yet, or nothing fits.'}
        </Empty>
      )}
      <Drawer opened={open !== null} onClose={() => setOpen(null)} position="right" size="lg" title={open ?? ''}>
        {open && <OneRow id={id} row={open} />}
      </Drawer>
    </>
  );
}

function RecordTable(props: { rows: Record_[]; open: (id: string) => void }) {
  return (
    <Table.ScrollContainer minWidth={0}>
      <Table highlightOnHover aria-label="Rows">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Row</Table.Th>
            <Table.Th>When</Table.Th>
            <Table.Th className="number">Value</Table.Th>
            <Table.Th className="wide-only">Source / medium</Table.Th>
            <Table.Th className="wide-only">Country</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {props.rows.map((row) => (
            <Table.Tr key={row.id}>
              <Table.Td>
                <Button variant="subtle" size="compact-sm" onClick={() => props.open(row.id)} maw={220}>
                  {row.id}
                </Button>
                {row.is_qualified === false && (
                  <Badge variant="light" color="gray" size="sm">
                    not qualified
                  </Badge>
                )}
              </Table.Td>
              <Table.Td>
                <Ago time={row.created} />
              </Table.Td>
              <Table.Td className="number" title={row.value_project == null ? '' : String(row.value_project)}>
                {money(row.value)} {row.value == null ? '' : row.currency}
                {row.value_kind && KINDS[row.value_kind] && (
                  <Text size="xs" c="dimmed">
                    {KINDS[row.value_kind]}
                  </Text>
                )}
              </Table.Td>
              <Table.Td className="wide-only">
                {row.source ? `${row.source} / ${row.medium ?? NONE}` : '(not attributed)'}
              </Table.Td>
              <Table.Td className="wide-only">{row.country ?? NONE}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function OneRow(props: { id: string; row: string }) {
  const history = useQuery({
    queryKey: ['history', props.id, props.row],
    queryFn: ({ signal }) => get<History>(`/api/conversions/${props.id}/history`, { id: props.row }, signal),
  });
  return (
    <Stack gap="xl">
      <section>
        <Title order={2} mb="sm">
          Its way
        </Title>
        <Walk id={props.id} row={props.row} />
      </section>
      <section>
        <Title order={2} mb="sm">
          Its history
        </Title>
        {history.isError && <Failed error={history.error} retry={() => void history.refetch()} />}
        {history.isPending && <Waiting rows={2} label="Loading its history" />}
        {history.data?.changes.map((change) => (
          <Group key={change.changed_at + change.change} gap="sm" align="baseline" mb={6}>
            <Text size="sm" fw={600}>
              {CHANGES[change.change] ?? change.change}
            </Text>
            <Text size="sm">
              {CAUSES[change.cause] ?? change.cause.replaceAll('_', ' ')}
              {change.old_value !== change.new_value && `: value ${money(change.old_value)} → ${money(change.new_value)}`}
              {change.old_qualified !== change.new_qualified &&
                change.change === 'update' &&
                `, ${change.new_qualified ? 'now' : 'no longer'} qualified`}
            </Text>
            <Text size="sm" c="dimmed">
              <Ago time={change.changed_at} />
            </Text>
          </Group>
        ))}
      </section>
      {history.data?.row && (
        <section>
          <Title order={2} mb="sm">
            Its columns
          </Title>
          <Table fz="sm" aria-label="Columns of the row">
            <Table.Tbody>
              {Object.entries(history.data.row)
                .filter(([, value]) => value != null && value !== '')
                .map(([name, value]) => (
                  <Table.Tr key={name}>
                    <Table.Th>{name}</Table.Th>
                    <Table.Td style={{ overflowWrap: 'anywhere' }}>
                      {typeof value === 'object' ? JSON.stringify(value) : String(value)}
                    </Table.Td>
                  </Table.Tr>
                ))}
            </Table.Tbody>
          </Table>
        </section>
      )}
    </Stack>
  );
}
