import { Button, Group, Modal, Stack, Text } from '@mantine/core';

import { Fields } from './fields';

/** Somebody else saved meanwhile: both sides are shown, and nothing is lost. */
export function Conflict(props: {
  opened: boolean;
  theirs: object | undefined;
  author: string;
  mine: object;
  keepMine: () => void;
  takeTheirs: () => void;
  close: () => void;
}) {
  return (
    <Modal opened={props.opened} onClose={props.close} size="xl" title="Somebody else saved this meanwhile">
      <Stack>
        <Text size="sm">
          {props.author || 'Somebody'} saved another version while you were editing. Yours is still here.
          This is how it differs from theirs:
        </Text>
        {props.theirs && <Fields before={props.theirs} after={props.mine} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={props.takeTheirs}>
            Take theirs
          </Button>
          <Button onClick={props.keepMine}>Review mine on top of theirs</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
