import { Group, SegmentedControl, Select, Stack, Table, Text, Title } from '@mantine/core';
import { useState, type ReactNode } from 'react';

import { address } from '../api/client';
import { KINDS } from '../conversions/words';
import { STATES } from '../destinations/types';
import { Bars, Days } from '../ui/charts';
import { count, day, money, percent, signed } from '../ui/format';
import { Sparkline, useFew } from '../ui/parts';
import { Changes } from './changes';
import { To } from './links';
import type { Line, Shown } from './types';

/** All conversions on one page: what was counted, why so many, and what became of them. */
export function Report(shown: Shown) {
  const { report, incidents, known } = shown;
  const days = { start: report.start_date, end: report.end_date };
  return (
    <Stack gap="xl">
      <Part title="What was counted" about="Each number leads to the rows that it counts.">
        <Totals lines={report.conversions} days={days} currency={report.currency} />
        <Trend lines={report.conversions} known={known ?? {}} currency={report.currency} />
      </Part>
      <Part
        title="Why so many"
        about={
          'Of each conversion the run that computed the most days at once: what its filter or query let through, less what ' +
          'was left out, is what it counted. Later runs brought late data, refunds and changes of the CRM; together that is what stands there now.'
        }
      >
        <Chains lines={report.conversions} />
      </Part>
      {report.leads.length > 0 && (
        <Part title="Leads by their probability of a deal" about="The newest score of each lead created in these days.">
          <Chances shown={shown} />
        </Part>
      )}
      <Part title="At the ad platforms" about="Where each conversion of these days stands at each destination.">
        <Deliveries shown={shown} />
      </Part>
      <Part title="What changed, and why" about="Every row that came, went or changed in these days.">
        <Changes report={report} />
      </Part>
      <Part title="What waits for a person">
        {incidents.length === 0 && <Text size="sm">Nothing: no incident is open.</Text>}
        {incidents.map((one) => (
          <Text size="sm" key={one.incident_id}>
            {one.detail ?? one.code} {one.fix} <To path="/runs" within>Look at it</To>
          </Text>
        ))}
      </Part>
    </Stack>
  );
}

function Part(props: { title: string; about?: string; children: ReactNode }) {
  return (
    <section>
      <Title order={2}>{props.title}</Title>
      {props.about && (
        <Text size="sm" c="dimmed" maw={760} mb="xs">
          {props.about}
        </Text>
      )}
      {props.children}
    </section>
  );
}

const rowsOf = (id: string, days: { start: string; end: string }) => address(`/conversions/${id}/rows`, days);

function Totals(props: { lines: Line[]; days: { start: string; end: string }; currency: string }) {
  const { few, more } = useFew(props.lines);
  return (
    <>
    <Table.ScrollContainer minWidth={0}>
      <Table aria-label="What was counted">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Conversion</Table.Th>
            <Table.Th className="wide-only">Type</Table.Th>
            <Table.Th className="wide-only">By day</Table.Th>
            <Table.Th className="number">Conversions</Table.Th>
            <Table.Th className="number">Value, {props.currency}</Table.Th>
            <Table.Th className="number wide-only">Refunded, {props.currency}</Table.Th>
            <Table.Th className="number wide-only">Attributed</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {few.map((line) => (
            <Table.Tr key={line.id}>
              <Table.Td>
                <To path={`/conversions/${line.id}`}>{line.name}</To>
              </Table.Td>
              <Table.Td className="wide-only">{KINDS[line.kind] ?? line.kind.replaceAll('_', ' ')}</Table.Td>
              <Table.Td className="wide-only">
                <Sparkline values={line.days.map((one) => one.conversions)} label={`${line.name}, conversions a day`} />
              </Table.Td>
              <Table.Td className="number">
                <To path={rowsOf(line.id, props.days)}>{count(line.totals.conversions)}</To>
              </Table.Td>
              <Table.Td className="number">
                <To path={rowsOf(line.id, props.days)}>{money(line.totals.value)}</To>
              </Table.Td>
              <Table.Td className="number wide-only">{money(line.totals.refunded)}</Table.Td>
              <Table.Td className="number wide-only">{percent(line.totals.attributed_share)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
    {more}
    </>
  );
}

function Trend(props: { lines: Line[]; known: NonNullable<Shown['known']>; currency: string }) {
  const [id, setId] = useState(props.lines[0]?.id ?? '');
  const [measure, setMeasure] = useState<'conversions' | 'value'>('conversions');
  const line = props.lines.find((one) => one.id === id);
  if (!line) return null;
  const known = props.known[id];
  return (
    <>
      <Group justify="space-between" mt="md" mb="xs">
        <Select
          aria-label="Conversion drawn"
          data={props.lines.map(({ id: value, name }) => ({ value, label: name }))}
          value={id}
          onChange={(next) => next && setId(next)}
          allowDeselect={false}
        />
        <SegmentedControl
          size="xs"
          aria-label="What is drawn"
          data={[
            { value: 'conversions', label: 'Conversions' },
            { value: 'value', label: 'Value' },
          ]}
          value={measure}
          onChange={(value) => setMeasure(value as typeof measure)}
        />
      </Group>
      <Days
        label={`${line.name}, ${measure} a day`}
        unit={measure === 'value' ? props.currency : 'conversions'}
        days={line.days.map((one) => ({ date: one.date, value: one[measure] ?? 0 }))}
        {...(known ? { known: known.map((one) => ({ date: one.date, value: one[measure] })) } : {})}
      />
      {known && (
        <Text size="xs" c="dimmed">
          The dots are what was true: this shop was invented, and its generator knew the answers beforehand.
        </Text>
      )}
    </>
  );
}

/** The rows behind each step of a count, counted anew. */
const stepsOf = (id: string, days: { start: string; end: string }) => address(`/conversions/${id}`, { ...days, steps: 1 });

/** One sum a row: read, less what was left out, is what was counted; with what came since, what is there. */
function Chains({ lines }: { lines: Line[] }) {
  const sums = lines.flatMap((line) => (line.counted ? [{ line, counted: line.counted }] : []));
  const { few, more } = useFew(sums);
  if (!sums.length) return <Text size="sm">No run has counted these days yet.</Text>;
  return (
    <>
      <Table.ScrollContainer minWidth={640}>
        <Table aria-label="Why so many">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Conversion</Table.Th>
              <Table.Th className="number">Read</Table.Th>
              <Table.Th className="number">− Duplicates</Table.Th>
              <Table.Th className="number">− Broken</Table.Th>
              <Table.Th className="number">− Refunded</Table.Th>
              <Table.Th className="number">− Other</Table.Th>
              <Table.Th className="number">= Counted</Table.Th>
              <Table.Th className="number">± Since</Table.Th>
              <Table.Th className="number">= Now</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {few.map(({ line, counted }) => (
              <Table.Tr key={line.id}>
                <Table.Td>
                  {line.name}
                  <Text size="xs" c="dimmed">
                    {day(counted.start_date)} to {day(counted.end_date)}
                  </Text>
                </Table.Td>
                {[
                  counted.read,
                  counted.duplicates,
                  counted.broken,
                  counted.refunded,
                  counted.otherwise,
                  counted.counted,
                ].map((value, index) => (
                  <Table.Td className="number" key={index}>
                    <To path={stepsOf(line.id, { start: counted.start_date, end: counted.end_date })}>{count(value)}</To>
                  </Table.Td>
                ))}
                <Table.Td className="number">
                  {signed(counted.since)}
                </Table.Td>
                <Table.Td className="number">
                  <To path={rowsOf(line.id, { start: counted.start_date, end: counted.end_date })}>{count(counted.now)}</To>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {more}
      <Text size="xs" c="dimmed" mt="xs">
        Broken: rows without what every conversion must have. Refunded: in full, where the conversion leaves such rows out; a
        dash where the run did not tell them apart from the others. Other: without an order id, not qualified, or counted before.
      </Text>
    </>
  );
}

function Chances({ shown: { report } }: { shown: Shown }) {
  const ids = [...new Set(report.leads.map(({ conversion }) => conversion))];
  return ids.map((id) => {
    const steps = report.leads.filter(({ conversion }) => conversion === id);
    const [all, qualified] = [sum(steps.map(({ leads }) => leads)), sum(steps.map((one) => one.qualified))];
    const name = report.conversions.find((line) => line.id === id)?.name ?? id;
    return (
      <div key={id}>
        <Text size="sm">
          {name}: <To path={`/scoring/${id}`} within>{count(all)}</To> scored, <To path={`/scoring/${id}`} within>{count(qualified)}</To> of
          them qualified.
        </Text>
        <Bars
          label={`${name}, leads by probability`}
          x="Probability"
          y="Leads"
          names={['qualified', 'not qualified']}
          bars={steps.flatMap((one) => [
            { at: `${one.percent}%`, name: 'qualified', value: one.qualified },
            { at: `${one.percent}%`, name: 'not qualified', value: one.leads - one.qualified },
          ])}
        />
      </div>
    );
  });
}

const sum = (values: number[]): number => values.reduce((before, value) => before + value, 0);

function Deliveries({ shown: { report } }: { shown: Shown }) {
  const { few, more } = useFew(report.deliveries);
  if (!report.deliveries.length) return <Text size="sm">Nothing was sent: no destination sends a conversion yet.</Text>;
  return (
    <>
    <Table.ScrollContainer minWidth={0}>
      <Table aria-label="At the ad platforms">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Destination</Table.Th>
            <Table.Th>Conversion</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th className="number">Conversions</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {few.map((one) => (
            <Table.Tr key={`${one.destination}${one.conversion}${one.state}${one.reason}`}>
              <Table.Td>
                <To path={`/destinations/${one.destination}`}>{one.destination}</To>
              </Table.Td>
              <Table.Td>
                <To path={`/conversions/${one.conversion}`}>{one.conversion}</To>
              </Table.Td>
              <Table.Td>
                {STATES[one.state]?.word ?? one.state}
                {one.reason && (
                  <Text size="xs" c="dimmed">
                    {one.reason.replaceAll('_', ' ')}
                  </Text>
                )}
              </Table.Td>
              <Table.Td className="number">
                <To path={address(`/destinations/${one.destination}/ledger`, { state: one.state })}>{count(one.conversions)}</To>
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
