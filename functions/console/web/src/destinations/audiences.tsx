import { Alert, Badge, Code, Group, Modal, NumberInput, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { post } from '../api/client';
import type { Export } from '../api/types';
import { Act } from '../ui/act';
import { count, day, decimal, NONE, plural } from '../ui/format';
import { Coming, Failed } from '../ui/parts';
import { useForms } from './forms';
import { reported } from './quality';
import type { Config, FormOf } from './types';

type Can = FormOf['capabilities'];
type Measures = Export['Diagnosis']['measures'];

/** Lists that the platform makes for the conversions that name none; the form is filled with their ids. */
export function CreateLists(props: { draft: Config; can: Can; fill: (draft: Config) => void }) {
  const { draft, can } = props;
  const lacking = draft.conversions.filter((each) => each['conversion'] && !each[can.audience_field]);
  const create = useMutation({
    mutationFn: () => post<Export['Created']>('/export-preview/destinations/audiences', draft),
    onSuccess: ({ definition }) => props.fill(definition as unknown as Config),
  });
  if (!can.creates_audiences) return null;
  const made = Object.entries(create.data?.created ?? {});
  return (
    <Stack gap="xs" align="flex-start" aria-live="polite">
      <Act needs="operate" size="xs" variant="default" onClick={() => create.mutate()} loading={create.isPending} disabled={!lacking.length}>
        {lacking.length > 1 ? `Create ${lacking.length} lists` : 'Create list'}
      </Act>
      <Text size="xs" c="dimmed">
        {lacking.length
          ? 'Makes a new, empty list at the platform for each conversion that names none.'
          : 'Each conversion names its list.'}
      </Text>
      {create.isError && <Failed error={create.error} title="No list was made" />}
      {made.length > 0 && (
        <Alert color="teal" variant="light" title={`${plural(made.length, 'list')} made at the platform`}>
          {made.map(([conversion, id]) => (
            <Text size="sm" key={id}>
              <Code>{id}</Code> for {conversion}
            </Text>
          ))}
          <Text size="sm">Save, so that people are put into them.</Text>
        </Alert>
      )}
    </Stack>
  );
}

/** Each audience with its size and the share of people that the platform knows; lookalikes of it. */
export function Audiences({ id, config }: { id: string; config: Config }) {
  const can = useForms().data?.[config.kind]?.capabilities;
  const report = useQuery(reported(id));
  const [like, setLike] = useState<string | null>(null);
  if (!can?.audience) return null;
  if (!report.data) return <Coming of={report} label="Loading the audiences" />;
  return (
    <section>
      <Title order={2} mb="xs">
        Audiences
      </Title>
      <Table.ScrollContainer minWidth={0}>
        <Table aria-label="Audiences" maw={760}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Conversion</Table.Th>
              <Table.Th className="wide-only">At the platform</Table.Th>
              <Table.Th className="number">People</Table.Th>
              <Table.Th className="number">Match rate</Table.Th>
              {can.creates_lookalikes && <Table.Th />}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {config.conversions.map((each) => {
              const said = report.data.diagnoses.find(({ conversion }) => conversion === each['conversion']);
              return (
                <Table.Tr key={each['conversion']}>
                  <Table.Td>{each['conversion']}</Table.Td>
                  <Table.Td className="wide-only">{each[can.audience_field] || NONE}</Table.Td>
                  <Table.Td className="number" title={said && `as of ${day(said.date)}`}>
                    <Size of={said?.measures} least={can.smallest_audience} />
                  </Table.Td>
                  <Table.Td className="number">
                    {said?.measures['match_rate'] === undefined ? NONE : `${decimal(said.measures['match_rate'])}%`}
                  </Table.Td>
                  {can.creates_lookalikes && (
                    <Table.Td ta="right">
                      <Act needs="operate" size="compact-sm" variant="subtle" onClick={() => setLike(each['conversion'] ?? null)}>
                        Lookalike
                      </Act>
                    </Table.Td>
                  )}
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Text size="xs" c="dimmed" mt="xs">
        Sizes are asked for once a day; {NONE} is what the platform does not tell, or not yet.
      </Text>
      {like !== null && <Alike key={like} id={id} conversion={like} close={() => setLike(null)} />}
    </section>
  );
}

/** How many people; a warning where the platform makes nothing of so few. */
function Size({ of, least }: { of: Measures | undefined; least: number }) {
  const [from, to] = [of?.['size_from'], of?.['size_to']];
  if (to === undefined) return NONE;
  return (
    <Stack gap={4} align="flex-end">
      <span>{from === undefined || from === to ? count(to) : `${count(from)} to ${count(to)}`}</span>
      {to < least && (
        <Badge variant="light" color="orange" leftSection={<span aria-hidden>!</span>}>
          Too small: {count(least)} needed
        </Badge>
      )}
    </Stack>
  );
}

/** Whom a new audience shall resemble, and where. */
function Alike(props: { id: string; conversion: string; close: () => void }) {
  const [country, setCountry] = useState('');
  const [share, setShare] = useState<string | number>(1);
  const [name, setName] = useState('');
  const made = useMutation({
    mutationFn: () =>
      post<Export['LookalikeCreated']>(`/export-preview/destinations/${props.id}/lookalikes`, {
        conversion: props.conversion,
        country,
        percent: share,
        name: name.trim(),
      }),
  });
  return (
    <Modal opened onClose={props.close} title={`People like those of ${props.conversion}`}>
      <Stack>
        <TextInput
          label="Country"
          description="Two letters, such as DE."
          value={country}
          maxLength={2}
          data-autofocus
          onChange={(event) => setCountry(event.currentTarget.value.toUpperCase())}
        />
        <NumberInput
          label="Share of its people, percent"
          description="1 for those who are most alike, up to 20."
          value={share}
          min={1}
          max={20}
          allowDecimal={false}
          onChange={setShare}
        />
        <TextInput
          label="Name at the platform"
          description="Empty for one made of the conversion and the country."
          value={name}
          maxLength={120}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        {made.isError && <Failed error={made.error} title="No lookalike was made" />}
        {made.data && (
          <Alert color="teal" variant="light" role="status" title={`Made: ${made.data.name}`}>
            The platform fills it within 1 to 6 hours; its id is {made.data.id}.
          </Alert>
        )}
        <Group justify="flex-end">
          <Act needs="operate" onClick={() => made.mutate()} loading={made.isPending} disabled={country.length !== 2 || made.isSuccess}>
            Create lookalike
          </Act>
        </Group>
      </Stack>
    </Modal>
  );
}
