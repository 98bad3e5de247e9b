import { Code, List, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';

import type { ConversionVersion } from './types';

/** Where what was said of a save is kept until its page shows it. */
export const remarksKey = (id: string) => ['remarks', id];

/** What to know about the version that was just saved; nothing stood in its way. */
export function Remarks({ id }: { id: string }) {
  const remarks = useQueryClient().getQueryData<ConversionVersion['warnings']>(remarksKey(id)) ?? [];
  if (!remarks.length) return null;
  return (
    <List size="sm" mt="xs" aria-label="What to know of it">
      {remarks.map((one) => (
        <List.Item key={`${one.code}${one.field}${one.line}${one.message}`}>
          {one.field && <Code>{one.field}</Code>} {one.message}
          {one.fix && (
            <Text size="xs" c="dimmed">
              {one.fix}
            </Text>
          )}
        </List.Item>
      ))}
    </List>
  );
}
