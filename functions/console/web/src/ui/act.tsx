import { Button, Tooltip, type ButtonProps } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';

import { useMe } from '../api/queries';
import type { Me } from '../api/types';

export type Need = Exclude<keyof Me['may'], 'see_personal_data'>;

const TAKES: Record<Need, string> = { edit: 'an editor', operate: 'an operator' };

/** Why the account may not do it; empty when it may, or while that is not known. */
export function useRefusal(needs: Need): string {
  const me = useMe().data;
  if (!me || me.may[needs]) return '';
  return `You are a ${me.role} here; this takes ${TAKES[needs]}. Ask whoever runs the product.`;
}

type Props = ButtonProps & {
  needs: Need;
  href?: string;
  onClick?: () => void;
  children: ReactNode;
};

/** A button for those who may; for others it is there, and says why it does nothing. */
export function Act({ needs, href, onClick, ...rest }: Props) {
  const refusal = useRefusal(needs);
  if (refusal) {
    return (
      <Tooltip label={refusal} multiline maw={280}>
        <Button {...rest} data-disabled aria-disabled onClick={(event) => event.preventDefault()} />
      </Tooltip>
    );
  }
  return href ? <Button {...rest} component={Link} href={href} /> : <Button {...rest} onClick={onClick} />;
}
