import { useEffect, useState } from 'react';

/** What was typed and not saved, and the version that it was typed over. */
export interface Kept<T> {
  draft: T;
  etag: string | null;
  at: string;
}

/**
 * What was typed in a form stays in this tab until it is saved or thrown away, wherever one goes
 * meanwhile; the browser asks before the tab itself is left. Returns the act that forgets it.
 */
export function useKept<T>(key: string, draft: T, etag: string | null, unsaved: boolean): () => void {
  const place = `draft ${key}`;
  const [forgotten, setForgotten] = useState(false);
  useEffect(() => {
    if (unsaved && !forgotten) {
      sessionStorage.setItem(place, JSON.stringify({ draft, etag, at: new Date().toISOString() }));
    } else {
      sessionStorage.removeItem(place);
    }
  }, [place, draft, etag, unsaved, forgotten]);
  useEffect(() => {
    if (!unsaved || forgotten) return;
    const leaving = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', leaving);
    return () => window.removeEventListener('beforeunload', leaving);
  }, [unsaved, forgotten]);
  return () => {
    sessionStorage.removeItem(place);
    setForgotten(true);
  };
}

/** What an earlier visit of the form left behind. */
export function kept<T>(key: string): Kept<T> | null {
  try {
    return JSON.parse(sessionStorage.getItem(`draft ${key}`) ?? 'null') as Kept<T> | null;
  } catch {
    return null;
  }
}
