import { TagsInput } from '@mantine/core';

import { useFieldError, useText } from './form';

/** Texts typed one after the other. */
export function Tags(props: { path: string; value: string[]; change: (value: string[]) => void }) {
  const { label, description } = useText(props.path);
  return (
    <TagsInput
      label={label}
      description={description}
      placeholder={props.value.length ? '' : 'Type one and press Enter'}
      value={props.value}
      onChange={props.change}
      error={useFieldError(props.path)}
      maw={520}
      data-field={props.path}
    />
  );
}
