import { Alert, Badge, List, Loader, Paper, Stack, Text, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';

import { post } from '../api/client';
import type { Api } from '../api/types';
import type { Definition } from '../api/definitions';
import { count, day, money, percent } from '../ui/format';
import { Failed, Figure, Sparkline } from '../ui/parts';
import { canTry, tried } from './draft';

type Backtest = Api['Backtest'];

/** What the draft would have counted in the last 30 days; nothing is saved or written for it. */
export function Effect({ draft }: { draft: Definition }) {
  const [typed] = useDebouncedValue(draft, 700);
  const ready = canTry(typed);
  const definition = tried(typed);
  const effect = useQuery({
    queryKey: ['backtest', definition],
    queryFn: ({ signal }) => post<Backtest>('/api/conversions:backtest', { definition }, { signal }),
    enabled: ready,
    placeholderData: keepPreviousData,
    staleTime: 300_000,
    retry: false,
  });
  const behind = effect.isFetching || typed !== draft;
  return (
    <Paper withBorder p="md" component="section" aria-label="Effect on the last 30 days" aria-live="polite">
      <Stack gap="sm">
        <Title order={2}>
          Effect on the last 30 days{' '}
          {ready && behind && (
            <Badge variant="light" color="gray" leftSection={<Loader size={10} />}>
              Counting
            </Badge>
          )}
        </Title>
        <Price definition={definition} ready={ready} />
        {!ready && <Text size="sm" c="dimmed">{waitingFor(typed)}</Text>}
        {ready && effect.isError && <Failed error={effect.error} retry={() => void effect.refetch()} title="It cannot be counted yet" />}
        {ready && effect.data && !effect.isError && <Counted effect={effect.data} />}
      </Stack>
    </Paper>
  );
}

/** What the draft costs by itself; silent where that cannot be known, since nothing depends on it. */
function Price({ definition, ready }: { definition: Definition; ready: boolean }) {
  const price = useQuery({
    queryKey: ['forecast', definition],
    queryFn: ({ signal }) => post<Api['OfConversion']>('/api/conversions:forecast', { definition }, { signal }),
    enabled: ready,
    placeholderData: keepPreviousData,
    staleTime: 300_000,
    retry: false,
  });
  if (!ready || !price.data || price.isError) return null;
  return (
    <Text size="sm" c="dimmed">
      {price.data.text}
    </Text>
  );
}

function waitingFor(draft: Definition): string {
  switch (draft.kind) {
    case 'simple':
      return 'Choose an event, and this shows how often it happened and what it was worth.';
    case 'combined':
      return 'Choose two or more conversions to see them counted as one.';
    case 'custom':
      return 'Write a query, and this shows what it would have counted.';
    case 'lead_scoring':
      return 'Leads are scored in the first run after saving; how good the scores are shows under Lead scoring.';
  }
}

function Counted({ effect }: { effect: Backtest }) {
  const { totals } = effect;
  return (
    <>
      <Text size="xs" c="dimmed">
        {day(effect.start_date)} to {day(effect.end_date)}
      </Text>
      {totals.conversions === 0 && (
        <Text size="sm" fw={600}>
          Nothing would have counted.
        </Text>
      )}
      <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(110px, 1fr))', gap: 16 }}>
        <Figure name="Counted">{count(totals.conversions)}</Figure>
        <Figure name={`Value, ${effect.currency}`}>{money(totals.value)}</Figure>
        <Figure name="Duplicates removed">{count(totals.duplicates)}</Figure>
        {totals.refunded != null && <Figure name={`Refunded, ${effect.currency}`}>{money(totals.refunded)}</Figure>}
        <Figure name="Attributed">{percent(totals.attributed_share)}</Figure>
      </div>
      {effect.days.length > 1 && (
        <Sparkline width={280} values={effect.days.map((one) => one.conversions)} label="Conversions a day" />
      )}
      {effect.left_out.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            Left out
          </Text>
          <List size="sm">
            {effect.left_out.map((one) => (
              <List.Item key={one.reason}>
                {count(one.candidates)} · {one.text}
              </List.Item>
            ))}
          </List>
        </div>
      )}
      {effect.warnings.map((one) => (
        <Alert key={one.code + one.message} color="orange" variant="light" p="xs">
          <Text size="sm">{one.message}</Text>
          {one.fix && <Text size="sm">{one.fix}</Text>}
        </Alert>
      ))}
    </>
  );
}
