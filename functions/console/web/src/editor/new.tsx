import { Card, SimpleGrid, Text, Title } from '@mantine/core';
import { Link } from 'wouter';

import { KINDS } from '../conversions/words';
import { Head } from '../ui/parts';
import { TYPES, type Type } from './draft';
import { useKinds } from './kinds';

const OTHERS: Type[] = ['combined', 'custom', 'scoring'];

/** Which type of conversion it shall be. */
export function New() {
  const drawn = Object.entries(useKinds().data ?? {}).filter(([kind]) => !(kind in KINDS));
  return (
    <>
      <Head title="Add a conversion" under="What do you want to count?" />
      <Title order={2}>Simple conversion</Title>
      <Text size="sm" c="dimmed" mb="xs">
        A purchase or another event that GA4 collects.
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} maw={980} mb="xl">
        <Choice type="purchase" {...TYPES.purchase} />
        <Choice type="event" {...TYPES.event} />
      </SimpleGrid>
      <Title order={2} mb="xs">
        Other conversions
      </Title>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} maw={980}>
        {OTHERS.map((type) => (
          <Choice key={type} type={type} {...TYPES[type]} />
        ))}
        {drawn.map(([kind, { title, description }]) => (
          <Choice key={kind} type={kind} title={title ?? kind} about={description ?? ''} />
        ))}
      </SimpleGrid>
    </>
  );
}

function Choice(props: { type: string; title: string; about: string }) {
  return (
    <Card withBorder component={Link} href={`/new/${props.type}`} className="choice">
      <Title order={3}>{props.title}</Title>
      <Text size="sm" c="dimmed">
        {props.about}
      </Text>
    </Card>
  );
}
