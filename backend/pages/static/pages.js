// Keeps "Now" up to date while somebody looks. Everything works without it: a reload shows the same.
"use strict";
(() => {
  const SECONDS = 5;
  const shown = () => document.getElementById("now");
  const isInUse = () => shown().contains(document.activeElement);
  async function renew() {
    if (document.hidden || !shown() || isInUse()) return;
    const answer = await fetch(`${location.pathname}?only=now`, { credentials: "same-origin" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("now");
    if (fresh && !isInUse() && fresh.innerHTML !== shown().innerHTML) shown().replaceWith(document.adoptNode(fresh));
  }
  setInterval(() => renew().catch(() => undefined), SECONDS * 1000);
})();
