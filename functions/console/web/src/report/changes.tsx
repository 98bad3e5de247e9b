import { Table, Text } from '@mantine/core';

import { address } from '../api/client';
import type { Api } from '../api/types';
import { CAUSES, CHANGES } from '../conversion/words';
import { count, money, signed } from '../ui/format';
import { useFew } from '../ui/parts';
import { To } from './links';

/** How many rows came, went or changed, by conversion and cause. */
export function Changes({ report }: { report: Api['Report'] }) {
  const { few, more } = useFew(report.changes);
  if (!report.changes.length) return <Text size="sm">Nothing yet: no run has written a row of these days.</Text>;
  const days = { start: report.start_date, end: report.end_date };
  const name = (id: string) => report.conversions.find((line) => line.id === id)?.name ?? id;
  return (
    <>
    <Table.ScrollContainer minWidth={0}>
      <Table aria-label="What changed, and why">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Conversion</Table.Th>
            <Table.Th>What happened</Table.Th>
            <Table.Th className="number">Rows</Table.Th>
            <Table.Th className="number wide-only">Value, by as much</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {few.map((one) => (
            <Table.Tr key={one.conversion + one.change + one.cause}>
              <Table.Td>{name(one.conversion)}</Table.Td>
              <Table.Td>
                {CHANGES[one.change] ?? one.change}: {CAUSES[one.cause] ?? one.cause.replaceAll('_', ' ')}
              </Table.Td>
              <Table.Td className="number">
                <To path={address(`/conversions/${one.conversion}/rows`, days)}>{count(one.rows)}</To>
              </Table.Td>
              <Table.Td className="number wide-only">
                {signed(one.value, money)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
      {more}
    </>
  );
}
