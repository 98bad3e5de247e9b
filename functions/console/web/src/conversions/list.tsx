import {
  Alert,
  Anchor,
  Badge,
  Button,
  Group,
  List,
  Select,
  Table,
  Text,
  TextInput,
} from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';

import { address } from '../api/client';
import { useConversions, useIncidents } from '../api/queries';
import type { Incident, Row, RowPage } from '../api/types';
import { Act, useRefusal } from '../ui/act';
import { count, day, money, NONE, plural } from '../ui/format';
import { useShortcuts } from '../ui/keys';
import { Ago, Empty, Failed, Head, More, Sparkline, Waiting } from '../ui/parts';
import { useKindNames } from '../editor/kinds';
import { sentenceOf } from '../runs/sentence';
import { Subject } from '../runs/subject';
import { attention, HEALTH } from './words';

/** All conversions: what they counted in 30 days, how they are, and what needs an eye on top. */
export function Conversions() {
  const [search, setSearch] = useState('');
  const [kind, setKind] = useState('');
  const [status, setStatus] = useState('active');
  const kinds = useKindNames();
  const [wanted] = useDebouncedValue(search, 250);
  const [, navigate] = useLocation();
  const box = useRef<HTMLInputElement>(null);
  const refusal = useRefusal('edit');
  useShortcuts({ '/': () => box.current?.focus(), n: () => refusal || navigate('/new') });

  const list = useConversions({ search: wanted, kind, status, sort: '' });
  const pages = list.data?.pages;
  const rows = pages?.flatMap((page) => page.conversions) ?? [];
  const first = pages?.[0];
  const filtered = Boolean(wanted || kind || status !== 'active');
  return (
    <>
      <Head
        title="Conversions"
        under={first?.start_date ? `${day(first.start_date)} to ${day(first.end_date)}, all complete days` : undefined}
      >
        <Act needs="edit" href="/new">
          + Add
        </Act>
      </Head>
      {first && <Attention first={first} rows={rows} />}
      <Group mb="sm" gap="xs">
        <TextInput
          ref={box}
          aria-label="Search conversions"
          placeholder="Search by name or id"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          flex="1 1 220px"
          maw={360}
        />
        <Select
          aria-label="Type"
          data={[{ value: '', label: 'All types' }, ...Object.entries(kinds).map(([value, label]) => ({ value, label }))]}
          value={kind}
          onChange={(value) => setKind(value ?? '')}
          allowDeselect={false}
          w={150}
        />
        <Select
          aria-label="Status"
          data={[
            { value: 'active', label: 'Active' },
            { value: 'archived', label: 'Archived' },
          ]}
          value={status}
          onChange={(value) => setStatus(value ?? 'active')}
          allowDeselect={false}
          w={120}
        />
      </Group>
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Waiting label="Loading the conversions" />}
      {first && rows.length > 0 && <Rows rows={rows} currency={first.currency} />}
      {first && rows.length > 0 && first.total > rows.length && (
        <More
          shown={rows.length}
          of={first.total}
          next={list.hasNextPage ? () => void list.fetchNextPage() : undefined}
          loading={list.isFetchingNextPage}
        />
      )}
      {first && rows.length === 0 && !list.isPlaceholderData && (filtered ? <Nothing clear={clear} /> : <Start />)}
    </>
  );

  function clear() {
    setSearch('');
    setKind('');
    setStatus('active');
  }
}

function Rows(props: { rows: Row[]; currency: string }) {
  return (
    <Table.ScrollContainer minWidth={0}>
      <Table highlightOnHover aria-label="Conversions">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th className="wide-only">Type</Table.Th>
            <Table.Th>30 days</Table.Th>
            <Table.Th className="number">Conversions</Table.Th>
            <Table.Th className="number wide-only">Value, {props.currency}</Table.Th>
            <Table.Th className="wide-only">Health</Table.Th>
            <Table.Th className="wide-only">Last run</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {props.rows.map((row) => (
            <OneRow key={row.id} row={row} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function OneRow({ row }: { row: Row }) {
  const kinds = useKindNames();
  const values = row.trend.map((one) => one.conversions);
  // the days that the figure counts: the rows themselves begin with those of today
  const counted = { start: row.trend[0]?.date ?? '', end: row.trend.at(-1)?.date ?? '' };
  return (
    <Table.Tr className="linked">
      <Table.Td>
        <Link href={`/conversions/${row.id}`} className="row-link">
          {row.name}
        </Link>
        <Text size="xs" c="dimmed" className="clip" maw={260}>
          {row.id}
        </Text>
        <span className="narrow-only">
          <HealthBadge row={row} />
        </span>
      </Table.Td>
      <Table.Td className="wide-only">{kinds[row.kind] ?? row.kind}</Table.Td>
      <Table.Td>
        {values.length > 0 ? (
          <Sparkline
            values={values}
            width={88}
            label={`Conversions a day, between ${Math.min(...values)} and ${Math.max(...values)}`}
          />
        ) : (
          NONE
        )}
      </Table.Td>
      <Table.Td className="number">
        <Anchor component={Link} href={address(`/conversions/${row.id}/rows`, counted)} inherit className="above" aria-label={`${count(row.conversions)} rows of ${row.name}`}>
          {count(row.conversions)}
        </Anchor>
      </Table.Td>
      <Table.Td className="number wide-only" title={row.value == null ? 'Has no value' : String(row.value)}>
        {money(row.value)}
      </Table.Td>
      <Table.Td className="wide-only">
        <HealthBadge row={row} />
      </Table.Td>
      <Table.Td className="wide-only" style={{ position: 'relative' }}>
        <Ago time={row.last_run?.recorded_at} />
      </Table.Td>
    </Table.Tr>
  );
}

export function HealthBadge({ row }: { row: Pick<Row, 'health'> }) {
  const state = HEALTH[row.health];
  return (
    <Badge variant="light" color={state.color} leftSection={<span aria-hidden>{state.icon}</span>}>
      {state.word}
    </Badge>
  );
}

/** What a person should look at first, in words; nothing when all is well. */
function Attention({ first, rows }: { first: RowPage; rows: Row[] }) {
  const incidents = useIncidents({ state: 'open', limit: 20 });
  const open = newest(incidents.data?.incidents ?? []);
  const unwell = first.attention;
  const all = first.attention_total + open.length;
  if (incidents.isError) return <Failed error={incidents.error} retry={() => void incidents.refetch()} title="What waits for a person is not known" />;
  if (!all) return null;
  const shown = 4;
  const rest = all - Math.min(shown, unwell.length + open.length);
  return (
    <Alert color="orange" variant="light" mb="md" title={`${plural(all, 'thing')} to look at today`}>
      <List size="sm" spacing={4}>
        {unwell.slice(0, shown).map((one) => (
          <List.Item key={one.id}>
            <Anchor component={Link} href={`/conversions/${one.id}`} size="sm" underline="always">
              {one.name}
            </Anchor>{' '}
            {attention(one)}
          </List.Item>
        ))}
        {open.slice(0, Math.max(0, shown - unwell.length)).map((incident) => (
          <List.Item key={incident.incident_id}>
            <Subject incident={incident} name={rows.find(({ id }) => id === incident.conversion)?.name} />
            {incident.conversion && ': '}
            {sentenceOf(incident)}
          </List.Item>
        ))}
      </List>
      {rest > 0 && (
        <Anchor component={Link} href="/runs" size="sm" underline="always" mt={4} display="inline-block">
          {rest} more
        </Anchor>
      )}
    </Alert>
  );
}

/** One of each kind: the newest, of those that are no mere remark. */
function newest(incidents: Incident[]): Incident[] {
  const seen = new Set<string>();
  return incidents.filter((one) => {
    const key = `${one.code} ${one.conversion}`;
    return one.severity !== 'info' && !seen.has(key) && Boolean(seen.add(key));
  });
}

function Nothing({ clear }: { clear: () => void }) {
  return (
    <Empty
      title="Nothing found"
      action={
        <Button variant="default" onClick={clear}>
          Clear search and filters
        </Button>
      }
    >
      No conversion fits what you search for.
    </Empty>
  );
}

function Start() {
  return (
    <Empty
      title="No conversion yet"
      action={
        <Act needs="edit" href="/new">
          + Add a conversion
        </Act>
      }
    >
      A conversion is something worth counting: a purchase, a lead, a deal in your CRM. Choose what
      counts, see at once what it would have counted, and save it.
    </Empty>
  );
}
