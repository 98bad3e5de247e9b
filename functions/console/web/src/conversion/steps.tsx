import { Button, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { post } from '../api/client';
import type { Api } from '../api/types';
import { useRefusal } from '../ui/act';
import { count, day } from '../ui/format';
import { Failed, Waiting } from '../ui/parts';

type Backtest = Api['Backtest'];

/** From everything that was read to what counts: each step that left something out, and how much. */
export function Steps({ definition }: { definition: object }) {
  const [asked, setAsked] = useState(false);
  const refusal = useRefusal('edit');
  const counted = useQuery({
    queryKey: ['backtest', definition],
    queryFn: ({ signal }) => post<Backtest>('/api/conversions:backtest', { definition }, { signal }),
    enabled: asked,
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
            Counts the last 30 days anew and tells what each step left out.
          </Text>
          <Button size="xs" variant="default" onClick={() => setAsked(true)}>
            Count step by step
          </Button>
        </Stack>
      )}
      {counted.isFetching && !counted.data && <Waiting rows={3} label="Counting step by step" />}
      {counted.isError && <Failed error={counted.error} retry={() => void counted.refetch()} />}
      {counted.data && <Walk counted={counted.data} />}
    </section>
  );
}

function Walk({ counted }: { counted: Backtest }) {
  const { totals } = counted;
  return (
    <>
      <Text size="sm" c="dimmed">
        {day(counted.start_date)} to {day(counted.end_date)}, as it would be counted now
      </Text>
      <Table aria-label="Steps of the count" maw={560}>
        <Table.Tbody>
          <Table.Tr>
            <Table.Td>Read: what the filter and the source let through</Table.Td>
            <Table.Td className="number">{count(totals.conversions + totals.left_out)}</Table.Td>
          </Table.Tr>
          {counted.left_out.map((one) => (
            <Table.Tr key={one.reason}>
              <Table.Td>{one.text}</Table.Td>
              <Table.Td className="number">−{count(one.candidates)}</Table.Td>
            </Table.Tr>
          ))}
          <Table.Tr fw={600}>
            <Table.Td>Counted</Table.Td>
            <Table.Td className="number">{count(totals.conversions)}</Table.Td>
          </Table.Tr>
        </Table.Tbody>
      </Table>
    </>
  );
}
