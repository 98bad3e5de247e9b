import { Card, SimpleGrid, Text, Title } from '@mantine/core';
import { Link } from 'wouter';

import { Head } from '../ui/parts';
import { TYPES } from './draft';

/** Which type of conversion it shall be. */
export function New() {
  return (
    <>
      <Head title="Add a conversion" under="What do you want to count?" />
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} maw={980}>
        {Object.entries(TYPES).map(([type, { title, about }]) => (
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
