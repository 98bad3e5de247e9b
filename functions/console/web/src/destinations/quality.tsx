import { Stack, Table, Text, Title } from '@mantine/core';
import { queryOptions, useQuery } from '@tanstack/react-query';

import { get } from '../api/client';
import type { Export } from '../api/types';
import { count, day, decimal } from '../ui/format';
import { Failed, useFew, Waiting } from '../ui/parts';

type Report = Export['Report'];
const DAYS = 30;

/** What became of the last days' rows, and what the platform says of them. */
export const reported = (id: string) =>
  queryOptions({
    queryKey: ['delivery-report', id],
    queryFn: ({ signal }) => get<Report>(`/export-preview/destinations/${id}/report`, lately(), signal),
  });

/** Day by day what was sent and what became of it, and what the platform itself says of its quality. */
export function Quality({ id }: { id: string }) {
  const report = useQuery(reported(id));
  if (report.isError) return <Failed error={report.error} retry={() => void report.refetch()} />;
  if (!report.data) return <Waiting rows={3} label="Loading what became of it" />;
  const { days, diagnoses } = report.data;
  return (
    <Stack gap="xl">
      <section>
        <Title order={2} mb="xs">
          Sent in {DAYS} days
        </Title>
        {days.length === 0 ? <Text size="sm">Nothing was sent in these days.</Text> : <Days days={days} />}
      </section>
      <section>
        <Title order={2} mb="xs">
          What the platform says of it
        </Title>
        {diagnoses.length === 0 ? (
          <Text size="sm">
            Nothing yet. Platforms that tell the quality of what they got, or the size of a list, are asked once a day.
          </Text>
        ) : (
          <Diagnoses diagnoses={diagnoses} />
        )}
      </section>
    </Stack>
  );
}

function Days({ days }: { days: Report['days'] }) {
  const { few, more } = useFew(days);
  return (
    <>
    <Table.ScrollContainer minWidth={0}>
      <Table aria-label="Days of sending">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Day</Table.Th>
            <Table.Th>Conversion</Table.Th>
            <Table.Th className="number">Sent</Table.Th>
            <Table.Th className="number">Accepted</Table.Th>
            <Table.Th className="number">Refused</Table.Th>
            <Table.Th className="number wide-only">Refused later</Table.Th>
            <Table.Th className="number wide-only">In doubt</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {few.map((one) => (
            <Table.Tr key={one.date + one.conversion}>
              <Table.Td>{day(one.date)}</Table.Td>
              <Table.Td>{one.conversion}</Table.Td>
              <Table.Td className="number">{count(one.sent)}</Table.Td>
              <Table.Td className="number">{count(one.accepted)}</Table.Td>
              <Table.Td className="number">{count(one.refused)}</Table.Td>
              <Table.Td className="number wide-only" title={reasons(one.refused_later)}>
                {count(one.failed_later)}
              </Table.Td>
              <Table.Td className="number wide-only">{count(one.in_doubt)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
      {more}
    </>
  );
}

function Diagnoses({ diagnoses }: { diagnoses: Report['diagnoses'] }) {
  const { few, more } = useFew(diagnoses);
  return (
    <>
    <Table.ScrollContainer minWidth={0}>
      <Table aria-label="What the platform says" maw={760}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Day</Table.Th>
            <Table.Th>Conversion</Table.Th>
            <Table.Th>Measure</Table.Th>
            <Table.Th className="number">Says</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {few.flatMap((one) =>
            Object.entries(one.measures).map(([measure, value]) => (
              <Table.Tr key={one.date + one.conversion + measure}>
                <Table.Td>{day(one.date)}</Table.Td>
                <Table.Td>{one.conversion || 'the whole account'}</Table.Td>
                <Table.Td>{named(measure)}</Table.Td>
                <Table.Td className="number">{written(measure, value)}</Table.Td>
              </Table.Tr>
            )),
          )}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
      {more}
    </>
  );
}

/** "coverage_email" as Coverage: email. */
function named(measure: string): string {
  const words = measure.replace(/^coverage_/, 'coverage: ').replaceAll('_', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

/** Meta's match quality is of ten, its coverage in percent. */
function written(measure: string, value: number): string {
  if (measure === 'event_match_quality') return `${decimal(value)} of 10`;
  return measure.startsWith('coverage_') || measure === 'match_rate' ? `${decimal(value)}%` : decimal(value);
}

const reasons = (later: Record<string, number>): string =>
  Object.entries(later)
    .map(([reason, rows]) => `${reason.replaceAll('_', ' ')}: ${count(rows)}`)
    .join(', ');

function lately(): Record<string, string> {
  const end = new Date();
  const start = new Date(end.getTime() - (DAYS - 1) * 86_400_000);
  return { start_date: start.toISOString().slice(0, 10), end_date: end.toISOString().slice(0, 10) };
}
