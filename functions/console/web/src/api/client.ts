import { QueryClient } from '@tanstack/react-query';

/** Problem details (RFC 9457) of an answer that is no success. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly fix: string;
  readonly field: string;
  readonly errors: Fault[];
  readonly requestId: string;

  constructor(status: number, body: Partial<ProblemBody>) {
    super(body.detail ?? `The answer was ${status}.`);
    this.status = status;
    this.code = body.code ?? '';
    this.fix = body.fix ?? '';
    this.field = body.field ?? '';
    this.errors = body.errors ?? [];
    this.requestId = body.request_id ?? '';
  }
}

export interface Fault {
  field?: string | null;
  message: string;
}

interface ProblemBody {
  detail: string;
  code: string;
  fix: string | null;
  field: string | null;
  errors: Fault[] | null;
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
  const response = await fetch(path, {
    method,
    // a session that has run out is then answered with 401 instead of a page to sign in
    headers: { 'X-Requested-With': 'XMLHttpRequest', ...sent, ...options.headers },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const text = await response.text();
  const value: unknown = text ? parsed(text) : null;
  if (!response.ok) throw new Problem(response.status, (value ?? {}) as Partial<ProblemBody>);
  return { data: value as T, etag: response.headers.get('ETag') };
}

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
      // a refusal stays one; only what was not answered at all is asked again
      retry: (times, error) => times < 2 && !(error instanceof Problem && error.status < 500),
    },
  },
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { detail: 'The answer was no JSON; something between this page and the service answered.' };
  }
}
