import { Button, Group, Modal, Stack, Table, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { ask, client, get } from '../api/client';
import { Act } from '../ui/act';
import { Ago, Failed, useFew, Waiting } from '../ui/parts';
import { Fields } from './fields';

interface Version {
  version: number;
  status: string;
  created_at: string;
  created_by: string | null;
  definition: object | null;
  unreadable?: string | null;
}

/** What it was, since when, by whom; two versions beside one another; one restored. */
export function Versions(props: { path: string; newest: number; etag: string | null }) {
  const [chosen, setChosen] = useState<Version | null>(null);
  const versions = useQuery({
    queryKey: ['versions', props.path],
    queryFn: ({ signal }) => get<{ versions: Version[] }>(`${props.path}/versions`, {}, signal),
  });
  const restore = useMutation({
    // what is restored becomes a version of its own, so nothing is lost
    mutationFn: (version: Version) =>
      ask('POST', `${props.path}/versions/${version.version}:restore`, {
        headers: props.etag ? { 'If-Match': props.etag } : {},
      }),
    onSuccess: async () => {
      setChosen(null);
      void client.invalidateQueries();
    },
  });
  const all = [...(versions.data?.versions ?? [])].sort((a, b) => b.version - a.version);
  const newest = all[0];
  const { few, more } = useFew(all);
  if (versions.isError) return <Failed error={versions.error} retry={() => void versions.refetch()} />;
  if (!versions.data) return <Waiting rows={3} label="Loading the versions" />;
  return (
    <>
      <Table.ScrollContainer minWidth={0}>
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
            {few.map((one) => (
              <Table.Tr key={one.version}>
                <Table.Td>
                  {one.version}
                  {one.version === props.newest && ' (live)'}
                  {one.status === 'archived' && ' archived'}
                  {one.unreadable && (
                    <Text size="xs" c="var(--mantine-color-error)">
                      Unreadable: {one.unreadable}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td>
                  <Ago time={one.created_at} />
                </Table.Td>
                <Table.Td maw={220} style={{ overflowWrap: 'anywhere' }}>
                  {one.created_by ?? 'unknown'}
                </Table.Td>
                <Table.Td ta="right">
                  {one.version !== props.newest && one.definition && (
                    <Button size="compact-sm" variant="subtle" onClick={() => {
                        restore.reset();
                        setChosen(one);
                      }}>
                      Compare
                    </Button>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {more}
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
              <Act needs="edit" onClick={() => restore.mutate(chosen)} loading={restore.isPending}>
                Restore version {chosen.version}
              </Act>
            </Group>
          </Stack>
        )}
      </Modal>
    </>
  );
}
