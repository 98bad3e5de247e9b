import { Anchor, Button, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useSearchParams } from 'wouter';

import { address, post } from '../api/client';
import type { Api } from '../api/types';
import { useRefusal } from '../ui/act';
import { count, day, money } from '../ui/format';
import { Ago, Failed, Waiting } from '../ui/parts';

type Backtest = Api['Backtest'];
type LeftOut = Backtest['left_out'][number];
const SHOWN = 20;

/** From everything that was read to what counts: each step that left something out, and its rows. */
export function Steps({ id, definition }: { id: string; definition: object }) {
  const [search] = useSearchParams();
  const [asked, setAsked] = useState(search.has('steps'));
  const days = { start_date: search.get('start'), end_date: search.get('end') };
  const refusal = useRefusal('edit');
  const counted = useQuery({
    queryKey: ['backtest', definition, days, SHOWN],
    queryFn: ({ signal }) =>
      post<Backtest>('/api/conversions:backtest', { definition, ...days, examples: SHOWN }, { signal }),
    enabled: asked && !refusal,
    staleTime: 300_000,
    retry: false,
  });
  return (
    <section>
      <Title order={2} mb="xs">
        Why this many
      </Title>
      {refusal && (
        <Text size="sm" c="dimmed">
          {refusal}
        </Text>
      )}
      {!refusal && !asked && (
        <Stack gap="xs" align="flex-start">
          <Text size="sm" c="dimmed">
            Counts the last 30 days anew and shows what each step left out, row by row.
          </Text>
          <Button size="xs" variant="default" onClick={() => setAsked(true)}>
            Count step by step
          </Button>
        </Stack>
      )}
      {counted.isFetching && !counted.data && <Waiting rows={3} label="Counting step by step" />}
      {counted.isError && <Failed error={counted.error} retry={() => void counted.refetch()} />}
      {counted.data && <Walk id={id} counted={counted.data} />}
    </section>
  );
}

function Walk({ id, counted }: { id: string; counted: Backtest }) {
  const { totals } = counted;
  const rows = address(`/conversions/${id}/rows`, { start: counted.start_date, end: counted.end_date });
  return (
    <>
      <Text size="sm" c="dimmed">
        {day(counted.start_date)} to {day(counted.end_date)}, as it would be counted now
      </Text>
      <Table aria-label="Steps of the count" maw={640}>
        <Table.Tbody>
          <Table.Tr>
            <Table.Td>Read: what the filter and the source let through</Table.Td>
            <Table.Td className="number">{count(totals.conversions + totals.left_out)}</Table.Td>
          </Table.Tr>
          {counted.left_out.map((one) => (
            <Table.Tr key={one.reason}>
              <Table.Td>
                {one.text}
                <Rows id={id} of={one} />
              </Table.Td>
              <Table.Td className="number" style={{ verticalAlign: 'top' }}>
                −{count(one.candidates)}
              </Table.Td>
            </Table.Tr>
          ))}
          <Table.Tr fw={600}>
            <Table.Td>Counted</Table.Td>
            <Table.Td className="number">
              <Anchor component={Link} href={rows} inherit>
                {count(totals.conversions)}
              </Anchor>
            </Table.Td>
          </Table.Tr>
        </Table.Tbody>
      </Table>
      {totals.refunded != null && (
        <Text size="sm" mt="xs">
          Worth {money(totals.value_gross)} {counted.currency}, less {money(totals.refunded)} that was refunded:{' '}
          {money(totals.value)} {counted.currency}.
        </Text>
      )}
    </>
  );
}

/** The newest rows of a step; each leads to its whole way. */
function Rows({ id, of }: { id: string; of: LeftOut }) {
  if (!of.examples.length) return null;
  return (
    <details>
      <summary>{of.examples.length < of.candidates ? `The newest ${of.examples.length}` : 'Which'}</summary>
      <Table fz="sm" aria-label={`Left out: ${of.reason.replaceAll('_', ' ')}`}>
        <Table.Tbody>
          {of.examples.map((row, index) => (
            <Table.Tr key={index}>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>
                {row.id ? (
                  <Anchor component={Link} href={address(`/conversions/${id}/why`, { row: row.id })} size="sm">
                    {row.id}
                  </Anchor>
                ) : (
                  'without an id'
                )}
              </Table.Td>
              <Table.Td>
                <Ago time={row.created} />
              </Table.Td>
              <Table.Td className="number">
                {money(row.value)} {row.value == null ? '' : row.currency}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </details>
  );
}
