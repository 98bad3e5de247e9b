import { Badge, Button, Group, Modal, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import { post } from '../api/client';
import type { Api } from '../api/types';
import type { Definition } from '../api/definitions';
import { count, day, money, plural } from '../ui/format';
import { Failed, Waiting } from '../ui/parts';
import { changes } from '../versions/compare';
import { Fields } from '../versions/fields';
import { sent } from './draft';

type Count = Api['DiffCount'];
type Diff = Api['Diff'];
const SHOWN = 50;
/** Fields that no row depends on. */
const WORDS = new Set(['name', 'description']);
const COLORS: Record<string, string> = { added: 'teal', removed: 'red', changed: 'blue' };
const SIGNS: Record<string, string> = { added: '+', removed: '−', changed: '~' };

/** What saving would change: fields, and rows of the last 30 days with the reason of each. */
export function Review(props: {
  opened: boolean;
  close: () => void;
  live: Definition;
  draft: Definition;
  save: () => void;
  saving: boolean;
}) {
  const definition = sent(props.draft);
  const scored = definition.kind === 'lead_scoring';
  const onlyWords = changes(props.live, definition).every(({ path }) => WORDS.has(path));
  const compares = !scored && !onlyWords;
  const diff = useQuery({
    queryKey: ['diff', definition],
    queryFn: ({ signal }) => post<Diff>('/api/conversions:diff', { definition, limit: SHOWN }, { signal }),
    enabled: props.opened && compares,
    staleTime: 60_000,
    retry: false,
  });
  return (
    <Modal opened={props.opened} onClose={props.close} size="xl" title={`Changes of ${props.live.name}`}>
      <Stack>
        <Fields before={props.live} after={definition} />
        {scored && !onlyWords && <Text size="sm">The rows change with the next run, when leads are scored by the new rules.</Text>}
        {onlyWords && <Text size="sm">No row changes: only words do.</Text>}
        {diff.isPending && compares && <Waiting rows={3} label="Comparing with the live version" />}
        {diff.isError && <Failed error={diff.error} retry={() => void diff.refetch()} title="The rows could not be compared" />}
        {diff.data && <Rows diff={diff.data} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={props.close}>
            Keep editing
          </Button>
          <Button onClick={props.save} loading={props.saving}>
            Save
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Rows({ diff }: { diff: Diff }) {
  const total = diff.added.rows + diff.removed.rows + diff.changed.rows;
  return (
    <Stack gap="xs">
      <Text size="sm">
        {day(diff.start_date)} to {day(diff.end_date)}: {count(diff.same)} rows stay as they are
        {(['added', 'removed', 'changed'] as const)
          .filter((which) => diff[which].rows > 0)
          .map((which) => `, ${count(diff[which].rows)} ${which}${worth(diff[which], diff.currency)}`)
          .join('')}
        .
      </Text>
      {diff.rows.length > 0 && (
        <Table.ScrollContainer minWidth={0} maxHeight={340} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
          <Table stickyHeader fz="sm" aria-label="Rows that change">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Change</Table.Th>
                <Table.Th>Row</Table.Th>
                <Table.Th className="number">Before</Table.Th>
                <Table.Th className="number">After</Table.Th>
                <Table.Th>Why</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {diff.rows.map((row) => (
                <Table.Tr key={row.id + row.created + row.change}>
                  <Table.Td>
                    <Badge variant="light" color={COLORS[row.change] ?? 'gray'} leftSection={SIGNS[row.change]}>
                      {row.change}
                    </Badge>
                  </Table.Td>
                  <Table.Td>{row.id}</Table.Td>
                  <Table.Td className="number">{money(row.live_value)}</Table.Td>
                  <Table.Td className="number">{money(row.draft_value)}</Table.Td>
                  <Table.Td>{row.why}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {total > diff.rows.length && (
        <Text size="xs" c="dimmed">
          {diff.rows.length} of {plural(total, 'changed row')} shown.
        </Text>
      )}
    </Stack>
  );
}

function worth(part: Count, currency: string): string {
  if (part.live_value == null && part.draft_value == null) return '';
  const change = (part.draft_value ?? 0) - (part.live_value ?? 0);
  return ` (${change >= 0 ? '+' : '−'}${money(Math.abs(change))} ${currency})`;
}
