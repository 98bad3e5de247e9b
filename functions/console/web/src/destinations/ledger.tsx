import { Anchor, Badge, Checkbox, Group, Select, Table, Text, TextInput, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useSearchParams } from 'wouter';

import { address, client, get, post } from '../api/client';
import type { Export } from '../api/types';
import { count, money } from '../ui/format';
import { Act } from '../ui/act';
import { Ago, Empty, Failed, More, Waiting } from '../ui/parts';
import { LEDGER_STATES, STATES, type LedgerEntry, type DeliveryStateCount } from './types';

/** Where all conversions stand at the platform. */
export function DeliveryStates({ id }: { id: string }) {
  const states = useQuery({
    queryKey: ['standings', id],
    queryFn: ({ signal }) => get<{ standings: DeliveryStateCount[] }>(`/export-preview/destinations/${id}/standings`, {}, signal),
  });
  if (states.isError) return <Failed error={states.error} retry={() => void states.refetch()} />;
  if (!states.data) return <Waiting rows={2} label="Counting" />;
  if (!states.data.standings.length) return null;
  return (
    <section>
      <Title order={2} mb="xs">
        Where they stand
      </Title>
      <Table maw={760} aria-label="Where conversions stand">
        <Table.Tbody>
          {states.data.standings.map((one) => (
            <Table.Tr key={`${one.conversion}${one.state}${one.op}${one.reason}`}>
              <Table.Td>{one.conversion}</Table.Td>
              <Table.Td>
                <State state={one.state} />
                {one.reason && (
                  <Text size="xs" c="dimmed">
                    {one.reason.replaceAll('_', ' ')}
                  </Text>
                )}
              </Table.Td>
              <Table.Td className="number">
                <Anchor component={Link} href={address(`/destinations/${id}/ledger`, { state: one.state })} inherit>
                  {count(one.conversions)}
                </Anchor>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}

const PAGE = 50;

/** Every delivery, the newest first; doubts are resolved here. */
export function Ledger({ id }: { id: string }) {
  // a figure above leads here, and says which state it counts
  const [asked, setAsked] = useSearchParams();
  const state = asked.get('state') ?? '';
  const [row, setRow] = useState('');
  const [sort, setSort] = useState('-recorded_at');
  const [chosen, setChosen] = useState<LedgerEntry[]>([]);
  const [wanted] = useDebouncedValue(row.trim(), 300);
  const ledger = useInfiniteQuery({
    queryKey: ['ledger', id, state, wanted, sort],
    queryFn: ({ pageParam, signal }) =>
      get<Export['LedgerPage']>(
        `/export-preview/destinations/${id}/ledger`,
        { state, search: wanted, sort, limit: PAGE, page: pageParam },
        signal,
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_page || undefined,
    placeholderData: keepPreviousData,
  });
  const resolve = useMutation({
    mutationFn: (verdict: 'delivered' | 'absent') =>
      post(`/export-preview/destinations/${id}/settle`, {
        conversion: chosen[0]?.conversion,
        ids: chosen.map((entry) => entry.conversion_id),
        verdict,
      }),
    onSuccess: async () => {
      setChosen([]);
      void client.invalidateQueries();
    },
  });
  const entries = ledger.data?.pages.flatMap((page) => page.entries) ?? [];
  const doubtful = (entry: LedgerEntry) => ['ambiguous', 'unknown'].includes(entry.state);
  const toggle = (entry: LedgerEntry) =>
    setChosen((all) => (all.includes(entry) ? all.filter((one) => one !== entry) : [...all.filter((one) => one.conversion === entry.conversion), entry]));
  return (
    <section>
      <Title order={2} mb="xs">
        Ledger
      </Title>
      <Group gap="xs" mb="sm">
        <Select
          aria-label="State"
          data={[
            { value: '', label: 'All states' },
            ...LEDGER_STATES.map(([value, { word }]) => ({ value, label: word })),
          ]}
          value={state}
          onChange={(value) => {
            setAsked(value ? { state: value } : {});
            // what no longer shows is not decided on
            setChosen([]);
          }}
          allowDeselect={false}
          w={180}
        />
        <TextInput
          aria-label="Search the ledger"
          placeholder="Row, key, request or reason"
          value={row}
          onChange={(event) => {
            setRow(event.currentTarget.value);
            setChosen([]);
          }}
          w={260}
        />
        <Select
          aria-label="Order"
          data={[
            { value: '-recorded_at', label: 'Newest first' },
            { value: 'recorded_at', label: 'Oldest first' },
          ]}
          value={sort}
          onChange={(value) => setSort(value ?? '-recorded_at')}
          allowDeselect={false}
          w={150}
        />
      </Group>
      {chosen.length > 0 && (
        <Group gap="xs" mb="sm">
          <Text size="sm">{chosen.length} in doubt: does the platform hold them?</Text>
          <Act needs="operate" size="xs" variant="default" onClick={() => resolve.mutate('delivered')} loading={resolve.isPending}>
            It has them
          </Act>
          <Act needs="operate" size="xs" variant="default" onClick={() => resolve.mutate('absent')} loading={resolve.isPending}>
            It has none, send again
          </Act>
        </Group>
      )}
      {resolve.isError && <Failed error={resolve.error} />}
      {ledger.isError && <Failed error={ledger.error} retry={() => void ledger.refetch()} />}
      {ledger.isPending && <Waiting label="Loading the ledger" />}
      {ledger.data && entries.length === 0 && (
        <Empty title="No entry">Nothing was sent yet{(state || wanted) && ' that fits what you look for'}.</Empty>
      )}
      {entries.length > 0 && (
        <Table.ScrollContainer minWidth={0}>
          <Table aria-label="Ledger">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Row</Table.Th>
                <Table.Th>State</Table.Th>
                <Table.Th className="number">Value</Table.Th>
                <Table.Th className="wide-only">When</Table.Th>
                <Table.Th className="wide-only">Request</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {entries.map((entry) => (
                <Table.Tr key={entry.recorded_at + entry.conversion_id + entry.state}>
                  <Table.Td>
                    {doubtful(entry) ? (
                      <Checkbox label={entry.conversion_id} checked={chosen.includes(entry)} onChange={() => toggle(entry)} />
                    ) : (
                      entry.conversion_id
                    )}
                    <Text size="xs" c="dimmed">
                      {entry.conversion}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    <State state={entry.state} />
                    <Text size="xs" c="dimmed">
                      {[entry.op, entry.reason?.replaceAll('_', ' ')].filter(Boolean).join(', ')}
                    </Text>
                  </Table.Td>
                  <Table.Td className="number">
                    {money(entry.value)} {entry.value == null ? '' : entry.currency}
                  </Table.Td>
                  <Table.Td className="wide-only">
                    <Ago time={entry.happened_at} />
                  </Table.Td>
                  <Table.Td className="wide-only">{entry.request_id}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {ledger.hasNextPage && (
        <More shown={entries.length} next={() => void ledger.fetchNextPage()} loading={ledger.isFetchingNextPage} />
      )}
    </section>
  );
}

function State({ state }: { state: string }) {
  const known = STATES[state] ?? { word: state, sign: '·', color: 'gray' };
  return (
    <Badge variant="light" color={known.color} leftSection={<span aria-hidden>{known.sign}</span>}>
      {known.word}
    </Badge>
  );
}
