import type { Api } from '../api/types';

export type Run = Api['Run'];
export type Detail = Api['RunDetail'];
export type Entry = Api['Entry'];
export type Plan = Api['BackfillAnswer'];
