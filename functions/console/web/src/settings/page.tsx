import { Anchor, Badge, Button, Code, CopyButton, Group, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';

import { get } from '../api/client';
import type { Api } from '../api/types';
import { bytes, count, day, decimal, NONE } from '../ui/format';
import { Ago, Failed, Figure, Head, useFew, Waiting } from '../ui/parts';
import { Costs } from './costs';

type Settings = Api['Configuration'];
type Freshness = Api['Freshness'];

const STATES: Record<string, { word: string; sign: string; color: string }> = {
  fresh: { word: 'Fresh', sign: '✓', color: 'teal' },
  late: { word: 'Late', sign: '◷', color: 'orange' },
  missing: { word: 'Missing', sign: '✕', color: 'red' },
  empty: { word: 'Empty', sign: '○', color: 'orange' },
  unknown: { word: 'Unknown', sign: '?', color: 'gray' },
};

/** What the product runs with, how fresh its sources are, and what is still to be granted. */
export function SettingsPage() {
  const settings = useQuery({
    queryKey: ['settings'],
    queryFn: ({ signal }) => get<Settings>('/api/settings', {}, signal),
  });
  return (
    <>
      <Head title="Settings" under="Set by the deployment (Terraform); here to be read and copied." />
      {settings.isError && <Failed error={settings.error} retry={() => void settings.refetch()} />}
      {settings.isPending && <Waiting label="Loading the settings" />}
      {settings.data && <Shown settings={settings.data} />}
    </>
  );
}

function Shown({ settings }: { settings: Settings }) {
  return (
    <Stack gap="xl">
      <Group gap="xl" align="flex-start">
        <Figure name="Project">{settings.project}</Figure>
        <Figure name="Dataset" note={settings.location}>
          {settings.dataset}
        </Figure>
        <Figure name="Time zone" note={`last complete day: ${day(settings.yesterday)}`}>
          {settings.timezone}
        </Figure>
        <Figure
          name="Currency"
          note={settings.rates_table ? `rates of ${settings.rates_table}` : 'no table of rates: only values in this currency count'}
        >
          {settings.currency}
        </Figure>
        <Figure name="A query may read" note={`at ${decimal(settings.price_per_tebibyte)} USD a TiB`}>
          {bytes(settings.maximum_bytes_billed)}
        </Figure>
      </Group>
      <Sources />
      <Costs />
      {settings.grants.length > 0 && (
        <section>
          <Title order={2} mb="xs">
            Access to grant
          </Title>
          <Text size="sm" c="dimmed" mb="sm" maw={720}>
            Where a source lies in another project, its owner runs these commands once.
          </Text>
          <Stack gap="sm">
            {settings.grants.map((grant, index) => (
              <div key={index}>
                <Text size="sm" mb={4}>
                  {grant.role} on {grant.on} for {grant.account}
                </Text>
                <Group gap="xs" align="flex-start">
                  <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', flex: '1 1 280px' }}>
                    {grant.command}
                  </Code>
                  <CopyButton value={grant.command}>
                    {({ copied, copy }) => (
                      <Button size="xs" variant="default" onClick={copy}>
                        {copied ? 'Copied' : 'Copy'}
                      </Button>
                    )}
                  </CopyButton>
                </Group>
              </div>
            ))}
          </Stack>
        </section>
      )}
    </Stack>
  );
}

function Properties({ properties }: { properties: Freshness['properties'] }) {
  return (
    <section>
      <Title order={2} mb="xs">
        GA4 properties
      </Title>
      {properties.length === 0 ? (
        <Text size="sm">None is named. Name the export's datasets in the setting ga4_datasets.</Text>
      ) : (
        <Table aria-label="GA4 properties" maw={760}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Dataset</Table.Th>
              <Table.Th>Newest day</Table.Th>
              <Table.Th className="number">Days</Table.Th>
              <Table.Th>State</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {properties.map((one) => (
              <Table.Tr key={one.dataset}>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{one.dataset}</Table.Td>
                <Table.Td>{one.newest_day ? day(one.newest_day) : NONE}</Table.Td>
                <Table.Td className="number">{count(one.days)}</Table.Td>
                <Table.Td>
                  <State state={one.state} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </section>
  );
}

/** GA4 and every other table that conversions read. */
function Sources() {
  const freshness = useQuery({
    queryKey: ['freshness'],
    queryFn: ({ signal }) => get<Freshness>('/api/freshness', {}, signal),
  });
  const { few, more } = useFew(freshness.data?.sources ?? []);
  return (
    <>
      {freshness.data && <Properties properties={freshness.data.properties} />}
    <section>
      <Title order={2} mb="xs">
        Tables that conversions read
      </Title>
      {freshness.isError && <Failed error={freshness.error} retry={() => void freshness.refetch()} />}
      {freshness.isPending && <Waiting rows={3} label="Asking how fresh the sources are" />}
      {freshness.data && freshness.data.sources.length === 0 && <Text size="sm">No conversion reads a table yet.</Text>}
      {freshness.data && freshness.data.sources.length > 0 && (
        <Table.ScrollContainer minWidth={0}>
          <Table aria-label="Sources">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Table</Table.Th>
                <Table.Th>State</Table.Th>
                <Table.Th>Changed</Table.Th>
                <Table.Th className="wide-only">Read by</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {few.map((one) => (
                <Table.Tr key={one.table}>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{one.table}</Table.Td>
                  <Table.Td>
                    <State state={one.state} />
                  </Table.Td>
                  <Table.Td>
                    <Ago time={one.changed_at} />
                  </Table.Td>
                  <Table.Td className="wide-only">
                    {one.read_by.map((id, index) => (
                      <span key={id}>
                        {index > 0 && ', '}
                        <Anchor component={Link} href={`/conversions/${id}`} size="sm">
                          {id}
                        </Anchor>
                      </span>
                    ))}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {more}
    </section>
    </>
  );
}

function State({ state }: { state: string | undefined }) {
  const known = STATES[state ?? 'unknown'] ?? { word: state ?? '', sign: '·', color: 'gray' };
  return (
    <Badge variant="light" color={known.color} leftSection={<span aria-hidden>{known.sign}</span>}>
      {known.word}
    </Badge>
  );
}
