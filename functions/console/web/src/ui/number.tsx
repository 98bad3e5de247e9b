import { NumberInput, type NumberInputProps } from '@mantine/core';
import { useState } from 'react';

/** The number that a text stands for, also while it is typed, such as "0."; null of none. */
export function numberOf(text: string | number): number | null {
  const number = typeof text === 'number' ? text : text.trim() === '' ? NaN : Number(text);
  return Number.isFinite(number) ? number : null;
}

type Common = Omit<NumberInputProps, 'value' | 'onChange' | 'onBlur' | 'required'>;
type Optional = { optional: true; value: number | null; change: (value: number | null) => void };
type Needed = { optional?: false; value: number | null; change: (value: number) => void };
export type Numbered = Optional | Needed;

/** A number, written as somebody writes it; one that has to be there comes back when it is left empty. */
export function NumberBox({ value, change, optional, ...rest }: Common & Numbered) {
  const [typed, setTyped] = useState<string | null>(null);
  const meant = typed === null ? value : (numberOf(typed) ?? (optional ? null : value));
  return (
    <NumberInput
      {...rest}
      // what was typed stands until something else is set
      value={typed !== null && meant === value ? typed : (value ?? '')}
      onChange={(next) => {
        setTyped(typeof next === 'string' ? next : null);
        const number = numberOf(next);
        if (number !== null) change(number);
        else if (optional) change(null);
      }}
      onBlur={() => setTyped(null)}
    />
  );
}
