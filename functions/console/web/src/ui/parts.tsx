import { Alert, Anchor, Button, Code, Group, Skeleton, Stack, Text, Title, Tooltip } from '@mantine/core';
import { useEffect, useState, type ReactNode } from 'react';

import { Problem } from '../api/client';
import { ago, exact, NONE } from './format';

/** The head of a screen: what it is, and what one can do here. */
export function Head(props: { title: string; children?: ReactNode; under?: ReactNode }) {
  useEffect(() => {
    document.title = `${props.title} · Conversions`;
  }, [props.title]);
  return (
    <Group justify="space-between" align="flex-start" mb="md" gap="sm">
      <div>
        <Title order={1}>{props.title}</Title>
        {props.under && (
          <Text c="dimmed" size="sm" maw={720}>
            {props.under}
          </Text>
        )}
      </div>
      <Group gap="xs">{props.children}</Group>
    </Group>
  );
}

/** What went wrong, what to do, and what to tell whoever runs the service. */
export function Failed(props: { error: unknown; retry?: () => void; title?: string }) {
  const problem = props.error instanceof Problem ? props.error : null;
  return (
    <Alert color="red" variant="light" title={props.title ?? 'This did not work'} role="alert">
      <Stack gap={6} align="flex-start">
        <Text size="sm">{problem?.message ?? 'The page came upon something that it does not know. Load it anew.'}</Text>
        {problem?.fix && <Text size="sm">{problem.fix}</Text>}
        {problem?.errors.map((error) => (
          <Text size="sm" key={`${error.field}${error.message}`}>
            {error.field && <Code>{error.field}</Code>} {error.message}
          </Text>
        ))}
        {problem?.requestId && (
          <Text size="xs" c="dimmed">
            Request {problem.requestId}
          </Text>
        )}
        {problem?.status === 401 && (
          // a page of the proxy's own; an unsaved form stays as it is
          <Button size="xs" variant="default" onClick={() => window.open('/?gcp-iap-mode=DO_SESSION_REFRESH', 'sign-in', 'width=480,height=640')}>
            Sign in again
          </Button>
        )}
        {props.retry && (
          <Button size="xs" variant="default" onClick={props.retry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** In the place of what has not come: that it is on its way, or why it is not. What has come stays in its
 * place, with what was typed there, whatever a later answer says. */
export function Coming(props: { of: { error: unknown; refetch: () => unknown }; label: string }) {
  if (!props.of.error) return <Waiting label={props.label} />;
  return <Failed error={props.of.error} retry={() => void props.of.refetch()} />;
}

/** What this place is, why it is empty, and the one thing to do about it. */
export function Empty(props: { title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" py={48} px="md" ta="center">
      <Title order={2}>{props.title}</Title>
      <Text c="dimmed" maw={520}>
        {props.children}
      </Text>
      {props.action}
    </Stack>
  );
}

/** Grey lines in the place of what is to come; nothing for the first 200 ms. */
export function Waiting(props: { rows?: number; height?: number; label: string }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 200);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" aria-label={props.label}>
      {Array.from({ length: props.rows ?? 6 }, (_, index) => (
        <Skeleton key={index} height={props.height ?? 36} mb="xs" visible={shown} />
      ))}
    </div>
  );
}

/** How long ago, with the exact time when it is pointed at or focused. */
export function Ago(props: { time: string | null | undefined }) {
  if (!props.time) return <span>{NONE}</span>;
  return (
    <Tooltip label={exact(props.time)}>
      <time dateTime={props.time} tabIndex={0}>
        {ago(props.time)}
      </time>
    </Tooltip>
  );
}

/** 30 days as a line; the figures themselves stand beside it. */
export function Sparkline(props: { values: number[]; label: string; width?: number }) {
  const width = props.width ?? 120;
  const height = 28;
  const most = Math.max(...props.values, 1);
  const step = props.values.length > 1 ? width / (props.values.length - 1) : 0;
  const points = props.values
    .map((value, index) => `${(index * step).toFixed(1)},${(height - 2 - (value / most) * (height - 4)).toFixed(1)}`)
    .join(' ');
  return (
    <svg className="spark" width={width} height={height} role="img" aria-label={props.label}>
      <polyline points={points} />
    </svg>
  );
}

/** A figure with its name above it. */
export function Figure(props: { name: string; children: ReactNode; note?: ReactNode }) {
  return (
    <div>
      <Text size="xs" c="dimmed" fw={500}>
        {props.name}
      </Text>
      <Text size="lg" fw={600} style={{ fontVariantNumeric: 'tabular-nums' }}>
        {props.children}
      </Text>
      {props.note && (
        <Text size="xs" c="dimmed">
          {props.note}
        </Text>
      )}
    </div>
  );
}

const FEW = 50;

/** The first of what came all at once, and the line that says so and shows more. */
export function useFew<T>(all: T[]): { few: T[]; more: ReactNode } {
  const [shown, setShown] = useState(FEW);
  const few = all.slice(0, shown);
  const rest = all.length > few.length;
  return { few, more: rest && <More shown={few.length} of={all.length} next={() => setShown(shown * 2)} /> };
}

export function More(props: { shown: number; of?: number | undefined; next?: (() => void) | undefined; loading?: boolean }) {
  if (!props.next && props.of === undefined) return null;
  return (
    <Group justify="center" my="sm" gap="sm">
      <Text size="sm" c="dimmed">
        {props.of === undefined ? `${props.shown} shown` : `${props.shown} of ${props.of} shown`}
      </Text>
      {props.next && (
        <Anchor component="button" type="button" size="sm" onClick={props.next} disabled={props.loading}>
          Show more
        </Anchor>
      )}
    </Group>
  );
}
