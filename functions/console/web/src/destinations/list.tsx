import { Badge, Button, Menu, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';

import { get } from '../api/client';
import { Act, useRefusal } from '../ui/act';
import { Ago, Empty, Failed, Head, Waiting } from '../ui/parts';
import { useForms, usePlatform } from './forms';
import type { DestinationVersion } from './types';

export const useDestinations = () =>
  useQuery({
    queryKey: ['destinations'],
    queryFn: ({ signal }) => get<{ destinations: DestinationVersion[] }>('/export-preview/destinations', {}, signal),
  });

/** Where conversions are sent. */
export function Destinations() {
  const list = useDestinations();
  const platform = usePlatform();
  const all = list.data?.destinations.filter(({ status }) => status === 'active') ?? [];
  return (
    <>
      <Head title="Destinations" under="Ad platforms that are kept equal to what is counted here.">
        <Add />
      </Head>
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Waiting rows={3} label="Loading the destinations" />}
      {list.data && all.length === 0 && (
        <Empty title="No destination yet" action={<Add />}>
          A destination sends conversions to an ad platform, each exactly once in effect. Try it dry
          first: nothing is sent until you save it as live.
        </Empty>
      )}
      {all.length > 0 && (
        <Table.ScrollContainer minWidth={0}>
          <Table highlightOnHover aria-label="Destinations">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th className="wide-only">Platform</Table.Th>
                <Table.Th>Mode</Table.Th>
                <Table.Th>Conversions</Table.Th>
                <Table.Th className="wide-only">Saved</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {all.map((one) => (
                <Table.Tr key={one.id} className="linked">
                  <Table.Td>
                    <Link href={`/destinations/${one.id}`} className="row-link">
                      {one.definition?.name ?? one.id}
                    </Link>
                    {one.unreadable && (
                      <Text size="xs" c="var(--mantine-color-error)">
                        Unreadable: {one.unreadable}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td className="wide-only">{platform(one.kind)}</Table.Td>
                  <Table.Td>
                    <Mode mode={one.definition?.mode ?? 'live'} />
                  </Table.Td>
                  <Table.Td>{one.definition?.conversions.map(({ conversion }) => conversion).join(', ')}</Table.Td>
                  <Table.Td className="wide-only">
                    <Ago time={one.created_at} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </>
  );
}

export function Mode({ mode }: { mode: string }) {
  const [sign, word, color] =
    mode === 'live' ? ['●', 'Live', 'teal'] : mode === 'test' ? ['◌', 'Test', 'blue'] : ['‖', 'Paused', 'gray'];
  return (
    <Badge variant="light" color={color} leftSection={<span aria-hidden>{sign}</span>}>
      {word}
    </Badge>
  );
}

function Add() {
  const refusal = useRefusal('edit');
  const forms = useForms();
  const kinds = Object.keys(forms.data ?? {});
  const platform = usePlatform();
  if (refusal) return <Act needs="edit">+ Add</Act>;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button>+ Add</Button>
      </Menu.Target>
      <Menu.Dropdown>
        {forms.isPending && <Menu.Label>Loading the platforms</Menu.Label>}
        {forms.isError && (
          <Menu.Item closeMenuOnClick={false} onClick={() => void forms.refetch()}>
            The platforms could not be listed: {forms.error.message} Try again.
          </Menu.Item>
        )}
        {kinds.map((kind) => (
          <Menu.Item key={kind} component={Link} href={`/destinations/new/${kind}`}>
            {platform(kind)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
