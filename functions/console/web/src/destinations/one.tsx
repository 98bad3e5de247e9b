import { Alert, Button, Group, Modal, Select, Stack, Switch, Tabs, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation, useParams, useSearchParams } from 'wouter';

import { ask, client, post } from '../api/client';
import { once, useOnce } from '../api/once';
import { Act, useRefusal } from '../ui/act';
import { plural } from '../ui/format';
import { Empty, Failed, Head, Waiting } from '../ui/parts';
import { Versions } from '../versions/versions';
import { Advices } from './advice';
import { Audiences } from './audiences';
import { Ledger, DeliveryStates } from './ledger';
import { Mode } from './list';
import { DryRunTab } from './dry';
import { usePlatform } from './forms';
import { Quality } from './quality';
import { TestConversion } from './trial';
import type { Advice, DestinationVersion } from './types';

const TABS = { dry: 'Dry run', ledger: 'Ledger', health: 'Health', versions: 'Versions' };

/** One destination: what would be sent, what was sent, and whether it works. */
export function OneDestination() {
  const { id, tab = 'dry' } = useParams<{ id: string; tab?: string }>();
  const [search] = useSearchParams();
  const [, navigate] = useLocation();
  const [replaying, setReplaying] = useState(false);
  const platform = usePlatform();
  const loaded = useQuery({
    queryKey: ['destination', id],
    queryFn: ({ signal }) => ask<DestinationVersion>('GET', `/export-preview/destinations/${id}`, { signal }),
  });
  const { key, renew } = useOnce(id);
  const send = useMutation({
    mutationFn: () => post(`/export-preview/destinations/${id}/run`, { conversions: [] }, once(key)),
    onSuccess: () => {
      renew();
      return client.invalidateQueries();
    },
  });
  if (loaded.isError && !loaded.data) return <Failed error={loaded.error} retry={() => void loaded.refetch()} />;
  if (!loaded.data) return <Waiting label="Loading the destination" />;
  const stored = loaded.data.data;
  const conversions = stored.definition?.conversions.map(({ conversion }) => conversion ?? '') ?? [];
  return (
    <>
      <Head
        title={stored.definition?.name ?? id}
        under={`${platform(stored.kind)} · ${id} · version ${stored.version}`}
      >
        <Mode mode={stored.definition?.mode ?? 'live'} />
        <Act needs="operate" variant="default" onClick={() => setReplaying(true)}>
          Replay
        </Act>
        <Act needs="operate" variant="default" onClick={() => send.mutate()} loading={send.isPending}>
          Send now
        </Act>
        <Act needs="edit" href={`/destinations/${id}/edit`}>
          Edit
        </Act>
      </Head>
      <Stack gap="sm" mb="md">
        {search.get('saved') && (
          <Alert color="teal" variant="light" title={`Saved as version ${search.get('saved')}`}>
            {stored.definition?.mode === 'paused'
              ? 'It is paused: look at the dry run, then set it live.'
              : 'It sends after the next run of its conversions, or when you press Send now.'}
          </Alert>
        )}
        {stored.unreadable && <Alert color="red" variant="light" title={stored.unreadable} />}
        {send.isSuccess && (
          <Alert color="teal" variant="light" title="Sending has been asked for" withCloseButton closeButtonLabel="Close" onClose={() => send.reset()}>
            The ledger shows each row as it goes.
          </Alert>
        )}
        {send.isError && <Failed error={send.error} title="Not sent" />}
      </Stack>
      <Tabs value={tab} onChange={(next) => navigate(`/destinations/${id}/${next ?? 'dry'}`)} keepMounted={false}>
        <Tabs.List mb="md">
          {Object.entries(TABS).map(([value, label]) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="dry">
          <Stack gap="xl">
            <TestConversion id={id} kind={stored.kind} conversions={conversions} />
            <DryRunTab id={id} conversions={conversions} />
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="ledger">
          <Stack gap="xl">
            <DeliveryStates id={id} />
            <Ledger id={id} />
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="health">
          <Stack gap="xl">
            <Health id={id} />
            {stored.definition && <Audiences id={id} config={stored.definition} />}
            <Quality id={id} />
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="versions">
          <Versions path={`/export-preview/destinations/${id}`} newest={stored.version} etag={loaded.data.etag} />
        </Tabs.Panel>
      </Tabs>
      <Replay id={id} conversions={conversions} opened={replaying} close={() => setReplaying(false)} />
    </>
  );
}

function Health({ id }: { id: string }) {
  const refusal = useRefusal('edit');
  const checked = useQuery({
    queryKey: ['health', id],
    queryFn: ({ signal }) => post<{ problems: Advice[] }>(`/export-preview/destinations/${id}/check`, {}, { signal }),
    enabled: !refusal,
    retry: false,
  });
  if (refusal) return <Empty title="The platform is not asked">{refusal}</Empty>;
  if (checked.isError) return <Failed error={checked.error} retry={() => void checked.refetch()} />;
  if (!checked.data) return <Waiting rows={2} label="Asking the platform" />;
  return (
    <Stack align="flex-start" maw={760}>
      <Text size="sm" c="dimmed">
        Credentials and account were asked without sending a conversion.
      </Text>
      <Advices problems={checked.data.problems} />
      <Button variant="default" onClick={() => void checked.refetch()} loading={checked.isFetching}>
        Check again
      </Button>
    </Stack>
  );
}

/** Days sent again, after saying what that means at the platform. */
function Replay(props: { id: string; conversions: string[]; opened: boolean; close: () => void }) {
  const [conversion, setConversion] = useState<string | null>(props.conversions[0] ?? null);
  const [start, setStart] = useState('');
  const [end, setEnd] = useState('');
  const [lost, setLost] = useState(false);
  const { key, renew } = useOnce([props.id, conversion, start, end, lost]);
  const replay = useMutation({
    mutationFn: () =>
      post<{ conversions: number }>(`/export-preview/destinations/${props.id}/replay`, {
        conversion,
        start_date: start,
        end_date: end,
        lost,
        request_id: key,
      }),
    onSuccess: () => {
      renew();
      return client.invalidateQueries();
    },
  });
  return (
    <Modal opened={props.opened} onClose={props.close} title="Send days again">
      <Stack>
        <Text size="sm">
          What the platform has stays as it is: rows go out again under the same key, so it counts none twice.
        </Text>
        <Select label="Conversion" data={props.conversions} value={conversion} onChange={setConversion} />
        <Group grow>
          <TextInput type="date" label="First day" value={start} onChange={(event) => setStart(event.currentTarget.value)} />
          <TextInput type="date" label="Last day" value={end} onChange={(event) => setEnd(event.currentTarget.value)} />
        </Group>
        <Switch
          label="The platform has lost them"
          description="Send them as if none had ever been sent."
          checked={lost}
          onChange={(event) => setLost(event.currentTarget.checked)}
        />
        {replay.isError && <Failed error={replay.error} title="Not replayed" />}
        {replay.data && (
          <Alert color="teal" variant="light" title={`${plural(replay.data.conversions, 'conversion')} sent again`} />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={props.close}>
            Close
          </Button>
          <Button onClick={() => replay.mutate()} loading={replay.isPending} disabled={!conversion || !start || !end}>
            Replay
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
