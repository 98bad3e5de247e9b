import { Alert, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import { post } from '../api/client';
import type { Export } from '../api/types';
import { Act } from '../ui/act';
import { Failed } from '../ui/parts';
import { Request } from './dry';
import { useForms } from './forms';

type Answer = Export['TrialAnswer'];

const EFFECTS: Record<Answer['effect'], string> = {
  counts: 'The platform counts it like any other: take a conversion that no bid depends on.',
  shown: 'The platform shows it on its page for test events and counts it nowhere.',
  validated: 'The platform only says whether it would take it.',
};

/** One made-up conversion, marked as the platform marks tests, and what the platform says of it. */
export function TestConversion(props: { id: string; kind: string; conversions: string[] }) {
  const can = useForms().data?.[props.kind]?.capabilities;
  const [asking, setAsking] = useState(false);
  const [conversion, setConversion] = useState(props.conversions[0] ?? '');
  const [code, setCode] = useState('');
  const sent = useMutation({
    mutationFn: () =>
      post<Answer>(`/export-preview/destinations/${props.id}/test`, { conversion, test_event_code: code.trim() }),
  });
  if (!can?.test_conversion) return null;
  return (
    <>
      <Group>
        <Act needs="operate" variant="default" onClick={() => setAsking(true)}>
          Send one test conversion
        </Act>
      </Group>
      <Modal opened={asking} onClose={() => setAsking(false)} size="lg" title="Send one test conversion">
        <Stack>
          <Text size="sm">A made-up conversion; nothing of it enters the ledger. {EFFECTS[can.test_conversion]}</Text>
          <Select
            label="Conversion"
            data={props.conversions}
            value={conversion}
            onChange={(value) => setConversion(value ?? '')}
            allowDeselect={false}
          />
          {can.test_needs_code && (
            <TextInput
              label="Code for test events"
              description="It stands on the platform's page for test events."
              value={code}
              onChange={(event) => setCode(event.currentTarget.value)}
            />
          )}
          {sent.isError && <Failed error={sent.error} title="Not sent" />}
          {sent.data && <Said answer={sent.data} />}
          <Group justify="flex-end">
            <Act needs="operate" onClick={() => sent.mutate()} loading={sent.isPending} disabled={!conversion}>
              Send it
            </Act>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}

function Said({ answer }: { answer: Answer }) {
  const taken = answer.verdict === 'accepted';
  return (
    <Stack gap="xs" aria-live="polite">
      <Alert
        color={taken ? 'teal' : 'orange'}
        variant="light"
        title={taken ? 'The platform takes it' : `The platform says: ${answer.reason.replaceAll('_', ' ') || answer.verdict}`}
      >
        {answer.fix || EFFECTS[answer.effect]}
      </Alert>
      <Request request={answer.request} />
    </Stack>
  );
}
