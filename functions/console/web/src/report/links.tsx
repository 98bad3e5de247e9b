import { Anchor } from '@mantine/core';
import { createContext, useContext, type ReactNode } from 'react';
import { Link } from 'wouter';

/** Where the console answers, for a report that is a file of its own; empty inside the console. */
export const Console = createContext('');

/** A number, or a name, that leads to what it is made of. */
export function To({ path, children }: { path: string; children: ReactNode }) {
  const base = useContext(Console);
  return base ? (
    <Anchor href={base + path} inherit>
      {children}
    </Anchor>
  ) : (
    <Anchor component={Link} href={path} inherit>
      {children}
    </Anchor>
  );
}
