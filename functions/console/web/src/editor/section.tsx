import { Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

/** A part of a form under a heading of its own. */
export function Section(props: { title: string; about?: string; children: ReactNode }) {
  return (
    <Stack component="section" gap="sm" mb="xl">
      <div>
        <Title order={2}>{props.title}</Title>
        {props.about && (
          <Text size="sm" c="dimmed">
            {props.about}
          </Text>
        )}
      </div>
      {props.children}
    </Stack>
  );
}
