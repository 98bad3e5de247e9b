import { Alert, Badge, Button, Group, Stack, Text, TextInput, Timeline } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useSearchParams } from 'wouter';

import { get } from '../api/client';
import { Failed, Waiting } from '../ui/parts';
import type { Explanation } from './types';

const STEPS: Record<string, string> = {
  source: 'Found in the source',
  filter: 'Filters',
  identity: 'Who it was',
  dedup: 'Duplicates',
  value: 'Value',
  refund: 'Refunds',
  published: 'Written',
  export: 'Sent to ad platforms',
};

/** Why an order, event or lead is, or is not, a conversion. */
export function Why({ id }: { id: string }) {
  const [search, setSearch] = useSearchParams();
  const asked = search.get('row') ?? '';
  const [text, setText] = useState(asked);
  return (
    <Stack maw={760}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setSearch(text.trim() ? { row: text.trim() } : {});
        }}
      >
        <Group align="flex-end" gap="xs">
          <TextInput
            label="Order id, or id of a row or lead"
            description="Also of one that is not here: the walk says at which step it was dropped."
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            flex="1 1 260px"
          />
          <Button type="submit" disabled={!text.trim()}>
            Explain
          </Button>
        </Group>
      </form>
      {asked && <Walk id={id} row={asked} />}
    </Stack>
  );
}

/** The walk of one row through event, filter, identity, duplicates, value, refund, table, export. */
export function Walk(props: { id: string; row: string }) {
  const explained = useQuery({
    queryKey: ['explain', props.id, props.row],
    queryFn: ({ signal }) => get<Explanation>(`/api/conversions/${props.id}/explain`, { id: props.row }, signal),
    retry: false,
  });
  if (explained.isError) return <Failed error={explained.error} retry={() => void explained.refetch()} />;
  if (!explained.data) return <Waiting rows={5} label="Following its way" />;
  const { sentence, steps, verdict } = explained.data;
  return (
    <Stack gap="md" aria-live="polite">
      <Alert color={verdict === 'counted' ? 'teal' : 'orange'} variant="light" title={sentence} />
      <Timeline bulletSize={22} lineWidth={2} active={-1}>
        {steps.map((step, index) => (
          <Timeline.Item
            key={step.step + index}
            title={STEPS[step.step] ?? step.step}
            bullet={<Sign passed={step.passed} />}
          >
            <Text size="sm">{step.text}</Text>
          </Timeline.Item>
        ))}
      </Timeline>
    </Stack>
  );
}

function Sign({ passed }: { passed: boolean | null }) {
  const [sign, word, color] =
    passed === null ? ['·', 'Note', 'gray'] : passed ? ['✓', 'Passed', 'teal'] : ['✕', 'Stopped here', 'red'];
  return (
    <Badge circle variant="light" color={color} aria-label={word} role="img">
      {sign}
    </Badge>
  );
}
