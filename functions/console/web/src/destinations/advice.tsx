import { Alert, Badge, Stack, Text } from '@mantine/core';

import type { Advice } from './types';

/** What is wrong with a destination, or good to know about it. */
export function Advices({ problems }: { problems: Advice[] }) {
  if (!problems.length) {
    return (
      <Badge color="teal" variant="light" size="lg" leftSection={<span aria-hidden>✓</span>}>
        All is right
      </Badge>
    );
  }
  return (
    <Stack gap="xs" w="100%">
      {problems.map((problem) => (
        <Alert
          key={problem.code + problem.message}
          color={problem.severity === 'error' ? 'red' : 'orange'}
          variant="light"
          title={problem.message}
        >
          {problem.fix && <Text size="sm">{problem.fix}</Text>}
        </Alert>
      ))}
    </Stack>
  );
}
