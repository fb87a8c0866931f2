// Leaves a page whose sign-in has ended, or in whose browser somebody else has signed in: what is on it is not for them.

const EVERY_MS = 20_000;

export default function stillSignedIn({ data }) {
  const ask = async () => {
    if (document.visibilityState !== "visible") return;
    let account;
    try {
      const answer = await fetch(data.address, { cache: "no-store" });
      if (!answer.ok && answer.status !== 401) return; // nobody knows: the server is busy, or starts
      account = answer.ok ? await answer.text() : "";
    } catch {
      return; // the server is away
    }
    const here = location.pathname + location.search;
    if (!account) location.replace(`${data.signIn}?after=${encodeURIComponent(here)}`);
    else if (account !== data.account) location.replace(here);
  };
  const timer = setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", ask);
  for (const event of ["focus", "pageshow"]) addEventListener(event, ask);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", ask);
    for (const event of ["focus", "pageshow"]) removeEventListener(event, ask);
  };
}
