import { Anchor, Group, Table, Text, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';

import { get } from '../api/client';
import type { Api } from '../api/types';
import { bytes, NONE, price } from '../ui/format';
import { NumberBox } from '../ui/number';
import { Failed, Figure, useFew, Waiting } from '../ui/parts';

type Forecasted = Api['Forecasted'];

/** What a month of daily runs costs, as a whole and by conversion, on demand or with reserved slots. */
export function Costs() {
  const [slots, setSlots] = useState<number | null>(null);
  const forecast = useQuery({
    queryKey: ['forecast', slots],
    queryFn: ({ signal }) => get<Forecasted>('/api/forecast', slots === null ? {} : { slots: String(slots) }, signal),
    placeholderData: keepPreviousData,
    staleTime: 300_000,
  });
  return (
    <section>
      <Title order={2} mb="xs">
        What a month costs
      </Title>
      {forecast.isError && <Failed error={forecast.error} retry={() => void forecast.refetch()} />}
      {forecast.isPending && <Waiting rows={3} label="Asking for the price" />}
      {forecast.data && (
        <>
          <Group gap="xl" mb="xs" align="end">
            <Figure name="A month, USD">{price(forecast.data.month_usd)}</Figure>
            <Figure name="Read by a daily run">{bytes(forecast.data.day.bytes)}</Figure>
            <NumberBox
              label="Reserved slots"
              description="0 pays for what is read"
              optional
              min={0}
              max={100000}
              w={180}
              value={slots ?? forecast.data.slots?.slots ?? 0}
              change={setSlots}
            />
          </Group>
          <Text size="sm" c="dimmed" maw={760} mb="sm">
            {forecast.data.text} A forecast by the sizes of your tables; the bill also has what they take to store.
          </Text>
          {forecast.data.conversions.length > 0 && <ByConversion forecast={forecast.data} />}
        </>
      )}
    </section>
  );
}

/** What all share and what each conversion reads by itself: together the whole. */
function ByConversion({ forecast }: { forecast: Forecasted }) {
  const { few, more } = useFew(forecast.conversions);
  const own = forecast.conversions.reduce((sum, one) => sum + (one.bytes ?? 0), 0);
  const shared = forecast.day.bytes == null ? null : forecast.day.bytes - own;
  const month = forecast.day.usd == null || !forecast.day.bytes ? null : (30 * forecast.day.usd) / forecast.day.bytes;
  return (
    <>
      <Table aria-label="Cost by conversion" maw={760}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Conversion</Table.Th>
            <Table.Th className="number">Read a day</Table.Th>
            <Table.Th className="number">A month, USD</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shared != null && (
            <Table.Tr>
              <Table.Td>Shared by all: reading GA4</Table.Td>
              <Table.Td className="number">{bytes(shared)}</Table.Td>
              <Table.Td className="number">{month == null ? NONE : price(shared * month)}</Table.Td>
            </Table.Tr>
          )}
          {few.map((one) => (
            <Table.Tr key={one.conversion}>
              <Table.Td>
                <Anchor component={Link} href={`/conversions/${one.conversion}`} size="sm">
                  {one.conversion}
                </Anchor>
                {one.bytes == null && (
                  <Text size="xs" c="dimmed">
                    {one.text}
                  </Text>
                )}
              </Table.Td>
              <Table.Td className="number">{bytes(one.bytes)}</Table.Td>
              <Table.Td className="number">{price(one.usd_a_month)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {more}
    </>
  );
}
