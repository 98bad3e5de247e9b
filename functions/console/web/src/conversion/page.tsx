import { Alert, Anchor, Badge, Button, Group, Menu, Modal, Stack, Tabs, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useLocation, useParams, useSearchParams } from 'wouter';

import { ask, client, post } from '../api/client';
import { once, useOnce } from '../api/once';
import { useKindNames } from '../editor/kinds';
import { Act, useRefusal } from '../ui/act';
import { Ago, Failed, Head, Waiting } from '../ui/parts';
import { Versions } from '../versions/versions';
import { Overview } from './overview';
import { Remarks } from './remarks';
import { Rows } from './rows';
import type { ConversionVersion } from './types';
import { Why } from './why';

const TABS = { overview: 'Overview', rows: 'Rows', why: 'Why, why not', versions: 'Versions' };

/** One conversion: what it counted, row by row, why, and since when. */
export function Conversion() {
  const { id, tab = 'overview' } = useParams<{ id: string; tab?: string }>();
  const [search] = useSearchParams();
  const [, navigate] = useLocation();
  const kinds = useKindNames();
  const loaded = useQuery({
    queryKey: ['conversion', id],
    queryFn: ({ signal }) => ask<ConversionVersion>('GET', `/api/conversions/${id}`, { signal }),
  });
  if (loaded.isError && !loaded.data) return <Failed error={loaded.error} retry={() => void loaded.refetch()} />;
  if (!loaded.data) return <Waiting label="Loading the conversion" />;
  const stored = loaded.data.data;
  const name = stored.definition?.name ?? id;
  return (
    <>
      <Head
        title={name}
        under={
          <>
            {kinds[stored.kind] ?? stored.kind} · {id} · version {stored.version}
            {stored.created_by && stored.created_by !== 'unknown' && ` by ${stored.created_by}`} · last run{' '}
            <Ago time={stored.last_run?.recorded_at} />
          </>
        }
      >
        {stored.status === 'archived' && (
          <Badge color="gray" variant="light">
            Archived
          </Badge>
        )}
        <RunNow id={id} />
        <Act needs="edit" href={`/conversions/${id}/edit`}>
          Edit
        </Act>
        <MoreActs id={id} name={name} archived={stored.status === 'archived'} etag={loaded.data.etag} />
      </Head>
      <Stack gap="sm" mb="md">
        {search.get('saved') && (
          <Alert color="teal" variant="light" title={`Saved as version ${search.get('saved')}`}>
            The next daily run computes it. To see it now, press Run now.
            <Remarks id={id} />
          </Alert>
        )}
        {stored.unreadable && (
          <Alert color="red" variant="light" title="This release cannot read its definition">
            {stored.unreadable}
          </Alert>
        )}
        {stored.definition?.description && <Text size="sm" maw={760}>{stored.definition.description}</Text>}
      </Stack>
      <Tabs value={tab} onChange={(next) => navigate(`/conversions/${id}/${next ?? 'overview'}`)} keepMounted={false}>
        <Tabs.List mb="md">
          {Object.entries(TABS).map(([value, label]) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="overview">
          <Overview id={id} definition={stored.kind === 'lead_scoring' ? null : stored.definition} />
        </Tabs.Panel>
        <Tabs.Panel value="rows">
          <Rows id={id} />
        </Tabs.Panel>
        <Tabs.Panel value="why">
          <Why id={id} />
        </Tabs.Panel>
        <Tabs.Panel value="versions">
          <Versions path={`/api/conversions/${id}`} newest={stored.version} etag={loaded.data.etag} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

/** Starts a run of this conversion, and leads to it. */
function RunNow({ id }: { id: string }) {
  const { key, renew } = useOnce(id);
  const run = useMutation({
    mutationFn: () => post<{ run_id: string }>('/api/runs', { conversions: [id] }, once(key)),
    onSuccess: () => {
      renew();
      return client.invalidateQueries();
    },
  });
  return (
    <>
      <Act needs="operate" variant="default" onClick={() => run.mutate()} loading={run.isPending}>
        Run now
      </Act>
      <Modal opened={run.isSuccess || run.isError} onClose={() => run.reset()} title={run.isError ? 'No run' : 'A run has started'}>
        {run.isError ? (
          <Failed error={run.error} />
        ) : (
          <Text size="sm">
            <Anchor component={Link} href={`/runs/${run.data?.run_id ?? ''}`} underline="always">
              Watch it
            </Anchor>
            , or go on here: the figures change when it has ended.
          </Text>
        )}
      </Modal>
    </>
  );
}

function MoreActs(props: { id: string; name: string; archived: boolean; etag: string | null }) {
  const [asking, dialog] = useDisclosure();
  const refusal = useRefusal('edit');
  const archive = useMutation({
    mutationFn: () =>
      ask('DELETE', `/api/conversions/${props.id}`, { headers: props.etag ? { 'If-Match': props.etag } : {} }),
    onSuccess: async () => {
      dialog.close();
      void client.invalidateQueries();
    },
  });
  if (props.archived) return null;
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" aria-label="More">
            …
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={dialog.open} disabled={refusal !== ''}>
            Archive {props.name}
            {refusal && (
              <Text size="xs" maw={240}>
                {refusal}
              </Text>
            )}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={asking} onClose={dialog.close} title={`Archive ${props.name}?`}>
        <Stack>
          <Text size="sm">
            It is no longer computed. Its rows and versions stay, and saving it again brings it back.
          </Text>
          {archive.isError && <Failed error={archive.error} title="Not archived" />}
          <Group justify="flex-end">
            <Button variant="default" onClick={dialog.close}>
              Keep it
            </Button>
            <Button color="red" onClick={() => archive.mutate()} loading={archive.isPending}>
              Archive {props.name}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
