import { Button, Group, Modal, Stack, Table, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { ask, client, get } from '../api/client';
import { Fields } from '../editor/review';
import { Ago, Failed, Waiting } from '../ui/parts';
import type { Stored } from './types';

/** What it was, since when, by whom; two versions beside one another; one restored. */
export function Versions(props: { id: string; newest: number; etag: string | null }) {
  const [chosen, setChosen] = useState<Stored | null>(null);
  const versions = useQuery({
    queryKey: ['versions', props.id],
    queryFn: ({ signal }) => get<{ versions: Stored[] }>(`/api/conversions/${props.id}/versions`, {}, signal),
  });
  const restore = useMutation({
    // what is restored becomes a version of its own, so nothing is lost
    mutationFn: (version: Stored) =>
      ask('POST', `/api/conversions/${props.id}/versions/${version.version}:restore`, {
        headers: props.etag ? { 'If-Match': props.etag } : {},
      }),
    onSuccess: async () => {
      setChosen(null);
      void client.invalidateQueries();
    },
  });
  if (versions.isError) return <Failed error={versions.error} retry={() => void versions.refetch()} />;
  if (!versions.data) return <Waiting rows={3} label="Loading the versions" />;
  const all = [...versions.data.versions].sort((a, b) => b.version - a.version);
  const newest = all[0];
  return (
    <>
      <Table aria-label="Versions">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Version</Table.Th>
            <Table.Th>Saved</Table.Th>
            <Table.Th>By</Table.Th>
            <Table.Th />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {all.map((one) => (
            <Table.Tr key={one.version}>
              <Table.Td>
                {one.version}
                {one.version === props.newest && ' (live)'}
                {one.status === 'archived' && ' archived'}
              </Table.Td>
              <Table.Td>
                <Ago time={one.created_at} />
              </Table.Td>
              <Table.Td className="clip" maw={220}>
                {one.created_by ?? 'unknown'}
              </Table.Td>
              <Table.Td ta="right">
                {one.version !== props.newest && (
                  <Button size="compact-sm" variant="subtle" onClick={() => setChosen(one)}>
                    Compare
                  </Button>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Modal
        opened={chosen !== null}
        onClose={() => setChosen(null)}
        size="xl"
        title={`Version ${chosen?.version ?? ''} and the live one`}
      >
        {chosen?.definition && newest?.definition && (
          <Stack>
            <Text size="sm">“Before” is version {chosen.version}, “after” is the live one.</Text>
            <Fields before={chosen.definition} after={newest.definition} />
            {restore.isError && <Failed error={restore.error} title="Not restored" />}
            <Group justify="flex-end">
              <Button variant="default" onClick={() => setChosen(null)}>
                Close
              </Button>
              <Button onClick={() => restore.mutate(chosen)} loading={restore.isPending}>
                Restore version {chosen.version}
              </Button>
            </Group>
          </Stack>
        )}
      </Modal>
    </>
  );
}
