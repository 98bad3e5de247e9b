import { Drawer, Group, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import { get } from '../api/client';
import { decimal, money, percent } from '../ui/format';
import { Ago, Failed, Figure, Waiting } from '../ui/parts';
import type { LeadScore } from './types';

/** A lead's score and what moved it, strongest reason first. */
export function Lead(props: { conversion: string; lead: string | null; close: () => void }) {
  const score = useQuery({
    queryKey: ['lead', props.conversion, props.lead],
    queryFn: ({ signal }) =>
      get<LeadScore>(`/api/scores/${props.conversion}/${encodeURIComponent(props.lead ?? '')}`, {}, signal),
    enabled: props.lead !== null,
  });
  return (
    <Drawer opened={props.lead !== null} onClose={props.close} position="right" size="lg" title={props.lead ?? ''}>
      {score.isError && <Failed error={score.error} retry={() => void score.refetch()} />}
      {score.isPending && <Waiting rows={4} label="Loading the score" />}
      {score.data && (
        <Stack>
          <Group gap="xl">
            <Figure name="Probability">{percent(score.data.probability)}</Figure>
            <Figure name="Expected value">{money(score.data.expected_value)}</Figure>
            <Figure name="If won">{money(score.data.deal_value_if_won)}</Figure>
            {score.data.grade && <Figure name="Grade">{score.data.grade}</Figure>}
          </Group>
          <Text size="sm" c="dimmed">
            {score.data.is_qualified ? 'Qualified ' : 'Not qualified '}
            {score.data.qualified_at && <Ago time={score.data.qualified_at} />} · scored <Ago time={score.data.scored_at} />
          </Text>
          {score.data.pipeline_probability != null && (
            <div>
              <Group gap="xl">
                <Figure name="Pipeline, by now">{percent(score.data.pipeline_probability)}</Figure>
                <Figure name="Pipeline value">{money(score.data.pipeline_value)}</Figure>
              </Group>
              <Text size="xs" c="dimmed">
                For sales only: it follows what has become of the lead. What was promised above, and sent to ad platforms,
                stays as it was first said.
              </Text>
            </div>
          )}
          <Table aria-label="Reasons">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>What is known</Table.Th>
                <Table.Th>Value</Table.Th>
                <Table.Th className="number">Points</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {score.data.reasons.map((reason) => (
                <Table.Tr key={`${reason.attribute}${reason.value}`}>
                  <Table.Td>{reason.attribute}</Table.Td>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{reason.value ?? 'missing'}</Table.Td>
                  <Table.Td className="number">
                    {(reason.points ?? 0) > 0 ? '+' : ''}
                    {decimal(reason.points)}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Stack>
      )}
    </Drawer>
  );
}
