import { Select, type SelectProps } from '@mantine/core';
import { useRef, useState } from 'react';

type Props = Omit<SelectProps, 'searchable' | 'searchValue' | 'onSearchChange'>;

/** What a choice looks for at once; the rest is found by typing. */
const SHOWN = 300;

/** A choice that is searched by typing. What is typed stays when the names come late. */
export function Search(props: Props) {
  const [search, setSearch] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const typed = useRef(false);
  const shown = useRef(props.value);

  function change(text: string) {
    // the name of what was chosen has come while somebody writes over it
    const named = document.activeElement === field.current && !typed.current && shown.current === props.value;
    typed.current = false;
    shown.current = props.value;
    if (!named) setSearch(text);
  }
  return (
    <Select
      limit={SHOWN}
      {...props}
      ref={field}
      searchable
      searchValue={search}
      onInput={() => {
        typed.current = true;
      }}
      onSearchChange={change}
    />
  );
}

/** The choices, with what was chosen among them even where it is not known, or not yet. */
export function withChosen<T extends { value: string; label: string }>(data: T[], chosen: string | null | undefined) {
  return !chosen || data.some(({ value }) => value === chosen) ? data : [...data, { value: chosen, label: chosen }];
}
