import { Card, SimpleGrid, Text, Title } from '@mantine/core';
import { Link } from 'wouter';

import { Head } from '../ui/parts';
import { KINDS } from '../conversions/words';
import { TYPES } from './draft';
import { useKinds } from './kinds';

/** Which type of conversion it shall be. */
export function New() {
  const drawn = Object.entries(useKinds().data ?? {}).filter(([kind]) => !(kind in KINDS));
  const types = [
    ...Object.entries(TYPES),
    ...drawn.map(([kind, { title, description }]) => [kind, { title: title ?? kind, about: description }] as const),
  ];
  return (
    <>
      <Head title="Add a conversion" under="What do you want to count?" />
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} maw={980}>
        {types.map(([type, { title, about }]) => (
          <Card key={type} withBorder component={Link} href={`/new/${type}`} className="choice">
            <Title order={2}>{title}</Title>
            <Text size="sm" c="dimmed">
              {about}
            </Text>
          </Card>
        ))}
      </SimpleGrid>
    </>
  );
}
