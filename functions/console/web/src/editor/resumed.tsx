import { Alert, Button, Group, Text } from '@mantine/core';

import { Ago } from '../ui/parts';

/** Says that the form goes on with what an earlier visit left behind. */
export function Resumed(props: { at: string; startOver: () => void }) {
  return (
    <Alert color="blue" variant="light" mb="md" title="You go on with what you had typed here">
      <Group gap="xs">
        <Text size="sm">
          You left it <Ago time={props.at} /> without saving.
        </Text>
        <Button size="compact-sm" variant="subtle" onClick={props.startOver}>
          Start over
        </Button>
      </Group>
    </Alert>
  );
}
