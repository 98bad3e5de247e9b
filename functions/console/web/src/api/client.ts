import { QueryClient } from '@tanstack/react-query';

/** What to do about an answer that does not say it itself, by its status. */
const FIXES: Record<number, string> = {
  0: 'Look whether you are online and whether the console still runs, then try again.',
  401: 'Sign in again; what you typed stays here.',
  403: 'Ask whoever runs the product for the role that this takes.',
  404: 'Look for it in its list: it may have been archived, or the address has a slip.',
  409: 'Load it anew and do it once more: something else was quicker.',
  412: 'Load it anew and do it once more: somebody else has saved it meanwhile.',
  429: 'Wait a minute, then try again.',
};
const OTHER = 'Try again in a minute; if it stays, tell whoever runs the product.';

/** Problem details (RFC 9457) of an answer that is no success; status 0 where there was no answer. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly fix: string;
  readonly field: string;
  readonly errors: FieldError[];
  readonly requestId: string;

  constructor(status: number, body: Partial<ProblemBody>) {
    super(body.detail || `The answer was ${status}, without a reason.`);
    this.status = status;
    this.code = body.code ?? '';
    this.fix = body.fix || (body.errors?.length ? '' : (FIXES[status] ?? OTHER));
    this.field = body.field ?? '';
    this.errors = body.errors ?? [];
    this.requestId = body.request_id ?? '';
  }
}

export interface FieldError {
  field?: string | null;
  message: string;
}

interface ProblemBody {
  detail: string;
  code: string;
  fix: string | null;
  field: string | null;
  errors: FieldError[] | null;
  request_id: string;
}

export interface Answer<T> {
  data: T;
  etag: string | null;
}

interface Options {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The answer with its ETag; throws Problem. */
export async function ask<T>(method: string, path: string, options: Options = {}): Promise<Answer<T>> {
  const sent = options.body === undefined ? {} : { 'Content-Type': 'application/json' };
  const response = await answered(path, {
    method,
    // a session that has run out is then answered with 401 instead of a page to sign in
    headers: { 'X-Requested-With': 'XMLHttpRequest', ...sent, ...options.headers },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const value = parsed(await response.text());
  if (value === undefined) throw new Problem(response.status, FOREIGN);
  if (!response.ok) throw new Problem(response.status, (value ?? {}) as Partial<ProblemBody>);
  return { data: value as T, etag: response.headers.get('ETag') };
}

/** What the service answers; throws Problem when nothing answers. */
async function answered(path: string, asked: RequestInit): Promise<Response> {
  try {
    return await fetch(path, asked);
  } catch (error) {
    if (asked.signal?.aborted) throw error;
    throw new Problem(0, { detail: 'The console could not be reached.' });
  }
}

const FOREIGN = { detail: 'The answer was no JSON: something between this page and the service answered.' };

/** The body of a GET; `query` leaves out what is empty. */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return (await ask<T>('GET', address(path, query), signal ? { signal } : {})).data;
}

/** The body of the answer to a POST. */
export async function post<T>(path: string, body: unknown = {}, options: Options = {}): Promise<T> {
  return (await ask<T>('POST', path, { ...options, body })).data;
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export function address(path: string, query: Query): string {
  const pairs = Object.entries(query).filter(([, value]) => value != null && value !== '');
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${path}?${text}` : path;
}

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      // without a network the page says so instead of waiting for one
      networkMode: 'always',
      // a refusal stays one; what failed by itself is asked once more before a person is
      retry: (times, error) => times < 1 && !(error instanceof Problem && refused(error.status)),
      retryDelay: 500,
    },
    mutations: { networkMode: 'always' },
  },
});

const refused = (status: number): boolean => status >= 400 && status < 500;

/** The value of a JSON text, null of none; undefined of what is no JSON. */
function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return undefined;
  }
}
