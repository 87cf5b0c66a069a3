// Focus is never lost: where what had it goes away, it goes to what stays.

/** Once what had it is gone. `to` may be gone with it: then to the page's main part. */
export function returnFocus(to: Element | null): void {
  queueMicrotask(() => {
    if (to instanceof HTMLElement && to.isConnected && to !== document.body) to.focus();
    else toMain();
  });
}

/** Once the page is drawn: only where nothing else has taken it. */
export function keepFocus(): void {
  requestAnimationFrame(() => {
    const { activeElement } = document;
    if (activeElement === null || activeElement === document.body) toMain();
  });
}

/** While a dialog is open the page below it cannot have focus. */
function toMain(): void {
  const place = document.querySelector<HTMLElement>("dialog[open] .dialog-title") ??
    document.querySelector<HTMLElement>("main");
  place?.focus({ preventScroll: true });
}
