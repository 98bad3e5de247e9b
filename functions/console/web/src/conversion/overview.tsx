import { Anchor, Group, SegmentedControl, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Link } from 'wouter';

import { address, get } from '../api/client';
import type { Api } from '../api/types';
import { Days } from '../ui/charts';
import { count, day, money, NONE, percent } from '../ui/format';
import { Empty, Failed, Figure, Waiting } from '../ui/parts';
import { Steps } from './steps';
import type { Figures, Statistics } from './types';

type Measure = 'conversions' | 'value' | 'refunded';
const SPANS = { '30': '30 days', '90': '90 days', '365': 'A year' };

/** Totals, the trend by day, channels and countries. */
export function Overview({ id, definition }: { id: string; definition: object | null }) {
  const [span, setSpan] = useState('30');
  const [measure, setMeasure] = useState<Measure>('conversions');
  const window = windowOf(Number(span));
  const statistics = useQuery({
    queryKey: ['statistics', id, span],
    queryFn: ({ signal }) => get<Statistics>(`/api/conversions/${id}/statistics`, window, signal),
    placeholderData: keepPreviousData,
  });
  if (statistics.isError) return <Failed error={statistics.error} retry={() => void statistics.refetch()} />;
  if (!statistics.data) return <Waiting rows={4} height={64} label="Counting" />;
  const { totals, days, currency } = statistics.data;
  if (!days.length) {
    return (
      <>
        <Empty title="Nothing counted in these days">
          Either it has not run yet, or nothing fits. Under “Why, why not” you can ask for one order or lead.
        </Empty>
        {definition && <Steps id={id} definition={definition} />}
      </>
    );
  }
  return (
    <Stack gap="xl">
      <Group gap="xl" align="flex-start">
        <Figure name="Conversions">
          <RowsOf id={id} asked={{ start: statistics.data.start_date, end: statistics.data.end_date }}>
            {count(totals.conversions)}
          </RowsOf>
        </Figure>
        <Figure name={`Value, ${currency}`}>
          <RowsOf id={id} asked={{ start: statistics.data.start_date, end: statistics.data.end_date }}>
            {money(totals.value)}
          </RowsOf>
        </Figure>
        {totals.refunded != null && <Figure name={`Refunded, ${currency}`}>{money(totals.refunded)}</Figure>}
        {totals.qualified != null && totals.qualified !== totals.conversions && (
          <Figure name="Qualified">{count(totals.qualified)}</Figure>
        )}
        <Figure name="Attributed" note="tied to a visit of the website">
          {percent(totals.attributed_share)}
        </Figure>
      </Group>
      <section>
        <Group justify="space-between" mb="xs">
          <SegmentedControl
            size="xs"
            aria-label="What is drawn"
            data={[
              { value: 'conversions', label: 'Conversions' },
              { value: 'value', label: 'Value' },
              ...(totals.refunded != null ? [{ value: 'refunded', label: 'Refunded' }] : []),
            ]}
            value={measure}
            onChange={(value) => setMeasure(value as Measure)}
          />
          <SegmentedControl
            size="xs"
            aria-label="Days"
            data={Object.entries(SPANS).map(([value, label]) => ({ value, label }))}
            value={span}
            onChange={setSpan}
          />
        </Group>
        <Days
          label={`${measure} a day, ${day(statistics.data.start_date)} to ${day(statistics.data.end_date)}`}
          unit={measure === 'conversions' ? 'conversions' : currency}
          days={filled(statistics.data).map((one) => ({ date: one.date, value: one[measure] ?? 0 }))}
        />
        <details>
          <summary>As a table</summary>
          <DayTable id={id} statistics={statistics.data} />
        </details>
      </section>
      {definition && <Steps id={id} definition={definition} />}
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="xl">
        <Breakdown id={id} window={window} span={span} by="channel" title="Channels" currency={currency} />
        <Breakdown id={id} window={window} span={span} by="country" title="Countries" currency={currency} />
      </SimpleGrid>
    </Stack>
  );
}

type Part = Partial<Api['Channel'] & Api['Country']>;
const SHOWN = 8;

function Breakdown(props: {
  id: string;
  window: Record<string, string>;
  span: string;
  by: 'channel' | 'country';
  title: string;
  currency: string;
}) {
  const [all, setAll] = useState(false);
  const parts = useQuery({
    queryKey: ['by', props.by, props.id, props.span],
    queryFn: ({ signal }) =>
      get<{ channels?: Part[]; countries?: Part[]; start_date: string; end_date: string }>(`/api/conversions/${props.id}/by-${props.by}`, props.window, signal),
    placeholderData: keepPreviousData,
    retry: false,
  });
  if (parts.isError) return <Failed error={parts.error} retry={() => void parts.refetch()} />;
  if (!parts.data) return <Waiting rows={4} label={`Counting ${props.title.toLowerCase()}`} />;
  const rows = parts.data.channels ?? parts.data.countries ?? [];
  const qualified = rows.some((part) => part.qualified != null && part.qualified !== part.conversions);
  const days = { start: parts.data.start_date, end: parts.data.end_date };
  return (
    <section>
      <Title order={2} mb="xs">
        {props.title}
      </Title>
      {rows.length === 0 && <Text size="sm">None is known for these days.</Text>}
      <Table aria-label={props.title}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{props.by === 'channel' ? 'Source / medium' : 'Country'}</Table.Th>
            <Table.Th className="number">Conversions</Table.Th>
            {qualified && <Table.Th className="number">Qualified</Table.Th>}
            <Table.Th className="number">Value, {props.currency}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.slice(0, all ? 200 : SHOWN).map((part, index) => (
            <Table.Tr key={index}>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{named(part)}</Table.Td>
              <Table.Td className="number">
                <RowsOf id={props.id} asked={rowsOf(part) && { ...rowsOf(part), ...days }}>
                  {count(part.conversions)}
                </RowsOf>
              </Table.Td>
              {qualified && <Table.Td className="number">{count(part.qualified)}</Table.Td>}
              <Table.Td className="number">
                <RowsOf id={props.id} asked={rowsOf(part) && { ...rowsOf(part), ...days }}>
                  {money(part.value)}
                </RowsOf>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {rows.length > SHOWN && (
        <Anchor component="button" type="button" size="sm" onClick={() => setAll(!all)} mt="xs">
          {all ? 'Fewer' : `All ${rows.length}`}
        </Anchor>
      )}
    </section>
  );
}

/** A figure that leads to the rows that it counts; only a figure where they cannot be asked for. */
function RowsOf(props: { id: string; asked: Record<string, string> | null; children: ReactNode }) {
  if (!props.asked) return props.children;
  return (
    <Anchor component={Link} href={address(`/conversions/${props.id}/rows`, props.asked)} inherit>
      {props.children}
    </Anchor>
  );
}

function rowsOf(part: Part): Record<string, string> | null {
  if (part.country !== undefined) return part.country ? { by: 'country', is: part.country } : null;
  return part.source && part.medium ? { by: 'source', is: part.source, medium: part.medium } : null;
}

const named = (part: Part): string =>
  part.country !== undefined
    ? part.country || '(unknown)'
    : part.source
      ? part.source === part.medium
        ? part.source
        : `${part.source} / ${part.medium ?? NONE}`
      : (part.platform ?? '(not attributed)');

function DayTable({ id, statistics }: { id: string; statistics: Statistics }) {
  return (
    <Table.ScrollContainer minWidth={0} maxHeight={300} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table stickyHeader aria-label="Days">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Day</Table.Th>
            <Table.Th className="number">Conversions</Table.Th>
            <Table.Th className="number">Value, {statistics.currency}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {[...statistics.days].reverse().map((one) => (
            <Table.Tr key={one.date}>
              <Table.Td>{day(one.date)}</Table.Td>
              <Table.Td className="number">
                <RowsOf id={id} asked={{ start: one.date, end: one.date }}>
                  {count(one.conversions)}
                </RowsOf>
              </Table.Td>
              <Table.Td className="number">
                <RowsOf id={id} asked={{ start: one.date, end: one.date }}>
                  {money(one.value)}
                </RowsOf>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {!statistics.days.length && <Text c="dimmed">No day has any.</Text>}
    </Table.ScrollContainer>
  );
}

/** About so many days; the API ends them with yesterday, because it knows the project's time zone. */
function windowOf(days: number): Record<string, string> {
  if (days === 30) return {};
  return { start_date: new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10) };
}

/** Every day of the window; those that the answer leaves out had none. */
function filled(statistics: Statistics): (Partial<Figures> & { date: string })[] {
  const known = new Map(statistics.days.map((one) => [one.date, one]));
  const days = [];
  const end = new Date(`${statistics.end_date}T00:00:00Z`);
  for (let at = new Date(`${statistics.start_date}T00:00:00Z`); at <= end; at.setUTCDate(at.getUTCDate() + 1)) {
    const date = at.toISOString().slice(0, 10);
    days.push(known.get(date) ?? { date });
  }
  return days;
}
