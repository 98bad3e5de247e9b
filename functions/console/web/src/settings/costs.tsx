import { Anchor, Group, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';

import { get } from '../api/client';
import type { Api } from '../api/types';
import { bytes, price } from '../ui/format';
import { Failed, Figure, useFew, Waiting } from '../ui/parts';

/** What a month of daily runs costs, as a whole and by conversion. */
export function Costs() {
  const forecast = useQuery({
    queryKey: ['forecast'],
    queryFn: ({ signal }) => get<Api['Forecasted']>('/api/forecast', {}, signal),
    staleTime: 300_000,
  });
  const { few, more } = useFew(forecast.data?.conversions ?? []);
  return (
    <section>
      <Title order={2} mb="xs">
        What a month costs
      </Title>
      {forecast.isError && <Failed error={forecast.error} retry={() => void forecast.refetch()} />}
      {forecast.isPending && <Waiting rows={3} label="Asking for the price" />}
      {forecast.data && (
        <>
          <Group gap="xl" mb="xs">
            <Figure name="A month, USD">{price(forecast.data.month_usd)}</Figure>
            <Figure name="Read by a daily run">{bytes(forecast.data.day.bytes)}</Figure>
          </Group>
          <Text size="sm" c="dimmed" maw={760} mb="sm">
            {forecast.data.text}
          </Text>
          {few.length > 0 && (
            <Table aria-label="Cost by conversion" maw={760}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Conversion</Table.Th>
                  <Table.Th className="number">Read a day</Table.Th>
                  <Table.Th className="number">A month, USD</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {few.map((one) => (
                  <Table.Tr key={one.conversion}>
                    <Table.Td>
                      <Anchor component={Link} href={`/conversions/${one.conversion}`} size="sm">
                        {one.conversion}
                      </Anchor>
                    </Table.Td>
                    <Table.Td className="number">{bytes(one.bytes)}</Table.Td>
                    <Table.Td className="number">{price(one.usd_a_month)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
          {more}
        </>
      )}
    </section>
  );
}
