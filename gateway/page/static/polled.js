// Asking the gateway again and again while a view is open, or once; what comes late or fails shows as no answer, never as the last one.
import { useEffect, useState } from "./vendor/preact.js";

export function usePolled(url, everyMs) {
  const [answer, setAnswer] = useState(null);
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    const ask = async () => {
      let got = null;
      try {
        const response = await fetch(url, { signal: AbortSignal.any([stop.signal, AbortSignal.timeout(Math.max(everyMs * 2, 2000))]) });
        got = response.ok ? await response.json() : null;
      } catch (error) {
        if (stop.signal.aborted) return;
      }
      if (stop.signal.aborted) return;
      setAnswer(got);
      timer = setTimeout(ask, everyMs);
    };
    setAnswer(null);
    if (url) ask();
    return () => { stop.abort(); clearTimeout(timer); };
  }, [url, everyMs]);
  return answer;
}

// Undefined while it is asked, null where there is no answer.
export function useOnce(url) {
  const [answer, setAnswer] = useState(undefined);
  useEffect(() => {
    const stop = new AbortController();
    setAnswer(undefined);
    if (url) fetch(url, { signal: stop.signal }).then((reply) => (reply.ok ? reply.json() : null)).then(setAnswer, () => stop.signal.aborted || setAnswer(null));
    return () => stop.abort();
  }, [url]);
  return answer;
}

export function useAsked(verb, everyMs = 2000) {
  const reply = usePolled(`/api/v1/ask/${verb}`, everyMs);
  return reply?.data ?? null;
}
