import { Anchor, Badge, Button, Group, Modal, Paper, SegmentedControl, Stack, Text, Textarea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';

import { client, post } from '../api/client';
import { useIncidents } from '../api/queries';
import type { Incident } from '../api/types';
import { Act } from '../ui/act';
import { Ago, Empty, Failed, More, Waiting } from '../ui/parts';
import { sentenceOf } from './sentence';
import { Subject } from './subject';

const SEVERITY: Record<string, { sign: string; color: string; word: string }> = {
  error: { sign: '✕', color: 'red', word: 'Error' },
  warning: { sign: '!', color: 'orange', word: 'Warning' },
  info: { sign: 'i', color: 'blue', word: 'Note' },
};

/** What the API gives on one page. */
const MOST = 1000;

type Decision = 'acknowledge' | 'resolve';

/** What needs a person, newest first; acknowledged and resolved with a note. */
export function Incidents({ conversion }: { conversion?: string }) {
  const [state, setState] = useState('open');
  const [limit, setLimit] = useState(20);
  const found = useIncidents({ state, limit, ...(conversion ? { conversion } : {}) });
  const incidents = found.data?.incidents ?? [];
  return (
    <Stack gap="sm">
      <SegmentedControl
        size="xs"
        w="fit-content"
        aria-label="Which incidents"
        data={[
          { value: 'open', label: 'Open' },
          { value: 'acknowledged', label: 'Acknowledged' },
          { value: 'resolved', label: 'Resolved' },
        ]}
        value={state}
        onChange={setState}
      />
      {found.isError && <Failed error={found.error} retry={() => void found.refetch()} />}
      {found.isPending && <Waiting rows={3} label="Loading the incidents" />}
      {found.data && incidents.length === 0 && (
        <Empty title={state === 'open' ? 'Nothing needs you' : 'None here'}>
          {state === 'open'
            ? 'What a run holds, a platform refuses or a source lacks would stand here.'
            : 'No incident is in this state.'}
        </Empty>
      )}
      {incidents.map((incident) => (
        <One key={incident.incident_id} incident={incident} />
      ))}
      {found.data?.next_page && limit < MOST && (
        <More shown={incidents.length} next={() => setLimit(Math.min(limit * 2, MOST))} loading={found.isFetching} />
      )}
    </Stack>
  );
}

function One({ incident }: { incident: Incident }) {
  const [act, setAct] = useState<Decision>('acknowledge');
  const [asking, dialog] = useDisclosure();
  const ask = (chosen: Decision) => {
    setAct(chosen);
    dialog.open();
  };
  const severity = SEVERITY[incident.severity] ?? SEVERITY['info'];
  return (
    <Paper withBorder p="sm">
      <Group gap="xs" mb={4}>
        <Badge variant="light" color={severity?.color ?? 'gray'} leftSection={<span aria-hidden>{severity?.sign}</span>}>
          {severity?.word}
        </Badge>
        <Subject incident={incident} />
        <Text size="xs" c="dimmed">
          {incident.code.replaceAll('_', ' ')} · <Ago time={incident.recorded_at} />
        </Text>
        {incident.run_id && (
          <Anchor component={Link} href={`/runs/${incident.run_id}`} size="xs">
            its run
          </Anchor>
        )}
      </Group>
      <Text size="sm">{sentenceOf(incident)}</Text>
      {incident.fix && (
        <Text size="sm" mt={4} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          <b>What to do:</b> {incident.fix}
        </Text>
      )}
      {incident.note && (
        <Text size="sm" mt={6} c="dimmed">
          {incident.decided_by}: {incident.note}
        </Text>
      )}
      {incident.state !== 'resolved' && (
        <Group gap="xs" mt="xs">
          {incident.state !== 'acknowledged' && (
            <Act needs="edit" size="xs" variant="default" onClick={() => ask('acknowledge')}>
              Acknowledge
            </Act>
          )}
          <Act needs="edit" size="xs" variant="subtle" onClick={() => ask('resolve')}>
            Resolve
          </Act>
        </Group>
      )}
      <Note incident={incident} act={act} opened={asking} close={dialog.close} />
    </Paper>
  );
}

function Note(props: { incident: Incident; act: Decision; opened: boolean; close: () => void }) {
  const [note, setNote] = useState('');
  const done = useMutation({
    mutationFn: () => post(`/api/incidents/${props.incident.incident_id}:${props.act}`, { note }),
    onSuccess: async () => {
      props.close();
      void client.invalidateQueries({ queryKey: ['incidents'] });
    },
  });
  const word = props.act === 'acknowledge' ? 'Acknowledge' : 'Resolve';
  return (
    <Modal opened={props.opened} onClose={props.close} title={`${word}: ${props.incident.code.replaceAll('_', ' ')}`}>
      <Stack>
        <Text size="sm">{props.incident.detail}</Text>
        <Textarea
          label="Note for colleagues"
          autosize
          minRows={2}
          data-autofocus
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        {done.isError && <Failed error={done.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={props.close}>
            Cancel
          </Button>
          <Button onClick={() => done.mutate()} loading={done.isPending}>
            {word}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
