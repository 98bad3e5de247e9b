import { Button, Checkbox, Group, Modal, MultiSelect, Stack, Table, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';

import { client, post } from '../api/client';
import { once, useOnce } from '../api/once';
import { useAllConversions } from '../api/queries';
import { bytes, plural, price } from '../ui/format';
import { Failed, Figure, useFew, Waiting } from '../ui/parts';
import type { Plan } from './types';

/** Days long past computed again; its price stands there before it starts. */
export function Backfill(props: { opened: boolean; close: () => void }) {
  const [, navigate] = useLocation();
  const [ids, setIds] = useState<string[]>([]);
  const [start, setStart] = useState('');
  const [end, setEnd] = useState('');
  const [force, setForce] = useState(false);
  const list = useAllConversions();
  const rows = list.data?.conversions ?? [];
  const asked = { conversions: ids, start_date: start, end_date: end || null, force };
  const plan = useQuery({
    queryKey: ['backfill', asked],
    queryFn: ({ signal }) => post<Plan>('/api/backfills', { ...asked, dry: true }, { signal }),
    enabled: props.opened && ids.length > 0 && start !== '',
    retry: false,
  });
  const { key, renew } = useOnce(asked);
  const run = useMutation({
    mutationFn: () => post<Plan>('/api/backfills', asked, once(key)),
    onSuccess: async (started) => {
      renew();
      props.close();
      void client.invalidateQueries({ queryKey: ['runs'] });
      navigate(`/runs/${started.run_id}`);
    },
  });
  return (
    <Modal opened={props.opened} onClose={props.close} size="lg" title="Compute days long past">
      <Stack>
        <MultiSelect
          label="Conversions"
          description="What they are made of is computed with them."
          data={rows.map(({ id, name }) => ({ value: id, label: name }))}
          value={ids}
          onChange={setIds}
          searchable
          limit={100}
          placeholder={ids.length ? '' : 'Choose'}
        />
        {list.isError && <Failed error={list.error} retry={() => void list.refetch()} title="The conversions could not be listed" />}
        <Group grow>
          <TextInput type="date" label="First day" value={start} onChange={(event) => setStart(event.currentTarget.value)} />
          <TextInput
            type="date"
            label="Last day"
            placeholder="Yesterday"
            value={end}
            onChange={(event) => setEnd(event.currentTarget.value)}
          />
        </Group>
        <Checkbox
          label="Write even where the brake would hold"
          description="The brake holds a run that would take away more than a fifth of its rows or of its value."
          checked={force}
          onChange={(event) => setForce(event.currentTarget.checked)}
        />
        {plan.isFetching && <Waiting rows={1} label="Asking for the price" />}
        {plan.isError && <Failed error={plan.error} retry={() => void plan.refetch()} title="This cannot be computed" />}
        {plan.data && !plan.isError && (
          <Stack gap="xs">
            <Group gap="xl">
              <Figure name="Days">{plural(plan.data.days, 'day')}</Figure>
              <Figure name="Read">{bytes(plan.data.bytes)}</Figure>
              <Figure name="Price, USD">{price(plan.data.price_usd)}</Figure>
            </Group>
            <Text size="sm" c="dimmed">
              {plan.data.text}
            </Text>
            {plan.data.parts.length > 0 && <Parts parts={plan.data.parts} />}
          </Stack>
        )}
        {run.isError && <Failed error={run.error} title="Not started" />}
        <Group justify="flex-end">
          <Button variant="default" onClick={props.close}>
            Cancel
          </Button>
          <Button onClick={() => run.mutate()} loading={run.isPending} disabled={!plan.data || plan.isError}>
            Start
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** What is read for which conversion, and what that costs: its own query, and what all share. */
function Parts({ parts }: { parts: Plan['parts'] }) {
  const { few, more } = useFew(parts);
  return (
    <>
      <Table.ScrollContainer minWidth={0}>
        <Table fz="sm" aria-label="Price by conversion">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Conversion</Table.Th>
                <Table.Th className="number">Read</Table.Th>
              <Table.Th className="number">Price, USD</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {few.map((one) => (
              <Table.Tr key={one.conversions.join() + one.reads + one.start_date}>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>
                  {one.conversions.length === 1 ? one.conversions[0] : `shared by ${plural(one.conversions.length, 'conversion')}`}
                  <Text size="xs" c="dimmed">
                    {one.reads}
                  </Text>
                </Table.Td>
                <Table.Td className="number">{bytes(one.bytes)}</Table.Td>
                <Table.Td className="number">{price(one.price_usd)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {more}
    </>
  );
}
